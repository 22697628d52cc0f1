"""Walled: in a group whose limit is the budget; and one page below what is needed nothing is begun."""

import hashlib
import os
import shutil
import subprocess
import threading

from cgroup import forget
from flat import QUERY, STAR, stream_of
from proof import NOT_RUN, SEALED, SHORT, KiB, MiB, Cgroup, Row, Watched, cgroups_work, hold, one_row, scratch
from suite import FILES, failed, files_named, run_suite

BUDGETS = (8 * MiB, 16 * MiB, 32 * MiB, 48 * MiB)
_copies = threading.local()


def own_copy():
    """A copy of the program that nobody has in memory (one for each thread): its pages are charged to the group."""
    if not hasattr(_copies, "path"):
        _copies.path = os.path.join(scratch(), f"weir-{threading.get_ident()}")
        shutil.copy(SEALED, _copies.path)
    forget(_copies.path)
    return _copies.path


def suite_at(budget, files):
    def work(row):
        with Cgroup.make(budget) as group:
            through = {"mode": "budget", "budget": budget, "procs": group.procs, "program": own_copy()}
            cases, notes = run_suite(files, through=through)
            row.group_peaks = [group.peak()]
            kills = group.kills()
        ran = [note for note in notes if "peak_bytes" in note]
        row.peaks = [max(note["peak_bytes"] for note in ran)]
        row.plan = max(note["plan_bytes"] for note in ran)
        hold(kills == 0, f"{kills} runs were ended because the group was full")
        hold(row.peaks[0] <= budget and row.group_peaks[0] <= budget, "a peak is above the budget")
        hold(
            not any(note["system_allocations_after_seal"] for note in ran),
            "memory was taken from the system after the seal",
        )
        # A case may be refused, and only where its need is above the budget.
        refused = sum(note["exit"] == 21 and note.get("needed", 0) > budget for note in notes)
        bad = {
            name: differences for name, differences in failed(cases).items() if ", got 21\n" not in differences + "\n"
        }
        hold(not bad, f"other output than without a wall: {list(bad.items())[:3]}")
        hold(len(failed(cases)) <= refused, f"{len(failed(cases))} failed, {refused} refused")
        row.over = f"{len(cases)} cases, {len(failed(cases))} need more"
        hold(len(failed(cases)) < len(cases) // 2, "most cases are refused")

    return one_row("Walled", f"tests/pipelines at {budget // MiB} MiB", "", work, budget=budget)


def strace_here():
    """strace, where there are rights to trace."""
    strace = shutil.which("strace")
    return (
        strace
        if strace and subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True).returncode == 0
        else None
    )


def one_page_below(files):
    """Each pipeline with a budget of just its need, in a group of that size; and refused with one page less."""
    strace = strace_here()

    def work(row):
        groups = cgroups_work()
        cases, notes = run_suite(files, through={"mode": "need", "strace": strace, "groups": groups})
        planned = [note for note in notes if "wrong" in note]
        wrong = [note for note in planned if note["wrong"] is not None]
        row.over = f"{len(planned)} plans"
        hold(len(planned) > len(cases) // 3, f"only {len(planned)} of {len(cases)} cases have a plan")
        hold(not wrong, f"{len(wrong)} were not refused as they should: {wrong[:2]}")
        hold(not failed(cases), f"with just what they need: {list(failed(cases).items())[:3]}")
        hold(not any(note.get("kills") for note in notes), "a run was ended because the group was full")
        over = [note for note in notes if note.get("group_peak") and note["group_peak"] > note["needed"] + 4 * KiB]
        hold(not over, f"the group's peak is above the need: {over[:1]}")
        ran = [note for note in planned if "peak_bytes" in note]
        row.plan = max(note["needed"] for note in planned)
        row.peaks = [max(note["peak_bytes"] for note in ran)]
        row.group_peaks = [max(note["group_peak"] for note in ran)] if groups else []
        if not strace:
            row.verdict, row.why = (
                NOT_RUN,
                "no strace, or no rights to trace: that a refused run touches nothing was only seen by its folder",
            )
        elif not groups:
            row.verdict, row.why = NOT_RUN, "no cgroup rights: with just what they need, but without a wall"

    return one_row("Walled", "one page below the need", "", work)


LARGE = {
    "csv to csv": ("csv", "plain", "out.csv", QUERY),
    "csv.gz to ndjson.gz": ("csv", "gzip", "out.ndjson.gz", QUERY),
    "ndjson.zst to csv.zst": ("ndjson", "zstd", "out.csv.zst", QUERY),
    "json to ndjson": ("json", "plain", "out.ndjson", STAR),
}


def large(name, size):
    """One job at every budget in its group: the same bytes come out, and those that come out with no wall."""

    def work(row):
        format, codec, out, query = LARGE[name]
        if codec == "zstd" and shutil.which("zstd") is None:
            row.verdict, row.why = NOT_RUN, "no zstd tool"
            return
        stream, hashes, refused = stream_of(format, codec), {}, []
        for budget in (*BUDGETS, 256 * MiB):
            path = os.path.join(scratch(), f"{budget}-{out}")
            words = ["query", query, "--from", format, "-o", path, "-m", str(budget), "--summary", "json"]
            with Cgroup.make(budget) as group:
                watched = Watched(words, group, program=own_copy())
                alive = watched.feed(stream.head)
                for _ in range(stream.times(size)):
                    alive = alive and watched.feed(stream.body)
                alive = alive and watched.feed(stream.tail)
                run = watched.finish()
                hold(group.kills() == 0, "ended because the group was full")
                if run.exit == 21:
                    hold(run.plan["needed_bytes"] > budget, f"refused for nothing: {run}")
                    refused.append(f"{budget // MiB}")
                    continue
                hold(run.exit == 0, str(run))
                hold(run.summary["bytes"]["decoded"] == stream.sums(size)[0], f"not all was read: {run}")
                row.peaks.append(run.summary["peak_bytes"])
                row.group_peaks.append(group.peak())
                row.plan = max(row.plan or 0, run.summary["plan_bytes"])
                hold(run.summary["peak_bytes"] <= budget and group.peak() <= budget, "a peak is above the budget")
            with open(path, "rb") as file:
                hashes[budget] = hashlib.file_digest(file, "sha256").hexdigest()
            os.unlink(path)
        row.over = (
            f"{size // MiB} MiB at "
            + " ".join(str(b // MiB) for b in hashes)
            + (f"; {' '.join(refused)} refused" if refused else "")
        )
        hold(len(hashes) > 1 and len(set(hashes.values())) == 1, f"the output depends on the budget: {hashes}")

    return one_row("Walled", name, "", work)


def jobs(level):
    below = lambda: one_page_below(files_named("codec", "output") if level == SHORT else FILES)  # noqa: E731
    if not cgroups_work():
        return [lambda: Row("Walled", "in groups", "", NOT_RUN, "no cgroup rights"), below]
    files = files_named("codec", "json", "output") if level == SHORT else FILES
    size = (16 * MiB, 128 * MiB, 4096 * MiB)[level]
    return [below, *(lambda b=b: suite_at(b, files) for b in BUDGETS), *(lambda n=n: large(n, size) for n in LARGE)]
