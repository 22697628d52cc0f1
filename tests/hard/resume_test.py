"""Stopped and gone on with: whatever stops a run, and wherever, the output is that of a run that was not stopped.

A run is stopped where its checkpoint stands at a place drawn at random, by SIGKILL, SIGTERM or its deadline. What is true in the end does
not depend on when the stop arrives. Each job is held against an uninterrupted run of itself: output, rejects, and every count of the summary. WEIR_RESUME_SEED draws other places.
"""
import gzip
import itertools
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import unittest
import zlib

import harness
from harness import SELECT_ALL, Case, MiB, Process, gzip_member, weir, zstd_frame

TOOL = os.environ.get("WEIR_SYSCALL_TOOL", os.path.join(os.path.dirname(os.path.abspath(harness.WEIR)), "weir_syscall_tool"))
KILL, TERM, DEADLINE = "kill", "term", "deadline"
COUNTS = ("records", "bytes", "batches", "units", "inputs", "inputs_done")


class Head:
    """The fixed part of a checkpoint; None of it when there is no file."""

    FORMAT = "<8sIIBBQQIIQQHIQQ"

    def __init__(self, path):
        self.sequence, self.progress, self.kind, self.idle_runs, self.runs, self.epoch, self.verdict = -1, 0, 0, 0, 0, 0, 0
        try:
            with open(path, "rb") as file:
                data = file.read(struct.calcsize(self.FORMAT))
        except FileNotFoundError:
            return
        (_, self.version, self.length, self.signed, self.kind, self.epoch, self.sequence, self.runs, self.idle_runs, self.saved_ns,
         self.progress, self.verdict, *_) = struct.unpack(self.FORMAT, data)


RUNNING, FINISHING, DONE, ANEW = 1, 2, 3, 4


class Resume(Case):
    seed = int(os.environ.get("WEIR_RESUME_SEED", "1"))

    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{self.id()} {self.seed}")
        for folder in ("whole", "cut"):
            os.mkdir(self.path(folder))

    def start(self, args, cwd="cut", **options):
        return Process(*args, cwd=self.path(cwd), stdin=subprocess.DEVNULL, **options)

    def run_whole(self, args, exit=0):
        run = weir(*args, cwd=self.path("whole"), exit=exit)
        self.assertNotEqual(run.summary, None, str(run))
        return run

    def head(self, name="out.weir"):
        return Head(self.path("cut", name))

    def args(self, query, inputs, out, *more, unit="4KiB"):
        """Of a job in one of the two folders; `inputs` lie beside them."""
        return ["query", query, *(os.path.join("..", i) for i in inputs), "-o", out, "--set", "checkpoint.to=out.weir",
                "--set", "checkpoint.every=0s", "--set", f"output.unit={unit}", "--summary", "json", *more]

    def stop_once(self, args, how, saves=None, deadline_ms=20):
        """One run that is stopped once it has saved about so many checkpoints; or its end, if that comes first."""
        if how == DEADLINE:
            return self.start([*args, "--deadline", f"{deadline_ms}ms"]).finish()
        if os.path.exists(TOOL) and getattr(self, "cpu", None) is None:
            # Exactly at a system call. SIGTERM: where the state of so many saves is about to be put in its place, or an output.
            # SIGKILL: anywhere; a save makes about sixteen calls, some are made before the first.
            plan = f"term {saves + 1} rename,renameat,renameat2"
            if how == KILL:
                call = self.random.randrange(60 + 16 * saves // 2, 100 + 16 * saves)
                plan = f"kill {call} {self.random.choice(('entry', 'exit'))}"
            tool = subprocess.run([TOOL, "--in", self.path("cut"), "--stdout", self.path("tool.out"), "--stderr", self.path("tool.err"), plan,
                                   "--", harness.WEIR, *args], env=harness.environment(), stdout=subprocess.PIPE, check=True)
            outcome = json.loads(tool.stdout)
            return harness.Run(args, -outcome["signal"] if outcome["signal"] else outcome["exit"], b"", self.get("tool.err"))
        process = self.start(args)
        before = self.head().sequence
        while process.process.poll() is None and self.head().sequence < before + saves:
            os.sched_yield()
        process.signal(signal.SIGKILL if how == KILL else signal.SIGTERM)
        return process.finish()

    def stopped_by(self, args, how, saves, deadline_ms=20):
        """As stop_once, but where the run was done before it could be stopped, it is begun again from where it stood, and stopped earlier."""
        for attempt in range(12):
            kept = self.path("kept")
            subprocess.run(["cp", "-a", self.path("cut"), kept], check=True)  # with two names of one file as they are
            run = self.stop_once(args, how, max(saves >> attempt, 1), max(deadline_ms >> attempt, 1))
            missed = self.head().kind == DONE
            if missed:
                shutil.rmtree(self.path("cut"))
                os.rename(kept, self.path("cut"))
                continue
            shutil.rmtree(kept)
            return run
        return None

    def killed(self, args, saves, how=KILL):
        """A first run that is stopped in the middle."""
        run = None
        while run is None or self.head().kind != RUNNING or self.head().progress == 0:
            self.empty("cut")
            run = self.stopped_by(args, how, saves)
        self.assertEqual(run.exit, -signal.SIGKILL if how == KILL else 10, str(run))
        return run

    def empty(self, *folders):
        for folder in folders:
            shutil.rmtree(self.path(folder))
            os.mkdir(self.path(folder))

    def cut(self, args, stops=6, hows=(KILL, TERM, DEADLINE), saves_max=40, vary=(), at_least=1):
        """Runs the job with stops until it is done; gives the last run."""
        deadline_ms, stopped = 20, []
        for i in range(200):
            how = self.random.choice(hows) if len(stopped) < stops else None
            varied = self.random.choice(vary) if vary else []
            before = self.head()
            run = None
            if how is not None:
                saves = self.random.randint(2, saves_max)
                if before.idle_runs == 2:  # a third run that gets nowhere would be the last
                    how, saves = TERM, saves + 4
                run = self.stopped_by([*args, *varied], how, saves, deadline_ms)
            if run is None and how not in (None, KILL) and KILL in hows and len(stopped) < at_least:
                hows = (KILL,)  # a signal or a deadline may come too late each time; a system call can't be missed
                continue
            if run is None:  # the last one; or so little is left that it can't be stopped any more
                run = self.start([*args, *varied]).finish(0)
                self.stopped = stopped
                self.assertGreaterEqual(len(stopped), at_least)
                return run
            self.assertIn(run.exit, (10, -signal.SIGKILL), str(run))
            self.assertIn((how, run.exit), ((KILL, -signal.SIGKILL), (TERM, 10), (DEADLINE, 10)), str(run))
            after = self.head()
            self.assertGreaterEqual(after.progress, before.progress, str(run))
            if after.progress == before.progress:
                deadline_ms *= 2
            stopped.append((how, after.progress))
        self.fail(f"not done after 200 runs: {stopped}")

    def files_of(self, folder, except_for=("out.weir", "out.weir.lock")):
        found = {}
        for at, _, names in os.walk(self.path(folder)):
            for name in names:
                path = os.path.join(at, name)
                relative = os.path.relpath(path, self.path(folder))
                if relative not in except_for:
                    with open(path, "rb") as file:
                        found[relative] = file.read()
        return found

    def assert_same(self, whole, cut, folder="cut"):
        expected, got = self.files_of("whole"), self.files_of(folder)
        self.assertEqual(sorted(got), sorted(expected), self.stopped)
        for name, data in expected.items():
            if got[name] != data:
                at = next((i for i, (a, b) in enumerate(zip(got[name], data)) if a != b), min(len(got[name]), len(data)))
                self.fail(f"{name} differs at byte {at} of {len(data)} ({len(got[name])}): "
                          f"{got[name][at - 40:at + 40]!r} not {data[at - 40:at + 40]!r}; stops: {self.stopped}")
        if cut.summary["status"] == "already_done":
            return  # it was stopped when all was done but the exit
        for run in (whole, cut):
            if run.summary["status"] == "limit_reached":  # how far was read ahead depends on the window
                run.summary["bytes"].update(stored=0, decoded=0)
        for count in COUNTS:
            self.assertEqual(cut.summary[count], whole.summary[count], f"{count}; stops: {self.stopped}")
        self.assertEqual(cut.summary["status"], whole.summary["status"])

    def check(self, args, whole_args=None, **options):
        whole = self.run_whole(whole_args or args)
        cut = self.cut(args, **options)
        self.assert_same(whole, cut)
        again = self.start(args).finish(0)
        self.assertEqual(again.summary["status"], "already_done")
        return whole, cut


# ---- inputs ---------------------------------------------------------------------------------------------------------------


def csv_text(rng, rows):
    out = [b"id,name,amount\n"]
    for i in range(rows):
        kind = rng.randrange(40)
        if kind == 0:
            out.append(b"%d,ragged\n" % i)
        elif kind == 1:
            out.append(b'%d,"two\nlines, ""quoted"" and\n more",%d\n' % (i, i))
        elif kind == 2:
            out.append(b"%d,not a number,x%d\n" % (i, i))
        else:
            out.append(b"%d,%s,%d.%02d\n" % (i, b"abcdefghijklmnop"[: rng.randrange(1, 16)], rng.randrange(1000), rng.randrange(100)))
    return b"".join(out)


def ndjson_rows(rng, rows):
    for i in range(rows):
        kind = rng.randrange(40)
        if kind == 0:
            yield b'{"id":%d,"name":"broken' % i
        elif kind == 1:
            yield b'{"id":%d,"name":"nested","amount":"x","more":{"a":[1,2,{"b":null}]}}' % i
        else:
            yield b'{"id":%d,"name":"%s","amount":%d.%02d}' % (i, b"abcdefghijklmnop"[: rng.randrange(1, 16)], rng.randrange(1000), rng.randrange(100))


def text_of(fmt, rng, rows):
    if fmt == "csv":
        return csv_text(rng, rows)
    if fmt == "ndjson":
        return b"\n".join(ndjson_rows(rng, rows)) + b"\n"
    if fmt == "json":
        good = [row for row in ndjson_rows(rng, rows) if row.endswith(b"}")]
        good[7::50] = [b'{"id":1,"id2":tru}'] * len(good[7::50])
        return b'{"head":{"n":[1,2]},"Records":[\n' + b" ,\n".join(good) + b"],\"tail\":true}\n"
    if fmt == "lines":
        return b"".join(b"line %d %s\r\n" % (i, bytes(rng.choices(b"abc \xc3\xa4\"", k=rng.randrange(60)))) for i in range(rows))
    return rng.randbytes(rows * 25)


def gzip_of(data, how):
    if how == "gzip":
        return gzip_member(data, 6)
    if how == "members":
        cuts = [0, len(data) // 7, len(data) // 7, len(data) // 2, len(data)]
        return b"".join(gzip_member(data[a:b], 6) for a, b in zip(cuts, cuts[1:]))
    if how == "stored":
        return gzip_member(data, 0)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)  # blocks of the fixed code
    return (harness.GZIP_HEADER + packer.compress(data) + packer.flush() + struct.pack("<II", zlib.crc32(data), len(data)))


def zstd_of(data, frame_bytes):
    out = [harness.zstd_skippable(b"something of somebody else's")]
    for at in range(0, len(data), frame_bytes):
        piece = data[at:at + frame_bytes]
        out.append(zstd_frame(*(piece[i:i + 100_000] for i in range(0, len(piece), 100_000))))
    return b"".join(out)


CODECS = {
    "none": lambda data: data,
    "gzip": lambda data: gzip_of(data, "gzip"),
    "members": lambda data: gzip_of(data, "members"),
    "stored": lambda data: gzip_of(data, "stored"),
    "fixed": lambda data: gzip_of(data, "fixed"),
    "frames": lambda data: zstd_of(data, 700_000),
    "frame": lambda data: zstd_of(data, 1 << 30),
}
QUERIES = {
    "csv": "SELECT id, name, CAST(amount AS DECIMAL) AS amount FROM input WHERE id <> '13'",
    "ndjson": "SELECT id, name, CAST(amount AS DECIMAL) AS amount FROM input",
    "json": "SELECT * FROM input",
    "lines": "SELECT line FROM input",
    "blocks": "SELECT data FROM input",
}
VARY = [[], ["--memory", "64MiB"], ["--memory", "40MiB"], ["--set", "input.window=16KiB"], ["--set", "input.window=1MiB"]]


class FormatsAndCodecs(Resume):
    """Every input format in every codec, to outputs of every codec; memory and window change between the runs."""

    OUTPUTS = ("", ".gz", ".zst")
    ROWS = 45_000

    def check_format(self, fmt):
        data = text_of(fmt, random.Random(fmt), self.ROWS)
        ending = {"csv": "csv", "ndjson": "ndjson", "json": "ndjson", "lines": "txt", "blocks": "bin"}[fmt]
        for i, (codec, pack) in enumerate(CODECS.items()):
            with self.subTest(codec=codec):
                self.empty("whole", "cut")
                self.put("in", pack(data))
                more = ["--set", "rejects.to=rejects" + self.OUTPUTS[(i + 1) % 3], "--from", fmt]
                if fmt == "json":
                    more += ["--set", "input.path=Records[*]"]
                if fmt == "blocks":
                    more += ["--set", "input.block=1000"]
                args = self.args(QUERIES[fmt], ["in"], f"out.{ending}" + self.OUTPUTS[i % 3], *more)
                self.check(args, stops=5, saves_max=60, vary=VARY)

    def test_csv(self):
        self.check_format("csv")

    def test_ndjson(self):
        self.check_format("ndjson")

    def test_json(self):
        self.check_format("json")

    def test_lines(self):
        self.check_format("lines")

    def test_blocks(self):
        self.check_format("blocks")


class Places(Resume):
    """Stops in places that are hard to go on from."""

    def test_inside_a_quoted_field_of_many_lines(self):
        rng = random.Random(7)
        rows = [b'%d,"%s"\n' % (i, b"".join(b"line %d \"\"x\"\"\n" % rng.randrange(1000) for _ in range(rng.randrange(1, 4000)))) for i in range(120)]
        self.put("in", b"id,text\n" + b"".join(rows))
        args = self.args("SELECT * FROM input", ["in"], "out.ndjson", "--from", "csv", "--set", "input.record_max=128KiB", "--set", "input.window=4KiB")
        self.check(args, stops=12, saves_max=30, vary=[[], ["--set", "input.window=64KiB"]])

    def oversize(self, head, record, tail, fmt, query, whole_bytes, *more, saves_max=70):
        """A record of 100 MB and more is being passed over: what was read of it is not read again by the next run."""
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        text = head + record + tail
        data = harness.GZIP_HEADER + packer.compress(text) + packer.flush() + struct.pack("<II", zlib.crc32(text), len(text))
        self.assertGreater(len(text), whole_bytes)
        self.put("in", data)
        args = self.args(query, ["in"], "out.ndjson", "--from", fmt, "--set", "rejects.to=rejects", "--set", "input.record_max=64KiB",
                         "--set", "input.amplification_max=0", *more, unit="64KiB")
        self.check(args, stops=8, saves_max=saves_max, vary=[[], ["--set", "input.window=1MiB"]])
        inside = [at for _, at in self.stopped if len(head) < at < len(head) + len(record)]
        self.assertEqual(sorted(inside), inside)
        self.assertGreaterEqual(len(inside), 3, f"stopped within the record: {self.stopped}")

    def test_inside_an_oversize_record(self):
        big = bytes(random.Random(3).choices(b"abcdefgh", k=4096)) * (100 * MiB // 4096)
        self.oversize(b"a,b\n1,2\n", big + b",2\n", b"3,4\n", "csv", SELECT_ALL, 100 * MiB)

    def test_inside_an_oversize_element_of_an_array(self):
        big = bytes(random.Random(3).choices(b"abcdefgh", k=4096)) * (20 * MiB // 4096)
        self.oversize(b'{"Records":[{"a":1},', b'{"a":["' + big + b'"]}', b',{"a":2}]}', "json", SELECT_ALL, 20 * MiB,
                      "--set", "input.path=Records[*]", saves_max=16)

    def test_an_oversize_record_that_one_window_holds_whole_and_another_does_not(self):
        rows = [b"%d,%s\n" % (i, b"x" * (100_000 if i % 40 == 7 else 20)) for i in range(4000)]
        self.put("in", b"id,text\n" + b"".join(rows))
        args = self.args(SELECT_ALL, ["in"], "out.csv.gz", "--from", "csv", "--set", "rejects.to=rejects.gz", "--set", "input.record_max=32KiB")
        self.check(args, stops=15, saves_max=12, hows=(KILL, TERM), vary=[["--set", f"input.window={w}"] for w in ("4KiB", "64KiB", "1MiB")])

    def test_in_the_nth_of_many_inputs(self):
        names = []
        for i in range(60):
            text = csv_text(random.Random(i), 1 + i * 37 % 400)
            codec = (CODECS["none"], CODECS["gzip"], CODECS["frames"])[i % 3] if i % 7 else (lambda _: b"id,name,amount\n")
            names.append(os.path.relpath(self.put(f"in{i:03}", codec(text)), self.dir))
        args = self.args(QUERIES["csv"], names, "out.csv.zst", "--from", "csv", "--set", "rejects.to=rejects")
        self.check(args, stops=10, saves_max=25, vary=VARY)

    def test_aggregates_and_limit(self):
        self.put("a", csv_text(random.Random(1), 30_000))
        self.put("b", gzip_of(csv_text(random.Random(2), 30_000), "gzip"))
        for query in ("SELECT COUNT(*) AS n, SUM(CAST(amount AS DOUBLE)) AS d, SUM(CAST(amount AS DECIMAL)) AS s, MIN(name) AS a, MAX(name) AS z, "
                      "AVG(CAST(amount AS DECIMAL)) AS v FROM input WHERE name <> 'a'",
                      "SELECT id FROM input LIMIT 40000", "SELECT id, CAST(amount AS DECIMAL) AS amount FROM input WHERE id <> '5' LIMIT 1"):
            with self.subTest(query=query):
                self.empty("whole", "cut")
                self.check(self.args(query, ["a", "b"], "out.ndjson", "--from", "csv", "--set", "rejects.to=rejects"), stops=6, saves_max=40, vary=VARY,
                           at_least=0 if query.endswith("LIMIT 1") else 1)

    def test_a_folder_of_files(self):
        self.put("in", csv_text(random.Random(5), 30_000))
        for batch, ending in (("records=777", "ndjson"), ("records=20000", "csv.gz"), ("bytes=3KiB", "json")):
            with self.subTest(batch=batch):
                self.empty("whole", "cut")
                args = self.args(QUERIES["csv"], ["in"], "out/part-{batch}." + ending, "--from", "csv", "--set", "rejects.to=rejects",
                                 "--set", "batch." + batch)
                self.check(args, stops=8, saves_max=40, vary=VARY)

    def test_exec_gets_each_batch_at_least_once_and_again_only_as_it_was(self):
        self.put("in", b"id\n" + b"".join(b"%d\n" % i for i in range(3000)))
        keep = 'data=$(cat); printf "%s %s\\n" "$WEIR_BATCH_ID" "$(printf %s "$data" | md5sum)" >> log'
        pipeline = self.pipeline("name: job\n" f"input:\n  from: ../in\n  format: csv\nbatch:\n  records: 100\noutput:\n  to: exec\n  format: ndjson\n"
                                 f"  unit: 4KiB\nexec:\n  command: {json.dumps(keep)}\ncheckpoint:\n  to: out.weir\n  every: 0s\n")
        args = ["run", pipeline, "--summary", "json"]
        self.run_whole(args)
        expected = self.get("whole/log").splitlines()
        self.assertEqual(len(expected), 30)
        last = self.cut(args, stops=4, hows=(KILL, TERM), saves_max=6)
        got = self.get("cut/log").splitlines()
        # In order. What comes again is what a stop left without a receipt, with the same id; the command of a run that was killed may have
        # seen its input end early, and gets all of it the next time.
        whole_ones = [line for line in got if line in expected]
        self.assertEqual(list(dict.fromkeys(whole_ones)), expected)
        self.assertLessEqual(len(got) - len(expected), len(self.stopped))
        for at, line in enumerate(got):
            if line not in expected:
                self.assertIn(line.split()[0], [later.split()[0] for later in got[at + 1:]])
        self.assertEqual(last.summary["records"]["written"], 3000)


    def test_a_command_that_hangs_is_ended_at_the_deadline(self):
        self.put("in", b"id\n" + b"".join(b"%d\n" % i for i in range(300)))
        command = 'cat > last; [ $WEIR_BATCH_ID = job-000001 ] && [ ! -e free ] && sleep 1000; printf "%s\\n" "$WEIR_BATCH_ID" >> log'
        pipeline = self.pipeline("name: job\ninput:\n  from: ../in\n  format: csv\nbatch:\n  records: 100\noutput:\n  to: exec\n  format: ndjson\n"
                                 f"exec:\n  command: {json.dumps(command)}\ncheckpoint:\n  to: out.weir\n")
        args = ["run", pipeline, "--summary", "json"]
        run = self.start([*args, "--deadline", "3s"]).finish()
        self.assertEqual(run.exit, 10, str(run))
        self.assertLessEqual(run.records["written"], 100)
        self.put("cut/free", b"")
        run = self.start(args).finish(0)
        self.assertEqual(run.records["written"], 300)
        self.assertEqual(set(self.get("cut/log").split()), {b"job-000000", b"job-000001", b"job-000002"})


QEMU = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")


@unittest.skipUnless(QEMU, "no qemu-user here to be another CPU")
class OtherMachines(Resume):
    """Begun under one CPU's kernels (ours, isa-l's), gone on with under another's. None: this machine's."""

    # Without SSE4.2: the scalar kernels of isa-l, whose gzip is another; SSE4.2; AVX2; what is here, AVX-512 perhaps.
    BASE, SSE, AVX2, HERE = "qemu64,-sse4.1,-sse4.2,-ssse3", "max,-avx,-avx2", "max", None
    ROWS = 15_000

    def start(self, args, cwd="cut", **options):
        cpu = getattr(self, "cpu", None)
        return super().start(args, cwd, wrapper=(QEMU, "-cpu", cpu) if cpu else (), **options)

    def stop_once(self, args, how, saves=None, deadline_ms=20):
        self.cpu = next(self.cpus)
        return super().stop_once(args, TERM, saves, deadline_ms)

    def check_machines(self, fmt, codec, ending, cpus, *more):
        with self.subTest(format=fmt, codec=codec, ending=ending):
            self.cpus = itertools.cycle(cpus)
            self.empty("whole", "cut")
            self.put("in", CODECS[codec](text_of(fmt, random.Random(fmt), self.ROWS)))
            path = ["--set", "input.path=Records[*]"] if fmt == "json" else []
            args = self.args(QUERIES[fmt], ["in"], "out." + ending, "--from", fmt, "--set", "rejects.to=rejects", *path, *more)
            whole = self.run_whole(args)
            self.cpu, self.stopped, run = None, [], None
            while len(self.stopped) < 4 and self.head().kind != DONE:
                run = self.stopped_by(args, TERM, 8)
                if run is None:
                    break
                self.assertEqual(run.exit, 10, str(run))
                self.stopped.append((self.cpu, self.head().progress))
            self.cpu = next(self.cpus)
            self.assert_same(whole, self.start(args).finish(0))
            self.assertGreaterEqual(len(self.stopped), 2)

    def test_text_in_all_formats(self):
        for fmt in ("csv", "ndjson", "json"):
            for codec in ("none", "gzip"):
                self.check_machines(fmt, codec, "ndjson", (self.SSE, self.AVX2, self.BASE, self.HERE))

    def test_gzip_of_levels_0_to_2(self):
        for level in range(3):
            self.check_machines("csv", "gzip", "ndjson.gz", (self.AVX2, self.SSE, self.HERE, self.SSE, self.AVX2), "--set", f"output.level={level}")

    def test_gzip_of_level_3(self):
        self.check_machines("ndjson", "fixed", "ndjson.gz", (self.AVX2, self.HERE), "--set", "output.level=3")

    def test_gzip_that_would_become_another_is_refused(self):
        self.put("in", text_of("csv", random.Random(1), self.ROWS))
        for cpu, level in ((self.BASE, 1), (self.SSE, 3)):
            with self.subTest(cpu=cpu):
                self.empty("cut")
                self.cpus = itertools.repeat(cpu)
                args = self.args(QUERIES["csv"], ["in"], "out.csv.gz", "--from", "csv", "--set", "rejects.to=rejects", "--set", f"output.level={level}")
                self.assertEqual(self.stopped_by(args, TERM, 8).exit, 10)
                self.cpu = self.AVX2
                run = self.start(args).finish(50, "W5001")
                self.assertIn("instruction sets", run.error["detail"])
                self.cpu = cpu
                self.start(args).finish(0)
                gzip.decompress(self.get("cut/out.csv.gz"))


class Sources(Resume):
    """An input that is not the one that the run began with."""

    def begun(self, *more, name="in", data=None):
        self.put(name, data or csv_text(random.Random(9), 20_000))
        args = self.args(QUERIES["csv"], [name], "out.csv", "--from", "csv", "--set", "rejects.to=rejects", *more)
        self.killed(args, 10)
        return args

    def refused(self, args):
        run = self.start(args).finish(31, "W3101")
        self.assertIn("--restart", run.error["hint"])
        return run

    def test_longer(self):
        args = self.begun()
        with open(self.path("in"), "ab") as file:
            file.write(b"1,more,2\n")
        self.refused(args)

    def test_another_time(self):
        args = self.begun()
        os.utime(self.path("in"), ns=(1, 1))
        self.refused(args)

    def test_edited_in_place_with_the_time_set_back(self):
        args = self.begun()
        info = os.stat(self.path("in"))
        with open(self.path("in"), "r+b") as file:
            file.seek(info.st_size - 5)
            file.write(b"9")
        os.utime(self.path("in"), ns=(info.st_atime_ns, info.st_mtime_ns))
        self.refused(args)

    def test_a_copy_with_the_same_time_is_the_same(self):
        args = self.begun()
        shutil.copy2(self.path("in"), self.path("copy"))
        os.replace(self.path("copy"), self.path("in"))
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, self.start(args).finish(0))

    def test_copies_of_inputs_that_were_read_already_are_the_same(self):
        names = [os.path.relpath(self.put(f"in{i}", csv_text(random.Random(i), 6000)), self.dir) for i in range(8)]
        args = self.args(QUERIES["csv"], names, "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        self.killed(args, 20)
        while self.head().progress < 50_000:
            self.assertIsNotNone(self.stopped_by(args, TERM, 10))
        for name in names:
            shutil.copy2(self.path(name), self.path("copy"))
            os.replace(self.path("copy"), self.path(name))
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, self.start(args).finish(0))

    def test_gone(self):
        args = self.begun()
        os.unlink(self.path("in"))
        self.assertIn(self.start(args).finish().exit, (20, 31))

    def test_shorter_while_nobody_looked_and_restart(self):
        args = self.begun()
        data = csv_text(random.Random(10), 15_000)
        self.put("in", data)
        self.refused(args)
        self.refused(args)
        whole = self.run_whole(args)
        self.stopped = []
        run = self.start([*args, "--restart"]).finish(0)
        self.assert_same(whole, run)
        self.assertNotIn("resumed_at", run.summary["checkpoint"])

    def test_a_list_of_inputs_that_has_grown(self):
        self.put("b/1", csv_text(random.Random(1), 20_000))
        args = self.args(QUERIES["csv"], ["b/*"], "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        self.killed(args, 10)
        self.put("b/2", csv_text(random.Random(2), 10))
        self.refused(args)

    def test_one_that_was_read_already_has_changed(self):
        names = []
        for i in range(10):
            names.append(os.path.relpath(self.put(f"in{i}", csv_text(random.Random(i), 2000)), self.dir))
        args = self.args(QUERIES["csv"], names, "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        self.killed(args, 20)
        while self.head().progress < 50_000:
            self.assertIsNotNone(self.stopped_by(args, TERM, 10))
        os.utime(self.path("in0"), ns=(1, 1))
        self.refused(args)


class Ends(Resume):
    """What a finished, a refused or a failed run leaves to the next one."""

    def job(self, *more, rows=20_000, rejects=True):
        self.put("in", csv_text(random.Random(9), rows))
        more = (*more, "--set", "rejects.to=rejects") if rejects else more
        return self.args(QUERIES["csv"], ["in"], "out.csv", "--from", "csv", *more)

    def test_done_is_done(self):
        args = self.job()
        self.start(args).finish(0)
        before = {name: os.stat(self.path("cut", name)) for name in ("out.csv", "rejects", "out.weir")}
        again = self.start(args).finish(0)
        self.assertEqual(again.summary["status"], "already_done")
        self.assertEqual(again.summary["records"]["read"], 0)
        for name, info in before.items():
            now = os.stat(self.path("cut", name))
            self.assertEqual((now.st_ino, now.st_mtime_ns, now.st_size), (info.st_ino, info.st_mtime_ns, info.st_size), name)

    def test_restart_of_what_is_done_replaces_what_it_published(self):
        for out in ("out.csv", "out-{batch}.csv"):
            with self.subTest(out=out):
                self.empty("whole", "cut")
                args = [out if a == "out.csv" else a for a in self.job("--set", "batch.records=5000")]
                self.start(args).finish(0)
                self.put("in", csv_text(random.Random(10), 21_000))
                self.assertIn("--restart", self.start(args).finish(31, "W3101").error["hint"])
                # Also when the new run is stopped: that it may replace the old output is a part of its state.
                run = self.start([*args, "--restart", "--deadline", "2026-01-01T00:00:00Z"]).finish(10, "W1001")
                self.assertEqual(self.head().kind, RUNNING)
                self.stopped = [run.exit]
                self.start([*args, "--restart", "--deadline", "2026-01-01T00:00:00Z"]).finish(10, "W1001")
                last = self.start(args).finish(0)
                self.assert_same(self.run_whole(args), last)

    def test_restart_of_a_folder_that_is_not_done_replaces_what_is_shown_of_it(self):
        args = ["out-{batch}.csv" if a == "out.csv" else a for a in self.job("--set", "batch.records=500")]
        while not os.path.exists(self.path("cut/out-000000.csv")):
            self.empty("cut")
            self.killed(args, 12)
        self.stopped = []
        run = self.start([*args, "--restart"]).finish(0)
        self.assert_same(self.run_whole(args), run)

    def test_a_restart_that_is_killed_before_its_first_save_leaves_word_of_it_for_the_next_run(self):
        if not os.path.exists(TOOL):
            self.skipTest("no weir_syscall_tool")
        args = ["out-{batch}.csv" if a == "out.csv" else a for a in self.job("--set", "batch.records=500")]
        while not os.path.exists(self.path("cut/out-000000.csv")):
            self.empty("cut")
            self.killed(args, 12)
        shutil.copytree(self.path("cut"), self.path("before"))
        for call in range(1, 400):
            self.empty("cut")
            shutil.copytree(self.path("before"), self.path("cut"), dirs_exist_ok=True)
            subprocess.run([TOOL, "--in", self.path("cut"), "--stdout", self.path("tool.out"), "--stderr", self.path("tool.err"), f"kill {call} entry",
                            "--", harness.WEIR, *args, "--restart"], env=harness.environment(), stdout=subprocess.PIPE, check=True)
            if self.head().kind == ANEW:
                break
        self.assertEqual(self.head().kind, ANEW)
        words = weir("status", self.path("cut/out.weir")).out.decode()
        self.assertIn("begun anew\n", words)
        self.assertIn("read 0 = written 0", words)
        self.assertIn("0 of 1 input is done\n", words)
        self.stopped = []
        self.assert_same(self.run_whole(args), self.start(args).finish(0))

    def test_restart_with_another_query_replaces_the_file_of_the_one_before(self):
        args = self.job()
        self.start(args).finish(0)
        other = [a.replace("SELECT id, name,", "SELECT id,") for a in args]
        self.assertNotEqual(other, args)
        self.start(other).finish(41, "W4101")
        self.stopped = []
        self.assert_same(self.run_whole(other), self.start([*other, "--restart"]).finish(0))

    def test_restart_of_what_is_done_leaves_what_others_made_of_the_output(self):
        args = self.job()
        self.start(args).finish(0)
        for name in ("out.csv", "rejects"):
            with self.subTest(name=name):
                data = self.get("cut/" + name)
                self.put("cut/" + name, data[:-2] + b"\0\n")
                self.start([*args, "--restart"]).finish(41, "W4101")
                self.assertEqual(self.get("cut/" + name), data[:-2] + b"\0\n")
                self.put("cut/" + name, data)
        self.start([*args, "--restart"]).finish(0)

    def test_once_begun_anew_it_leaves_what_others_made_of_the_output_all_the_same(self):
        args = self.job()
        self.start(args).finish(0)
        self.start([*args, "--restart"]).finish(0)
        for name in ("out.csv", "rejects"):
            with self.subTest(name=name):
                data = self.get("cut/" + name)
                self.put("cut/" + name, b"precious")
                for more in ([], ["--restart"])[name == "rejects":]:
                    self.start([*args, *more]).finish(41, "W4101")
                    self.assertEqual(self.get("cut/" + name), b"precious")
                self.put("cut/" + name, data)

    def test_somebody_elses_file_among_many_stays_however_often_it_is_tried(self):
        args = ["out-{batch}.csv" if a == "out.csv" else a for a in self.job("--set", "batch.records=500")]
        self.put("cut/out-000005.csv", b"precious")
        for _ in range(3):
            self.start(args).finish(41, "W4101")
            self.assertEqual(self.get("cut/out-000005.csv"), b"precious")
        os.unlink(self.path("cut/out-000005.csv"))
        self.stopped = []
        self.assert_same(self.run_whole(args), self.start(args).finish(0))

    def test_a_restart_that_is_refused_leaves_the_job_as_it_was(self):
        args = ["out-{batch}.csv" if a == "out.csv" else a for a in self.job("--set", "batch.records=500")]
        while not os.path.exists(self.path("cut/out-000000.csv")):
            self.empty("cut")
            self.killed(args, 12)
        state = self.get("cut/out.weir")
        other = [a.replace("SELECT id, name,", "SELECT id,") for a in args]
        self.assertNotEqual(other, args)
        for more in (["--restart"], ["--set", "checkpoint.on_change=restart"]):
            self.start([*other, *more]).finish(41, "W4101")
            self.assertEqual(self.get("cut/out.weir"), state)
        self.stopped = []
        self.assert_same(self.run_whole(args), self.start(args).finish(0))

    def test_an_output_that_was_taken_away_is_made_again(self):
        args = self.job(rejects=False, rows=0)
        self.start(args).finish(0)
        data = self.get("cut/out.csv")
        os.unlink(self.path("cut/out.csv"))
        self.assertEqual(self.start(args).finish(0).summary["status"], "done")
        self.assertEqual(self.get("cut/out.csv"), data)

    def test_replace_with_another_input_runs_anew(self):
        args = self.job("--set", "output.if_exists=replace")
        self.start(args).finish(0)
        self.put("in", csv_text(random.Random(10), 500))
        run = self.start(args).finish(0)
        self.assertNotEqual(run.summary["status"], "already_done")
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, run)

    def test_another_input_without_replace_is_refused(self):
        args = self.job()
        self.start(args).finish(0)
        data = self.get("cut/out.csv")
        os.utime(self.path("in"), ns=(1, 1))
        self.start(args).finish(31, "W3101")
        self.assertEqual(self.get("cut/out.csv"), data)

    def test_two_runs_at_once(self):
        args = self.job(rows=200_000)
        first = self.start(args)
        first.await_state(lambda: self.head().sequence > 3)
        first.signal(signal.SIGSTOP)
        self.start(args).finish(51, "W5101")
        self.start([*args, "--restart"]).finish(51, "W5101")
        first.signal(signal.SIGCONT)
        first.finish(0)
        whole = self.run_whole(args)
        self.stopped = []
        self.assertEqual(self.files_of("cut")["out.csv"], self.files_of("whole")["out.csv"])
        self.assertEqual(whole.exit, 0)

    def test_three_runs_without_progress_and_restart(self):
        args = self.job()
        self.killed(args, 5)
        for i in range(3):
            self.start([*args, "--deadline", "2026-01-01T00:00:00Z"]).finish(10, "W1001")
            self.assertEqual(self.head().idle_runs, i + 1)
        for _ in range(2):
            run = self.start(args).finish(42, "W4201")
            self.assertIn("byte", run.error)
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, self.start([*args, "--restart"]).finish(0))

    def test_a_deadline_that_has_passed_reads_nothing(self):
        args = self.job()
        run = self.start([*args, "--deadline", "2026-01-01T00:00:00Z"]).finish(10, "W1001")
        self.assertEqual(run.records["read"], 0)
        self.assertEqual(run.summary["bytes"]["stored"], 0)
        self.assertFalse(os.path.exists(self.path("cut/out.csv")))
        run = self.start([*args, "--deadline", "2026-01-01T00:00:00Z", "--set", "checkpoint.to=none"]).finish(11, "W1101")
        self.assertEqual(run.records["read"], 0)

    def test_the_message_says_where_the_state_is_and_how_to_go_on(self):
        args = self.job()
        run = self.killed(args, 10, TERM)
        self.assertIn("out.weir", run.error["detail"])
        self.assertIn("run the same command again", run.error["hint"])
        self.assertEqual(run.error["leftover"], "out.csv.part")
        self.assertEqual(run.summary["status"], "checkpointed")
        self.assertEqual(run.summary["checkpoint"]["at"], "out.weir")

    def test_a_job_that_fails_before_it_got_anywhere_leaves_no_state_behind(self):
        self.put("in", b"id,name,amount\n1,ragged\n2,good,3\n")
        args = self.args(QUERIES["csv"], ["in"], "out.csv", "--from", "csv")
        self.start(args).finish(30, "W3012")
        self.assertEqual(os.listdir(self.path("cut")), ["out.csv.part"])  # to look at, and written over by the next run
        # Mended it is another job, and needs no --restart.
        self.start([*args, "--set", "rejects.to=rejects"]).finish(0)

    def test_too_many_rejects_and_a_fix(self):
        args = self.job("--set", "rejects.max=300")
        run = self.start(args).finish(32, "W3201")
        at = self.head()
        self.assertEqual(at.verdict, 3201)
        self.assertGreater(at.progress, 0)
        fixed = [a.replace("rejects.max=300", "rejects.max=100%") for a in args]
        whole = self.run_whole(fixed)
        self.stopped = [run.exit]
        last = self.start(fixed).finish(0)
        self.assertEqual(last.summary["checkpoint"]["resumed_at"], at.progress)
        self.assert_same(whole, last)

    def test_damage_keeps_what_is_before_it(self):
        text = csv_text(random.Random(4), 60_000)
        good = gzip_of(text, "gzip")
        bad = bytearray(good)
        bad[-5] ^= 1  # the length at the end
        self.put("in", bytes(bad))
        os.utime(self.path("in"), ns=(10**18, 10**18))
        args = self.args(QUERIES["csv"], ["in"], "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        run = self.start(args).finish(30)
        at = self.head()
        self.assertGreater(at.progress, len(text) // 2)
        self.assertFalse(os.path.exists(self.path("cut/out.csv")))
        again = self.start(args).finish(30)
        self.assertEqual((again.error["code"], again.error["byte"]), (run.error["code"], run.error["byte"]))

    def test_a_checkpoint_that_is_damaged_of_another_job_or_newer(self):
        args = self.job()
        self.killed(args, 10)
        good = self.get("cut/out.weir")
        part = self.get("cut/out.csv.part")
        for data, code in ((good[:-1], "W5001"), (b"", "W5001"), (b"something else", "W5001"), (good[:8] + b"\2" + good[9:], "W5001"),
                           (good[:50] + bytes([good[50] ^ 1]) + good[51:], "W5001")):
            self.put("cut/out.weir", data)
            self.start(args).finish(50, code)
            self.assertEqual(self.get("cut/out.csv.part"), part, "nothing is half applied")
        self.put("cut/out.weir", good)
        other = [a.replace("id <> '13'", "id <> '14'") for a in args]
        self.start(other).finish(50, "W5002")
        self.assertEqual(self.get("cut/out.csv.part"), part)
        whole = self.run_whole(other)
        run = self.start([*other, "--set", "checkpoint.on_change=restart"]).finish(0)
        self.stopped = []
        self.assert_same(whole, run)

    def test_a_large_checkpoint_of_another_job_is_no_obstacle(self):
        self.put("in", gzip_of(csv_text(random.Random(4), 200_000), "gzip"))
        args = self.args(QUERIES["csv"], ["in"], "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        self.killed(args, 300)
        while len(self.get("cut/out.weir")) < 40_000:  # until it stands within a gzip block
            self.assertIsNotNone(self.stopped_by(args, KILL, 100))
        self.put("small", b"a\n1\n")
        other = self.args(SELECT_ALL, ["small"], "out.csv", "--from", "csv", "--set", "rejects.to=rejects")
        self.start(other).finish(50, "W5002")
        self.start([*other, "--set", "checkpoint.on_change=restart"]).finish(0)
        self.assertEqual(self.get("cut/out.csv"), b"a\n1\n")

    def test_an_output_that_lost_its_bytes_is_told(self):
        args = self.job()
        self.killed(args, 10)
        part = self.get("cut/out.csv.part")
        for damage in (part[: len(part) // 3], part[:10] + b"?" + part[11:]):
            self.put("cut/out.csv.part", damage)
            self.start(args).finish(50, "W5003")
        os.unlink(self.path("cut/out.csv.part"))
        self.start(args).finish(50, "W5003")
        self.start([*args, "--restart"]).finish(0)

    def test_somebody_else_makes_the_output_meanwhile(self):
        args = self.job()
        self.killed(args, 10)
        self.put("cut/out.csv", b"somebody's")
        self.start(args).finish(41, "W4101")
        self.assertEqual(self.get("cut/out.csv"), b"somebody's")
        os.unlink(self.path("cut/out.csv"))
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, self.start(args).finish(0))

    def test_a_signed_checkpoint_goes_on_with_its_key_only(self):
        args = self.job()
        key = ["--set", "checkpoint.key=0123456789abcdef"]
        self.killed([*args, *key], 10)
        self.start(args).finish(50, "W5001")
        self.start([*args, "--set", "checkpoint.key=0123456789abcdeX"]).finish(50, "W5001")
        whole = self.run_whole(args)
        self.stopped = []
        self.assert_same(whole, self.start([*args, *key]).finish(0))
