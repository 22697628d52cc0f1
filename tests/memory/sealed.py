"""Sealed: behind the seal nothing takes memory from the system, whatever is run."""

import os
import re
import subprocess
import sys

from proof import CANARY, NOT_RUN, SEALED, SHORT, TIMEOUT, TOP, Row, environment, hold, one_row
from suite import failed, run_suite

HARD = ("codecs", "differential", "files", "memory", "records", "sinks")
HARD_SHORT = ("files", "sinks")


def no_wall():
    """Why there can't be a wall here; empty: there can."""
    done = subprocess.run([CANARY, "nothing"], capture_output=True)
    return done.stderr.decode().strip() or f"exit {done.returncode}" if done.returncode else ""


def pipelines():
    def work(row):
        cases, _ = run_suite()
        bad = failed(cases)
        row.over = f"{len(cases)} cases"
        hold(not bad, f"{len(bad)} cases: {list(bad.items())[:3]}")

    return one_row("Sealed", "tests/pipelines", "", work)


def pipelines_on_purpose():
    """The wall stands in each of these runs: a page taken behind it is the end of all that come so far."""

    def work(row):
        cases, _ = run_suite(env={"WEIR_WALL_CANARY": "page"})
        ended = sum("SIGSYS" in differences for differences in failed(cases).values())
        row.over = f"{ended} of {len(cases)} cases come to the seal, all ended"
        hold(ended == len(failed(cases)), "a case failed otherwise")
        hold(ended > len(cases) // 2, f"only {ended} cases came to the seal")

    return one_row("Sealed", "tests/pipelines, a page too many", "", work)


def hard(module):
    def work(row):
        done = subprocess.run(
            [sys.executable, os.path.join(TOP, "tests", "hard", "run.py"), "--weir", SEALED, f"{module}_test"],
            capture_output=True,
            env=environment(),
            timeout=TIMEOUT,
        )
        verdict = re.search(rb"(\d+) passed, (\d+) failed\n$", done.stdout)
        hold(verdict and done.returncode == 0, failures_of(done.stdout))
        row.over = f"{verdict[1].decode()} tests"
        missing = re.findall(rb"^not run: (.*)$", done.stdout, re.M)
        if missing:
            row.verdict, row.why = NOT_RUN, b"; ".join(missing).decode()

    return one_row("Sealed", f"tests/hard {module}", "", work)


def deeds():
    def work(row):
        names = subprocess.run([CANARY], capture_output=True, check=True).stdout.decode().split()
        bad = [
            name
            for name in names
            if name != "nothing" and subprocess.run([CANARY, name], capture_output=True).returncode != -31
        ]
        hold(len(names) > 8 and not bad, f"not ended by the wall: {bad}")
        row.over = f"{len(names) - 1} ways to take memory, all ended"
        command = subprocess.run([CANARY, "command", "/bin/sh", "-c", "x=$(cat /dev/null; echo 7) && exit $x"])
        hold(command.returncode == 7, f"a command is not free of the wall: {command.returncode}")
        weir = subprocess.run(
            [CANARY, "command", os.path.join(os.path.dirname(SEALED), "..", "..", "weir"), "version"],
            stdout=subprocess.DEVNULL,
        )
        hold(weir.returncode == 0, f"a static command is not free of the wall: {weir.returncode}")

    return one_row("Sealed", "the wall itself", "", work)


def failures_of(out):
    """What a run of tests/hard printed of its failures, the first ones first."""
    text = out.decode(errors="replace")
    return text[max(text.find("=" * 70), 0) :][:6000]


def jobs(level):
    if why := no_wall():
        return [lambda: Row("Sealed", "all", "", NOT_RUN, why)]
    return [
        deeds,
        pipelines,
        pipelines_on_purpose,
        *(lambda m=m: hard(m) for m in (HARD_SHORT if level == SHORT else HARD)),
    ]
