"""Stopped and gone on with: whatever stops a run, and wherever, the output is that of a run that was not stopped.

A run is stopped where its checkpoint stands at a place drawn at random, by SIGKILL, SIGTERM or its deadline. What is true in the end does
not depend on when the stop arrives. Each job is held against an uninterrupted run of itself: output, rejects, and every count of the summary.
"""
import gzip
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import zlib

import harness
from harness import SELECT_ALL, Case, MiB, Process, gzip_member, weir, zstd_frame

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


RUNNING, FINISHING, DONE = 1, 2, 3


class Resume(Case):
    seed = 1

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
        """One run that is stopped once it has saved so many checkpoints; or its end, if that comes first."""
        if how == DEADLINE:
            return self.start([*args, "--deadline", f"{deadline_ms}ms"]).finish()
        process = self.start(args)
        before = self.head().sequence
        while process.process.poll() is None and self.head().sequence < before + saves:
            os.sched_yield()
        process.signal(signal.SIGKILL if how == KILL else signal.SIGTERM)
        return process.finish()

    def cut(self, args, stops=6, hows=(KILL, TERM, DEADLINE), saves_max=40, vary=()):
        """Runs the job with stops until it is done; gives the last run."""
        deadline_ms, stopped = 20, []
        for i in range(200):
            how = self.random.choice(hows) if len(stopped) < stops else None
            varied = self.random.choice(vary) if vary else []
            before = self.head()
            if how is None:
                run = self.start([*args, *varied]).finish()
            else:
                run = self.stop_once([*args, *varied], how, self.random.randint(2, saves_max), deadline_ms)
            if run.exit == 0:
                self.stopped = stopped
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
                for folder in ("whole", "cut"):
                    shutil.rmtree(self.path(folder))
                    os.mkdir(self.path(folder))
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
