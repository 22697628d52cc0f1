#!/usr/bin/env python3
"""Torture: every fallible system call of five jobs fails, with each error that it can give, once and from there on;
every read and write is cut to a byte; every allocation at the start is refused. What must then be true is in `verdict`;
at its end the same command, without the fault, gives the bytes of the run that nothing happened to.

  torture.py [--sample] [--seed N] [--job NAME] [--workers N] [--plan 'fail 3 EIO 1 write']

Ends on the line `N runs, N failed`. A run that fails is named by its job and plan, which --job and --plan repeat.
"""

import argparse
import collections
import gzip
import json
import multiprocessing
import os
import random
import sys

import faults
from faults import Bench, Job
from harness import check_laws

SAMPLE_RUNS = 1250
NEVER = 1_000_000_000
REPLACE = ["--set", "output.if_exists=replace"]

# ---- jobs ----------------------------------------------------------------------------------------------------


def csv(begin, end, bad_every=0):
    rows = [b"id,name,amount\n"]
    for i in range(begin, end):
        rows.append(
            b"%d,name %d\n" % (i, i)
            if bad_every and i % bad_every == 1
            else b"%d,name %d,%d.%02d\n" % (i, i, i * 7 % 100, i % 100)
        )
    return b"".join(rows)


def ndjson(begin, end, bad_every=0):
    return b"".join(
        (
            b'{"id":%d,"broken\n' % i
            if bad_every and i % bad_every == 1
            else b'{"id":%d,"tags":["a","b"],"amount":%d.5}\n' % (i, i)
        )
        for i in range(begin, end)
    )


def jobs():
    records = ", ".join('{"id":%d,"amount":%s}' % (i, '"much"' if i % 50 == 7 else f'"{i}.25"') for i in range(300))
    return [
        Job(
            "csv_to_ndjson",
            "input:\n  from: [../given/a.csv, ../given/b.csv]\nquery: SELECT id, amount * 2 AS twice FROM input"
            " WHERE amount > 50\n"
            "output:\n  to: new/folder/out.ndjson\n",
            {"a.csv": csv(0, 400), "b.csv": csv(400, 500)},
            again=REPLACE,
        ),
        Job(
            "gzip_to_gzip_with_rejects",
            "input:\n  from: ../given/in.csv.gz\noutput:\n  to: out.ndjson.gz\n  if_exists: replace\n"
            "rejects:\n  to: bad.ndjson\ncheckpoint:\n  to: state.weir\n  every: 0s\n",
            {"in.csv.gz": gzip.compress(csv(0, 900, 90), mtime=0)},
            {"out.ndjson.gz": b"the old one", "bad.ndjson": b"old"},
            args=["--set", "output.unit=8KiB"],
        ),
        Job(
            "ndjson_to_folder",
            "input:\n  from: ../given/in.ndjson\nbatch:\n  records: 100\noutput:\n  to: out/\n"
            "rejects:\n  to: bad/of-{input.stem}.ndjson.gz\n",
            {"in.ndjson": ndjson(0, 450, 200)},
            again=REPLACE,
        ),
        Job(
            "json_array_to_zstd_aggregates",
            'input:\n  from: ../given/in.json\n  path: "Records[*]"\n'
            "query: SELECT COUNT(*) AS n, SUM(amount) AS sum, MAX(id) AS last FROM input\n"
            "output:\n  to: out.csv.zst\nrejects:\n  to: bad.ndjson\ncheckpoint: state.weir\n",
            {"in.json": b'{"Records": [%s]}' % records.encode()},
        ),
        Job(
            "stdin_to_exec",
            "name: batch\ninput:\n  from: stdin\n  format: csv\nbatch:\n  records: 200\n"
            "output:\n  to: exec\n  format: ndjson\n"
            "exec:\n  command: cat > $WEIR_BATCH_ID.tmp && mv $WEIR_BATCH_ID.tmp $WEIR_BATCH_ID\n  retries: 1\n"
            "rejects:\n  to: bad.ndjson\n",
            {"in.csv": csv(0, 500, 250)},
            pipe="in.csv",
            again=REPLACE,
        ),
    ]


# ---- what can fail, and with what ----------------------------------------------------------------------------

OPEN = ("EIO", "EMFILE", "ENOMEM", "EACCES", "ENOENT", "ENOSPC", "EINTR")
ERRORS = {
    "open": OPEN,
    "openat": OPEN,
    "read": ("EIO", "EINTR", "ENOMEM"),
    "pread64": ("EIO", "EINTR", "ENOMEM"),
    "write": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "pwrite64": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "ftruncate": ("EIO", "EINTR", "EPERM"),
    "fallocate": ("EIO", "ENOSPC", "EINTR", "EOPNOTSUPP"),
    "rename": ("EIO", "ENOSPC", "EACCES"),
    "renameat": ("EIO", "ENOSPC", "EACCES"),
    "renameat2": ("EIO", "ENOSPC", "EACCES", "EINVAL", "ENOSYS"),
    "link": ("EIO", "ENOSPC", "EPERM", "EMLINK"),
    "linkat": ("EIO", "ENOSPC", "EPERM", "EMLINK"),
    "unlink": ("EIO", "EACCES"),
    "unlinkat": ("EIO", "EACCES"),
    "mkdir": ("EIO", "ENOSPC", "EACCES"),
    "mkdirat": ("EIO", "ENOSPC", "EACCES"),
    "stat": ("EIO", "ENOMEM", "EACCES"),
    "lstat": ("EIO", "ENOMEM", "EACCES"),
    "newfstatat": ("EIO", "ENOMEM", "EACCES"),
    "statx": ("EIO", "ENOMEM", "EACCES"),
    "fstat": ("EIO", "ENOMEM"),
    "access": ("EIO", "ENOMEM", "EACCES"),
    "faccessat": ("EIO", "ENOMEM", "EACCES"),
    "faccessat2": ("EIO", "ENOMEM", "EACCES"),
    "flock": ("ENOLCK", "EINTR", "EAGAIN"),
    "fcntl": ("ENOMEM",),
    "lseek": ("ESPIPE",),
    "close": ("EIO", "EINTR"),
    "poll": ("EINTR", "ENOMEM"),
    "ppoll": ("EINTR", "ENOMEM"),
    "mmap": ("ENOMEM",),
    "munmap": ("ENOMEM",),
    "madvise": ("EINVAL",),
    "brk": ("ENOMEM",),
    "mprotect": ("ENOMEM",),
    "prctl": ("EINVAL",),
    "fadvise64": ("EINVAL",),
    "ioctl": ("ENOTTY",),
    "getrusage": ("EINVAL",),
    "getrandom": ("EINTR", "ENOSYS"),
    "prlimit64": ("EPERM",),
    "setrlimit": ("EPERM",),
    "readlink": ("ENOENT",),
    "readlinkat": ("ENOENT",),
    "getdents64": ("EIO",),
    "pipe2": ("EMFILE", "ENFILE"),
    "vfork": ("EAGAIN", "ENOMEM"),
    "clone": ("EAGAIN", "ENOMEM"),
    "dup2": ("EINTR",),
    "dup3": ("EINTR",),
    "setpgid": ("EACCES",),
    "execve": ("ENOMEM", "ENOENT", "EACCES"),
    "wait4": ("EINTR",),
    "pidfd_open": ("EMFILE", "ENOSYS", "ENOMEM"),
    "kill": ("EPERM",),
    "rseq": ("ENOSYS",),
    "set_robust_list": ("ENOSYS",),
}
# Calls that can't fail on what they are given here: these are only counted.
CERTAIN = {
    "exit_group",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "set_tid_address",
    "arch_prctl",
    "getpid",
    "clock_gettime",
}
F_GETFD, F_GETFL, F_SETFL = 1, 3, 4


def is_certain(call):
    return call[0] in CERTAIN or (call[0] == "fcntl" and call[2] in (F_GETFD, F_GETFL))


STICKY_FOR_ALL = ("EIO", "ENOMEM", "ENOSPC", "EMFILE", "EACCES")

# What of a call's failure may be passed over: nothing of the output depends on it.
HARMLESS = {
    "prctl",
    "fadvise64",
    "munmap",
    "madvise",
    "close",
    "ioctl",
    "getrusage",
    "prlimit64",
    "setrlimit",
    "readlink",
    "readlinkat",
    "rseq",
    "set_robust_list",
    "pidfd_open",
    "kill",
    "getrandom",
    "setpgid",
}
# A look that fails: what it was for decides, a size for the progress line or whether the output is there. The bytes
# must be right in any case.
STATS = {"stat", "lstat", "newfstatat", "statx", "fstat", "access", "faccessat", "faccessat2"}


def outcomes(call, error):
    """The exits that are right when this call alone fails for good."""
    name, target = call[0], call[1]
    if name in HARMLESS or target.startswith("<2>") or target.startswith("/proc/"):
        return {0}
    if error == "EINTR":
        return {0}
    if name in STATS:
        return {0, 20, 40, 60} if "/run/" in target or "/given/" in target else {0, 20, 40}
    if name in ("mmap", "brk", "mprotect"):
        return {0, 21}  # 0: a look at the header beforehand, which does not need to succeed
    if name == "lseek":
        return {0}  # stdin is then read as a stream
    if target.startswith("pipe:") and name in ("write", "fcntl"):
        return {0, 40}
    if name in ("pipe2", "vfork", "clone", "dup2", "dup3", "execve", "wait4", "poll", "ppoll"):
        return {0, 40}
    if name == "fcntl":
        return {0, 40}
    if "/given/" in target:
        if name in ("open", "openat") and error == "ENOENT":
            return {20, 30}
        return {40, 60} if error == "EACCES" else {40}
    if name == "flock" and error == "EAGAIN":
        return {51}
    if name in ("unlink", "unlinkat"):
        return {0, 40}
    if name.startswith("link"):
        return {0, 40}
    if name.startswith("renameat2") and error in ("EINVAL", "ENOSYS"):
        return {0}
    if target.startswith("<0>"):
        return {40}
    if error == "EACCES":
        return {60, 40}
    return {40}


class Fault:
    """A plan, and the exits that are right."""

    def __init__(self, plan, exits, kind):
        self.plan, self.exits, self.kind = plan, exits, kind


def plan_faults(trace, main_at):
    """All faults of a job whose calls are `trace`; those of libc before `main_at` only once."""
    seen = collections.Counter()
    for index, call in enumerate(trace):
        name = call[0]
        seen[name] += 1
        if is_certain(call):
            continue
        if name not in ERRORS:
            raise SystemExit(f"torture: no errors are known of {name}: give it a row in ERRORS or CERTAIN")
        for error in ERRORS[name]:
            exits = outcomes(call, error) if index >= main_at else None
            yield Fault(f"fail {seen[name]} {error} 1 {name}", exits, "once" if exits is not None else "before main()")
            if index < main_at:
                continue
            if error == "EINTR":
                yield Fault(f"fail {seen[name]} EINTR 20 {name}", exits, "20 times")
            else:
                yield Fault(f"fail {seen[name]} {error} 0 {name}", later(trace, index, error, {name}), "from there on")
    for error in STICKY_FOR_ALL:
        names = {name for name, errors in ERRORS.items() if error in errors}
        number = sum(call[0] in names for call in trace[:main_at])
        for index, call in enumerate(trace[main_at:], main_at):
            if call[0] in names:
                number += 1
                yield Fault(
                    f"fail {number} {error} 0 {','.join(sorted(names))}",
                    later(trace, index, error, names),
                    "all from there on",
                )


def later(trace, index, error, names):
    """The exits that are right when all calls of these names fail from `index` on: what the first says that matters."""
    may, on_the_way = set(), True
    for number, call in enumerate(trace[index:]):
        if call[0] in names and not (number > 0 and call[1].startswith("<2>")):
            exits = outcomes(call, error)
            if 0 not in exits and on_the_way:
                return exits | (may - {0})
            may |= exits
            on_the_way = on_the_way and call[0] not in STATS  # a look that fails may lead elsewhere than the trace did
    # How often a pipe is polled differs from run to run: the call of this number may be one before those of the trace.
    return may | {0, 40}


# ---- what must be true ---------------------------------------------------------------------------------------


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def verdict(bench, fault, outcome, wanted):
    """Holds a run against the laws. `wanted`: the files of the run without a fault."""
    need(not outcome["hung"], "it hangs")
    if fault.exits is None:  # libc's own start: whatever it does, it is over before anything is touched, or did no harm
        need(
            outcome["exit"] == 0 or files_differ(bench.files(), bench.job.existing) is None,
            "libc's start failed and yet files changed",
        )
        return
    need(outcome["signal"] == 0, f"ended by signal {outcome['signal']}")
    exit_code = outcome["exit"]
    need(exit_code in fault.exits, f"exit {exit_code}, right would be {sorted(fault.exits)}")
    # A full set-up arena ends the process where it stands.
    need(not outcome["open"] or fault.plan.startswith("malloc"), f"descriptors are left: {outcome['open']}")
    need(outcome["children"] == 0, "a child is left running")

    files = bench.files()
    message = None
    # Where it was the message that could not be written, there is none.
    unheard = (
        fault.plan.startswith("fail")
        and "EINTR" not in fault.plan
        and outcome.get("name") == "write"
        and outcome["target"].startswith("<2>")
    )
    if not unheard:
        result = bench.result(outcome)
        check_laws(result)
        message = result.errors[0] if result.errors else None
        need(result.summary is not None or exit_code not in (0, 3), "no summary")
        need(message is None or message.get("detail") or message.get("msg"), "an empty message")
    if exit_code == 0:
        if "unlink" in fault.plan:
            files = {name: data for name, data in files.items() if not name.endswith(".part")}
        difference = files_differ(files, wanted)
        need(difference is None, f"exit 0, but {difference}")
        return
    sticky = fault.plan.startswith("fail") and fault.plan.split()[3] == "0"
    # Taking a file away may be what failed; and a lock that another run holds is on a file of that run's.
    may_stay = "unlink" in fault.plan or "EAGAIN" in fault.plan
    named = {
        os.path.relpath(os.path.join(bench.work, message[key]), bench.work)
        for key in ("leftover", "rejects_leftover")
        if key in (message or {})
    }
    for name, data in files.items():
        if name.endswith((".tmp", ".weir", ".weir.lock")):
            continue  # the command's own; and the state to go on from
        if name.endswith(".part"):
            need(name in named or may_stay, f"{name} is left and not named")
        elif name.endswith(".weir.new"):
            need(may_stay, f"{name} is left")
        elif data == bench.job.existing.get(name):
            pass
        else:
            need(name in wanted, f"{name} is left")
            need(data == wanted[name], f"{name} is visible, but not whole")
    for name in named:
        need(
            name in files or (sticky and any(s in fault.plan for s in STATS)),
            f"{name} is named as left, but is not there",
        )
    for name in bench.job.existing:
        need(name in files, f"{name} was there before and is gone")
    # When the fault is gone the same command does it.
    if exit_code == 30:
        return
    outcome = bench.run("count", again=True)
    need(outcome["exit"] == 0, f"begun again without the fault: exit {outcome['exit']}: {bench.stderr()[:300]}")
    files = {
        name: data for name, data in bench.files().items() if not (name.endswith(".part") and "unlink" in fault.plan)
    }
    difference = files_differ(files, wanted)
    need(difference is None, f"begun again without the fault: {difference}")


def files_differ(files, wanted):
    for name in sorted(files.keys() | wanted.keys()):
        if name.endswith((".tmp", ".weir", ".weir.lock")):
            continue
        if name not in files:
            return f"{name} is missing"
        if name not in wanted:
            return f"{name} is left"
        if files[name] != wanted[name]:
            return f"{name} differs"
    return None


# ---- running -------------------------------------------------------------------------------------------------


def reference(bench):
    """Files of the run that nothing happens to; the same each time."""
    bench.empty()
    outcome = bench.run("trace")
    if outcome["exit"] != 0:
        raise SystemExit(f"torture: {bench.job.name} fails by itself: {bench.stderr()}")
    return outcome["trace"], bench.files()


def main_begins(trace):
    """The first call of main() itself: it forbids core files."""
    return next(i for i, call in enumerate(trace) if call[0] == "prlimit64" and call[2] == 4)


def faults_of(job):
    with Bench(job) as bench:
        trace, _ = reference(bench)
        found = list(plan_faults(trace, main_begins(trace)))
        fallible = sum(not is_certain(call) for call in trace)
        bench.empty()
        for number in range(1, bench.run(f"short {NEVER} 1 1")["seen"] + 1):
            found.append(Fault(f"short {number} 1 1", {0}, "cut to a byte"))
            found.append(Fault(f"short {number} 1 0", {0}, "cut to a byte from there on"))
        bench.empty()
        for number in range(1, bench.run(f"malloc {NEVER} 1")["seen"] + 1):
            found.append(Fault(f"malloc {number} 1", {0, 21}, "no memory"))
            found.append(Fault(f"malloc {number} 0", {0, 21}, "no memory from there on"))
        return found, len(trace), fallible


def work(job_name, portion):
    """Runs a portion of a job's faults; a list of (fault's kind, exit, hit at all, what is wrong)."""
    job = next(j for j in jobs() if j.name == job_name)
    results = []
    with Bench(job) as bench:
        _, wanted = reference(bench)
        for fault in portion:
            bench.empty()
            outcome = bench.run(fault.plan)
            wrong = None
            try:
                verdict(bench, fault, outcome, wanted)
            except (Wrong, AssertionError) as error:
                detail = {
                    k: v for k, v in outcome.items() if k in ("exit", "signal", "at", "name", "target", "argument")
                }
                wrong = f"{job_name}: `{fault.plan}`: {error}\n    {json.dumps(detail)}\n    {bench.stderr()[:600]}"
            results.append(
                (
                    fault.kind,
                    outcome["exit"] if outcome["signal"] == 0 else -outcome["signal"],
                    outcome["hits"] > 0,
                    wrong,
                )
            )
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true", help=f"{SAMPLE_RUNS} runs, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--job")
    parser.add_argument("--plan")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    workers = options.workers or (1 if options.sample else os.cpu_count() or 1)
    runs = failed = 0
    chosen = [job for job in jobs() if options.job in (None, job.name)]
    with multiprocessing.Pool(workers) as pool:
        for job in chosen:
            found, calls, fallible = faults_of(job)
            everything = len(found)
            if options.plan:
                found = [f for f in found if f.plan == options.plan] or [
                    Fault(options.plan, set(range(61)), "asked for")
                ]
            elif options.sample:
                found = random.Random(f"{options.seed} {job.name}").sample(
                    found, min(len(found), SAMPLE_RUNS // len(chosen))
                )
            portions = [found[i::workers] for i in range(workers)]
            results = [r for part in pool.starmap(work, [(job.name, p) for p in portions if p]) for r in part]
            exits, kinds = collections.Counter(r[1] for r in results), collections.Counter(r[0] for r in results)
            print(
                f"{job.name}: {calls} calls, {fallible} fallible; {len(results)} of {everything} runs,"
                f" {sum(r[2] for r in results)} hit"
            )
            print("   by kind: " + ", ".join(f"{kind} {n}" for kind, n in kinds.items()))
            print(
                "   by exit: "
                + ", ".join(
                    f"{'signal ' + str(-code) if code < 0 else code}: {n}" for code, n in sorted(exits.items())
                ),
                flush=True,
            )
            wrong = [r[3] for r in results if r[3]]
            for text in wrong[: int(os.environ.get("WEIR_CRASH_SHOWN", 40))]:
                print("   WRONG " + text)
            runs += len(results)
            failed += len(wrong)
    print(f"{runs} runs, {failed} failed")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
