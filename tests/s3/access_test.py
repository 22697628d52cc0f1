"""Who may: keys, tokens, profiles, certificates; and a secret is told to nobody."""
import os
import re

import harness
from bed import Bed, Job, only, rows
from fault_proxy import answer, cut, refuse
from write_test import large

TEXT = rows(200)
CANARY = "canary/Sec+ret=0123456789abcdefghijklm"
TOKEN = "canary-token/IQoJb3JpZ2luX2VjE+abcdefghijklmnopqrstuvwxyz=="
UNKNOWN_KEY = "AKIAIOSFODNN7UNKNOWN"


class Access(Bed):
    def setUp(self):
        super().setUp()
        self.put_object("in.csv", TEXT)

    def read(self, *more, exit=0, code=None, **env):
        return self.query(self.url("in.csv"), *more, exit=exit, code=code, env=self.env(**env))

    def secrets(self):
        return [self.s3.secret, CANARY]


class Keys(Access):
    @only("radosgw", why="moto does not look at signatures")
    def test_a_wrong_secret(self):
        run = self.read(exit=60, code="W6003", AWS_SECRET_ACCESS_KEY=CANARY)
        self.assertIn("SignatureDoesNotMatch", run.error["detail"])
        self.assertEqual(len(self.proxy.log), 1, "refused for good: it is not tried again")

    @only("radosgw", why="moto does not look at signatures")
    def test_an_unknown_key(self):
        self.read(exit=60, code="W6003", AWS_ACCESS_KEY_ID=UNKNOWN_KEY)

    @only("radosgw", why="moto has one user")
    def test_anothers_bucket(self):
        key, secret = next(iter(self.server.keys.items()))
        self.read(exit=60, code="W6001", AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
        self.read("-o", self.url("out.csv"), exit=60, code="W6001", AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)

    @only("radosgw", why="moto does not look at signatures")
    def test_another_region_is_signed_for(self):
        """radosgw takes any region, so long as the signature is of it."""
        for region in ("eu-central-1", "us-gov-west-1"):
            self.assertEqual(self.read(AWS_REGION=region).out, TEXT)
            self.assertIn(f"/{region}/s3/aws4_request", self.proxy.log[-1].fields["authorization"])

    def test_no_credentials(self):
        self.read(exit=60, code="W6002", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        self.assertEqual(self.proxy.log, [])

    def test_half_of_the_credentials(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.read(exit=60, **{name: None})
        self.assertEqual(self.proxy.log, [])

    def test_a_public_object_unsigned(self):
        self.put_object("public.csv", TEXT, x_amz_acl="public-read")
        run = self.query(self.url("public.csv"), "--no-sign-request", env=self.env(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None))
        self.assertEqual(run.out, TEXT)
        self.assertTrue(all("authorization" not in r.fields for r in self.proxy.log))

    @only("radosgw", why="moto lets everybody in")
    def test_a_private_object_unsigned(self):
        self.query(self.url("in.csv"), "--no-sign-request", exit=60, code="W6001")

    def test_an_expired_token(self):
        self.proxy.fault(answer(400, "ExpiredToken"), times=None)
        self.read(exit=60, code="W6004", AWS_SESSION_TOKEN=TOKEN)
        self.assertLessEqual(len(self.proxy.log), 2)

    def test_a_token_is_sent_and_signed(self):
        self.proxy.fault(answer(403, "AccessDenied"), times=None)
        self.read(exit=60, AWS_SESSION_TOKEN=TOKEN)
        request = self.proxy.log[0]
        self.assertEqual(request.fields["x-amz-security-token"], TOKEN)
        self.assertIn("x-amz-security-token", request.fields["authorization"])

    def test_a_clock_that_is_wrong(self):
        """X9: the server's Date is taken for the time, and the request signed again."""
        self.proxy.fault(lambda e: e.answer(403, "RequestTimeTooSkewed", {"date": "Fri, 27 Nov 2037 12:00:00 GMT"}), times=1)
        self.proxy.fault(answer(403, "AccessDenied"), times=None)
        self.read(exit=60)
        self.assertRegex(self.proxy.log[1].fields["x-amz-date"], "^20371127T1[12]")

    def test_requester_pays(self):
        self.read("--set", "aws.requester_pays=true")
        self.assertEqual({r.fields.get("x-amz-request-payer") for r in self.proxy.log}, {"requester"})


class Settings(Access):
    def test_the_options(self):
        other = self.new_proxy()
        self.read("--endpoint-url", other.endpoint, "--region", "eu-west-3", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_REGION=None)
        self.assertIn("/eu-west-3/", other.log[0].fields["authorization"])

    def test_the_keys_of_the_pipeline(self):
        other = self.new_proxy()
        self.pipeline(f"query: SELECT * FROM input\ninput:\n  from: {self.url('in.csv')}\noutput:\n  to: out.csv\n"
                      f"aws:\n  endpoint_url: {other.endpoint}\n  region: eu-west-3\n")
        self.weir("run", "p.yaml", env=self.env(AWS_ENDPOINT_URL=None, AWS_REGION=None))
        self.assertEqual(self.get("out.csv"), TEXT)
        self.assertIn("/eu-west-3/", other.log[0].fields["authorization"])

    def test_the_endpoint_of_s3_comes_before_that_of_all(self):
        self.read(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ENDPOINT_URL_S3=self.proxy.endpoint)

    def test_profiles(self):
        self.put("config", b"[profile second]\nregion = eu-west-3\n")
        self.put("credentials", f"[default]\naws_access_key_id = {UNKNOWN_KEY}\naws_secret_access_key = {CANARY}\n\n"
                 f"[second]\naws_access_key_id = {self.s3.key}\naws_secret_access_key = {self.s3.secret}\n".encode())
        files = {"AWS_CONFIG_FILE": self.path("config"), "AWS_SHARED_CREDENTIALS_FILE": self.path("credentials"), "AWS_ACCESS_KEY_ID": None,
                 "AWS_SECRET_ACCESS_KEY": None, "AWS_REGION": None}
        for more, env in ((["--profile", "second"], {}), ([], {"AWS_PROFILE": "second"}), (["--set", "aws.profile=second"], {})):
            with self.subTest(more=more, env=env):
                self.proxy.clear()
                self.read(*more, **files, **env)
                self.assertIn("/eu-west-3/", self.proxy.log[0].fields["authorization"])
                self.assertIn(f"={self.s3.key}/", self.proxy.log[0].fields["authorization"])
        self.read("--profile", "third", exit=20, code="W2030", **files)

    def test_no_region(self):
        """An endpoint of one's own needs none; AWS' own does."""
        self.read(exit=20, code="W2029", AWS_REGION=None, AWS_ENDPOINT_URL=None)

    def test_endpoints_that_are_none(self):
        for url in ("ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://a b/", f"http://user:{CANARY}@127.0.0.1/"):
            with self.subTest(url=url):
                run = self.read(exit=20, AWS_ENDPOINT_URL=url)
                self.assertEqual(run.error["exit"], 20)


class Canary(Job):
    """X1, X2: neither in what is said nor in what is left anywhere."""

    def secrets(self):
        return [self.s3.secret, TOKEN]

    def test_nowhere(self):
        self.set_up_job(large(), source="in.csv", output="out.ndjson", unit="2MiB")
        env = self.env(AWS_SESSION_TOKEN=TOKEN) if self.server.name == "moto" else self.env()
        self.proxy.fault(lambda e: e.answer(405, "MethodNotAllowed"), op="UploadPart", skip=1, times=None)
        self.weir(*self.args, exit=40, env=env)
        left = {key: self.object(key) for key in self.keys()}
        left.update({name: self.get(name) for name in os.listdir(self.dir) if os.path.isfile(self.path(name))})
        self.assertIn("out.ndjson.weir", left)
        for name, data in left.items():
            for secret in self.secrets():
                self.assertNotIn(secret.encode(), data, name)

    def test_plans_and_help_say_nothing(self):
        self.set_up_job(rows(10), source="in.csv", output="out.ndjson")
        for command in (["plan", "p.yaml"], ["plan", "p.yaml", "--json"], ["lint", "p.yaml"]):
            process = harness.subprocess.run([harness.WEIR, *command], env=harness.environment(self.env(AWS_SESSION_TOKEN=TOKEN)), cwd=self.dir,
                                             capture_output=True)
            for secret in self.secrets():
                self.assertNotIn(secret.encode(), process.stdout + process.stderr)

    def test_a_server_that_repeats_what_it_was_sent(self):
        """An error's message with the request in it: it is cut down to what is no secret, and to one line."""
        self.set_up_job(rows(10), source="in.csv", output="out.ndjson")

        def act(exchange):
            exchange.answer(403, "SignatureDoesNotMatch", message=f"\x1b[31m\nsent: {exchange.request.fields['authorization']} " + "x" * 5000)
        self.proxy.fault(act, times=None)
        run = self.weir(*self.args, exit=60)
        self.assertNotRegex(run.err.decode(), "Signature=[0-9a-f]{64}")
        self.assertLess(len(run.err), 8192)
        self.assertNotIn(b"\x1b", run.err)


class Xml(Access):
    """X10: what a server says in XML is bounded."""

    def test_large_and_hostile_bodies(self):
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Error><Code>&b;</Code></Error>'
        for body in (bomb, "<Error>" * 100_000, "<Error><Code>" + "A" * 300_000, "<", "", "\0" * 1000, "<Error><Code>AccessDenied</Code>"):
            with self.subTest(body=body[:20]):
                def act(exchange, body=body):
                    exchange.reply(answer_of(403, body))
                self.proxy.clear()
                self.proxy.fault(act, times=None)
                run = self.read(exit=60)
                self.assertLess(len(run.err), 8192)

    def test_listings_that_are_none(self):
        for body in ("", "<ListBucketResult>", "nonsense", "<ListBucketResult><Contents><Key>", "<a>" * 1000):
            with self.subTest(body=body[:30]):
                def act(exchange, body=body):
                    exchange.reply(answer_of(200, body))
                self.proxy.clear()
                self.proxy.fault(act, op="ListObjects", times=None)
                run = self.query(self.url("p/"), exit=None, env=self.env())
                self.assertIn(run.exit, (20, 40), str(run))

    def test_keys_of_a_listing_stay_in_the_prefix(self):
        """X5: what a server lists outside of what was asked for is not read."""
        body = ("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>elsewhere/x.csv</Key><Size>3</Size><ETag>&quot;a&quot;</ETag></Contents>"
                "</ListBucketResult>")
        self.put_object("elsewhere/x.csv", b"a\n1\n")
        self.proxy.fault(lambda e: e.reply(answer_of(200, body)), op="ListObjects", times=None)
        run = self.query(self.url("p/"), exit=None)
        self.assertNotEqual(run.exit, 0, str(run))


def answer_of(status, body):
    from fault_proxy import Reply

    data = body.encode()
    return Reply(status, "x", [("content-type", "application/xml"), ("content-length", str(len(data)))], [data])


class Tls(Job):
    """N2: real TLS, with certificates of a root of our own."""

    def setUp(self):
        super().setUp()
        self.tls = {}
        self.put_object("in.csv", TEXT)

    def front(self, kind):
        return self.new_proxy(tls=self.certificates().context(kind))

    def tls_env(self, proxy, **more):
        return self.env(AWS_ENDPOINT_URL=proxy.endpoint, AWS_CA_BUNDLE=self.certificates().root, **more)

    def test_a_root_that_is_named(self):
        proxy = self.front("good")
        self.assertEqual(self.query(self.url("in.csv"), env=self.tls_env(proxy)).out, TEXT)
        run = self.query(self.url("in.csv"), "--set", f"aws.ca_bundle={self.certificates().root}", env=self.env(AWS_ENDPOINT_URL=proxy.endpoint))
        self.assertEqual(run.out, TEXT)

    @only("moto", why="this radosgw takes any name of a host but its own for a bucket's")
    def test_by_name(self):
        proxy = self.front("good")
        env = self.tls_env(proxy)
        env["AWS_ENDPOINT_URL"] = f"https://localhost:{proxy.port}"
        self.assertEqual(self.query(self.url("in.csv"), env=env).out, TEXT)

    def test_certificates_that_are_not_trusted(self):
        for kind in ("expired", "host", "alone"):
            with self.subTest(kind=kind):
                proxy = self.front(kind)
                self.query(self.url("in.csv"), exit=60, code="W6005", env=self.tls_env(proxy))
                self.assertEqual(proxy.log, [])
                self.assertEqual(next(proxy.connections), 1, "refused for good: it is not tried again")

    def test_a_root_that_is_not_named(self):
        proxy = self.front("good")
        self.query(self.url("in.csv"), exit=60, code="W6005", env=self.env(AWS_ENDPOINT_URL=proxy.endpoint))
        self.assertEqual(proxy.log, [])

    def test_a_bundle_that_is_none(self):
        proxy = self.front("good")
        env = self.tls_env(proxy)
        for name, data in (("none.pem", None), ("empty.pem", b""), ("junk.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")):
            with self.subTest(name=name):
                if data is not None:
                    self.put(name, data)
                env["AWS_CA_BUNDLE"] = self.path(name)
                run = self.query(self.url("in.csv"), exit=None, env=env)
                self.assertIn(run.exit, (20, 60), str(run))

    def test_plain_http_where_tls_is_spoken(self):
        self.query(self.url("in.csv"), "--deadline", "1s", exit=None, env=self.env(AWS_ENDPOINT_URL=f"https://127.0.0.1:{self.proxy.port}"))
        self.assertNotEqual(self.runs[-1].exit, 0)

    def test_cuts(self):
        """A FIN without close_notify is a cut like any other."""
        proxy = self.front("good")
        for at in (0, 1, 1000, len(TEXT) - 1):
            for reset in (False, True):
                with self.subTest(at=at, reset=reset):
                    proxy.clear()
                    proxy.fault(cut(at, reset), op="GetObject")
                    proxy.fault(refuse(reset), op="GetObject")
                    self.assertEqual(self.query(self.url("in.csv"), env=self.tls_env(proxy)).out, TEXT)

    def test_a_whole_job(self):
        self.set_up_job(large(), source="big.csv", output="out.ndjson.gz")
        self.s3.delete(self.bucket, "in.csv")
        proxy = self.front("good")
        self.assert_done(self.weir(*self.args, env=self.tls_env(proxy)))
        payloads = {r.fields["x-amz-content-sha256"] for r in proxy.ops("UploadPart", "PutObject")}
        self.assertTrue(all(re.fullmatch("UNSIGNED-PAYLOAD|[0-9a-f]{64}", p) for p in payloads), payloads)


class Aws(Bed):
    """Names as AWS has them, by an HTTP proxy that leads all of them to one server: HTTPS_PROXY, buckets in the host's name, regions."""

    def setUp(self):
        super().setUp()
        self.put_object("p/in.csv", TEXT)
        self.aws = self.new_proxy(tls=self.certificates().context("aws"), connect=True)

    def aws_env(self, region, **more):
        return self.env(AWS_ENDPOINT_URL=None, AWS_REGION=region, HTTPS_PROXY=f"http://127.0.0.1:{self.aws.port}", AWS_CA_BUNDLE=self.certificates().root, **more)

    def here(self, region, status, code):
        """The bucket is in this region, and any other says so."""
        def elsewhere(request):
            return f"/{region}/" not in request.fields["authorization"]
        self.aws.fault(answer(status, code, x_amz_bucket_region=region), where=elsewhere, times=None)

    def test_the_bucket_is_in_the_name_of_the_host(self):
        self.assertEqual(self.query(self.url("p/in.csv"), env=self.aws_env("us-east-1")).out, TEXT)
        self.assertEqual(set(self.aws.connects), {f"{self.bucket}.s3.us-east-1.amazonaws.com:443"})
        self.assertEqual({r.path for r in self.aws.log}, {"/p/in.csv"})

    def test_another_region_is_found_once(self):
        """N12."""
        for status, code in ((301, "PermanentRedirect"), (307, "TemporaryRedirect"), (400, "AuthorizationHeaderMalformed"), (301, ""), (400, "")):
            with self.subTest(status=status, code=code):
                self.aws.clear()
                self.here("us-east-1", status, code)
                run = self.query(self.url("p/*.csv"), "-o", self.url("out.csv"), "--set", "output.if_exists=replace", env=self.aws_env("eu-west-1"))
                self.assertEqual(self.object("out.csv"), TEXT, str(run))
                self.assertLessEqual(sum("/eu-west-1/" in r.fields["authorization"] for r in self.aws.log), 2, "learned once for each use")

    def test_regions_without_end(self):
        regions = iter(["eu-west-3", "us-east-1", "eu-west-1"] * 9)
        self.aws.fault(lambda e: e.answer(301, "PermanentRedirect", {"x-amz-bucket-region": next(regions)}), times=None)
        run = self.query(self.url("p/in.csv"), exit=None, env=self.aws_env("eu-west-1"))
        self.assertIn(run.exit, (20, 40), str(run))
        self.assertLessEqual(len(self.aws.log), 6)

    def test_a_region_that_is_none(self):
        """X3: what names the next host is a region's name, and nothing else."""
        for region in ("evil.test/", "us-east-1.evil.test", "a b", "x" * 300, ""):
            with self.subTest(region=region[:20]):
                self.aws.clear()
                self.aws.connects.clear()
                self.aws.fault(answer(301, "PermanentRedirect", x_amz_bucket_region=region), times=None)
                self.query(self.url("p/in.csv"), exit=40, env=self.aws_env("us-east-1"))
                self.assertEqual(set(self.aws.connects), {f"{self.bucket}.s3.us-east-1.amazonaws.com:443"})

    def test_no_proxy(self):
        front = self.new_proxy(tls=self.certificates().context())
        run = self.query(self.url("p/in.csv"), env={**self.aws_env("us-east-1", NO_PROXY="127.0.0.1"), "AWS_ENDPOINT_URL": front.endpoint})
        self.assertEqual((run.out, self.aws.connects), (TEXT, []))


class Down(Bed):
    """N1, N2: nobody answers. The deadline bounds it; without one it takes minutes until the tokens are used up."""

    def test_refused(self):
        self.proxy.close()
        run = self.query(self.url("in.csv"), "-o", "out.csv", "--deadline", "3s", exit=None)
        self.assertIn(run.exit, (10, 11, 40), str(run))
        self.assertFalse(os.path.exists(self.path("out.csv")))

    def test_an_outage_is_met_with_a_bounded_number_of_requests(self):
        self.proxy.fault(answer(500, "InternalError"), times=None)
        run = self.query(self.url("in.csv"), "-o", "out.csv", "--deadline", "3s", exit=None)
        self.assertIn(run.exit, (10, 11, 40), str(run))
        self.assertLessEqual(len(self.proxy.log), 36)

    def test_no_such_host(self):
        run = self.query(self.url("in.csv"), "--deadline", "3s", exit=None, env=self.env(AWS_ENDPOINT_URL="http://weir-no-such-host.invalid"))
        self.assertIn(run.exit, (10, 11, 40), str(run))
