#!/usr/bin/env python3
"""Makes checkpoints to be kept for ever.   make.py WEIR FOLDER      (FOLDER: v<format version>, new)

Each job gets a folder: job.json (the arguments, the inputs' times), its inputs, stopped/ (what a run that was killed left behind, by weir_syscall_tool, which is built with the tests) and expected/
(what an uninterrupted run makes). tests/hard/golden_test.py goes on from each in every test run. A folder that was released is never made anew:
a later version must still read it.
"""
import gzip
import json
import os
import random
import shutil
import struct
import subprocess
import sys

MTIME_NS = 1_700_000_000_123_456_789


def csv_rows(rng, rows):
    yield b"id,name,amount\n"
    for i in range(rows):
        kind = rng.randrange(30)
        name = b'"two\nlines"' if kind == 1 else b"some name %d" % (i % 7)
        yield b"%d,%s,%s\n" % (i, name, b"x" if kind == 2 else b"%d.25" % (i % 50))


def json_document(rows):
    return b'{"Records":[' + b",\n".join(b'{"id":%d,"tags":["a",{"b":null}]}' % i for i in range(rows)) + b'],"next":null}'


def packed(data):
    return gzip.compress(data, 9, mtime=0)


RNG = random.Random(1)
REJECTS = ["--set", "rejects.to=rejects.ndjson"]
# name: inputs, query, output, more arguments, saves after which it is killed
JOBS = {
    "csv": ({"in.csv": b"".join(csv_rows(RNG, 4000))}, "SELECT id, CAST(amount AS DECIMAL) * 2 AS twice FROM input WHERE name <> 'some name 3'",
            "out.csv", REJECTS, 6),
    "gzip_csv": ({"in.csv.gz": packed(b"".join(csv_rows(RNG, 80_000)))}, "SELECT id, CAST(amount AS DECIMAL) AS a FROM input WHERE id LIKE '%99'",
                 "out.ndjson.gz", REJECTS, 110),
    "json_array": ({"in.json": json_document(1500)}, "SELECT id, tags FROM input WHERE id % 3 = 1", "out.json",
                   ["--set", "input.path=Records[*]"], 3),
    "aggregate": ({"a.csv": b"".join(csv_rows(RNG, 300)), "b.csv.gz": packed(b"".join(csv_rows(RNG, 2000))), "c.csv": b"".join(csv_rows(RNG, 300))},
                  "SELECT COUNT(*) AS n, SUM(CAST(amount AS DECIMAL)) AS s, MAX(name) AS m FROM input", "out.ndjson", REJECTS, 3),
    "oversize": ({"in.txt": b"short\n" + b"x" * 200_000 + b"\nlast\n"}, "SELECT line FROM input", "out.txt",
                 [*REJECTS, "--from", "lines", "--set", "input.record_max=1KiB", "--set", "input.window=4KiB"], 8),
    "folder": ({"in.csv": b"".join(csv_rows(RNG, 1200))}, "SELECT id, name FROM input", "parts/{batch}.csv",
               [*REJECTS, "--set", "batch.records=250"], 3),
}


def head_of(path):
    """Kind and sequence of a checkpoint."""
    try:
        with open(path, "rb") as file:
            fields = struct.unpack("<8sIIBBQQ", file.read(34))
            return fields[4], fields[6]
    except FileNotFoundError:
        return 1, 0


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def make(weir, folder, name):
    inputs, query, out, more, saves = JOBS[name]
    args = ["query", query, *inputs, "-o", out, "--checkpoint", "out.weir", "--set", "checkpoint.every=0s", "--set", "output.unit=4KiB", *more]
    os.makedirs(folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEIR")}
    tool = os.path.join(os.path.dirname(weir), "weir_syscall_tool")

    def lay_out(work):
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        for file, data in inputs.items():
            with open(os.path.join(work, file), "wb") as to:
                to.write(data)
            os.utime(os.path.join(work, file), ns=(MTIME_NS, MTIME_NS))

    expected, stopped = os.path.join(folder, "expected"), os.path.join(folder, "stopped")
    lay_out(expected)
    subprocess.run([weir, *args], cwd=expected, env=environment, check=True, stderr=subprocess.DEVNULL)
    call = 80
    while True:
        lay_out(stopped)
        subprocess.run([tool, "--in", stopped, "--stdout", os.devnull, "--stderr", os.devnull, f"kill {call} exit", "--", weir, *args],
                       env=environment, check=True, stdout=subprocess.DEVNULL)
        kind, saved = head_of(os.path.join(stopped, "out.weir"))
        if kind != 1:
            sys.exit(f"{name}: done before it had saved so often")
        if saved >= saves:
            break
        call += 7
    for work in (expected, stopped):
        for file in files_of(work):
            if file in inputs or file.endswith((".lock", ".new")) or (work == expected and file == "out.weir"):
                os.unlink(os.path.join(work, file))
    for file, data in inputs.items():
        with open(os.path.join(folder, file), "wb") as to:
            to.write(data)
    with open(os.path.join(folder, "job.json"), "w") as to:
        json.dump({"args": args, "inputs": list(inputs), "mtime_ns": MTIME_NS}, to, indent=1)
        to.write("\n")
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in files_of(folder))
    print(f"{name}: {size} bytes, checkpoint {os.path.getsize(os.path.join(folder, 'stopped', 'out.weir'))}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    weir, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    for name in JOBS:
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        make(weir, os.path.join(folder, name), name)


if __name__ == "__main__":
    main()
