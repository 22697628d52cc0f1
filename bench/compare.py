"""This tree's Weir beside another revision's: compare.py BASE_REVISION [--mb 100] [--rounds 9] [--jobs J1,J6]

Builds BASE in a folder of its own under build/compare, runs both in turn on one core and prints the ratio of the
medians of CPU seconds and of the best: 1.10 is ten percent faster than BASE. Instructions per byte stand beside it
where valgrind is there.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import harness
import instructions
import jobs


def build_base(revision):
    git = ["git", "-C", str(harness.ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--verify", f"{revision}^{{commit}}"], capture_output=True, text=True)
    if commit.returncode != 0:
        sys.exit(f"bench-compare: no revision {revision}")
    commit = commit.stdout.strip()
    folder = harness.BUILD / "compare" / commit[:12]
    binary = folder / "build/weir"
    if not binary.exists():
        tree = folder / "tree"
        if not (tree / "CMakeLists.txt").exists():
            shutil.rmtree(tree, ignore_errors=True)
            tree.mkdir(parents=True)
            archive = subprocess.Popen([*git, "archive", commit], stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", str(tree)], stdin=archive.stdout, check=True)
            if archive.wait() != 0:
                sys.exit(f"bench-compare: {revision} could not be read")
        subprocess.run(
            [
                "cmake",
                "-S",
                str(tree),
                "-B",
                str(folder / "build"),
                "-G",
                "Ninja",
                "-Wno-dev",
                "--log-level=WARNING",
                "-DCMAKE_BUILD_TYPE=Release",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            [
                "cmake",
                "--build",
                str(folder / "build"),
                "--target",
                "weir",
                "-j",
                os.environ.get("JOBS", str(os.cpu_count())),
            ],
            check=True,
        )
    return binary, commit[:12]


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("base")
    parse.add_argument("--weir", type=pathlib.Path, default=harness.BUILD / "release/weir")
    parse.add_argument("--tools", type=pathlib.Path, default=harness.BUILD / "release")
    parse.add_argument("--data", type=pathlib.Path, default=harness.BUILD / "bench-data")
    parse.add_argument("--mb", type=int, default=100)
    parse.add_argument("--rounds", type=int, default=9)
    parse.add_argument("--jobs", default="")
    options = parse.parse_args()

    base, commit = build_base(options.base)
    tools = harness.tools(options.tools)
    data = harness.Data(options.data, tools["generate"], options.mb * 1_000_000)
    meter = harness.Meter(tools["measure"])
    chosen = [job for job in jobs.JOBS if not options.jobs or job.name in options.jobs.split(",")]
    per_byte = {}
    if shutil.which("valgrind"):
        sizes = [harness.Data(options.data, tools["generate"], size) for size in (2_300_000, 300_000)]
        with tempfile.TemporaryDirectory(prefix="weir-bench") as folder:
            per_byte = {
                name: instructions.count(binary, *sizes, chosen, pathlib.Path(folder))
                for name, binary in (("base", base), ("this", options.weir))
            }
    print(f"base {commit}, {options.rounds} rounds, {options.mb} MB of CSV")
    print(
        f"{'job':4} {'base MB/s':>10} {'this MB/s':>10} {'ratio':>6} {'of bests':>9} "
        f"{'base Ir/B':>10} {'this Ir/B':>10}"
    )
    for job in chosen:
        path, size = data.paths[job.data], data.bytes[job.data]
        data.warm(job.data)
        series = harness.interleave(
            meter,
            {name: jobs.weir_command(binary, job, path) for name, binary in (("base", base), ("this", options.weir))},
            options.rounds,
        )
        was, now = series["base"], series["this"]
        counts = [f"{per_byte[name][job.name]:.3f}" if per_byte else "-" for name in ("base", "this")]
        print(
            f"{job.name:4} {size / 1e6 / was.cpu_s:10.0f} {size / 1e6 / now.cpu_s:10.0f} {was.cpu_s / now.cpu_s:6.2f} "
            f"{was.best_cpu_s / now.best_cpu_s:9.2f} {counts[0]:>10} {counts[1]:>10}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
