"""http:// and https:// inputs against a server over real sockets and real TLS, with a root of our own."""
import base64
import contextlib
import email.utils
import functools
import gzip
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading

from certificates import Certificates
from harness import Case, Process, verify

ROWS = b"id,customer,amount\n" + b"".join(b"%d,customer %d,%s\n" % (i, i % 97, b"bad" if i % 500 == 7 else b"%d" % (i * 7919 % 1000)) for i in range(60_000))
CSV_GZ = gzip.compress(ROWS, 1)
QUERY = "SELECT id, customer, amount * 2 AS twice FROM input WHERE amount > 500"
SECRETS = ("SIGNATURE-1", "SIGNATURE-2", "PASS-WORD", base64.b64encode(b"me:PASS-WORD").decode())
SIGNED = "?X-Amz-Credential=AKIAX%2F20261127&X-Amz-Signature=SIGNATURE-1"


class Reply:
    """What the server says, for a test to change before it is sent."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, dict(fields), body
        self.cut = None  # reset behind so many bytes of the body
        self.chunked = False
        self.close = None  # no length: "notify" ends the TLS stream, "cut" ends the connection alone
        self.sent = lambda: None  # called when half of the body is sent


class Web:
    """Serves `files` (path to (body, etag)), with ranges and conditions as RFC 9110 has them. `on_reply(number, request, reply)` may change any."""

    def __init__(self, tls=None):
        self.files, self.log, self.on_reply = {}, [], lambda number, request, reply: None
        self.ranges, self.encoding, self.failures = True, {}, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    web.serve(self)
                except OSError:
                    self.close_connection = True  # the client is gone
                except Exception as failure:  # noqa: BLE001  shown by the test
                    web.failures.append(repr(failure))
                    raise

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def reply(self, request):
        path = request.path.partition("?")[0]
        if path not in self.files:
            return Reply(404, {}, b"<html>none</html>")
        body, etag = self.files[path]
        fields = {"ETag": etag, "Accept-Ranges": "bytes", "Last-Modified": "Thu, 26 Nov 2020 08:00:00 GMT"}
        if path in self.encoding:
            fields["Content-Encoding"] = self.encoding[path]
        if request.headers.get("If-Match", etag) != etag:
            return Reply(412, fields, b"")
        asked = request.headers.get("Range", "")
        if not self.ranges or not asked or request.headers.get("If-Range", etag) != etag:
            return Reply(200, fields, body)
        first = int(asked.removeprefix("bytes=").removesuffix("-"))
        if first >= len(body):
            return Reply(416, {**fields, "Content-Range": f"bytes */{len(body)}"}, b"")
        return Reply(206, {**fields, "Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}, body[first:])

    def serve(self, request):
        reply = self.reply(request)
        self.log.append((request.path, dict(request.headers)))
        self.on_reply(len(self.log), request, reply)
        request.send_response(reply.status)
        if reply.chunked:
            reply.fields["Transfer-Encoding"] = "chunked"
        elif reply.close is None:
            reply.fields["Content-Length"] = str(len(reply.body))
        for name, value in reply.fields.items():
            request.send_header(name, value)
        request.end_headers()
        body = reply.body if reply.cut is None else reply.body[:reply.cut]
        half = len(body) // 2
        for piece in (body[:half], body[half:]):
            if reply.chunked and piece:
                piece = b"".join(b"%x\r\n%s\r\n" % (len(piece[i:i + 5000]), piece[i:i + 5000]) for i in range(0, len(piece), 5000))
            request.wfile.write(piece)
            reply.sent()
            reply.sent = lambda: None
        if reply.chunked and reply.cut is None:
            request.wfile.write(b"0\r\n\r\n")
        if reply.close == "notify":
            with contextlib.suppress(OSError, ssl.SSLError):
                request.connection.unwrap()
        if reply.close or reply.cut is not None:
            request.close_connection = True


class Http(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="weir-http-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.certificates = Certificates(folder)

    def setUp(self):
        super().setUp()
        self.web = self.new_web(self.certificates.context())
        self.web.files["/in.csv.gz"] = (CSV_GZ, '"v1"')
        self.runs = []

    def new_web(self, tls=None):
        web = Web(tls)
        self.addCleanup(web.close)
        return web

    def tearDown(self):
        self.assertEqual(self.web.failures, [])
        # X1, X2: nothing that a run says or leaves has a secret.
        told = [run.err + run.out for run in self.runs]
        for at, _, names in os.walk(self.dir):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    told.append(file.read())
        for secret in SECRETS:
            self.assertFalse(any(secret.encode() in text for text in told), secret)
        super().tearDown()

    def env(self, **more):
        return {"AWS_CA_BUNDLE": self.certificates.root, **more}

    def start(self, *args, **more):
        return Process(*args, stdin=subprocess.DEVNULL, env=self.env(**more), cwd=self.dir)

    def ended(self, process, exit=None, code=None):
        run = process.finish(check=False)
        self.runs.append(run)
        verify(run, exit, code)
        return run

    def weir(self, *args, exit=0, code=None, **more):
        return self.ended(self.start(*args, **more), exit, code)

    def ask(self, url, *args, query="SELECT COUNT(*) AS n FROM input", **more):
        return self.weir("query", query, url, "--summary", "json", *args, **more)

    def job(self, url, *args, **more):
        return ("run", "-s", f"input.from={url}", *args)

    def the_pipeline(self, url, source="in.csv.gz"):
        """A pipeline file without the address, which is given by the environment as secrets should be."""
        self.pipeline(f"""
name: web
input: {{from: "{url}", format: csv}}
query: {QUERY}
output: {{to: out.ndjson.gz, unit: 64KiB}}
rejects: {{to: rejects.ndjson}}
checkpoint: {{every: 0s}}
""")

    def expected(self):
        self.put("local/in.csv.gz", CSV_GZ)
        self.the_pipeline("local/in.csv.gz")
        self.weir("run", "p.yaml")
        outputs = self.outputs()
        for name in ("out.ndjson.gz", "rejects.ndjson", "out.ndjson.gz.weir"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        self.the_pipeline("${URL}")
        return outputs

    def outputs(self):
        # A reject names its input.
        rejects = [{k: v for k, v in json.loads(line).items() if k not in ("source", "input")} for line in self.get("rejects.ndjson").splitlines()]
        return self.get("out.ndjson.gz"), rejects

    def test_over_tls_the_bytes_of_the_same_job_on_a_file(self):
        expected = self.expected()
        url = self.web.url.replace("://", "://me:PASS-WORD@") + "/in.csv.gz" + SIGNED
        run = self.weir("run", "p.yaml", URL=url)
        self.assertEqual(self.outputs(), expected)
        self.assertEqual(run.summary["status"], "done_with_rejects")
        path, fields = self.web.log[0]
        self.assertEqual(path, "/in.csv.gz" + SIGNED)
        self.assertLessEqual(len(self.web.log), 2)  # one to look at it
        self.assertEqual(fields["Authorization"], "Basic " + SECRETS[3])
        self.weir("status", "out.ndjson.gz.weir")
        self.weir("plan", "p.yaml", "--explain", URL=url)
        again = self.weir("run", "p.yaml", URL=url.replace("SIGNATURE-1", "SIGNATURE-2"))
        self.assertEqual(again.summary["status"], "already_done")

    def test_cut_connections_go_on_at_the_next_byte(self):
        expected = self.expected()
        cuts = [0, 1, 5000, 70_000, 3, 200_000, 16_384]

        def cut(number, request, reply):
            if number > 1:
                self.assertEqual(request.headers["If-Match"], '"v1"')
            if number <= len(cuts) + 1 and number > 1:
                reply.cut = cuts[number - 2]
            elif number == 1:
                reply.cut = 10_000

        self.web.on_reply = cut
        run = self.weir("run", "p.yaml", URL=self.web.url + "/in.csv.gz")
        self.assertEqual(self.outputs(), expected)
        self.assertGreater(len(self.web.log), 4)
        self.assertEqual(run.records["read"], 60_000)

    def test_killed_and_stopped_at_any_request(self):
        expected = self.expected()
        process = None
        number = 0
        for end in (signal.SIGKILL, signal.SIGTERM):
            for chunk in (60_000, 250_000):
                for name in ("out.ndjson.gz", "rejects.ndjson", "out.ndjson.gz.weir"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(self.path(name))
                ready, ended = threading.Event(), []

                def strike(_, request, reply):
                    # A piece for each life, and the end of it in the middle of the next one.
                    ready.wait()
                    reply.cut = chunk
                    reply.sent = lambda: process.process.send_signal(end)

                self.web.on_reply = strike
                for _ in range(3):
                    ready.clear()
                    number += 1
                    process = self.start("run", "p.yaml", URL=f"{self.web.url}/in.csv.gz?X-Amz-Signature=SIGNATURE-{1 + number % 2}")
                    ready.set()
                    ended.append(self.ended(process).exit)
                self.web.on_reply = lambda *_: None
                self.weir("run", "p.yaml", URL=self.web.url + "/in.csv.gz")
                self.assertEqual(self.outputs(), expected)
                self.assertLessEqual(set(ended), {-9, 0} if end == signal.SIGKILL else {10, 11, 0})

    def test_a_replaced_input_ends_it(self):
        self.expected()

        def replace(number, request, reply):
            if number == 1:
                reply.cut = 200_000
                self.web.files["/in.csv.gz"] = (CSV_GZ, '"v2"')

        self.web.on_reply = replace
        self.weir("run", "p.yaml", exit=31, code="W3101", URL=self.web.url + "/in.csv.gz")
        self.assertFalse(os.path.exists(self.path("out.ndjson.gz")))

    def test_certificates_and_where_roots_come_from(self):
        url = self.web.url + "/in.csv.gz"
        self.ask(url, AWS_CA_BUNDLE="", SSL_CERT_FILE=self.certificates.root)
        self.ask(url, "-s", f"aws.ca_bundle={self.certificates.root}", AWS_CA_BUNDLE="")
        self.ask(url.replace("127.0.0.1", "localhost"))
        self.ask(url, exit=60, code="W6005", AWS_CA_BUNDLE="")
        for kind in ("host", "expired"):
            web = self.new_web(self.certificates.context(kind))
            self.ask(web.url + "/x", exit=60, code="W6005")
            self.assertEqual(web.log, [])

    def test_redirects_never_leave_tls(self):
        plain = self.new_web()
        plain.files["/in.csv"] = (ROWS, '"p"')

        def to(url):
            def redirect(_, request, reply):
                if request.path.startswith("/go"):
                    reply.status, reply.fields, reply.body = 307, {"Location": url}, b"elsewhere"
            return redirect

        plain.on_reply = to(self.web.url + "/in.csv.gz" + SIGNED)
        run = self.ask(plain.url.replace("://", "://me:PASS-WORD@") + "/go.csv")
        self.assertEqual(run.out, b"n\n60000\n")
        self.assertNotIn("Authorization", self.web.log[0][1])
        self.web.on_reply = to(plain.url + "/in.csv")
        run = self.ask(self.web.url + "/go.csv" + SIGNED, exit=60, code="W6006")
        self.assertIn("from https to http", run.error["detail"])
        self.assertEqual(len(plain.log), 1)
        self.web.on_reply = to("http://169.254.169.254/latest/meta-data/")
        self.ask(self.web.url + "/go.csv", exit=60, code="W6006")
        plain.on_reply = to("http://169.254.169.254/latest/meta-data/")
        self.ask(plain.url + "/go.csv", exit=60, code="W6006")

    def test_an_encoding_is_undone_once(self):
        records = b"".join(b'{"id":%d}\n' % i for i in range(1000))
        self.web.files["/a.ndjson.gz"] = (gzip.compress(records), '"a"')
        self.web.encoding["/a.ndjson.gz"] = "gzip"
        self.assertEqual(self.ask(self.web.url + "/a.ndjson.gz", query="SELECT * FROM input").out, records)
        self.web.files["/b.ndjson.gz"] = (gzip.compress(gzip.compress(records)), '"b"')
        self.web.encoding["/b.ndjson.gz"] = "gzip"
        self.ask(self.web.url + "/b.ndjson.gz", exit=20, code="W2018")

    def test_bodies_without_a_length(self):
        def shape(**how):
            def change(_, request, reply):
                for name, value in how.items():
                    setattr(reply, name, value)
            return change

        self.web.ranges = False
        for how in ({"chunked": True}, {"close": "notify"}):
            self.web.on_reply = shape(**how)
            self.assertEqual(self.ask(self.web.url + "/in.csv.gz").out, b"n\n60000\n", how)
        self.web.files["/in.csv"] = (ROWS, 'W/"weak"')
        self.web.on_reply = lambda _, request, reply: (reply.fields.pop("Last-Modified"), shape(close="cut")(_, request, reply))
        run = self.ask(self.web.url + "/in.csv", exit=40, code="W4023")
        self.assertIn("can't be gone on with", run.error["detail"])
        plain = self.new_web()
        plain.files["/in.csv"] = (ROWS, '"p"')
        plain.ranges = False
        plain.on_reply = shape(close="cut")
        self.ask(plain.url + "/in.csv", exit=40, code="W4029")

    def test_pythons_own_server_is_read_but_not_gone_on_with(self):
        self.put("www/in.csv.gz", CSV_GZ)
        handler = functools.partial(type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=self.path("www"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.handle_error = lambda *_: None  # who looked at the first bytes is gone
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/in.csv.gz"
        old = email.utils.mktime_tz(email.utils.parsedate_tz("Thu, 26 Nov 2020 08:00:00 GMT"))
        os.utime(self.path("www/in.csv.gz"), (old, old))
        self.assertEqual(self.ask(url).out, b"n\n60000\n")
        self.pipeline(f"input: {{from: '{url}'}}\nquery: {QUERY}\noutput: {{to: out.csv}}\nrejects: {{to: rejects}}\n")
        self.weir("run", "p.yaml")
        self.assertFalse(os.path.exists(self.path("out.csv.weir")))
        os.unlink(self.path("out.csv"))
        run = self.weir("run", "p.yaml", "--checkpoint", "state.weir", exit=20, code="W2005")
        self.assertIn("its server sends no parts (Range)", run.error["detail"])

    def test_in_the_memory_that_the_plan_says(self):
        self.expected()
        url = self.web.url + "/in.csv.gz"
        plan = json.loads(self.weir("plan", "p.yaml", "--json", URL=url).out)
        needed = plan["needed_bytes"]
        self.weir("run", "p.yaml", "-m", needed - 1, exit=21, URL=url)
        run = self.weir("run", "p.yaml", "-m", needed, URL=url)
        self.assertLessEqual(run.summary["peak_bytes"], needed)
        lines = {line["name"]: line["bytes"] for line in plan["lines"]}
        self.assertEqual(lines["requests"], 64 << 10)
        local = json.loads(self.weir("plan", "p.yaml", "--json", URL="local/in.csv.gz").out)
        net = {"requests", "TLS and names", "sockets", "OpenSSL's image"}
        self.assertEqual(net - set(lines), set())
        self.assertEqual(net & {line["name"] for line in local["lines"]}, set())
        print(f"[needed {needed}, local {local['needed_bytes']}, peak {run.summary['peak_bytes']}] ", end="", flush=True)

    def test_what_policy_says(self):
        self.the_pipeline("${URL}")
        process = self.start("policy", "p.yaml", URL=self.web.url + "/in.csv.gz" + SIGNED)
        process.process.wait()
        process._err.seek(0)
        self.assertIn(b"need no permission in AWS", process._err.read())
        self.weir("check", "p.yaml", URL=self.web.url + "/in.csv.gz" + SIGNED)
