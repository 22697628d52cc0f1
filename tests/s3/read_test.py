"""Objects as inputs: what is read is what is stored, whatever becomes of the replies."""
import signal
import subprocess
import threading

import harness
from bed import Bed, only, rows
from fault_proxy import answer, close_after, cut, cut_head, edit, field, flip, longer, refuse, shorter, small_pages, stall, whole_for_range, within
from harness import MiB, gzip_member

TEXT = rows(2_000)
PACKED = gzip_member(TEXT)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


class RoundTrips(Bed):
    """{csv, ndjson, json} x {plain, gzip, zstd}, in and out: the bytes of the same job on files."""

    def test_formats_and_codecs(self):
        records = [line.split(b",") for line in TEXT.splitlines()[1:]]
        objects = [b'{"id":%s,"name":"%s","amount":%s}' % tuple(r) for r in records]
        texts = {"csv": TEXT, "ndjson": b"\n".join(objects) + b"\n", "json": b"[" + b",\n".join(objects) + b"]\n"}
        for form, text in texts.items():
            for ending, pack in (("", lambda data: data), (".gz", gzip_member), (".zst", zstd)):
                with self.subTest(form=form, codec=ending):
                    source, output = f"in.{form}{ending}", f"out.{form}{ending}"
                    self.put(source, pack(text))
                    self.query(self.path(source), "-o", output)
                    self.put_object(source, pack(text))
                    run = self.query(self.url(source), "-o", self.url(output))
                    self.assertEqual(run.records["written"], 2_000)
                    self.assertEqual(self.object(output), self.get(output))
        self.assertEqual(self.s3.uploads(self.bucket), [])
        self.assertEqual([k for k in self.keys() if ".tail" in k or ".lease" in k], [])

    def test_to_stdout(self):
        run = self.query(self.put_object("k.csv.gz", PACKED), query="SELECT id, amount FROM input LIMIT 3")
        self.assertEqual(run.out.count(b"\n"), 4 if run.out.startswith(b"id") else 3)

    def test_empty_objects(self):
        self.assertEqual(self.query(self.put_object("e.ndjson", b"")).records["read"], 0)
        self.assertEqual(self.query(self.put_object("h.csv", b"a,b\n")).records["read"], 0)
        self.assertEqual(self.query(self.put_object("e.csv", b"")).records["read"], 0)
        self.put_object("one.csv", b"a")
        self.assertEqual(self.query(self.url("one.csv")).records["read"], 0)

    def test_no_record_makes_an_empty_output(self):
        self.put_object("in.ndjson", b"")
        self.query(self.url("in.ndjson"), "-o", self.url("out.ndjson"))
        self.assertEqual(self.object("out.ndjson"), b"")


class Names(Bed):
    ODD = ["with space.csv", "plus+plus.csv", "100%25.csv", "%.csv", "käse/日本.csv", "a//b.csv", "a/../b.csv", "./c.csv", "k=v/d=1.csv", "q'\"&<>.csv",
           "tilde~!*().csv", "colon:semi;,@$.csv", "back\\slash.csv"]

    def test_odd_keys_in_and_out(self):
        for i, key in enumerate(self.ODD):
            with self.subTest(key=key):
                data = b"a\n%d\n" % i
                self.put_object(key, data)
                self.pipeline(f"query: SELECT * FROM input\ninput:\n  from: {harness.json.dumps(self.url(key))}\n"
                              f"output:\n  to: {harness.json.dumps(self.url('out/' + key))}\n")
                self.weir("run", "p.yaml", "--summary", "json")
                self.assertEqual(self.object("out/" + key), data)

    def test_a_missing_object_and_a_missing_bucket(self):
        run = self.query(self.url("nowhere.csv"), exit=20, code="W2014")
        self.assertIn("nowhere.csv", run.error["detail"])
        self.query(self.url("k.csv", bucket="weir-no-such-bucket-here"), exit=20)

    def test_addresses_that_are_none(self):
        for url in ("s3://", "s3:///k", "s3://B_UPPER/k.csv", f"s3://{self.bucket}/" + "k" * 1100):
            with self.subTest(url=url[:40]):
                self.query(url, exit=20)
        self.assertEqual(self.proxy.ops("GetObject"), [])


class Lists(Bed):
    def setUp(self):
        super().setUp()
        for key, n in (("p/b.csv", 2), ("p/a.csv", 1), ("p/c.csv", 3), ("p/sub/d.csv", 4), ("q/e.csv", 5)):
            self.put_object(key, b"n\n%d\n" % n)

    def read(self, sources, exit=0):
        self.pipeline("query: SELECT n FROM input\ninput:\n  from: " + sources + "\noutput:\n  to: out.csv\n  if_exists: replace\ncheckpoint:\n  to: none\n")
        run = self.weir("run", "p.yaml", "--summary", "json", exit=exit)
        return [int(line) for line in self.get("out.csv").split()[1:]] if exit == 0 else run

    def test_a_list(self):
        self.assertEqual(self.read(f"[{self.url('p/c.csv')}, {self.url('p/a.csv')}]"), [3, 1])

    def test_objects_and_files(self):
        self.put("file.csv", b"n\n9\n")
        self.assertEqual(self.read(f"[{self.url('p/c.csv')}, file.csv]"), [3, 9])

    def test_a_prefix_is_read_in_order(self):
        self.assertEqual(self.read(self.url("p/")), [1, 2, 3, 4])

    def test_a_glob(self):
        self.assertEqual(self.read(f"\"{self.url('p/*.csv')}\""), [1, 2, 3])

    def test_a_prefix_without_objects(self):
        self.assertEqual(self.read(self.url("nothing/"), exit=20).error["code"], "W2014")

    def test_more_objects_than_a_page_holds(self):
        for i in range(25):
            self.put_object(f"many/{i:04}.ndjson", b'{"n":%d}\n' % i)
        self.proxy.fault(small_pages(3), op="ListObjects", times=None)
        run = self.query(self.url("many/*.ndjson"), query="SELECT COUNT(*) AS n, SUM(n) AS s FROM input")
        self.assertEqual(harness.json.loads(run.out), {"n": 25, "s": sum(range(25))})
        self.assertEqual(len(self.proxy.ops("ListObjects")), 9)

    def test_a_listing_that_breaks_off(self):
        for act in (cut(300), cut_head(10), refuse(), answer(500, "InternalError")):
            with self.subTest(act=act):
                self.proxy.clear()
                self.proxy.fault(act, op="ListObjects")
                self.assertEqual(self.read(self.url("p/")), [1, 2, 3, 4])
                self.assertEqual(len(self.proxy.ops("ListObjects")), 2)


class Reading(Bed):
    """A job that meets faults and reads every byte all the same."""

    QUERY = "SELECT * FROM input"

    def check(self, *faults, source="in.csv", data=TEXT, out=TEXT):
        """Each fault meets the next GET that sends a body."""
        if not self.s3.head(self.bucket, source):
            self.put_object(source, data)
        self.proxy.clear()
        for fault in faults:
            self.proxy.fault(fault, op="GetObject")
        run = self.query(self.url(source), query=self.QUERY)
        self.assertEqual(run.out, out)
        gets = self.proxy.ops("GetObject")
        self.assertTrue(all(f.hits for f in self.proxy.faults), f"a fault met no request: {gets}")
        return gets


class Cuts(Reading):
    """N3: a reply that breaks off is gone on with at the next byte, and the object is pinned."""

    def test_at_many_bytes(self):
        size = len(TEXT)
        offsets = sorted({*range(0, 20), *range(20, size, size // 40), 4095, 4096, 4097, 65535, 65536, 65537, size - 2, size - 1})
        for at in offsets:
            for reset in (False, True):
                with self.subTest(at=at, reset=reset):
                    gets = self.check(cut(at, reset))
                    self.assertEqual(len(gets), 2)
                    if at and not reset:
                        self.assertEqual(gets[1].fields.get("range"), f"bytes={at}-")

    def test_what_is_gone_on_with_is_pinned(self):
        """Every GET from the middle on names the object that was begun with."""
        gets = self.check(cut(5000), cut(30_000), cut(1))
        self.assertEqual([g.fields.get("if-match") is not None for g in gets], [False, True, True, True])

    def test_in_gzip(self):
        for at in range(0, len(PACKED), len(PACKED) // 12):
            with self.subTest(at=at):
                self.check(cut(at), cut(1), source="in.csv.gz", data=PACKED)

    def test_in_the_head(self):
        for at in (0, 1, 12, 60):
            for reset in (False, True):
                with self.subTest(at=at, reset=reset):
                    self.check(cut_head(at, reset))

    def test_again_and_again(self):
        gets = self.check(*[cut(1000)] * 25)
        self.assertEqual(len(gets), 26)

    def test_refused_connections(self):
        self.check(refuse(), refuse(True), refuse())

    def test_a_kept_connection_that_was_closed(self):
        for i in range(4):
            self.put_object(f"k/{i}.csv", b"n\n%d\n" % i)
        self.proxy.fault(close_after(), times=None)
        run = self.query(f"{self.url('k/*.csv')}", query="SELECT n FROM input")
        self.assertEqual([line for line in run.out.split() if line.isdigit()], [b"0", b"1", b"2", b"3"])

    def test_one_connection_serves_many_requests(self):
        for i in range(4):
            self.put_object(f"k/{i}.csv", b"n\n%d\n" % i)
        self.query(f"{self.url('k/*.csv')}", query="SELECT n FROM input")
        self.assertLessEqual(len({r.connection for r in self.proxy.log}), 3)


class Answers(Reading):
    """N5, N7, N12: what a server says instead."""

    def test_errors_that_pass(self):
        for fault in (answer(500, "InternalError"), answer(502), answer(503, "SlowDown"), answer(503), answer(504), answer(429, "TooManyRequests"),
                      answer(400, "RequestTimeout")):
            with self.subTest(fault=fault):
                self.check(fault)

    def test_retry_after_is_kept_to(self):
        gets = self.check(answer(503, "SlowDown", retry_after="1"))
        self.assertEqual(len(gets), 2)

    def test_errors_in_mid_body(self):
        gets = self.check(cut(5000), answer(500, "InternalError"), cut_head(), answer(503, "SlowDown"), cut(3))
        self.assertEqual([g.fields.get("range") for g in gets], [None, *["bytes=5000-"] * 4, "bytes=5003-"])

    def test_errors_that_do_not(self):
        self.put_object("in.csv", TEXT)
        for fault, exit in ((answer(403, "AccessDenied"), 60), (answer(404, "NoSuchKey"), 20), (answer(404, "NoSuchBucket"), 20),
                            (answer(403, "InvalidObjectState"), 20), (answer(405, "MethodNotAllowed"), 40),
                            (answer(501, "NotImplemented"), 40)):
            with self.subTest(fault=fault):
                self.proxy.clear()
                self.proxy.fault(fault, op="GetObject", times=None)
                self.proxy.fault(fault, op="HeadObject", times=None)
                self.query(self.url("in.csv"), "--deadline", "5s", exit=exit)
                self.assertLessEqual(len(self.proxy.log), 2, self.proxy.log)

    def test_whole_objects_instead_of_ranges(self):
        self.check(cut(5000), whole_for_range())

    def test_a_range_that_is_another(self):
        size = len(TEXT)
        for value in (f"bytes 5001-{size - 1}/{size}", f"bytes 4999-{size - 1}/{size}", f"bytes 5000-{size - 1}/{size + 1}", f"bytes 5000-{size - 2}/{size}",
                      "bytes 5000-", "nonsense", None):
            with self.subTest(value=value):
                self.check(cut(5000), field("content-range", value))

    def test_a_content_length_that_is_another(self):
        self.check(cut(5000), shorter(7))
        self.check(cut(5000), longer(b"xyz"))

    def test_a_length_larger_than_the_body(self):
        def change(reply):
            body = reply.body
            reply.set_field("content-length", str(len(body) + 10))
        self.check(cut(5000), edit(change, body_bytes=100))

    def test_another_region(self):
        """An endpoint that was named is the one that is asked: it is not left for another."""
        self.put_object("in.csv", TEXT)
        for status, code in ((301, "PermanentRedirect"), (307, "TemporaryRedirect"), (400, "AuthorizationHeaderMalformed")):
            with self.subTest(status=status):
                self.proxy.clear()
                self.proxy.fault(answer(status, code, x_amz_bucket_region="us-east-1"), times=None)
                run = self.query(self.url("in.csv"), exit=None)
                self.assertIn(run.exit, (40, 60), str(run))
                self.assertEqual(len(self.proxy.log), 1)

    def test_redirects_without_end(self):
        self.put_object("in.csv", TEXT)
        regions = iter(["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1"] * 9)
        self.proxy.fault(lambda e: e.answer(301, "PermanentRedirect", {"x-amz-bucket-region": next(regions)}), times=None)
        self.query(self.url("in.csv"), exit=40)
        self.assertLessEqual(len(self.proxy.log), 6)

    def test_a_redirect_to_elsewhere_is_not_followed(self):
        self.put_object("in.csv", TEXT)
        other = self.new_proxy()
        self.proxy.fault(answer(307, "TemporaryRedirect", location=other.endpoint + "/x/y"), times=None)
        self.query(self.url("in.csv"), exit=40)
        self.assertEqual(other.log, [])

    def test_a_stall(self):
        released = threading.Event()
        self.addCleanup(released.set)
        gets = self.check(stall(released, 5000))
        self.assertEqual(gets[1].fields.get("range"), "bytes=5000-")


class Replaced(Bed):
    """N8, N9: another object under the same name is never mixed in."""

    SIZE = 3 * MiB

    def setUp(self):
        super().setUp()
        self.data = rows(self.SIZE // 36)
        self.put_object("in.csv", self.data)

    def cut_and_change(self, at, change):
        def act(exchange):
            exchange.reply(exchange.ask(), at)
            change()
            exchange.end()
        self.proxy.clear()
        self.proxy.fault(act, op="GetObject")

    def test_replaced_between_two_gets(self):
        self.cut_and_change(100_000, lambda: self.put_object("in.csv", self.data[::-1]))
        run = self.query(self.url("in.csv"), "-o", self.url("out.csv"), exit=31, code="W3101")
        self.assertIn("in.csv", run.error["detail"])
        self.assertNotIn("out.csv", self.keys())

    def test_replaced_by_one_of_the_same_size(self):
        self.cut_and_change(100_000, lambda: self.put_object("in.csv", self.data.replace(b"1", b"2")))
        self.query(self.url("in.csv"), "-o", self.url("out.csv"), exit=31, code="W3101")

    def test_deleted_in_mid_read(self):
        self.cut_and_change(100_000, lambda: self.s3.delete(self.bucket, "in.csv"))
        self.query(self.url("in.csv"), "-o", self.url("out.csv"), exit=31, code="W3101")
        self.assertNotIn("out.csv", self.keys())

    def test_replaced_by_itself_is_no_change(self):
        self.cut_and_change(100_000, lambda: self.put_object("in.csv", self.data))
        run = self.query(self.url("in.csv"), "-o", self.url("out.csv"))
        self.assertEqual(run.records["read"], self.data.count(b"\n") - 1)
        self.assertEqual(self.object("out.csv"), self.data)


class Damage(Bed):
    """N10: a byte that changed on the way is told by the object's checksum, where it has one."""

    @only("moto", why="radosgw 16 stores no CRC64NVME")
    def test_a_flipped_bit_once_and_for_ever(self):
        self.s3.put(self.bucket, "in.csv", TEXT, **{"x_amz_sdk_checksum_algorithm": "CRC64NVME"})
        self.assertIn("x-amz-checksum-crc64nvme", self.s3.get(self.bucket, "in.csv", x_amz_checksum_mode="ENABLED").fields)
        self.proxy.fault(flip(len(TEXT) // 2), op="GetObject", times=None)
        run = self.query(self.url("in.csv"), "-o", self.url("out.csv"), exit=30)
        self.assertIn("in.csv", str(run.error))
        self.assertNotIn("out.csv", self.keys())

    def test_a_flipped_bit_in_gzip_is_told_anyway(self):
        self.put_object("in.csv.gz", PACKED)
        self.proxy.fault(flip(len(PACKED) // 2), op="GetObject", times=None)
        self.query(self.url("in.csv.gz"), "-o", self.url("out.csv"), exit=30)
        self.assertNotIn("out.csv", self.keys())

    def test_content_encoding_is_not_decoded_twice(self):
        """N13: what the codec is, is told by the bytes."""
        self.put_object("k.csv", PACKED, content_encoding="gzip")
        run = self.query(self.url("k.csv"), "--from", "csv")
        self.assertEqual(run.out, TEXT)
        self.put_object("l.csv", TEXT, content_encoding="gzip")
        self.assertEqual(self.query(self.url("l.csv")).out, TEXT)


class Amount(Bed):
    def test_one_get_reads_an_object(self):
        self.put_object("in.csv", rows(200_000))
        self.query(self.url("in.csv"), "-o", "out.csv")
        gets = self.proxy.ops("GetObject")
        self.assertLessEqual(len(gets), 2, gets)
        self.assertLessEqual(len(self.proxy.log), 3, self.proxy.log)

    def test_a_limit_ends_the_read(self):
        self.put_object("in.csv", rows(400_000))
        run = self.query(self.url("in.csv"), query="SELECT id FROM input LIMIT 1")
        self.assertLess(run.summary["bytes"]["stored"], 4 * MiB)

    def test_a_stop_in_mid_read(self):
        self.put_object("in.csv", rows(200_000))
        self.proxy.fault(within(MiB, lambda _: self.strike(signal.SIGTERM)), op="GetObject")
        run = self.ended(self.start_struck("query", harness.SELECT_ALL, self.url("in.csv"), "-o", self.url("out.csv"), "--summary", "json"))
        self.assertIn(run.exit, (0, 10, 11), str(run))  # 11: before there was anything to go on from

