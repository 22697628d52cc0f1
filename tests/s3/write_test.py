"""Objects as outputs: each is there whole or not at all, and exactly once, whatever becomes of the answers."""
import functools
import json

from bed import PART, Job, only, rows
from fault_proxy import answer, answer_instead, before, cut, cut_head, edit, field, lose_reply, refuse
from harness import MiB

NOT_OURS = b"somebody else's\n"
WRITES = ("PutObject", "CreateUpload", "UploadPart", "Complete")


@functools.lru_cache(maxsize=None)
def large():
    """About 11 MiB of NDJSON, so three parts; some of it bad."""
    return rows(200_000, bad_every=10_000)


@functools.lru_cache(maxsize=None)
def medium():
    """About 6 MiB of NDJSON, so two parts."""
    return rows(110_000, bad_every=10_000)


@functools.lru_cache(maxsize=None)
def small():
    return rows(500, bad_every=100)


class Writes(Job):
    def set_up(self, data, **options):
        self.set_up_job(data, **{"source": "in.csv", "output": "out.ndjson", **options})

    def check(self, *faults):
        """The job meets the faults and is done all the same, in one run. `faults`: (op, key's pattern, act, skip)."""
        self.fresh_bucket()
        for op, key, act, skip in faults:
            self.proxy.fault(act, op=op, key=key, skip=skip)
        run = self.weir(*self.args)
        self.assertTrue(all(f.hits for f in self.proxy.faults[:len(faults)]), f"a fault met no request: {self.proxy.log}")
        self.assert_done(run)
        return run

    def check_lost(self, *faults):
        """W6: the job says that its upload is gone, shows nothing, and is begun anew by whoever asks for it. It is not begun anew by itself."""
        self.fresh_bucket()
        for op, key, act, skip in faults:
            self.proxy.fault(act, op=op, key=key, skip=skip)
        run = self.weir(*self.args, exit=50, code="W5003")
        self.assertIn("out.ndjson", run.error["detail"])
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))
        self.assert_done(self.weir(*self.args, "--restart"))

    def taken_away(self):
        """W6: somebody's rule takes the upload away, and what is asked of it from then on is answered as S3 does: radosgw 16 and moto
        answer 500."""
        gone = set()

        def act(exchange):
            upload = exchange.request.query["uploadId"]
            if upload not in gone:
                self.s3.abort(self.bucket, exchange.request.key, upload)
                gone.add(upload)
                self.proxy.fault(answer(404, "NoSuchUpload"), where=lambda r: r.query.get("uploadId") in gone, times=None)
            exchange.answer(404, "NoSuchUpload")
        return act


class Requests(Writes):
    def test_a_small_output_is_one_put(self):
        self.set_up(small())
        self.check()
        self.assertEqual(len(self.proxy.ops("PutObject", key="out.ndjson")), 1)
        self.assertEqual(self.proxy.ops("CreateUpload", "UploadPart", "Complete"), [])

    def test_a_large_output_is_an_upload_of_equal_parts(self):
        self.set_up(large(), every="60s")
        self.check()
        parts = self.proxy.ops("UploadPart", key="out.ndjson")
        sizes = [int(r.fields["content-length"]) for r in parts]
        self.assertEqual([r.query["partNumber"] for r in parts], [str(i + 1) for i in range(len(parts))])
        self.assertEqual((set(sizes[:-1]), sum(sizes)), ({PART}, len(self.expected["out.ndjson"])))
        self.assertEqual(len(self.proxy.ops("CreateUpload", key="out.ndjson")), 1)
        self.assertEqual(len(self.proxy.ops("Complete", key="out.ndjson")), 1)
        # Nothing else of the output is written: it takes no more requests than its parts ask for.
        self.assertEqual(self.proxy.ops("PutObject", key="out.ndjson"), [])

    def test_the_part_is_8_mib_where_nothing_is_said(self):
        self.set_up(large(), part="8MiB", every="60s")
        self.check()
        sizes = [int(r.fields["content-length"]) for r in self.proxy.ops("UploadPart", key="out.ndjson")]
        self.pipeline(self.pipeline_text("s3", "in.csv", "out.ndjson", every="60s").replace(f"  part: {PART}\n", ""))
        self.check()
        self.assertEqual([int(r.fields["content-length"]) for r in self.proxy.ops("UploadPart", key="out.ndjson")], sizes)
        self.assertEqual(sizes[0], 8 * MiB)

    def test_a_part_has_bounds(self):
        self.set_up(small())
        for part in ("4MiB", "6GiB"):
            self.weir("run", "p.yaml", "--set", f"output.part={part}", exit=20, code="W2003")

    def test_what_is_written_carries_its_checksum(self):
        self.set_up(large())
        self.check()
        for request in self.proxy.ops("PutObject", "UploadPart", "Complete"):
            self.assertIn("x-amz-checksum-crc64nvme", request.fields, request)

    @only("moto", why="radosgw 16 keeps no checksum")
    def test_the_checksum_is_that_of_the_bytes(self):
        self.set_up(rows(500), rejects="")
        self.check()
        sent = self.proxy.ops("PutObject", key="out.ndjson")[0].fields["x-amz-checksum-crc64nvme"]
        self.s3.put(self.bucket, "copy", self.object("out.ndjson"), x_amz_sdk_checksum_algorithm="CRC64NVME")
        self.assertEqual(self.s3.get(self.bucket, "copy", x_amz_checksum_mode="ENABLED").fields["x-amz-checksum-crc64nvme"], sent)

    def test_every_payload_is_signed_over_plain_http(self):
        self.set_up(large())
        self.check()
        for request in self.proxy.log:
            self.assertRegex(request.fields["x-amz-content-sha256"], "^[0-9a-f]{64}$")
            self.assertRegex(request.fields["authorization"], "SignedHeaders=[^,]*host[^,]*x-amz-content-sha256;x-amz-date")

    def test_all_codecs_in_many_parts(self):
        for ending in ("", ".gz", ".zst"):
            with self.subTest(ending):
                self.set_up(rows(320_000), output="out.csv" + ending)
                self.check()
                self.assertGreaterEqual(len(self.proxy.ops("UploadPart", key="out.csv*")), 2)

    def test_checkpoints_elsewhere(self):
        self.set_up(large())
        for place in (self.url("state/"), self.url("state/mine.ckpt"), "local.weir"):
            with self.subTest(place=place):
                self.fresh_bucket()
                self.pipeline(self.pipeline_text("s3", "in.csv", "out.ndjson", checkpoint=place))
                self.weir(*self.args)
                self.assertEqual(self.object("out.ndjson"), self.expected["out.ndjson"])
                left = set(self.keys()) - {"in.csv", "out.ndjson", "rejects.ndjson"}
                self.assertEqual(len(left), 0 if place == "local.weir" else 1, left)
                self.assertTrue(all(k.startswith("state/") for k in left), left)

    def test_no_checkpoint(self):
        self.set_up(large(), checkpoint="none")
        self.weir(*self.args)
        self.assertEqual(self.object("out.ndjson"), self.expected["out.ndjson"])
        self.assert_only("in.csv", "out.ndjson", "rejects.ndjson")

    def test_files_to_an_object_and_an_object_to_a_file(self):
        self.put("in.csv", small())
        self.query(self.path("in.csv"), "-o", self.url("out.csv"), "--rejects", self.path("r"))
        self.query(self.url("out.csv"), "-o", self.path("back.csv"))
        self.assertEqual(self.get("back.csv"), self.object("out.csv"))


class LostAnswers(Writes):
    """W1, W2: the service did it and nobody was told; or it did not, and nobody was told either."""

    def test_small(self):
        self.set_up(small())
        for key in ("out.ndjson", "rejects.ndjson", "out.ndjson.weir", "out.ndjson.weir.lease"):
            for act in (lose_reply(), lose_reply(True), cut_head(20), refuse(), refuse(True), answer_instead(500, "InternalError"), answer(500, "InternalError")):
                with self.subTest(key=key, act=act):
                    self.check(("PutObject", key, act, 0))

    def test_large(self):
        self.set_up(medium())
        for op, skip in (("CreateUpload", 0), ("UploadPart", 0), ("UploadPart", 1), ("Complete", 0)):
            for act in (lose_reply(), refuse(True), answer_instead(500, "InternalError")):
                with self.subTest(op=op, skip=skip, act=act):
                    self.check((op, "out.ndjson", act, skip))

    def test_the_tail_and_its_removal(self):
        self.set_up(medium())
        for op in ("PutObject", "DeleteObject"):
            for act in (lose_reply(), refuse()):
                with self.subTest(op=op, act=act):
                    self.check((op, "*.tail-*", act, 0))

    def test_heads_and_lists(self):
        self.set_up(small())
        for act in (refuse(), answer(503, "SlowDown"), cut_head(5)):
            with self.subTest(act=act):
                self.check(("HeadObject", "*", act, 0))

    def test_answers_lost_over_and_over(self):
        self.set_up(large())
        self.check(*[("Complete", "out.ndjson", lose_reply(), 0)] * 2, *[("UploadPart", "out.ndjson", lose_reply(), 0)] * 2,
                   *[("CreateUpload", "out.ndjson", lose_reply(), 0)] * 2)


class Completes(Writes):
    """W2 to W5: what can become of the one request that makes the object."""

    def setUp(self):
        super().setUp()
        self.set_up(medium())

    def test_lost_then_no_such_upload(self):
        self.check(("Complete", "out.ndjson", lose_reply(), 0), ("Complete", "out.ndjson", answer(404, "NoSuchUpload"), 0))

    def test_lost_then_precondition_failed(self):
        self.check(("Complete", "out.ndjson", lose_reply(), 0), ("Complete", "out.ndjson", answer(412, "PreconditionFailed"), 0))

    def test_lost_then_200(self):
        self.check(("Complete", "out.ndjson", lose_reply(), 0))

    def test_200_with_an_error_that_is_none(self):
        """The body says that it failed, and it was done."""
        def act(exchange):
            _ = exchange.ask().body
            exchange.answer(200, "InternalError")
        self.check(("Complete", "out.ndjson", act, 0))

    def test_200_with_an_error_that_is_one(self):
        self.check(("Complete", "out.ndjson", answer(200, "InternalError"), 0))
        self.check(("Complete", "out.ndjson", answer(200, "SlowDown"), 0))

    def test_a_body_that_ends_behind_white_space(self):
        def change(reply):
            reply.set_body(b"   \n  " + reply.body)
        for size in (3, 40):
            with self.subTest(size=size):
                self.check(("Complete", "out.ndjson", edit(change, size), 0))
        self.check(("Complete", "out.ndjson", edit(change), 0))
        self.check(("Complete", "out.ndjson", cut(5), 0))

    def test_conflict_then_fine(self):
        self.check(("Complete", "out.ndjson", answer(409, "ConditionalRequestConflict"), 0))

    def test_no_such_upload_and_nothing_is_there(self):
        self.check_lost(("Complete", "out.ndjson", self.taken_away(), 0))

    def test_somebody_elses_of_the_same_size(self):
        """Length alone proves nothing."""
        theirs = b"x" * len(self.expected["out.ndjson"])

        def act(exchange):
            self.put_object("out.ndjson", theirs)
            self.taken_away()(exchange)
        self.proxy.fault(act, op="Complete", key="out.ndjson")
        self.weir(*self.args, exit=41, code="W4101")
        self.assertEqual(self.object("out.ndjson"), theirs)

    @only("moto", why="radosgw 16 does not know conditions of Complete")
    def test_somebody_else_was_faster(self):
        self.proxy.fault(before(lambda _: self.put_object("out.ndjson", NOT_OURS)), op="Complete", key="out.ndjson")
        self.weir(*self.args, exit=41, code="W4101")
        self.assertEqual(self.object("out.ndjson"), NOT_OURS)
        self.assertEqual([k for k, _ in self.s3.uploads(self.bucket) if k == "out.ndjson"], [])


class Parts(Writes):
    def setUp(self):
        super().setUp()
        self.set_up(medium())

    def test_an_etag_that_is_another(self):
        """W7: S3 is asked which they are."""
        zeros = field("etag", '"00000000000000000000000000000000"')
        self.check(("UploadPart", "out.ndjson", zeros, 1))
        self.assertEqual(len(self.proxy.ops("Complete", key="out.ndjson")), 2)
        self.check(("UploadPart", "out.ndjson", zeros, 0), ("UploadPart", "out.ndjson", zeros, 0))

    def test_a_checksum_that_is_another(self):
        wrong = field("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")
        self.check(("UploadPart", "out.ndjson", wrong, 1))
        self.assertEqual(len(self.proxy.ops("UploadPart", key="out.ndjson")), 3)
        self.fresh_bucket()
        self.proxy.fault(wrong, op="UploadPart", times=None)
        self.weir(*self.args, exit=40, code="W4025")
        self.assertEqual(len(self.proxy.ops("UploadPart", key="out.ndjson")), 3)
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))

    def test_a_reply_without_an_etag(self):
        self.check(("UploadPart", "out.ndjson", field("etag", None), 1))

    def test_a_reply_without_an_etag_for_ever(self):
        self.proxy.fault(field("etag", None), op="UploadPart", times=None)
        self.weir(*self.args, exit=40)
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))
        self.proxy.clear()
        self.forget_lease()
        self.assert_done(self.weir(*self.args))

    def test_the_upload_is_taken_away(self):
        for skip in (0, 1):
            with self.subTest(skip=skip):
                self.check_lost(("UploadPart", "out.ndjson", self.taken_away(), skip))

    def test_errors_that_pass(self):
        for act in (answer(500, "InternalError"), answer(400, "RequestTimeout"), answer(503, "ServiceUnavailable")):
            with self.subTest(act=act):
                self.check(*((op, "*", act, 0) for op in WRITES))
        # Throttled: a second and more between two tries.
        self.check(("UploadPart", "*", answer(503, "SlowDown"), 0))

    def test_an_upload_that_is_refused(self):
        for op in WRITES:
            with self.subTest(op=op):
                self.fresh_bucket()
                self.proxy.fault(answer(403, "AccessDenied"), op=op, key="out.ndjson*", times=None)
                run = self.weir(*self.args, exit=60)
                self.assertIn("AccessDenied", run.error["detail"])
                self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))


class Exists(Writes):
    """output.if_exists."""

    def setUp(self):
        super().setUp()
        self.set_up(small())

    def test_fail(self):
        self.put_object("out.ndjson", NOT_OURS)
        run = self.weir(*self.args, exit=41, code="W4101")
        self.assertIn("out.ndjson", run.error["detail"])
        self.assertEqual(self.object("out.ndjson"), NOT_OURS)
        self.assertEqual(self.proxy.ops("PutObject", key="out.ndjson"), [])

    def test_fail_when_it_came_meanwhile(self):
        self.proxy.fault(before(lambda _: self.put_object("out.ndjson", NOT_OURS)), op="PutObject", key="out.ndjson")
        self.weir(*self.args, exit=41, code="W4101")
        self.assertEqual(self.object("out.ndjson"), NOT_OURS)

    def test_replace(self):
        self.put_object("out.ndjson", NOT_OURS)
        self.put_object("rejects.ndjson", NOT_OURS)
        self.assert_done(self.weir(*self.args, "--set", "output.if_exists=replace"))

    def test_skip(self):
        self.put_object("out.ndjson", NOT_OURS)
        run = self.weir(*self.args, "--set", "output.if_exists=skip")
        self.assertEqual(run.summary["records"]["read"], 0)
        self.assertEqual(self.object("out.ndjson"), NOT_OURS)

    def test_skip_where_nothing_is(self):
        self.assert_done(self.weir(*self.args, "--set", "output.if_exists=skip"))

    def test_nothing_is_visible_before_the_end(self):
        self.set_up_job(large(), source="in.csv", output="out.ndjson")
        seen = []
        self.proxy.fault(before(lambda _: seen.append(self.s3.head(self.bucket, "out.ndjson"))), op="UploadPart", times=None)
        self.weir(*self.args)
        self.assertEqual(set(seen), {None})
        self.assertGreaterEqual(len(seen), 2)

    def test_the_output_is_no_input(self):
        self.query(self.url("in.csv"), "-o", self.url("in.csv"), exit=20, code="W2005")

    def test_no_such_bucket(self):
        run = self.query(self.url("in.csv"), "-o", self.url("out.csv", bucket="weir-no-such-bucket-here"), "--rejects", self.path("r"), exit=None)
        self.assertIn(run.exit, (20, 40), str(run))


class Rejects(Writes):
    def test_rejects_say_what_they_say_of_files(self):
        self.set_up(small())
        self.check()
        reject = json.loads(self.object("rejects.ndjson").splitlines()[0])
        self.assertEqual(reject["source"].rpartition("/")[2], "in.csv")

    def test_too_many(self):
        self.set_up(small(), more="")
        self.pipeline(self.pipeline_text("s3", "in.csv", "out.ndjson").replace("rejects:\n", "rejects:\n  max: 2\n"))
        self.weir(*self.args, exit=32, code="W3201")
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))
