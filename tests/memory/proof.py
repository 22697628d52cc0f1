"""What all points share: rows of the table, and one run of weir whose memory is watched from outside."""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hard"))
from cgroup import Cgroup, on_a_disk  # noqa: E402
from harness import Run, check_laws, environment  # noqa: E402

KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096
APART_MAX = 256 * KiB  # VmHWM and the group's peak move in steps of 64 pages
WALK_APART_MAX = 64 * KiB  # a walk over the page tables is exact
TIMEOUT = 3600
SEALED = os.environ.get("WEIR_SEALED", "build/release/tests/memory/weir_sealed")
CANARY = os.environ.get("WEIR_WALL_CANARY_PROGRAM", "build/release/tests/memory/weir_wall_canary")
TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

ONLY = []  # what the jobs' names must hold one of

HOLDS, BROKEN, NOT_RUN = "holds", "BROKEN", "not run"
SHORT, DEFAULT, FULL = 0, 1, 2


class Row:
    """A line of the table. Peaks are lists, a figure for each size of `over`."""

    def __init__(
        self, point, job, over="", verdict=HOLDS, why="", budget=None, plan=None, peaks=(), group_peaks=(), apart=None
    ):
        self.point, self.job, self.over, self.verdict, self.why = point, job, over, verdict, why
        self.budget, self.plan, self.peaks, self.group_peaks, self.apart = (
            budget,
            plan,
            list(peaks),
            list(group_peaks),
            apart,
        )

    def cells(self):
        def mib(n):
            return "-" if n is None else f"{n / MiB:.2f}"

        def each(figures):
            shown = [mib(n) for n in figures]
            return " ".join(dict.fromkeys(shown)) if len(shown) > 4 else " ".join(shown) or "-"

        return [
            self.point,
            self.job,
            self.over,
            mib(self.budget),
            mib(self.plan),
            each(self.peaks),
            each(self.group_peaks),
            "-" if self.apart is None else f"{self.apart // KiB}",
            self.verdict,
        ]


HEADS = ["point", "job", "over", "budget", "plan", "VmHWM", "group's peak", "KiB apart", "verdict"]


def print_table(rows, out=sys.stdout):
    table = [HEADS] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADS))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip(), file=out)


class Broken(AssertionError):
    """What should hold does not."""


def hold(true, what):
    if not true:
        raise Broken(what)


_scratch = None
_scratch_lock = threading.Lock()


def scratch():
    """A folder on a disk: files of a tmpfs would be charged to the group."""
    global _scratch
    with _scratch_lock:
        if _scratch is None:
            _scratch = tempfile.mkdtemp(prefix="weir-prove-", dir=on_a_disk())
        return _scratch


def remove_scratch():
    if _scratch is not None:
        shutil.rmtree(_scratch, ignore_errors=True)


def group_of(limit):
    """The group, or a context without one."""
    return Cgroup.make(limit) or contextlib.nullcontext()


def cgroups_work():
    probe = Cgroup.make(64 * MiB)
    if probe is None:
        return False
    probe.close()
    return True


class Watched:
    """A run of weir that is fed from here. Its memory can be walked while it waits for more.

    It keeps to one processor: the kernel charges a group 64 pages ahead on each one that its processes come to.
    """

    PIPE = 1 * MiB
    processors = itertools.cycle(sorted(os.sched_getaffinity(0)))

    def __init__(
        self, words, group=None, env=None, cwd=None, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, program=SEALED
    ):
        self.words, self.group = words, group
        command = [program, *map(str, words)]
        self.error_file = tempfile.TemporaryFile(dir=scratch())
        processor = next(self.processors)
        self.process = subprocess.Popen(
            group.entered(command) if group else command,
            stdin=stdin,
            stdout=stdout,
            stderr=self.error_file,
            cwd=cwd,
            env=environment(env),
            preexec_fn=lambda: os.sched_setaffinity(0, {processor}),
        )
        self.timer = threading.Timer(TIMEOUT, self.process.kill)
        self.timer.daemon = True
        self.timer.start()
        if stdin == subprocess.PIPE:
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.process.stdin.fileno(), fcntl.F_SETPIPE_SZ, self.PIPE)
        self.walks = []

    def feed(self, data):
        """False once nobody reads any more."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.process.stdin.fileno(), view) :]
        except BrokenPipeError:
            return False
        return True

    def _state(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def walk(self):
        """The resident pages, counted one by one, at a moment when the run has eaten all and waits."""
        waiting = 0
        while waiting < 3:
            if self.process.poll() is not None:
                return
            left = struct.unpack("i", fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, b"\0" * 4))[0]
            waiting = waiting + 1 if left == 0 and self._state() == "S" else 0
            os.sched_yield()
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            self.walks.append(next(int(line.split()[1]) * KiB for line in file if line.startswith("Rss:")))

    def finish(self):
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process.wait()
        self.timer.cancel()
        self.error_file.seek(0)
        error = self.error_file.read()
        self.error_file.close()
        if self.process.returncode < 0:
            raise Broken(
                f"ended by signal {-self.process.returncode}: weir {' '.join(map(str, self.words))[:300]} {error!r}"
            )
        try:
            run = Run(self.words, self.process.returncode, b"", error)
            check_laws(run)
        except AssertionError as e:
            raise Broken(str(e)) from None
        return run


def one_row(point, job, over, work, **figures):
    """The row of `work(row)`, which fills it in and raises Broken. None: it is not among those that were asked for."""
    if ONLY and not any(word in f"{point} {job}" for word in ONLY):
        return None
    row = Row(point, job, over, **figures)
    try:
        work(row)
    except Broken as e:
        row.verdict, row.why = BROKEN, str(e)
    except Exception:  # the other rows are wanted all the same
        row.verdict, row.why = BROKEN, traceback.format_exc()
    return row
