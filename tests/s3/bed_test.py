"""The bed itself: the client is understood by the server, and each fault does what it says."""
import http.client
import ssl

from bed import Bed, only
from fault_proxy import answer, cut, field, flip, lose_reply, longer, refuse, shorter, whole_for_range
from harness import MiB
from s3 import S3, S3Error

BODY = bytes(range(256)) * 100


class Client(Bed):
    def test_objects(self):
        for key in ("plain", "with space", "a//b", "a/../b", "plus+%25ü=&", "~!*'()"):
            self.s3.put(self.bucket, key, key.encode())
            self.assertEqual(self.object(key), key.encode())
        self.assertEqual(sorted(self.keys()), sorted(["plain", "with space", "a//b", "a/../b", "plus+%25ü=&", "~!*'()"]))
        self.s3.delete(self.bucket, "plain")
        self.assertIsNone(self.s3.head(self.bucket, "plain"))
        with self.assertRaises(S3Error) as caught:
            self.object("plain")
        self.assertEqual(caught.exception.code, "NoSuchKey")

    def test_uploads(self):
        upload = self.s3.create_upload(self.bucket, "k")
        etags = [self.s3.put_part(self.bucket, "k", upload, n, bytes([n]) * 5 * MiB) for n in (1, 2)]
        self.assertEqual(self.s3.uploads(self.bucket), [("k", upload)])
        self.assertEqual(self.keys(), [])
        self.s3.complete(self.bucket, "k", upload, etags)
        self.assertEqual(self.object("k"), b"\1" * 5 * MiB + b"\2" * 5 * MiB)
        self.assert_only("k")

    def test_conditions(self):
        etag = self.s3.put(self.bucket, "k", b"1").etag
        for fields in ({"if_none_match": "*"}, {"if_match": '"0"'}):
            with self.assertRaises(S3Error) as caught:
                self.s3.put(self.bucket, "k", b"2", **fields)
            self.assertEqual(caught.exception.status, 412)
        # radosgw 16 compares what a PUT's If-Match says letter by letter with an ETag that has no quotes; without them all understand it.
        self.s3.put(self.bucket, "k", b"3", if_match=etag.strip('"'))
        with self.assertRaises(S3Error) as caught:
            self.s3.get(self.bucket, "k", if_match=etag)
        self.assertEqual(caught.exception.status, 412)

    @only("radosgw", why="moto does not look at signatures")
    def test_signatures(self):
        for s3, code in ((S3(self.s3.endpoint, self.s3.key, "wrong"), "SignatureDoesNotMatch"), (S3(self.s3.endpoint, "NOBODY", "x"), "InvalidAccessKeyId")):
            with self.assertRaises(S3Error) as caught:
                s3.body(self.bucket, "k")
            self.assertEqual(caught.exception.code, code)


class Faults(Bed):
    def setUp(self):
        super().setUp()
        self.put_object("k", BODY)
        self.through = S3(self.proxy.endpoint, self.s3.key, self.s3.secret)

    def met(self, act, **fields):
        self.proxy.fault(act, op="GetObject")
        return self.through.get(self.bucket, "k", **fields)

    def test_bodies(self):
        self.assertEqual(self.through.body(self.bucket, "k"), BODY)
        for at in (0, 1, 1000, len(BODY) - 1):
            for reset in (False, True):
                with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                    self.met(cut(at, reset))
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.met(refuse())
        self.assertEqual(self.met(shorter(3)).body, BODY[:-3])
        self.assertEqual(self.met(longer(b"x")).body, BODY + b"x")
        self.assertNotEqual(self.met(flip(7)).body, BODY)
        self.assertEqual(self.met(field("etag", "x")).etag, "x")
        ranged = self.through.get(self.bucket, "k", range="bytes=5-9")
        self.assertEqual((ranged.status, ranged.body), (206, BODY[5:10]))
        whole = self.met(whole_for_range(), range="bytes=5-9")
        self.assertEqual((whole.status, whole.body), (200, BODY))

    def test_answers(self):
        with self.assertRaises(S3Error) as caught:
            self.met(answer(503, "SlowDown", retry_after="1"))
        self.assertEqual((caught.exception.status, caught.exception.code), (503, "SlowDown"))
        self.assertEqual(self.proxy.ops("GetObject")[-1].fault, "answer")

    def test_a_lost_reply(self):
        self.proxy.fault(lose_reply(), op="PutObject")
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.through.put(self.bucket, "new", b"1")
        self.assertEqual(self.object("new"), b"1")

    def test_tls(self):
        for kind, fine in (("good", True), ("expired", False), ("host", False), ("alone", False)):
            proxy = self.new_proxy(tls=self.certificates().context(kind))
            s3 = S3(proxy.endpoint, self.s3.key, self.s3.secret, ca=self.certificates().root)
            if fine:
                self.assertEqual(s3.body(self.bucket, "k"), BODY)
            else:
                with self.assertRaises(ssl.SSLCertVerificationError):
                    s3.body(self.bucket, "k")
