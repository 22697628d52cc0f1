"""The suite's pipelines (tests/pipelines/*.yaml), run by `weir test`."""

import glob
import json
import os
import subprocess

from proof import SEALED, TIMEOUT, TOP, hold, scratch

FILES = sorted(glob.glob(os.path.join(TOP, "tests", "pipelines", "*.yaml")))
THROUGH = os.path.join(TOP, "tests", "memory", "through.py")


def files_named(*names):
    return [path for path in FILES if os.path.basename(path).removesuffix(".yaml") in names]


def run_suite(files=FILES, env=None, through=None):
    """What came of each case, by `file: name`: None, or its differences; and the log's lines (see through.py)."""
    extra, log = dict(env or {}), None
    if through is not None:
        number = run_suite.count = getattr(run_suite, "count", 0) + 1
        log = os.path.join(scratch(), f"log-{os.getpid()}-{number}-{through['mode']}-{through.get('budget', 0)}")
        extra |= {"WEIR_RUN_THROUGH": THROUGH, "WEIR_THROUGH": json.dumps({**through, "log": log})}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEIR")}
    done = subprocess.run(
        [SEALED, "test", "--json", *files],
        capture_output=True,
        env={**kept, "TMPDIR": scratch(), **extra},
        timeout=TIMEOUT,
    )
    cases = {}
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        if "case" in entry:
            cases[f"{os.path.basename(entry['file'])}: {entry['case']}"] = (
                None if entry["ok"] else entry.get("differences", "")
            )
    hold(cases, f"no case was run: {done.stderr[-500:]!r}")
    notes = []
    if log is not None:
        with open(log) as file:
            notes = [json.loads(line) for line in file]
    return cases, notes


def failed(cases):
    return {name: differences for name, differences in cases.items() if differences is not None}
