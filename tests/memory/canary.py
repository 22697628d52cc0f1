"""The proofs hold a good program against the wall; here bad ones are, and each proof must find them out."""

import flat
import hostile
import walled
from proof import BROKEN, NOT_RUN, Broken, Cgroup, MiB, Row, Watched, cgroups_work, hold, one_row
from suite import files_named, run_suite


def found_out(job, bad, why=""):
    """The row that says: `bad`, the row of a bad program, is broken, and for this reason."""

    def work(row):
        hold(bad.verdict == BROKEN and why in bad.why, f"it was not found out: {bad.verdict} {bad.why[:300]}")
        row.peaks, row.group_peaks, row.apart, row.plan = bad.peaks, bad.group_peaks, bad.apart, bad.plan
        row.over = "found out: " + bad.why.split(":")[0][:60]

    return one_row("Canary", job, "", work)


def leak():
    stream = flat.stream_of("csv", "plain")
    runs = [(flat.words_of("csv"), stream, size) for size in (10 * MiB, 200 * MiB)]
    return found_out(
        "flat: a page leaks every few MiB",
        flat.flat_row("", "", runs, env={"WEIR_WALL_CANARY": "leak"}),
        "pages counted",
    )


def hog_in_a_group():
    def work(row):
        row.budget = 16 * MiB
        with Cgroup.make(row.budget) as group:
            try:
                watched = Watched(
                    ["query", flat.STAR, "--from", "csv", "-o", "/dev/null"], group, env={"WEIR_WALL_CANARY": "hog"}
                )
                watched.feed(b"a,b\n1,2\n")
                watched.finish()
            except Broken as e:
                hold("signal 9" in str(e), str(e))
            else:
                raise Broken("24 MiB were taken within 16 MiB")
            hold(group.kills() > 0, "the group does not tell of it")
            row.group_peaks = [group.peak()]
        row.over = "found out: ended, and counted"

    return one_row("Canary", "walled: 24 MiB too many", "", work)


def hog_under_attack():
    [attack] = [attack for attack in hostile.record_attacks(0) if attack.fault == "R1"]
    return found_out("hostile: 24 MiB too many", attack.row(env={"WEIR_WALL_CANARY": "hog"}), "signal 9")


def accepted():
    """The look for refusals, at runs that are accepted."""

    def work(row):
        _, notes = run_suite(
            files_named("codec"),
            through={"mode": "need", "groups": False, "canary": True, "strace": walled.strace_here()},
        )
        planned = [note for note in notes if "wrong" in note]
        hold(planned and all(note["wrong"] for note in planned), "a run that was not refused was not noticed")
        row.over = f"found out: {len(planned)} of {len(planned)} not refused"

    return one_row("Canary", "walled: not refused", "", work)


def jobs(level):
    rows = [leak, accepted]
    rows += (
        [lambda: Row("Canary", "walled, hostile", "", NOT_RUN, "no cgroup rights")]
        if not cgroups_work()
        else [hog_in_a_group, hog_under_attack]
    )
    return rows
