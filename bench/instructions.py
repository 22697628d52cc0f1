"""Instructions per input byte of each job, by callgrind: a figure without noise, to see what a change did.

  instructions.py             counts, and says what moved by more than 3 % from instructions.txt; always exits 0
  instructions.py --update    and records the new counts there
  instructions.py --where J6  the functions that the instructions of one job go to

The counts are those of this compiler and of the AVX2 kernels (valgrind has no AVX-512), start-up taken off.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import harness
import jobs

RECORD = pathlib.Path(__file__).resolve().parent / "instructions.txt"
MOVED = 0.03


def callgrind(command, out):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"{command[0]}: {done.stderr[-400:]}")
    return int(found[1])


def count(weir, data, small, chosen, folder):
    """The difference between two sizes of input: what is paid once is in both."""
    counts = {}
    for job in chosen:
        by_size = [
            (
                some.bytes[job.data],
                callgrind(jobs.weir_command(weir, job, some.paths[job.data]), folder / f"{job.name}.callgrind"),
            )
            for some in (small, data)
        ]
        counts[job.name] = (by_size[1][1] - by_size[0][1]) / (by_size[1][0] - by_size[0][0])
    return counts


def recorded():
    lines = RECORD.read_text().splitlines() if RECORD.exists() else []
    return {
        words[0]: float(words[1])
        for words in map(str.split, lines)
        if len(words) == 2 and not words[0].startswith("#")
    }


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--weir", type=pathlib.Path, default=harness.BUILD / "release/weir")
    parse.add_argument("--tools", type=pathlib.Path, default=harness.BUILD / "release")
    parse.add_argument("--data", type=pathlib.Path, default=harness.BUILD / "bench-data")
    parse.add_argument("--jobs", default="")
    parse.add_argument("--update", action="store_true")
    parse.add_argument("--where", default="", metavar="JOB")
    options = parse.parse_args()
    if not shutil.which("valgrind"):
        print("instructions: no valgrind here, nothing was counted")
        return 0

    generate = harness.tools(options.tools)["generate"]
    small, data = (harness.Data(options.data, generate, size) for size in (300_000, 2_300_000))
    wanted = options.where or options.jobs
    chosen = [job for job in jobs.JOBS if not wanted or job.name in wanted.split(",")]
    with tempfile.TemporaryDirectory(prefix="weir-bench") as folder:
        counts = count(options.weir, data, small, chosen, pathlib.Path(folder))
        if options.where:
            subprocess.run(
                ["callgrind_annotate", "--auto=no", str(pathlib.Path(folder) / f"{options.where}.callgrind")]
            )
    before = recorded()
    print(f"{'job':4} {'Ir/byte':>8} {'recorded':>9} {'change':>8}")
    for name, now in counts.items():
        was = before.get(name)
        change = now / was - 1 if was else 0.0
        print(
            f"{name:4} {now:8.3f} {f'{was:.3f}' if was else '-':>9} {change:+8.1%}"
            + ("   MOVED" if abs(change) > MOVED else "")
        )
    if options.update:
        merged = {**before, **counts}
        RECORD.write_text(
            "# Instructions per input byte; `make bench-instructions UPDATE=1` writes this. See bench/README.md.\n"
            + "".join(f"{name} {merged[name]:.3f}\n" for name in sorted(merged))
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
