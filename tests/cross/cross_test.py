#!/usr/bin/env python3
"""Two builds of Weir for two architectures do the same.   cross_test.py --native WEIR --cross EMULATOR WEIR

Whole pipelines byte for byte; checkpoints saved by one and gone on with by the other, both ways; the kept checkpoints of tests/checkpoints/ on the
other architecture. Compressed output is compared by its content: another architecture's deflate chooses other matches.
"""
import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, "..", "checkpoints")
NATIVE, CROSS = [], []


def run(weir, args, cwd):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEIR")}
    done = subprocess.run([*weir, *args, "--summary", "json"], cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{")]
    summary = next((line for line in reversed(lines) if "records" in line), {})
    return done.returncode, done.stdout, summary, done.stderr.decode(errors="replace")


def files_of(folder):
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                data = file.read()
            found[os.path.relpath(os.path.join(at, name), folder)] = gzip.decompress(data) if name.endswith(".gz") else data
    return found


def csv_of(rng, records):
    """Quotes, doubled quotes, line ends inside of fields, bytes of every kind, and some numbers that are none."""
    yield b"id,name,amount,note\n"
    for i in range(records):
        name = (b'"a, ""b""\r\nc"', b"Zo\xc3\xab", b"plain", b"", b"x" * 70, b"tab\tand \x01", b"wrong \xff", b'mid"quote')[rng.randrange(8)]
        amount = b"none" if rng.randrange(60) == 0 else b"%d.%02d" % (rng.randrange(10**rng.randrange(1, 12)), rng.randrange(100))
        note = b"%d" % rng.getrandbits(rng.randrange(1, 200))
        yield b"%d,%s,%s,%s%s" % (i, name, amount, note, b"\r\n" if i % 7 == 0 else b"\n")


def ndjson_of(rng, records):
    names = ("plain", 'quo"te', "Zo\u00eb \u20ac \U0001f600", "back\\slash", "line\nfeed", "", "y" * 100, "\u0001")
    for i in range(records):
        record = {"id": i, "name": names[rng.randrange(8)], "amount": round(rng.uniform(-1000, 1000), 3), "tags": ["a", {"b": [None, True]}, 1.5e10]}
        if rng.randrange(9) == 0:
            record = dict(reversed(list(record.items())))
        text = json.dumps(record, ensure_ascii=rng.randrange(2) == 0, separators=(", ", " : ") if rng.randrange(4) == 0 else None)
        yield (text if rng.randrange(50) else text[: len(text) // 2]).encode() + b"\n"


REJECTS = ["--set", "rejects.to=rejects.ndjson", "--set", "rejects.max=100%"]
JOBS = {
    "csv_columns": ("in.csv", "SELECT name, note FROM input", "out.csv", []),
    "csv_filter": ("in.csv", "SELECT * FROM input WHERE CAST(amount AS DECIMAL) > 1000.5 AND name <> 'plain'", "out.csv", REJECTS),
    "csv_count": ("in.csv", "SELECT COUNT(*) AS n FROM input", "out.csv", []),
    "csv_to_ndjson": ("in.csv", "SELECT id, UPPER(name) AS name, CAST(amount AS DECIMAL) * 1.19 AS gross FROM input", "out.ndjson", REJECTS),
    "csv_to_json": ("in.csv", "SELECT * FROM input WHERE id LIKE '%7'", "out.json", REJECTS),
    "csv_gzip": ("in.csv.gz", "SELECT id, name FROM input", "out.ndjson.gz", REJECTS),
    "csv_zstd": ("in.csv", "SELECT id, amount FROM input", "out.csv.zst", []),
    "aggregate": ("in.csv", "SELECT COUNT(*) AS n, SUM(CAST(amount AS DECIMAL)) AS s, AVG(CAST(amount AS DOUBLE)) AS a, MIN(name) AS lo, MAX(note) AS hi"
                  " FROM input", "out.ndjson", REJECTS),
    "ndjson_fields": ("in.ndjson", "SELECT id, name, tags[1].b AS b FROM input WHERE amount > 0", "out.ndjson", REJECTS),
    "ndjson_whole": ("in.ndjson", "SELECT * FROM input WHERE amount > 0", "out.ndjson", REJECTS),
    "ndjson_to_csv": ("in.ndjson", "SELECT id, name, amount * 2 AS twice, tags FROM input", "out.csv", REJECTS),
}


class Cross(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        rng = random.Random(20261127)
        csv = b"".join(csv_of(rng, 6000))
        cls.inputs = {"in.csv": csv, "in.csv.gz": gzip.compress(csv, 9, mtime=0), "in.ndjson": b"".join(ndjson_of(rng, 6000))}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def lay_out(self, name, inputs=None):
        work = os.path.join(self.folder, name)
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        for file, data in (inputs or self.inputs).items():
            with open(os.path.join(work, file), "wb") as to:
                to.write(data)
            os.utime(os.path.join(work, file), ns=(1_700_000_000_123_456_789,) * 2)
        return work

    def outputs_of(self, weir, name, work, args):
        rc, out, summary, said = run(weir, args, work)
        self.assertEqual(rc, 0, f"{name}: {said}")
        found = files_of(work)
        for file in self.inputs:
            found.pop(file, None)
        return found, out, summary["records"]

    def test_whole_pipelines_give_the_same_bytes(self):
        for name, (source, query, out, more) in JOBS.items():
            with self.subTest(job=name):
                args = ["query", query, source, "-o", out, *more]
                want = self.outputs_of(NATIVE, name, self.lay_out("native"), args)
                self.assertEqual(self.outputs_of(CROSS, name, self.lay_out("cross"), args), want)
                self.assertGreater(want[2]["read"], 4000)

    def test_a_job_that_one_stopped_is_gone_on_with_by_the_other(self):
        for name in ("csv_to_ndjson", "csv_gzip_numbers", "ndjson_to_csv", "aggregate"):
            source, query, out, _ = JOBS.get(name, ("in.csv.gz", "SELECT id, CAST(amount AS DECIMAL) AS a FROM input", "out.csv.gz", []))
            args = ["query", query, source, "-o", out, "--checkpoint", "out.weir", "--set", "checkpoint.every=0s", "--set", "output.unit=4KiB",
                    "--set", "rejects.to=rejects.ndjson", "--set"]
            want = self.outputs_of(NATIVE, name, self.lay_out("native"), [*args, "rejects.max=100%"])
            want[0].pop("out.weir")
            for first, then in ((NATIVE, CROSS), (CROSS, NATIVE)):
                with self.subTest(job=name, first="native" if first is NATIVE else "cross"):
                    work = self.lay_out("resumed")
                    rc, _, _, said = run(first, [*args, "rejects.max=40"], work)
                    self.assertEqual(rc, 32, said)
                    rc, _, summary, said = run(then, [*args, "rejects.max=100%"], work)
                    self.assertEqual(rc, 0, said)
                    self.assertGreater(summary["checkpoint"]["resumed_at"], 0)
                    found = files_of(work)
                    for file in (*self.inputs, "out.weir"):
                        found.pop(file)
                    self.assertEqual(found, want[0])

    def test_kept_checkpoints_are_gone_on_with(self):
        for version in sorted(os.listdir(KEPT)):
            if not version.startswith("v"):
                continue
            for name in sorted(os.listdir(os.path.join(KEPT, version))):
                with self.subTest(version=version, job=name):
                    folder = os.path.join(KEPT, version, name)
                    with open(os.path.join(folder, "job.json")) as file:
                        job = json.load(file)
                    work = os.path.join(self.folder, "kept")
                    shutil.rmtree(work, ignore_errors=True)
                    shutil.copytree(os.path.join(folder, "stopped"), work)
                    for file in job["inputs"]:
                        shutil.copy(os.path.join(folder, file), os.path.join(work, file))
                        os.utime(os.path.join(work, file), ns=(job["mtime_ns"],) * 2)
                    rc, _, summary, said = run(CROSS, job["args"], work)
                    self.assertEqual(rc, 0, said)
                    self.assertGreater(summary["checkpoint"]["resumed_at"], 0)
                    for file in (*job["inputs"], "out.weir"):
                        os.unlink(os.path.join(work, file))
                    self.assertEqual(files_of(work), files_of(os.path.join(folder, "expected")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", required=True)
    parser.add_argument("--cross", nargs=2, required=True)
    options = parser.parse_args()
    NATIVE[:] = [os.path.abspath(options.native)]
    CROSS[:] = [options.cross[0], os.path.abspath(options.cross[1])]
    unittest.main(argv=[__file__], verbosity=2)
