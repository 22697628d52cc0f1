"""HTTP and HTTPS endpoints."""
import base64
import contextlib
import json
import os

from case import ServiceCase, keyed_rows
from conformance import Conformance
from endpoint import Limits, say
from fault_proxy import lose_reply


class Lines(Conformance, ServiceCase, service="endpoint"):
    to, op, each = "{endpoint}/in", "POST", False
    refused = "BadBatch"
    limits_known = Limits(1000, None, None)

    def identity(self, entry):
        return entry.request.fields["idempotency-key"], entry.index

    def nowhere(self):
        return say(404)

    def refuse_content(self):
        return say(400, "refused by the test")


class Array(Lines, service="endpoint"):
    sample = {"test_calm_each_row_once", "test_a_request_that_is_refused_is_cut_in_halves"}
    def text(self, **output):
        return super().text(**{"format": "json", **output})


class Empty(ServiceCase, service="endpoint"):
    def test_lines_without_text_are_sent(self):
        endpoint = self.endpoint()
        self.put("in.log", b"a\n\nb\n\n\n")
        self.run_pipeline(f"input:\n  from: in.log\n  format: lines\noutput:\n  to: {endpoint.endpoint}/in\n")
        self.assertEqual([request.body for request in endpoint.log], [b"a\n\nb\n\n\n"])


class Secrets(ServiceCase, service="endpoint"):
    """Of an endpoint's address and headers: sent, and told to nobody."""

    words = ("header-5ecret-1", "pass%5ecret-2", "query-5ecret-3", "testsecret")

    def secrets(self):
        return self.words

    def run_all(self, exit=0, code=None, more="", say_words=False):
        endpoint = self.proxy
        self.put("in.csv", keyed_rows(40, bad_every=13))
        to = endpoint.endpoint.replace("//", "//me:pass%255ecret-2@") + "/in?token=query-5ecret-3"
        text = (f'input:\n  from: in.csv\noutput:\n  to: "{to}"\nhttp:\n  headers: ["X-Token: ${{TOKEN}}", "X-Plain: yes"]\nbatch:\n  records: 10\n'
                f"rejects:\n  to: rejects.ndjson\ncheckpoint:\n  to: state.weir\n  every: 0s\n{more}")
        env = self.env(TOKEN=self.words[0])
        self.pipeline(text)
        for args in (("plan", "p.yaml"), ("plan", "p.yaml", "--explain"), ("plan", "p.yaml", "--json"), ("policy", "p.yaml")):
            self.weir(*args, env=env, exit=None)
        run = self.weir("run", "p.yaml", "--summary", "json", exit=exit, code=code, env=env)
        self.weir("status", "state.weir", exit=None)
        for name in ("state.weir", "rejects.ndjson"):
            if os.path.exists(self.path(name)):
                for word in self.words:
                    self.assertNotIn(word.encode(), self.get(name), name)
        return run

    def assert_no_secret_told(self):
        """What is sent has them: what is said has not."""
        for run in self.runs:
            for word in (*self.words, "pass5", "bWU6"):
                self.assertNotIn(word.encode(), run.out + run.err, str(run))

    def test_a_good_run(self):
        endpoint = self.endpoint()
        self.run_all()
        self.assertTrue(all(r.fields["x-token"] == self.words[0] and r.query == {"token": self.words[2]} for r in endpoint.log))
        self.assertEqual({r.fields["authorization"] for r in endpoint.log}, {"Basic " + base64.b64encode(b"me:pass%5ecret-2").decode()})

    def test_failures_that_repeat_them(self):
        """A server that says back what it was sent."""
        echo = " ".join(self.words)
        for status, exit, code in ((400, 0, None), (401, 60, "W6001"), (404, 20, "W2034"), (418, 40, "W4029")):
            with self.subTest(status):
                self.endpoint().fault(say(status, echo), times=None)
                self.run_all(exit=exit, code=code)
                for name in ("state.weir", "rejects.ndjson"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(self.path(name))

    def test_a_redirect_that_repeats_them(self):
        self.endpoint().fault(say(302, location="http://elsewhere.test/?token=query-5ecret-3"), times=None)
        run = self.run_all(exit=40, code="W4029")
        self.assertIn("elsewhere.test", run.error["detail"])

    def test_headers_that_are_none(self):
        self.endpoint()
        self.put("in.csv", keyed_rows(3))
        for header in ("no colon header-5ecret-1", "Host: header-5ecret-1", "Idempotency-Key: header-5ecret-1", "X-A: header-5ecret-1\\u0001"):
            with self.subTest(header):
                run = self.run_pipeline(f'input:\n  from: in.csv\noutput:\n  to: {self.proxy.endpoint}\nhttp:\n  headers: ["{header}"]\n', exit=20)
                self.assertIn("http.headers", run.error["detail"])


class Requests(ServiceCase, service="endpoint"):
    def sent(self, rows=25, **keys):
        endpoint = self.endpoint(idempotent=True)
        if not os.path.exists(self.path("in.csv")):  # its time is a part of what records are known by
            self.put("in.csv", keyed_rows(rows))
        lines = "".join(f"  {name}: {value}\n" for name, value in keys.items())
        self.run_pipeline(f"input:\n  from: in.csv\noutput:\n  to: {endpoint.endpoint}/a/b\n{lines}batch:\n  records: 10\n")
        self.assert_exactly_once(endpoint.accepted, rows)
        return endpoint.log

    def test_lines(self):
        log = self.sent()
        self.assertEqual({(r.method, r.path, r.fields["content-type"], r.body[-1:]) for r in log}, {("POST", "/a/b", "application/x-ndjson", b"\n")})
        keys = {r.fields["idempotency-key"] for r in log}
        self.assertEqual(len(keys), 3)
        self.assertEqual({r.fields["idempotency-key"] for r in self.sent()}, keys, "the same in another run")

    def test_an_array(self):
        log = self.sent(format="json")
        self.assertEqual({r.fields["content-type"] for r in log}, {"application/json"})
        self.assertEqual(sum(len(json.loads(r.body)) for r in log), 25)

    def test_once_where_the_receiver_knows_keys(self):
        endpoint = self.endpoint(idempotent=True)
        endpoint.fault(lose_reply(reset=True), skip=1, times=3)
        self.put("in.csv", keyed_rows(200))
        self.run_pipeline(f"input:\n  from: in.csv\noutput:\n  to: {endpoint.endpoint}/in\nbatch:\n  records: 10\n")
        self.assert_exactly_once(endpoint.accepted, 200)
        self.assertEqual(len(endpoint.log), 23)

    def test_other_answers(self):
        for status, exit, code in ((201, 0, None), (204, 0, None), (202, 0, None), (501, 40, "W4029"), (303, 40, "W4029"), (403, 60, "W6001"), (410, 20, "W2034")):
            with self.subTest(status):
                endpoint = self.endpoint()
                endpoint.fault(say(status), times=None)
                self.put("in.csv", keyed_rows(5))
                self.run_pipeline(f"input:\n  from: in.csv\noutput:\n  to: {endpoint.endpoint}/in\n", exit=exit, code=code)
