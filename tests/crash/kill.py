#!/usr/bin/env python3
"""Proof by killing: SIGKILL at every system call (before it and after it) of twelve jobs; then the same command again,
killed again on its way in some of the cases, and at last let run. The bytes must be those of the run that nothing
happened to, and so must the fates of the records.

  kill.py [--sample] [--seed N] [--rounds N] [--mode resume|default|fresh] [--job NAME] [--workers N]
          [--at 'resume 17 entry 40']

`resume`: a checkpoint is saved at every commit unit, and the run goes on from it. `default`: as it is by itself, where
so little data has no edge inside. `fresh`: no checkpoint; begun anew, with output.if_exists: replace.
Outside effects exist only at system calls, so that these points stand for every instruction. Ends on the line
`N kill points, N failed`; each failure is named by its job and point, which --job and --at repeat.
"""

import argparse
import collections
import gzip
import json
import multiprocessing
import os
import random
import subprocess
import sys

from faults import Bench, Job
from harness import WEIR, check_laws, environment, zstd_frame

SAMPLE_POINTS = 1800
TWICE_OF = 3  # every third point is killed again on the way of recovery

OLD = b"what was there before\n"

# ---- jobs ----------------------------------------------------------------------------------------------------


def csv(begin, end, bad_every=0):
    """Rows with quotes, line ends inside of them, and now and then one too short."""
    rows = [b"id,name,amount\n"]
    for i in range(begin, end):
        if bad_every and i % bad_every == 3:
            rows.append(b"%d,short\n" % i)
        else:
            rows.append(
                b'%d,"name ""%d""%s %s",%d.%02d\n'
                % (i, i * 7919 % 1000, b"\n" if i % 5 == 0 else b"", b"x" * (i % 40), i * 31 % 100, i % 100)
            )
    return b"".join(rows)


def ndjson(begin, end, bad_every=0):
    return b"".join(
        (
            b'{"id":%d,"nowhere\n' % i
            if bad_every and i % bad_every == 3
            else b'{"id":%d,"name":"n %d %s","amount":%d.25}\n' % (i, i * 7919 % 1000, b"y" * (i % 40), i * 31 % 100)
        )
        for i in range(begin, end)
    )


def document(begin, end):
    records = ",\n".join(
        json.dumps(
            {"id": i, "name": f'[{i}]\\"' + "z" * (i % 30), "amount": "none" if i % 97 == 3 else f"{i * 31 % 100}.5"}
        )
        for i in range(begin, end)
    )
    return f'{{"head": {{"of": "it"}}, "Records": [{records}], "tail": [1, 2]}}'.encode()


def packed(data):
    return gzip.compress(data, 6, mtime=0)


def frames(data, size=30_000):
    return b"".join(zstd_frame(data[i : i + size]) for i in range(0, len(data), size))


def jobs():
    amount = "query: SELECT id, name, amount * 2 AS twice FROM input WHERE amount > 20\n"

    def job(name, source, output, inputs, more=""):
        if isinstance(source, str):
            source = [source]
        text = "input:\n  from: [" + ", ".join(f"../given/{s}" for s in source) + "]\n"
        if "Records" in more:
            text += '  path: "Records[*]"\n'
            more = more.replace("Records", "")
        existing = {"out.csv": OLD, "bad.ndjson": OLD} if output == "out.csv" else {}
        return Job(
            name,
            text + more + f"output:\n  to: {output}\n  if_exists: {'replace' if existing else 'fail'}\n",
            inputs,
            existing,
        )

    return [
        job("csv_plain", "a.csv", "out.ndjson", {"a.csv": csv(0, 1200)}, amount),
        job("csv_gzip_both_ways", "a.csv.gz", "out.csv.gz", {"a.csv.gz": packed(csv(0, 1500))}),
        job(
            "csv_zstd_both_ways_rejects",
            "a.csv.zst",
            "out.ndjson.zst",
            {"a.csv.zst": frames(csv(0, 1500, 60))},
            "rejects:\n  to: bad.ndjson\n",
        ),
        job(
            "ndjson_to_gzip_rejects_gzip",
            "a.ndjson",
            "out.ndjson.gz",
            {"a.ndjson": ndjson(0, 1500, 20)},
            "rejects:\n  to: bad.ndjson.gz\n",
        ),
        job(
            "several_inputs",
            ["a.csv", "b.csv.gz", "c.csv"],
            "out.csv",
            {"a.csv": csv(0, 300, 50), "b.csv.gz": packed(csv(300, 900, 50)), "c.csv": csv(900, 1100, 50)},
            "rejects:\n  to: bad.ndjson\n",
        ),
        job(
            "json_array_to_zstd",
            "a.json",
            "out.ndjson.zst",
            {"a.json": document(0, 1200)},
            "Recordsquery: SELECT id, amount + 1 AS more FROM input\nrejects:\n  to: bad.ndjson\n",
        ),
        job(
            "aggregates",
            "a.csv",
            "out.csv",
            {"a.csv": csv(0, 2500, 700)},
            "query: SELECT COUNT(*) AS n, SUM(amount) AS sum, AVG(amount) AS mean, MIN(name) AS first,"
            " MAX(name) AS last FROM input WHERE amount > 10\n"
            "rejects:\n  to: bad.ndjson\n",
        ),
        job(
            "limit",
            "a.csv.gz",
            "out.ndjson",
            {"a.csv.gz": packed(csv(0, 2000, 40))},
            "query: SELECT * FROM input WHERE amount > 30 LIMIT 700\nrejects:\n  to: bad.ndjson\n",
        ),
        job("folder", "a.ndjson", "out/", {"a.ndjson": ndjson(0, 1200)}, "batch:\n  records: 250\n"),
        job(
            "folder_gzip_rejects",
            "a.csv.gz",
            "out/part-{batch}.ndjson.gz",
            {"a.csv.gz": packed(csv(0, 1500, 60))},
            "batch:\n  bytes: 16KiB\nrejects:\n  to: out/bad.ndjson\n",
        ),
        job("lines_to_gzip", "a.log", "out.txt.gz", {"a.log": csv(0, 1500)}),
        job(
            "json_inputs_aggregates",
            ["a.json", "b.json.gz"],
            "out.csv.zst",
            {"a.json": document(0, 700), "b.json.gz": packed(document(700, 1500))},
            "Recordsquery: SELECT COUNT(*) AS n, SUM(amount) AS sum, MAX(name) AS last FROM input\n"
            "rejects:\n  to: bad.ndjson\n",
        ),
    ]


MODES = {
    "resume": ["--checkpoint", "state.weir", "--set", "output.unit=4KiB", "--set", "checkpoint.every=0s"],
    "default": [],
    "fresh": ["--checkpoint", "none"],
}


def can_resume():
    """Whether this binary has checkpoints."""
    run = subprocess.run([WEIR, "schema"], stdout=subprocess.PIPE, env=environment(), check=True)
    return b'"every"' in run.stdout


def job_of(name, mode):
    job = next(j for j in jobs() if j.name == name)
    job.args = MODES[mode]
    if mode == "default" and "folder" in name:
        job.args = ["--checkpoint", "state.weir"]  # a folder has none by itself
    job.again = ["--set", "output.if_exists=replace"] if mode == "fresh" else []
    return job


# ---- what must be true ---------------------------------------------------------------------------------------


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def is_ours(name):
    """Temporary and state files."""
    return name.endswith(".part") or ".weir" in name


def shown(files):
    return {name: data for name, data in files.items() if not is_ours(name)}


def uninterrupted(bench):
    bench.empty()
    outcome = bench.run("count")
    if outcome["exit"] != 0:
        raise SystemExit(f"kill: {bench.job.name} fails by itself: {bench.stderr()}")
    return outcome["calls"], bench.files(), bench.result(outcome).summary


def after_a_kill(bench, outcome, wanted):
    need(outcome["signal"] == 9 and not outcome["hung"], f"it was to be killed and ended otherwise: {outcome}")
    files = bench.files()
    for name in bench.job.existing:
        need(name in files, f"{name} was there before and is gone")
    for name, data in shown(files).items():
        if data == bench.job.existing.get(name):
            continue
        need(name in wanted, f"{name} is visible")
        need(data == wanted[name], f"{name} is visible, but not whole")


def at_the_end(bench, outcome, wanted, summary):
    need(not outcome["hung"], "it hangs")
    need(outcome["signal"] == 0, f"ended by signal {outcome['signal']}")
    need(outcome["exit"] == 0, f"exit {outcome['exit']}")
    result = bench.result(outcome)
    check_laws(result)
    files = bench.files()
    need(not any(name.endswith(".part") for name in files), f"left behind: {sorted(files)}")
    for name in sorted(shown(files).keys() | wanted.keys()):
        need(name in files, f"{name} is missing")
        need(name in wanted, f"{name} should not be there")
        need(files[name] == wanted[name], f"{name} differs: {len(files[name])} bytes, right are {len(wanted[name])}")
    if result.summary["status"] == summary["status"]:
        need(
            result.summary["records"] == summary["records"],
            f"fates: {result.summary['records']}, right are {summary['records']}",
        )
        return "done"
    need("already" in json.dumps(result.summary), f"status {result.summary['status']}")
    return "already done"


# ---- running -------------------------------------------------------------------------------------------------


def try_point(bench, mode, point, wanted, summary):
    """`point`: (call, entry or exit, call of the second run or 0, or of the third). The way that it took."""
    call, where, *again = point
    bench.empty()
    outcome = bench.run(f"kill {call} {where}")
    if outcome["hits"] == 0 or outcome["signal"] != 9:
        at_the_end(bench, outcome, wanted, summary)  # the last call does not return
        return "not hit"
    after_a_kill(bench, outcome, wanted)
    way = "killed once"
    for number, second in enumerate(again):
        outcome = bench.run(f"kill {second} {'exit' if second % 2 else 'entry'}", again=True)
        if outcome["hits"] == 0 or outcome["signal"] != 9:
            at_the_end(bench, outcome, wanted, summary)
            return f"killed {number + 1} times, done before the next"
        after_a_kill(bench, outcome, wanted)
        way = f"killed {number + 2} times"
    outcome = bench.run("count", again=True)
    end = at_the_end(bench, outcome, wanted, summary)
    return way + (" after it was done" if end == "already done" else "")


def work(name, mode, points):
    results = []
    with Bench(job_of(name, mode)) as bench:
        _, files, summary = uninterrupted(bench)
        wanted = shown(files)
        for point in points:
            try:
                results.append((try_point(bench, mode, point, wanted, summary), None))
            except (Wrong, AssertionError) as error:
                at = " ".join(map(str, (mode, *point)))
                text = f"{name}: `{at}`: {error}\n    {sorted(bench.files())}\n    {bench.stderr()[:500]}"
                results.append(("failed", text))
    return results


def points_of(calls, seed, rounds):
    """All kill points of a job; those that are killed again have a call of the runs that follow besides."""
    chance = random.Random(seed)
    for number in range(rounds):
        for call in range(1, calls + 1):
            for where in ("entry", "exit"):
                again = []
                if number > 0 or chance.randrange(TWICE_OF) == 0:
                    again.append(chance.randint(1, calls))
                    if chance.randrange(TWICE_OF) == 0:
                        again.append(chance.randint(1, calls))
                yield (call, where, *again)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true", help=f"{SAMPLE_POINTS} points, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rounds", type=int, default=1, help="over all points; from the second on each is killed again elsewhere"
    )
    parser.add_argument("--mode", choices=list(MODES))
    parser.add_argument("--job")
    parser.add_argument("--at", help="one point, as a failure names it")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    workers = options.workers or (1 if options.sample else os.cpu_count() or 1)
    modes = [options.mode] if options.mode else [m for m in MODES if m == "fresh" or can_resume()]
    if options.at:
        modes = [options.at.split()[0]]
    chosen = [(job.name, mode) for mode in modes for job in jobs() if options.job in (None, job.name)]
    kills = failed = 0
    with multiprocessing.Pool(workers) as pool:
        for name, mode in chosen:
            with Bench(job_of(name, mode)) as bench:
                calls, files, summary = uninterrupted(bench)
            points = list(points_of(calls, f"{options.seed} {name} {mode}", options.rounds))
            everything = len(points)
            if options.at:
                words = options.at.split()[1:]
                points = [(int(words[0]), words[1], *map(int, words[2:]))]
            elif options.sample:
                points = random.Random(f"{options.seed} {name} {mode}").sample(
                    points, min(everything, SAMPLE_POINTS // len(chosen))
                )
            results = [
                r
                for part in pool.starmap(
                    work, [(name, mode, points[i::workers]) for i in range(workers) if points[i::workers]]
                )
                for r in part
            ]
            ways = collections.Counter(way for way, _ in results)
            print(
                f"{mode} {name}: {calls} calls, {summary['units']} units, {len(shown(files))} files; "
                f"{len(results)} of {everything} kill points"
            )
            print("   " + ", ".join(f"{way} {n}" for way, n in sorted(ways.items())), flush=True)
            wrong = [text for _, text in results if text]
            for text in wrong[: int(os.environ.get("WEIR_CRASH_SHOWN", "10"))]:
                print("   WRONG " + text)
            kills += len(results)
            failed += len(wrong)
    if "resume" not in modes:
        print("not run: resume: this binary has no checkpoints")
    print(f"{kills} kill points, {failed} failed")
    return 1 if failed or not kills else 0


if __name__ == "__main__":
    sys.exit(main())
