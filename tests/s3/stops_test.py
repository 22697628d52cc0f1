"""Stopped and gone on with: whatever stops a run, at whatever request, the objects are those of a run that was not stopped.

The proxy stops the run: when a request has come (`entry`: the server will not hear of it any more) or when the server has done it and
the run has not heard of it yet (`exit`). WEIR_HARD_FULL=1 takes every request, else a sample of them that WEIR_RESUME_SEED draws.
"""
import functools
import os
import random
import signal
import threading

import harness
from bed import Job, rows
from fault_proxy import answer, before, cut, lose_reply, stall
from harness import FULL, MiB, gzip_member
from write_test import NOT_OURS, medium

SEED = int(os.environ.get("WEIR_RESUME_SEED", "1"))


@functools.lru_cache(maxsize=None)
def packed():
    return gzip_member(rows(200_000, bad_every=20_000), 1)


class Stops(Job):
    def set_up(self, **options):
        self.set_up_job(medium(), **{"source": "in.csv", "output": "out.ndjson", "unit": "1MiB", **options})
        self.random = random.Random(f"{self.id()} {SEED}")

    def whole_log(self):
        """The requests of a run that nobody stops."""
        self.fresh_bucket()
        self.assert_done(self.weir(*self.args))
        log = list(self.proxy.log)
        self.fresh_bucket()
        return log

    def stopper(self, signal_number, phase):
        def act(exchange):
            if phase == "entry":
                self.strike(signal_number)
                if signal_number == signal.SIGKILL:
                    exchange.end()
                    return
            reply = exchange.ask()
            _ = reply.body
            if phase == "exit":
                self.strike(signal_number)
            exchange.reply(reply)
        return act

    def stop_at(self, number, phase="entry", signal_number=signal.SIGKILL):
        """A run that is stopped at its request of this number, from 0."""
        self.proxy.clear()
        fault = self.proxy.fault(self.stopper(signal_number, phase), skip=number)
        run = self.ended(self.start_struck(*self.args))
        if signal_number == signal.SIGKILL and fault.hits:
            self.assertEqual(run.exit, -signal.SIGKILL, str(run))
        if run.exit != 0:
            self.forget_lease()
        return run

    def finish(self, *more):
        self.proxy.clear()
        run = self.weir(*self.args, *more)
        self.assert_done(run)
        return run


class Kills(Stops):
    """D3: SIGKILL at any request, and the same command again."""

    def kill_everywhere(self, sample):
        count = len(self.whole_log())
        places = [(number, phase) for number in range(count) for phase in ("entry", "exit")]
        for number, phase in places if FULL else sorted(self.random.sample(places, min(sample, len(places)))):
            with self.subTest(number=number, phase=phase):
                self.fresh_bucket()
                self.stop_at(number, phase)
                self.finish()

    def test_large(self):
        self.set_up()
        self.kill_everywhere(12)

    def test_small(self):
        self.set_up_job(rows(300, bad_every=100), source="in.csv", output="out.ndjson")
        self.random = random.Random(SEED)
        self.kill_everywhere(24)

    def test_gzip_both_ways(self):
        self.set_up_job(packed(), source="in.csv.gz", output="out.ndjson.gz", unit="1MiB")
        self.random = random.Random(SEED)
        self.kill_everywhere(3)

    def test_killed_over_and_over(self):
        """D9: and while it is recovering."""
        self.set_up()
        for _ in range(20 if FULL else 2):
            self.fresh_bucket()
            stops = [self.stop_at(self.random.randrange(4, 30), self.random.choice(("entry", "exit"))).exit for _ in range(4)]
            with self.subTest(stops=stops):
                self.finish()

    def test_the_last_requests(self):
        """Where the object becomes visible and what was needed until then goes."""
        self.set_up()
        log = self.whole_log()
        first = next(i for i, r in enumerate(log) if r.op == "Complete")
        for number in range(first - 1, len(log)):
            for phase in ("entry", "exit"):
                with self.subTest(number=number, phase=phase, request=str(log[number])):
                    self.fresh_bucket()
                    self.stop_at(number, phase)
                    self.finish()


class InOrder(Stops):
    """D1, D4: SIGTERM and deadlines."""

    def test_50_cuts_of_one_job(self):
        self.set_up(unit="16KiB")
        cuts = 0
        while cuts < 50:
            # A run that goes on asks for about ten things before it writes the first.
            run = self.stop_at(self.random.randrange(11, 15), self.random.choice(("entry", "exit")), signal.SIGTERM)
            self.assertEqual(run.exit, 10, str(run))
            cuts += 1
        self.assertGreater(self.finish().summary["checkpoint"]["resumed_at"], 0)

    def test_a_stop_says_where_the_state_is(self):
        self.set_up()
        run = self.stop_at(14, "entry", signal.SIGTERM)
        self.assertEqual((run.exit, run.error["code"]), (10, "W1001"), str(run))
        self.assertIn(self.url("out.ndjson.weir"), run.error["detail"])
        self.assertEqual(run.summary["checkpoint"]["at"], self.url("out.ndjson.weir"))
        self.assertEqual([k for k in self.keys() if k.endswith(".lease")], [], "a run that ends in order gives its lease back")
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))
        again = self.finish()
        self.assertGreater(again.summary["checkpoint"]["resumed_at"], 0)

    def test_deadlines(self):
        """However short they are: each run goes on where the one before stood, or says that it got nowhere."""
        self.set_up(unit="256KiB")
        cuts, milliseconds = 0, 60
        for _ in range(60):
            self.proxy.clear()
            run = self.weir(*self.args, "--deadline", f"{milliseconds}ms", exit=None)
            self.assertIn(run.exit, (0, 10, 11), str(run))
            if run.exit == 0:
                break
            cuts += 1
            milliseconds = milliseconds * 5 // 4
        self.assertEqual(run.exit, 0, f"not done after {cuts} deadlines")
        self.assertGreaterEqual(cuts, 1)
        self.assert_done(run)

    def test_a_deadline_within_a_request(self):
        """D4: in one that is not answered, or that is to be asked again later than the deadline: what is durable is gone on with."""
        self.set_up(unit="256KiB")
        for name, op, key, times in (("a read", "GetObject", "in.csv", None), ("a part, once", "UploadPart", "out.ndjson", 1),
                                     ("a part, for ever", "UploadPart", "out.ndjson", None), ("a checkpoint", "PutObject", "out.ndjson.weir", None)):
            for act in (self.stalled(), answer(503, "SlowDown", retry_after="100")):
                with self.subTest(name=name, act=act):
                    self.fresh_bucket()
                    # The first units are let pass.
                    fault = self.proxy.fault(act, op=op, key=key, times=times, skip=3 if op == "PutObject" else 0,
                                             where=lambda r: r.op != "GetObject" or "range" in r.fields)
                    self.proxy.fault(cut(2 * MiB), op="GetObject", key="in.csv")
                    run = self.weir(*self.args, "--deadline", "4s", exit=10, code="W1001")
                    self.assertGreaterEqual(fault.hits, 1)
                    self.assertGreater(run.records["read"], 0)
                    self.assertLess(run.records["read"], self.whole.records["read"])
                    self.forget_lease()
                    again = self.finish()
                    self.assertGreater(again.summary["checkpoint"]["resumed_at"], 0)

    def stalled(self):
        released = threading.Event()
        self.addCleanup(released.set)
        return stall(released)

    def test_a_deadline_that_has_passed_asks_nothing(self):
        self.set_up()
        run = self.weir(*self.args, "--deadline", "2026-01-01T00:00:00Z", exit=None)
        self.assertIn(run.exit, (10, 11), str(run))
        self.assertEqual(self.proxy.ops(*("PutObject", "CreateUpload", "UploadPart", "Complete")), [])

    def test_a_stop_while_nothing_answers(self):
        """L7: a signal ends the waiting for another try."""
        self.set_up()
        self.proxy.fault(lambda e: (self.strike(signal.SIGTERM), e.answer(503, "SlowDown")), op="GetObject", key="in.csv", times=None)
        run = self.ended(self.start_struck(*self.args))
        self.assertIn(run.exit, (10, 11, 40), str(run))


class Again(Stops):
    """What a finished, a failed or another run leaves to the next one."""

    def test_done_is_done(self):
        self.set_up()
        self.finish()
        etags = {k: self.s3.head(self.bucket, k).etag for k in self.keys()}
        again = self.finish()
        self.assertEqual(again.summary["status"], "already_done")
        self.assertEqual(again.records["read"], 0)
        self.assertEqual({k: self.s3.head(self.bucket, k).etag for k in self.keys()}, etags)
        self.assertLessEqual(len(self.proxy.ops("GetObject", key="in.csv")), 1, "its format is looked at, no more")

    def test_an_output_that_was_taken_away_is_made_again(self):
        self.set_up()
        self.finish()
        self.s3.delete(self.bucket, "out.ndjson")
        self.s3.delete(self.bucket, "rejects.ndjson")
        self.assertEqual(self.finish().summary["status"], self.whole.summary["status"])

    def test_another_input_is_told(self):
        self.set_up()
        self.finish()
        self.put_object("in.csv", medium() + b"1,x,2\n")
        self.weir(*self.args, exit=31, code="W3101")
        self.assertEqual(self.object("out.ndjson"), self.expected["out.ndjson"])

    def test_replaced_between_two_runs(self):
        """N8 at the seam."""
        self.set_up()
        self.stop_at(16)
        self.put_object("in.csv", medium()[:-1] + b"\r\n")
        self.weir(*self.args, exit=31, code="W3101")
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))
        self.set_up_job(medium()[:-1] + b"\r\n", source="in.csv", output="out.ndjson", unit="1MiB")
        self.finish("--restart")

    def test_restart_begins_anew(self):
        self.set_up()
        self.stop_at(20)
        run = self.finish("--restart")
        self.assertEqual(run.summary["checkpoint"].get("resumed_at", 0), 0)

    def test_restart_of_a_run_that_was_stopped_in_order(self):
        """It has given its lease back, and left an upload."""
        self.set_up()
        self.stop_at(len(self.whole_log()) * 2 // 3, "entry", signal.SIGTERM)
        self.assertNotEqual(self.s3.uploads(self.bucket), [])
        self.finish("--restart")

    def test_restart_when_the_rejects_are_shown_already(self):
        self.set_up()
        log = self.whole_log()
        self.stop_at(next(i for i, r in enumerate(log) if r.op == "Complete"), "entry")
        self.assertIsNotNone(self.s3.head(self.bucket, "rejects.ndjson"))
        self.finish("--restart")

    def test_the_upload_was_taken_away_between_two_runs(self):
        """W6."""
        self.set_up()
        self.stop_at(len(self.whole_log()) * 2 // 3)
        uploads = self.s3.uploads(self.bucket)
        self.assertNotEqual(uploads, [])
        for key, upload in uploads:
            self.s3.abort(self.bucket, key, upload)
        run = self.weir(*self.args, exit=None)
        if run.exit == 50:  # told, and begun anew where asked to
            self.assertEqual(run.error["code"], "W5003")
            self.forget_lease()
            self.finish("--restart")
        else:
            self.assert_done(run)

    def test_the_tail_was_damaged_or_taken_away(self):
        self.set_up()
        self.stop_at(len(self.whole_log()) * 2 // 3, "entry", signal.SIGTERM)
        tails = {k: self.object(k) for k in self.keys() if ".tail-" in k}
        self.assertNotEqual(tails, {})
        for damage in (lambda data: data[:-1], lambda data: b"?" + data[1:]):
            for key, data in tails.items():
                self.put_object(key, damage(data))
            self.weir(*self.args, exit=50, code="W5003")
        for key in tails:
            self.s3.delete(self.bucket, key)
        self.weir(*self.args, exit=50, code="W5003")
        for key, data in tails.items():
            self.put_object(key, data)
        self.finish()

    def test_a_checkpoint_that_is_damaged_or_of_another_job(self):
        self.set_up()
        self.stop_at(20)
        good = self.object("out.ndjson.weir")
        for data in (good[:-1], b"something else", good[:50] + bytes([good[50] ^ 1]) + good[51:]):
            self.put_object("out.ndjson.weir", data)
            self.weir(*self.args, exit=50, code="W5001")
        self.put_object("out.ndjson.weir", good)
        self.weir(*self.args, "--set", "query=SELECT id FROM input", exit=50, code="W5002")
        self.finish()

    def test_somebody_makes_the_output_meanwhile(self):
        self.set_up()
        self.stop_at(20)
        self.put_object("out.ndjson", NOT_OURS)
        if self.server.name == "moto":  # radosgw 16 does not know conditions of Complete
            self.weir(*self.args, exit=41, code="W4101")
            self.assertEqual(self.object("out.ndjson"), NOT_OURS)
            self.forget_lease()
        self.s3.delete(self.bucket, "out.ndjson")
        self.s3.delete(self.bucket, "rejects.ndjson")
        self.finish("--restart")

    def test_unavailable_and_again(self):
        """40 keeps the checkpoint."""
        self.set_up(every="0s")
        self.proxy.fault(lambda e: e.answer(405, "MethodNotAllowed"), op="UploadPart", skip=1, times=None)
        self.weir(*self.args, exit=40)
        self.forget_lease()
        run = self.finish()
        self.assertGreater(run.summary["checkpoint"]["resumed_at"], 0)

    def test_three_runs_without_progress(self):
        """D10."""
        self.set_up()
        self.stop_at(20)
        codes = []
        for _ in range(5):
            self.proxy.clear()
            # Not the one that only looks at the format.
            self.proxy.fault(self.stopper(signal.SIGTERM, "entry"), op="GetObject", key="in.csv", where=lambda r: "range" in r.fields, times=None)
            codes.append(self.ended(self.start_struck(*self.args)).exit)
            self.forget_lease()
        self.assertEqual((codes[:3], codes[-1]), ([10, 10, 10], 42))
        self.finish("--restart")


class Fences(Stops):
    """D7, D8: two runs of one job."""

    def lease_key(self):
        keys = [k for k in self.keys() if k.endswith(".lease")]
        self.assertEqual(len(keys), 1, self.keys())
        return keys[0]

    def test_two_runs_at_once(self):
        self.set_up()
        others = []

        def other_run(_):
            others.append(self.weir(*self.args, exit=51, code="W5101", env=self.env(AWS_ENDPOINT_URL=self.s3.endpoint)))
        self.proxy.fault(before(other_run), op="UploadPart")
        self.proxy.fault(before(other_run), op="Complete")
        self.assert_done(self.weir(*self.args))
        self.assertEqual(len(others), 2)
        self.assertIn(".lease", others[0].error["detail"])

    def test_two_runs_that_begin_together(self):
        self.set_up()
        for _ in range(3):
            self.fresh_bucket()
            runs = [self.ended(p) for p in [self.start(*self.args) for _ in range(2)]]
            exits = sorted(r.exit for r in runs)
            self.assertIn(exits, ([0, 51], [0, 0]), [str(r) for r in runs])
            self.assert_done(next(r for r in runs if r.exit == 0))

    def test_a_lease_that_a_killed_run_left(self):
        self.set_up()
        self.proxy.fault(self.stopper(signal.SIGKILL, "entry"), skip=20)
        self.ended(self.start_struck(*self.args))
        self.weir(*self.args, exit=51, code="W5101")
        self.lease_key()
        self.forget_lease()
        self.finish()

    def test_a_lease_ends_ten_seconds_behind_the_deadline(self):
        self.set_up()
        self.proxy.fault(self.stopper(signal.SIGKILL, "entry"), op="UploadPart")
        begin = harness.time.time()
        self.ended(self.start_struck(*self.args, "--deadline", "100s"))
        until = int(self.object(self.lease_key()).split()[3]) / 1e9
        self.assertGreaterEqual(until, begin + 109)
        self.assertLessEqual(until, harness.time.time() + 111)

    def test_a_run_that_slept_while_another_one_finished(self):
        """D8: a frozen run wakes, and does no harm."""
        self.set_up()
        for op, key in (("UploadPart", "out.ndjson"), ("PutObject", "out.ndjson.weir"), ("Complete", "out.ndjson")):
            with self.subTest(op=op):
                self.fresh_bucket()

                def another(exchange):
                    self.strike(signal.SIGSTOP)
                    self.forget_lease()
                    others.append(self.weir(*self.args, exit=None, env=self.env(AWS_ENDPOINT_URL=self.s3.endpoint)))
                    self.strike(signal.SIGCONT)
                    if "uploadId" in exchange.request.query:  # the other one has aborted it or made it an object: radosgw and moto answer 500
                        self.proxy.fault(answer(404, "NoSuchUpload"), where=lambda r: "uploadId" in r.query, times=None)
                        exchange.answer(404, "NoSuchUpload")
                    else:
                        exchange.reply(exchange.ask())
                others = []
                self.proxy.fault(another, op=op, key=key, skip=1 if op == "PutObject" else 0)
                run = self.ended(self.start_struck(*self.args))
                self.assertEqual([r.exit for r in others], [0], str(others[0]))
                self.assertIn(run.exit, (0, 41, 50, 51), str(run))
                self.assertEqual(self.object("out.ndjson"), self.expected["out.ndjson"])
                self.weir(*self.args)
                self.assertEqual(self.object("out.ndjson"), self.expected["out.ndjson"])
                self.assertEqual(self.s3.uploads(self.bucket), [])

    def test_a_checkpoint_that_changed_under_the_run(self):
        self.set_up()
        self.proxy.fault(before(lambda r: self.put_object("out.ndjson.weir", b"another run's")), op="PutObject", key="out.ndjson.weir", skip=2)
        self.weir(*self.args, exit=51, code="W5101")
        self.assertIsNone(self.s3.head(self.bucket, "out.ndjson"))

    def test_cuts_and_lost_answers_and_kills_together(self):
        """D9."""
        self.set_up(unit="512KiB")
        for _ in range(20 if FULL else 2):
            self.fresh_bucket()
            for _ in range(5):
                self.proxy.clear()
                for _ in range(3):
                    self.proxy.fault(cut(self.random.randrange(2_000_000)), op="GetObject", key="in.csv")
                    self.proxy.fault(lose_reply(), where=lambda r: r.method in ("PUT", "POST"), skip=self.random.randrange(12))
                self.proxy.fault(self.stopper(signal.SIGKILL, self.random.choice(("entry", "exit"))), skip=self.random.randrange(10, 40))
                self.ended(self.start_struck(*self.args))
                self.forget_lease()
            self.finish()


class FullSize(Stops):
    """2 GiB of csv.gz to ndjson.gz, cut 50 times."""

    def test_2_gib(self):
        if not FULL:
            return
        text = rows(2_000_000)
        data = b"".join(harness.gzip_repeated(text[text.index(b"\n") + 1:], (2 << 30) // len(text), level=1, head=text[: text.index(b"\n") + 1]))
        self.set_up_job(data, source="in.csv.gz", output="out.ndjson.gz", unit="4MiB", rejects="", part=8 << 20)
        self.random, cuts = random.Random(SEED), 0
        while cuts < 50:
            run = self.stop_at(self.random.randrange(10, 40), "entry", signal.SIGTERM)
            if run.exit == 0:
                break
            cuts += 1
        self.assertGreaterEqual(cuts, 10)
        self.finish()
