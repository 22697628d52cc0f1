"""What every test of S3 stands on: a bucket of its own, a proxy before the server, runs of weir that see nothing of this machine's AWS.

Each run is held to the laws of every run (tests/hard/harness.py), and each test, when it ends, to what must be true of all requests:
no secret in a URL, every request signed, nothing that the secret could be read from in what weir said.
"""
import base64
import functools
import itertools
import json
import os
import random
import shutil
import signal
import tempfile
import threading
import urllib.parse

import fault_proxy
import harness
from certificates import Certificates
from harness import Case, MiB, Process, verify
from s3 import S3Error

CSV_GZ_QUERY = "SELECT id, name, CAST(amount AS DECIMAL) AS amount FROM input WHERE id <> '13'"
PART = 5 * MiB
if not harness.FULL:
    harness.TIMEOUT = 60  # seconds, of a run: what waits for ever is to be seen before the whole suite is

# What the machine says of AWS and of proxies is not for the runs.
for _name in list(os.environ):
    if _name.startswith("AWS_") or _name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        del os.environ[_name]


def only(*names, why):
    """Of a server that can prove it. The others' runs say nothing of it: README.md says who proves what."""
    return lambda test: test if Bed.server is not None and Bed.server.name in names else None


def rows(count, seed=1, bad_every=0):
    """CSV of about 40 bytes a record; every so many-th lacks its fields."""
    rng = random.Random(seed)
    out = [b"id,name,amount\n"]
    for i in range(count):
        if bad_every and i % bad_every == bad_every - 1:
            out.append(b"%d,ragged\n" % i)
        else:
            out.append(b"%d,%s,%d.%02d\n" % (i, rng.randbytes(12).hex().encode(), rng.randrange(1000), rng.randrange(100)))
    return b"".join(out)


class Bed(Case):
    server = None  # of the whole run
    numbers = itertools.count(1)

    @classmethod
    @functools.lru_cache(maxsize=None)
    def certificates(cls):
        folder = tempfile.mkdtemp(prefix="weir-s3-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        return Certificates(folder)

    def setUp(self):
        super().setUp()
        self.s3 = self.server.s3
        self.bucket = f"weir-{os.getpid()}-{next(self.numbers)}"
        self.s3.make_bucket(self.bucket)
        self.proxy = self.new_proxy()
        self.runs = []
        self.process, self.struck = None, threading.Event()

    def new_proxy(self, **options):
        proxy = fault_proxy.Proxy(self.server.port, s3=self.s3, **options)
        self.addCleanup(proxy.close)
        return proxy

    def tearDown(self):
        self.assertEqual(self.proxy.failures, [], "the proxy itself failed")
        self.assert_no_secret_told()
        super().tearDown()

    # ---- runs -----------------------------------------------------------------------------------------------------------

    def env(self, **more):
        """None takes a variable away."""
        env = {"AWS_ACCESS_KEY_ID": self.s3.key, "AWS_SECRET_ACCESS_KEY": self.s3.secret, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.proxy.endpoint,
               "AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials", "AWS_EC2_METADATA_DISABLED": "true",
               "HOME": self.dir, **more}
        return {name: value for name, value in env.items() if value is not None}

    def start(self, *args, env=None, **options):
        return Process(*args, stdin=options.pop("stdin", harness.subprocess.DEVNULL), env=self.env() if env is None else env, cwd=self.dir, **options)

    def weir(self, *args, exit=0, code=None, env=None, **options):
        return self.ended(self.start(*args, env=env, **options), exit, code)

    def ended(self, process, exit=None, code=None):
        run = process.finish(check=False)
        self.runs.append(run)
        verify(run, exit, code)
        return run

    def start_struck(self, *args, **options):
        """A run that faults can strike, from its first request on."""
        self.struck.clear()
        self.process = self.start(*args, **options)
        self.struck.set()
        return self.process

    def strike(self, signal_number):
        """Sends the signal, at whatever request this is called; after SIGKILL the process is gone for sure."""
        self.struck.wait()
        self.process.signal(signal_number)
        if signal_number == signal.SIGKILL:
            self.process.process.wait()

    def query(self, url, *args, query=harness.SELECT_ALL, **options):
        return self.weir("query", query, url, "--summary", "json", *args, **options)

    def url(self, key, bucket=None):
        return f"s3://{bucket or self.bucket}/{key}"

    def put_object(self, key, data, **fields):
        self.s3.put(self.bucket, key, data, **fields)
        return self.url(key)

    def object(self, key):
        return self.s3.body(self.bucket, key)

    def keys(self):
        return self.s3.keys(self.bucket)

    def assert_only(self, *keys):
        """Nothing is in the bucket but these: no tail, no lease, no unfinished upload."""
        self.assertEqual((sorted(self.keys()), self.s3.uploads(self.bucket)), (sorted(keys), []))

    # ---- what holds of all requests and of everything that was said ------------------------------------------------------------

    def secrets(self):
        return [self.s3.secret]

    def assert_no_secret_told(self):
        for secret in self.secrets():
            forms = {secret, urllib.parse.quote(secret, safe=""), secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")}
            for run in self.runs:
                for form in forms:
                    self.assertNotIn(form.encode(), run.out + run.err, str(run))
            for request in self.proxy.log:
                for form in forms:
                    told = {name: value for name, value in request.fields.items() if name != "x-amz-security-token"}
                    self.assertNotIn(form, request.target + json.dumps(told), "a secret in a request")
        for request in self.proxy.log:
            self.assertNotRegex(request.query_text.lower(), "signature|credential|security-token", "signed by its URL")


class Job(Bed):
    """One job on objects, and the same on files."""

    def pipeline_text(self, where, source, output, checkpoint=True, query=CSV_GZ_QUERY, rejects="rejects.ndjson", more="", part=PART, every="0s", unit="1MiB"):
        """`where`: s3 or a folder's name."""
        def name(n):
            return self.url(n) if where == "s3" else os.path.join(self.dir, where, n)
        lines = [f"query: {json.dumps(query)}", "input:", f"  from: {json.dumps(name(source))}", "output:", f"  to: {json.dumps(name(output))}", f"  unit: {unit}"]
        if where == "s3":
            lines.append(f"  part: {part}")
        if rejects:
            lines += ["rejects:", f"  to: {name(rejects)}"]
        lines += ["checkpoint:", f"  every: {every}"] if checkpoint is True else ["checkpoint:", f"  to: {checkpoint}", f"  every: {every}"]
        return "\n".join(lines) + "\n" + more

    def set_up_job(self, data, source="in.csv.gz", output="out.ndjson.gz", **options):
        """Puts the input, makes p.yaml for objects, and gives what the job makes of files."""
        self.put_object(source, data)
        self.put("files/" + source, data)
        self.output, self.rejects_name = output, options.get("rejects", "rejects.ndjson")
        self.pipeline(self.pipeline_text("files", source, output, **{**options, "checkpoint": "none"}), "files.yaml")
        self.whole = harness.weir("run", "files.yaml", "--set", "output.if_exists=replace", "--summary", "json", cwd=self.dir)
        # A reject names its input, as that was named.
        here, there = (json.dumps(name)[1:-1].encode() for name in (self.path("files", source), self.url(source)))
        self.expected = {n: self.get("files/" + n).replace(here, there) if n == self.rejects_name else self.get("files/" + n)
                         for n in (output, self.rejects_name) if n}
        self.pipeline(self.pipeline_text("s3", source, output, **options))
        self.args = ["run", "p.yaml", "--summary", "json"]
        self.source = source

    def fresh_bucket(self):
        """Everything but the input is gone."""
        for key, upload in self.s3.uploads(self.bucket):
            self.s3.abort(self.bucket, key, upload)
        for key in self.keys():
            if key != self.source:
                self.s3.delete(self.bucket, key)
        self.proxy.clear()

    def forget_lease(self):
        """A run that was killed can't give its lease back: the time until it runs out is passed over here. It stays, run out."""
        for key in self.keys():
            if key.endswith(".lease"):
                try:
                    word = self.object(key).split()
                except S3Error:  # given back this moment: nobody waits for the answer behind a deadline
                    continue
                self.assertEqual((word[:2], len(word)), ([b"weir", b"lease"], 4))
                self.put_object(key, b"weir lease %s 1000000000000000000\n" % word[2])

    def assert_done(self, run):
        """The bytes of the same job on files, its counts, and nothing else in the bucket."""
        for name, data in self.expected.items():
            got = self.object(name)
            if got != data:
                at = next((i for i, (a, b) in enumerate(zip(got, data)) if a != b), min(len(got), len(data)))
                self.fail(f"{name} differs at byte {at} of {len(data)} ({len(got)}); {run}; {self.proxy.log}")
        self.assertEqual(run.summary["allocations_after_seal"], 0, str(run))
        if run.summary["status"] != "already_done":
            self.assertEqual(run.records, self.whole.records, str(run))
        self.assert_only(self.source, *self.expected, self.output + ".weir")
