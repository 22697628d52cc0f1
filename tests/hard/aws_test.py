"""Where credentials come from and where they go: the chain performed against servers of the test's own, which remember what they were asked."""
import contextlib
import http.server
import json
import os
import threading
import unittest

from harness import Case, weir

ROWS = b"id,x\n1,2\n3,4\n"


class Server:
    """Answers by `routes`: path -> a function of the request's fields and body that gives (status, fields, body)."""

    def __init__(self, case, answer):
        self.asked = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle(self):
                with contextlib.suppress(ConnectionError):  # who asks may have had enough
                    super().handle()

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.asked.append((self.command, self.path, dict(self.headers), body))
                reply = answer(self.command, self.path, self.headers, body)
                if isinstance(reply, bytes):
                    self.wfile.write(reply)
                    self.close_connection = True
                    return
                status, fields, text = reply
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_PUT = do_CONNECT = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def signers(self):
        """The access keys of all requests, in order of their first use; None: unsigned."""
        keys = []
        for _, _, fields, _ in self.asked:
            text = fields.get("Authorization", "")
            key = text.partition("Credential=")[2].partition("/")[0] or None
            if key not in keys:
                keys.append(key)
        return keys


def store(method, path, fields, body):
    return 200, {"ETag": '"e"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, ROWS


def sts(key):
    def answer(method, path, fields, body):
        action = body.decode().partition("Action=")[2].partition("&")[0]
        return 200, {"Content-Type": "text/xml"}, (
            f"<{action}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><{action}Result><Credentials><AccessKeyId>{key}</AccessKeyId>"
            f"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
            f"</{action}Result></{action}Response>").encode()
    return answer


class Chain(Case):
    def setUp(self):
        super().setUp()
        self.store = Server(self, store)

    def run_with(self, env, *args, exit=0, config=None, credentials=None):
        for name, text in (("config", config), ("credentials", credentials)):
            with open(self.path(name), "w") as file:
                file.write(text or "")
        env = {"AWS_ENDPOINT_URL_S3": self.store.url, "AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": self.path("config"), "AWS_SHARED_CREDENTIALS_FILE": self.path("credentials"),
               "AWS_EC2_METADATA_DISABLED": "true", **env}
        return weir("query", "SELECT COUNT(*) AS n FROM 's3://bucket/in.csv'", *args, "--to", "csv", env={k: v for k, v in env.items() if v is not None}, exit=exit)

    def test_a_container_with_its_token(self):
        def answer(method, path, fields, body):
            if fields.get("Authorization") != "Bearer canary":
                return 403, {}, b"{}"
            return 200, {}, json.dumps({"AccessKeyId": "AKCONTAINER", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}).encode()
        container = Server(self, answer)
        run = self.run_with({"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer canary"})
        self.assertEqual((run.out, self.store.signers, len(container.asked)), (b"n\n2\n", ["AKCONTAINER"], 1))
        self.assertEqual({fields.get("x-amz-security-token") for _, _, fields, _ in self.store.asked}, {"t"})

    def test_a_container_elsewhere_is_not_asked(self):
        run = self.run_with({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/keys"}, exit=20)
        self.assertEqual((run.error["code"], self.store.asked), ("W2028", []))

    def test_an_instance_by_its_metadata_of_version_2(self):
        def answer(method, path, fields, body):
            if method == "PUT" and path == "/latest/api/token":
                return 200, {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}, b"session"
            if fields.get("X-aws-ec2-metadata-token") != "session":
                return 401, {}, b""
            if path.rstrip("/") == "/latest/meta-data/iam/security-credentials":
                return 200, {}, b"role"
            return 200, {}, json.dumps({"Code": "Success", "AccessKeyId": "AKINSTANCE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}).encode()
        metadata = Server(self, answer)
        run = self.run_with({"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url})
        self.assertEqual((run.out, self.store.signers), (b"n\n2\n", ["AKINSTANCE"]))
        self.assertEqual([method for method, *_ in metadata.asked], ["PUT", "GET", "GET"])

    def test_a_process(self):
        keys = json.dumps({"Version": 1, "AccessKeyId": "AKPROCESS", "SecretAccessKey": "s"})
        self.run_with({"AWS_PROFILE": "p"}, config=f"[profile p]\ncredential_process = /bin/echo '{keys}'\n")
        self.assertEqual(self.store.signers, ["AKPROCESS"])

    def test_a_role_by_another_profile(self):
        service = Server(self, sts("AKROLE"))
        self.run_with({"AWS_PROFILE": "p", "AWS_ENDPOINT_URL_STS": service.url}, config="[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n",
                      credentials="[base]\naws_access_key_id = AKBASE\naws_secret_access_key = s\n")
        self.assertEqual((self.store.signers, service.signers), (["AKROLE"], ["AKBASE"]))
        ((_, _, _, body),) = service.asked
        self.assertIn(b"Action=AssumeRole", body)
        self.assertIn(b"arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr", body)

    def test_a_web_identity(self):
        service = Server(self, sts("AKWEB"))
        with open(self.path("token"), "w") as file:
            file.write("canary-token")
        self.run_with({"AWS_WEB_IDENTITY_TOKEN_FILE": self.path("token"), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r", "AWS_ENDPOINT_URL_STS": service.url})
        self.assertEqual((self.store.signers, service.signers), (["AKWEB"], [None]))
        self.assertIn(b"canary-token", service.asked[0][3])
        self.assertFalse([request for request in self.store.asked if "canary" in str(request)])

    def test_the_stores_own_endpoint_gets_nothing_that_is_for_sts(self):
        with open(self.path("token"), "w") as file:
            file.write("canary-token")
        run = self.run_with({"AWS_PROFILE": "p", "AWS_ENDPOINT_URL_S3": None, "AWS_WEB_IDENTITY_TOKEN_FILE": self.path("token"), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
                             "AWS_REGION": "xx-nowhere-1", "HTTPS_PROXY": "http://127.0.0.1:1"}, "--deadline", "3s",
                            config=f"[profile p]\nservices = local\n[services local]\ns3 =\n  endpoint_url = {self.store.url}\n", exit=None)
        self.assertNotEqual(run.exit, 0)
        self.assertEqual(self.store.asked, [])

    def test_unsigned(self):
        self.run_with({"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}, "--no-sign-request")
        self.assertEqual(self.store.signers, [None])

    def test_none(self):
        run = self.run_with({}, exit=60)
        self.assertEqual((run.error["code"], self.store.asked), ("W6002", []))

    def test_keys_that_expire_are_renewed(self):
        keys = iter(range(100))

        def answer(method, path, fields, body):
            # Good for less than what is kept in reserve: asked for anew, and used until they are refused.
            return 200, {}, json.dumps({"AccessKeyId": f"AK{next(keys)}", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}).encode()
        container = Server(self, answer)
        refused = []

        def once(method, path, fields, body):
            if "Credential=AK0/" in fields["Authorization"]:
                refused.append(path)
                return 400, {}, b"<Error><Code>ExpiredToken</Code><Message>x</Message></Error>"
            return store(method, path, fields, body)
        self.store = Server(self, once)
        run = self.run_with({"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/keys"})
        self.assertEqual((run.out, self.store.signers, len(refused)), (b"n\n2\n", ["AK0", "AK1"], 1))


class Replies(Chain):
    """What a store, or what stands before it, must not get away with."""

    KEYS = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}

    def test_without_a_length_is_no_empty_object(self):
        head = b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\n"
        for reply in (head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ROWS), ROWS), head + b"Connection: close\r\n\r\n" + ROWS):
            with self.subTest(reply=reply):
                self.store = Server(self, lambda *_, reply=reply: reply)
                run = self.run_with(self.KEYS, exit=40)
                self.assertEqual((run.error["code"], run.out), ("W4025", b""))
                self.assertIn("how long", run.error["detail"])

    def test_whose_object_it_is_could_not_be_learned(self):
        puts = []

        def answer(method, path, fields, body):
            if path.startswith("/bucket/in.csv"):
                return store(method, path, fields, body)
            if method == "PUT" and path.startswith("/bucket/out.csv"):
                puts.append(path)
                # It is taken, and the answer is lost; the next attempt finds it there.
                return b"" if len(puts) == 1 else (412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")
            if method == "HEAD" and puts:
                return 500, {}, b""
            return (404, {}, b"<Error><Code>NoSuchKey</Code></Error>") if method in ("GET", "HEAD") else (200, {"ETag": '"e"'}, b"")
        self.store = Server(self, answer)
        run = weir("query", "SELECT * FROM 's3://bucket/in.csv'", "-o", "s3://bucket/out.csv", "--set", "checkpoint.to=none", "--deadline", "6s", exit=None,
                   env={"AWS_ENDPOINT_URL_S3": self.store.url, "AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": "/nonexistent", **self.KEYS})
        self.assertIn(run.exit, (11, 40), str(run))  # and no conflict: nobody knows of one
        self.assertEqual(len(puts), 2)

    def test_interim_replies_without_an_end(self):
        self.store = Server(self, lambda *_: b"HTTP/1.1 102 Processing\r\n\r\n" * 100_000)
        run = self.run_with(self.KEYS, "--deadline", "20s", exit=None)
        self.assertIn(run.exit, (11, 40), str(run))
        self.assertIn("interim", str(run.errors))

    def test_a_proxys_password_is_that_proxys(self):
        proxy = Server(self, lambda *_: (407, {}, b""))
        self.run_with({**self.KEYS, "AWS_ENDPOINT_URL_S3": "https://store.invalid", "http_proxy": "http://u:canary@127.0.0.1:9", "HTTPS_PROXY": proxy.url}, "--deadline", "3s", exit=None)
        self.assertEqual({method for method, *_ in proxy.asked}, {"CONNECT"})
        self.assertNotIn("Proxy-Authorization", str(proxy.asked))
        self.run_with({**self.KEYS, "AWS_ENDPOINT_URL_S3": "https://store.invalid", "HTTPS_PROXY": proxy.url.replace("//", "//u:canary@")}, "--deadline", "3s", exit=None)
        self.assertIn("Basic dTpjYW5hcnk=", str(proxy.asked[-1]))

    def test_by_a_proxy(self):
        proxy = Server(self, store)
        run = self.run_with({**self.KEYS, "AWS_ENDPOINT_URL_S3": "http://store.invalid", "http_proxy": proxy.url})
        self.assertEqual(run.out, b"n\n2\n")
        self.assertTrue(all(path.startswith("http://store.invalid/bucket/in.csv") for _, path, *_ in proxy.asked), proxy.asked)


# The tests of the class above are run once.
for name in [name for name in dir(Chain) if name.startswith("test_")]:
    setattr(Replies, name, None)


if __name__ == "__main__":
    unittest.main()
