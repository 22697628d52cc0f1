#!/usr/bin/env bash
# How long a resumed run takes until its first new record, by how far a gzip was read: 1 %, 50 % and 99 %.
#   scripts/resume_time.sh WEIR [GIB]      decoded size, default 10; the file is about a quarter of it, in $TMPDIR
# The job counts the records, so nothing but a checkpoint is written. A run is killed when its checkpoint says that so much was read; the next one
# gets a deadline of 1 ns: it goes on, finds the deadline passed, and stops with a checkpoint. Its CPU time is the cost of going on. A second
# figure is of a run that goes on until its next checkpoint, which reads one more commit unit (16 MiB decoded).
set -euo pipefail
weir=$(realpath "${1:?which weir?}")
gib=${2:-10}
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-resume.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 - "$gib" "$weir" <<'PY'
import json, os, random, signal, struct, subprocess, sys, zlib

total, weir = float(sys.argv[1]) * (1 << 30), sys.argv[2]
rng = random.Random(1)
chunk = b"".join(b"%d,name %d,%d.%02d,%s\n" % (i, rng.randrange(10**6), rng.randrange(10**4), rng.randrange(100), rng.randbytes(9).hex().encode())
                 for i in range(400_000))
packer, crc, size = zlib.compressobj(1, zlib.DEFLATED, -15), 0, 0
with open("in.csv.gz", "wb") as out:
    out.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    head = b"id,name,amount,hash\n"
    for text in [head]:
        out.write(packer.compress(text)); crc = zlib.crc32(text, crc); size += len(text)
    while size < total:
        out.write(packer.compress(chunk)); crc = zlib.crc32(chunk, crc); size += len(chunk)
    out.write(packer.flush() + struct.pack("<II", crc, size & 0xffffffff))
stored = os.path.getsize("in.csv.gz")
print(f"one gzip member: {stored / 2**20:.0f} MiB, {size / 2**20:.0f} MiB decoded")

args = [weir, "query", "SELECT COUNT(*) AS n FROM input WHERE id <> ''", "in.csv.gz", "-o", "out.ndjson", "--checkpoint", "out.weir",
        "--set", "checkpoint.every=0s", "--summary", "json"]

def progress():
    try:
        with open("out.weir", "rb") as file:
            head = struct.unpack("<8sIIBBQQIIQQ", file.read(58))
            return head[-1], head[6]
    except FileNotFoundError:
        return 0, 0

def resumed(*more):
    run = subprocess.run([*args, *more], stderr=subprocess.PIPE)
    return next(s for s in map(json.loads, run.stderr.splitlines()) if "status" in s), run

def kill_at(reached):
    run = subprocess.Popen(args, stderr=subprocess.DEVNULL)
    while run.poll() is None and not reached():
        os.sched_yield()
    run.send_signal(signal.SIGKILL)
    run.wait()

print(f"{'read':>6} {'checkpoint':>11} {'CPU to go on':>13} {'CPU to the next unit':>21}")
for percent in (1, 50, 99):
    kill_at(lambda: progress()[0] >= size * percent / 100)
    at, before = progress()
    saved = open("out.weir", "rb").read()
    part = open("out.ndjson.part", "rb").read() if os.path.exists("out.ndjson.part") else None
    def restore():
        open("out.weir", "wb").write(saved)
        if part is not None:
            open("out.ndjson.part", "wb").write(part)
    going, unit = [], []
    for _ in range(5):
        restore()
        summary, run = resumed("--deadline", "1us")
        assert run.returncode == 10 and summary["checkpoint"]["resumed_at"] == at, run.stderr
        going.append(summary["cpu_ns"])
        restore()
        # The first save is the claim, the second the next unit's.
        process = subprocess.Popen([*args, "--quiet"], stderr=subprocess.DEVNULL)
        while process.poll() is None and progress()[1] < before + 2:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        usage = os.wait4(process.pid, 0)[2]
        unit.append(usage.ru_utime + usage.ru_stime)
    restore()
    print(f"{percent:>5}% {len(saved):>9} B {min(going) / 1e6:>10.2f} ms {min(unit) * 1e3:>18.1f} ms")
PY
