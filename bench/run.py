"""Weir beside its peers, on one core.

  run.py [--mb 100] [--rounds 5] [--jobs J1,J3] [--out FILE]   measures, prints and writes a table: into bench/results/, or of a part of the
                                                               jobs, of less data or of fewer than 3 rounds, into build/bench/
  run.py --check                                               tiny data, no figures: do all outputs say the same?

--also NAME=COMMAND adds a program of yours: it is called as COMMAND WORD FILE, with the words of jobs.py, and exits
with 4 for a job that it can't do.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

import harness
import jobs


def output_of(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode(errors='replace')[:400]}")
    return done.stdout


def check(weir, peers, data, chosen, say):
    """Runs everything once on small data. Returns the (job, peer) pairs that do not say what Weir says, and says so."""
    wrong = set()
    for job in chosen:
        path = data.paths[job.data]
        expected = jobs.meaning(job, output_of(jobs.weir_command(weir, job, path)))
        same = []
        for peer in peers:
            command = peer.command(job, path)
            if command is None:
                continue
            try:
                got = jobs.meaning(job, output_of(command))
            except Exception as problem:  # a peer that is broken is no verdict on Weir
                wrong.add((job.name, peer.name))
                say(f"{job.name} {peer.name}: {problem}")
                continue
            if got == expected:
                same.append(peer.name)
            else:
                wrong.add((job.name, peer.name))
                say(f"{job.name} {peer.name} says something else: {difference(expected, got)}")
        say(f"{job.name} the same output: Weir, {', '.join(same) or 'and nobody else'}")
    return wrong


def difference(expected, got):
    if not isinstance(expected, list) or not isinstance(got, list):
        return f"Weir {expected!r:.200}, it {got!r:.200}"
    for i, (mine, its) in enumerate(zip(expected, got)):
        if mine != its:
            return f"at {i}: Weir {mine!r:.200}, it {its!r:.200}"
    return f"Weir has {len(expected)} values, it {len(got)}"


# ---- the machine ---------------------------------------------------------------------------------------------------


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text(errors="replace")
    model = re.search(r"^model name\s*: (.*)$", info, re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    features = re.search(r"^flags\s*: (.*)$", info, re.M)
    of_interest = [
        word
        for word in ("sse4_2", "avx2", "pclmulqdq", "bmi2", "avx512bw")
        if features and word in features[1].split()
    ]
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {int(memory[1]) / 1048576:.0f} GiB, "
        f"Linux {platform.release()}, {' '.join(of_interest)}; load at the start {os.getloadavg()[0]:.1f}"
    )


def binary_rows(weir):
    rows = [("as built", weir.stat().st_size)]
    debug = weir.with_name(weir.name + ".debug")
    if debug.exists():
        rows.append(("its symbols, beside it", debug.stat().st_size))
    with tempfile.NamedTemporaryFile(prefix="weir-bench") as stripped:
        if shutil.which("strip") and subprocess.run(["strip", "-o", stripped.name, str(weir)]).returncode == 0:
            rows.append(("stripped", os.stat(stripped.name).st_size))
    sizes = harness.first_line(["sh", "-c", 'size "$1" | tail -1', "sh", str(weir)]).split()
    if len(sizes) > 3:
        rows.append(("code and constants", int(sizes[0])))
        rows.append(("data", int(sizes[1]) + int(sizes[2])))
    return rows


# ---- tables --------------------------------------------------------------------------------------------------------


def table(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]


def job_rows(series, input_bytes):
    own = series["Weir"].cpu_s
    rows = []
    for name, runs in sorted(series.items(), key=lambda item: item[1].cpu_s):
        cpu_s = runs.cpu_s
        system = runs.median(lambda run: run.system_s) / cpu_s if cpu_s else 0
        rows.append(
            [
                f"**{name}**" if name == "Weir" else name,
                f"{cpu_s * 1e9 / input_bytes:.2f}",
                f"{input_bytes / 1e6 / cpu_s:.0f}",
                f"{input_bytes / 1e6 / runs.best_cpu_s:.0f}",
                f"{system:.0%}",
                f"{runs.peak_mib:.1f}",
                "" if name == "Weir" else f"{cpu_s / own:.2f}",
                str(len(runs.runs)),
            ]
        )
    return rows


HEAD = ["", "CPU s/GB", "MB/s", "best", "system", "peak MiB", "Weir is x times as fast", "runs"]


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--weir", type=pathlib.Path, default=harness.BUILD / "release/weir")
    parse.add_argument("--tools", type=pathlib.Path, default=harness.BUILD / "release")
    parse.add_argument("--data", type=pathlib.Path, default=harness.BUILD / "bench-data")
    parse.add_argument("--mb", type=int, default=100, help="megabytes of CSV; the NDJSON has twice as many")
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--jobs", default="")
    parse.add_argument("--also", action="append", default=[], metavar="NAME=COMMAND")
    parse.add_argument("--out", type=pathlib.Path)
    parse.add_argument("--check", action="store_true")
    options = parse.parse_args()

    unknown = set(filter(None, options.jobs.split(","))) - {job.name for job in jobs.JOBS}
    if unknown or options.rounds < 1:
        parse.error(f"no such job: {', '.join(sorted(unknown))}" if unknown else "--rounds: at least 1")

    tools = harness.tools(options.tools)
    chosen = [job for job in jobs.JOBS if not options.jobs or job.name in options.jobs.split(",")]
    peers = jobs.peers(harness.BUILD, harness.first_line)
    small = harness.Data(options.data, tools["generate"], 300_000)
    say = lambda text: print(text, flush=True)
    for extra in options.also:
        name, _, command = extra.partition("=")
        can = {
            job.name
            for job in chosen
            if subprocess.run(
                [command, job.word, str(small.paths[job.data])], stdin=subprocess.DEVNULL, capture_output=True
            ).returncode
            != 4
        }
        peers.append(
            jobs.Peer(
                name,
                lambda job, path, command=command, can=can: (
                    [command, job.word, str(path)] if job.name in can else None
                ),
            )
        )

    dropped = []  # what is not in the tables, and why

    def drop(where, name, problem):
        if name == "Weir":
            return False
        dropped.append(f"{where} {name}: {str(problem).splitlines()[0][:160]}")
        say(f"left out: {dropped[-1]}")
        return True

    wrong = check(options.weir, peers, small, chosen, say)
    dropped += [f"{job} {name}: does not say what Weir says on small data" for job, name in sorted(wrong)]
    if options.check:
        return 1 if wrong else 0

    data = harness.Data(options.data, tools["generate"], options.mb * 1_000_000)
    meter = harness.Meter(tools["measure"])
    lines = [
        f"# {datetime.date.today().isoformat()}",
        "",
        f"{harness.first_line([str(options.weir), 'version'])}, commit "
        f"{harness.first_line(['git', '-C', str(harness.ROOT), 'rev-parse', '--short', 'HEAD'])}. {machine()}.",
        f"{options.mb} MB of CSV, {2 * options.mb} MB of NDJSON, seed {harness.SEED}; {options.rounds} rounds, "
        "interleaved, one core, "
        "medians of CPU seconds (user and system), output thrown away.",
        "Peaks are ru_maxrss; of a pipeline, its largest process. `bench/README.md` says how to repeat it.",
        "",
    ]
    summary = []
    for job in chosen:
        path, size = data.paths[job.data], data.bytes[job.data]
        data.warm(job.data)
        commands = {"Weir": jobs.weir_command(options.weir, job, path)}
        for mode in ("read", "count", "index"):
            if (
                job.data != "csv"
                or (mode == "count" and job.word != "count")
                or (mode == "index" and job.word == "count")
            ):
                continue
            if harness.first_line([str(tools["floor"]), mode, str(small.paths["csv"])]):
                commands[f"(floor: {mode})"] = [str(tools["floor"]), mode, str(path)]
        for peer in peers:
            command = peer.command(job, path)
            if command is not None and (job.name, peer.name) not in wrong:
                commands[peer.name] = command
        say(f"{job.name} {job.title}: {len(commands)} programs")
        series = harness.interleave(meter, commands, options.rounds, failed=lambda name, problem: drop(job.name, name, problem))
        rows = job_rows(series, size)
        lines += [f"## {job.name} {job.title}", "", *table(HEAD, rows), ""]
        say("\n".join(table(HEAD, rows)))
        rivals = [(runs.cpu_s, name) for name, runs in series.items() if name != "Weir" and not name.startswith("(")]
        own = series["Weir"].cpu_s
        best = min(rivals) if rivals else None
        floor = [runs.cpu_s for name, runs in series.items() if name in ("(floor: count)", "(floor: index)")]
        summary.append(
            [
                job.name,
                f"{size / 1e6 / own:.0f}",
                f"{series['Weir'].peak_mib:.1f}",
                best[1] if best else "-",
                f"{best[0] / own:.2f}" if best else "-",
                f"{floor[0] / own:.2f}" if floor else "-",
            ]
        )

    say("start-up: header-only file")
    with tempfile.TemporaryDirectory(prefix="weir-bench") as folder:
        header = pathlib.Path(folder) / "header.csv"
        with open(small.paths["csv"], "rb") as file:
            header.write_bytes(file.readline())
        count = jobs.JOBS[0]
        commands = {"Weir": jobs.weir_command(options.weir, count, header)}
        commands.update(
            {
                peer.name: peer.command(count, header)
                for peer in peers
                if peer.command(count, header) and (count.name, peer.name) not in wrong
            }
        )
        starts = []
        for name, runs in harness.interleave(
            meter, commands, max(options.rounds, 11), failed=lambda name, problem: drop("start-up", name, problem)
        ).items():
            starts.append(
                [
                    name,
                    f"{runs.cpu_s * 1e3:.1f}",
                    f"{runs.median(lambda run: run.wall_s) * 1e3:.1f}",
                    f"{runs.peak_mib:.1f}",
                ]
            )
    starts.sort(key=lambda row: float(row[1]))
    lines += [
        "## Start-up: J1 on a file that is only a header",
        "",
        *table(["", "CPU ms", "wall ms", "peak MiB"], starts),
        "",
    ]
    lines += [
        "## The binary",
        "",
        *table(["", "bytes"], [[name, f"{size:,}"] for name, size in binary_rows(options.weir)]),
        "",
    ]
    lines += ["## Who was there", "", *[f"- {peer.name}: {peer.version}" for peer in peers if peer.version], ""]
    absent = sorted(set(jobs.PEER_NAMES) - {peer.name for peer in peers})
    lines += ["## Who was not", "", *[f"- {name}: not installed (`make bench-peers`)" for name in absent], *[f"- {text}" for text in dropped], ""]
    overview = [
        "## In short",
        "",
        *table(
            ["job", "Weir MB/s", "peak MiB", "best peer", "Weir is x times as fast", "share of the floor"], summary
        ),
        "",
    ]
    lines[6:6] = overview
    say("\n".join(overview))
    # A part of the jobs, or less data or fewer rounds than usual, is no result to keep in the project.
    whole = len(chosen) == len(jobs.JOBS) and options.mb >= 100 and options.rounds >= 3 and not options.also
    folder = harness.ROOT / "bench/results" if whole else harness.BUILD / "bench"
    out = options.out or folder / f"{datetime.date.today().isoformat()}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    prose = [part for line in lines for part in ([line] if line.startswith(("|", "-")) else textwrap.wrap(line, 118) or [""])]
    out.write_text("\n".join(prose))
    say(f"written: {out.relative_to(harness.ROOT) if out.is_relative_to(harness.ROOT) else out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
