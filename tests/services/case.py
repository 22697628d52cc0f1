"""What every test of a sink stands on: a server for its service, a proxy before it or an endpoint of the test's own, runs of weir that see
nothing of this machine's AWS.

    class Queues(ServiceCase, service="sqs"):           # is run against every server that has SQS, each by itself
        def test_all(self):
            url = self.aws.create_queue(self.name)
            self.put("in.csv", keyed_rows(1000))
            self.run_pipeline(f"input:\\n  from: in.csv\\noutput:\\n  to: sqs://{self.name}\\n")
            self.assert_exactly_once([m.body for m in self.aws.receive_all(url)], 1000)

    class Faults(ServiceCase, service="endpoint"):      # without a real server: `self.endpoint()` makes one

What several share is a class of its own that is no ServiceCase: `class Sqs(Conformance, ServiceCase, service="sqs")`.

Each run is held to the laws of every run (tests/hard/harness.py), and each test, when it ends, to what tests/s3/bed.py holds of requests: no
secret in them and in what weir said.
"""
import collections
import hashlib
import json
import os
import random
import re
import threading
import types

import servers  # noqa: F401  so that the modules of tests/s3 are found
import endpoint as endpoints
import harness
from aws import Aws
from bed import Bed, only  # noqa: F401  for those who import from here
from s3 import encode, signature


FULL = os.environ.get("WEIR_SERVICES_FULL") == "1"  # make test-services: all tests at their full size; else a sample of a minute


def keyed_rows(count, keys=10, seed=1, text_bytes=16, bad_every=0):
    """CSV `id,key,text`: ids from 0 on, each of one of so many keys, by chance; every so many-th lacks its fields."""
    rng = random.Random(seed)
    lines = [b"id,key,text"]
    for i in range(count):
        if bad_every and i % bad_every == bad_every - 1:
            lines.append(b"%d" % i)
        else:
            lines.append(b"%d,k%d,%s" % (i, rng.randrange(keys), rng.randbytes((text_bytes + 1) // 2).hex()[:text_bytes].encode()))
    return b"\n".join(lines) + b"\n"


def record_of(data):
    """A record from what was sent: JSON text or bytes, an Entry, an item of DynamoDB, or itself."""
    data = getattr(data, "data", data)
    return json.loads(data) if isinstance(data, (bytes, str)) else data


NOWHERE = types.SimpleNamespace(endpoint=None, log=(), failures=[])


class ServiceCase(Bed):
    """`aws`: a client of the server, past the proxy. `name`: for what this test makes. `proxy`: what the runs are sent to, the proxy before
    the server or the endpoint that was made last, with its `log` and `fault()`. `service`: of the class, what it needs."""

    service = None

    def __init_subclass__(cls, service=None, **options):
        super().__init_subclass__(**options)
        cls.service = service or cls.service
        if Bed.server is None or cls.service not in Bed.server.services:
            for name in dir(cls):
                if name.startswith("test"):
                    setattr(cls, name, None)

    def setUp(self):
        harness.Case.setUp(self)
        self.name = f"weir-{os.getpid()}-{next(self.numbers)}"
        self.aws = Aws(self.server.endpoint, account=getattr(self.server, "account", "123456789012"))
        self.s3 = self.aws.s3
        self.bucket = self.name  # made by who needs it
        self.runs, self.endpoints = [], []
        self.process, self.struck = None, threading.Event()
        self.more_env = {}
        if self.server.endpoint is None:
            self.proxy = NOWHERE
        else:
            self.proxy = self.new_proxy()
            self.proxy.keep = 1 << 30

    def endpoint(self, tls=False, certificate="good", **options):
        """An Endpoint of this test's own, which its runs are sent to from now on. `tls`: with this certificate, whose root they trust."""
        if tls:
            options["tls"] = self.certificates().context(certificate)
            self.more_env["AWS_CA_BUNDLE"] = self.certificates().root
        made = endpoints.Endpoint(**options)
        self.addCleanup(made.close)
        self.endpoints.append(made)
        self.proxy = made
        return made

    def tearDown(self):
        for self.proxy in self.endpoints or [self.proxy]:
            super().tearDown()

    # ---- runs -----------------------------------------------------------------------------------------------------------------

    def env(self, **more):
        """Keys that are known to nobody, and the endpoint that the test's last one is at."""
        return super().env(**{**self.more_env, **more})

    def run_pipeline(self, text, *args, name="p.yaml", **options):
        """Runs a pipeline file of this text to its end; `exit`, `code`, `env` as everywhere. Relative paths are in the test's folder."""
        self.pipeline(text, name)
        return self.weir("run", name, "--summary", "json", *args, **options)

    def start_pipeline(self, text, *args, name="p.yaml", **options):
        self.pipeline(text, name)
        return self.start("run", name, "--summary", "json", *args, **options)

    # ---- what arrived ---------------------------------------------------------------------------------------------------------

    def counts(self, got, of="id"):
        """How often each record is among what was sent, by its field `of`."""
        return collections.Counter(int(record_of(each)[of]) for each in got)

    def assert_exactly_once(self, got, expected, of="id"):
        """`expected`: a number of rows, from 0 on, or the ids."""
        expected = set(range(expected) if isinstance(expected, int) else expected)
        counts = self.counts(got, of)
        self.assertEqual((sorted(expected - set(counts))[:10], sorted(set(counts) - expected)[:10], {i: n for i, n in counts.items() if n > 1}),
                         ([], [], {}), "lost, unknown, repeated")

    def assert_at_least_once(self, got, expected, repeats=None, of="id"):
        """`repeats`: how many were sent again, in all; None: as many as there are. Gives their number."""
        expected = set(range(expected) if isinstance(expected, int) else expected)
        counts = self.counts(got, of)
        self.assertEqual((sorted(expected - set(counts))[:10], sorted(set(counts) - expected)[:10]), ([], []), "lost, unknown")
        again = sum(counts.values()) - len(counts)
        if repeats is not None:
            self.assertEqual(again, repeats, f"repeated: {[i for i, n in counts.items() if n > 1][:10]}")
        return again

    def assert_order_per_key(self, got, key="key", of="id", repeats=False):
        """Ids rise within each key. `key`: a field, or a function of what arrived. `repeats`: an id that came before may come again, and only it;
        what comes for the first time is still in order."""
        last, seen = {}, set()
        for each in got:
            record = record_of(each)
            group, number = key(each) if callable(key) else record[key], int(record[of])
            if repeats and (group, number) in seen:
                continue
            self.assertGreater(number, last.get(group, -1), f"of the key {group!r}")
            last[group] = number
            seen.add((group, number))

    def assert_signed(self, service):
        """Every request so far but those to S3 has the signature that the keys give for this service, of its body, too."""
        requests = [r for r in self.proxy.log if "/s3/" not in r.fields.get("authorization", "")]
        self.assertTrue(requests)
        for request in requests:
            told = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)",
                                request.fields.get("authorization", ""))
            self.assertTrue(told, f"not signed: {request}")
            date = request.fields["x-amz-date"][:8]
            self.assertEqual((told[1], told[2]), (self.s3.key, f"{date}/us-east-1/{service}/aws4_request"), str(request))
            sha256 = hashlib.sha256(request.body).hexdigest()
            self.assertEqual(request.fields.get("x-amz-content-sha256", sha256), sha256, str(request))
            # Of services but S3 the path is encoded again.
            expected = signature(request.method, encode(request.path, "/"), list(request.query.items()),
                                 {n: " ".join(request.fields[n].split()) for n in told[3].split(";")}, sha256, told[2], self.s3.secret)
            self.assertEqual(told[4], expected, str(request))
            must = {"host", *(n for n in request.fields if n.startswith("x-amz-"))}
            self.assertEqual(must - set(told[3].split(";")), set(), f"not signed, of {request}")
