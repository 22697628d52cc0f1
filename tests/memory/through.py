#!/usr/bin/env -S python3 -I -S
"""What `weir run` goes by way of in the walled suite (WEIR_RUN_THROUGH, see sealed.cpp).   through.py WEIR run PIPELINE

The environment variable WEIR_THROUGH says how, as JSON:
  mode    budget: run with `budget`, in the group `procs`
          need: find out what the plan needs; one page below that the run must be refused and touch nothing; then run
          with just that, in a group of that size
  program what is run, in place of WEIR
  log     a JSON line for each run goes there
Else the run is as `weir test` wants it: its words, streams, exit code or signal.
"""

import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "hard"))
from cgroup import PAGE, Cgroup  # noqa: E402

PEEK = 4096  # what may be looked at to tell format and compression


def run(words, procs=None):
    """Exit code (or minus the signal) and what came on stderr."""
    with tempfile.TemporaryFile() as error:
        child = os.fork()
        if child == 0:
            try:
                os.dup2(error.fileno(), 2)
                if procs:
                    with open(procs, "w") as file:
                        file.write("0")
                os.execv(words[0], words)
            finally:
                os._exit(127)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        error.seek(0)
        return code, error.read()


def entries(error):
    for line in error.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            pass


def picture():
    """The run's folder: names, sizes, times of change."""
    found = []
    for at, folders, files in os.walk("."):
        for name in folders + files:
            info = os.lstat(os.path.join(at, name))
            found.append((at, name, info.st_size, info.st_mtime_ns))
    return sorted(found)


def touched(trace, pipeline):
    """System calls of a refused run that are more than a look at the inputs' first bytes."""
    read = {}
    for line in trace.splitlines():
        call = re.match(r"\d*\s*(\w+)\((.*)\)\s*= (-?\d+)", line)
        if not call:
            continue
        name, arguments, result = call[1], call[2], int(call[3])
        if name in ("openat", "open", "creat"):
            if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments) and '"/dev/null"' not in arguments:
                yield line
        elif name in ("read", "pread64", "readv"):
            file = re.match(r"\d+<([^>]*)>", arguments)
            file = file[1] if file else "?"
            if not file.endswith((pipeline, "/status")):
                read[file] = read.get(file, 0) + max(0, result)
                if read[file] > PEEK:
                    yield line
        elif name in ("write", "writev", "pwrite64"):
            if not re.match(r"2<", arguments):
                yield line
        elif name not in ("execve", "lseek", "close") and result >= 0:
            yield line


TRACED = (
    "openat,open,creat,read,pread64,readv,write,writev,pwrite64,sendto,mkdir,mkdirat,rename,renameat,renameat2,"
    "unlink,unlinkat,"
    "link,linkat,symlink,truncate,ftruncate,fallocate,fsync,fdatasync,socket,vfork,fork,clone,clone3,pipe2"
)


def with_memory(words, budget):
    return [*words[:3], "-m", str(budget), *words[3:]]


def refused_at(words, budget, strace):
    """What is wrong with the refusal; None: nothing."""
    before = picture()
    offset = os.lseek(0, 0, os.SEEK_CUR) if os.path.isfile("/dev/stdin") else None
    refused = with_memory(words, budget)
    with tempfile.NamedTemporaryFile("r") as trace:
        code, error = run(
            [strace, "-f", "-y", "-o", trace.name, "-e", "trace=" + TRACED, *refused] if strace else refused
        )
        calls = list(touched(trace.read(), os.path.basename(words[2]))) if strace else []
    codes = [entry["code"] for entry in entries(error) if "code" in entry and entry.get("severity") != "warning"]
    if code != 21 or codes != ["W2101"]:
        return f"exit {code}, {codes}"
    if calls:
        return f"it touched: {calls[0][:200]}"
    if picture() != before:
        return "the folder changed"
    if offset is not None and os.lseek(0, 0, os.SEEK_CUR) != offset:
        return "stdin was read"
    return None


def main():
    how = json.loads(os.environ.pop("WEIR_THROUGH"))
    words = [how.get("program", sys.argv[1]), *sys.argv[2:]]
    own_memory = any(word.startswith("memory=") or word == "-m" for word in words)  # a case about budgets
    note = {"words": words[1:]}
    group = None
    procs = how.get("procs")
    if how["mode"] == "budget" and not own_memory:
        words = with_memory(words, how["budget"])
    elif how["mode"] == "need" and not own_memory:
        code, error = run(with_memory(words, 1 << 20))
        plan = [entry["needed_bytes"] for entry in entries(error) if "needed_bytes" in entry]
        if code == 21 and plan:
            note["needed"] = plan[0]
            note["wrong"] = refused_at(words, plan[0] - (0 if how.get("canary") else PAGE), how.get("strace"))
            words = with_memory(words, plan[0])
            group = Cgroup.make(plan[0]) if how["groups"] else None
            procs = group.procs if group else None
    code, error = run(words, procs)
    note["exit"] = code
    for entry in entries(error):
        if "peak_bytes" in entry:
            note.update(
                {
                    key: entry[key]
                    for key in ("peak_bytes", "plan_bytes", "budget_bytes", "system_allocations_after_seal")
                }
            )
        elif "needed_bytes" in entry:
            note["needed"] = entry["needed_bytes"]
    if group:
        note["group_peak"], note["kills"] = group.peak(), group.kills()
        group.close()
    with open(how["log"], "a") as log:
        log.write(json.dumps(note) + "\n")
    os.write(2, error)
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


main()
