"""Runs weir and holds every run to what must be true of all of them.

The binary is named by the environment variable WEIR. Each run is checked for its exit code, for the form of its messages
(one JSON line each; one fault gives one message), for the law of fates and for the memory it says it used.
"""
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest
import zlib
from concurrent.futures import ThreadPoolExecutor

WEIR = os.environ.get("WEIR", "build/release/weir")
FULL = os.environ.get("WEIR_HARD_FULL") == "1"
TIMEOUT = 600 if FULL else 120
MiB = 1 << 20


def scratch_base():
    """A folder for the tests' files: in memory where there is room, since every published file is synced."""
    with contextlib.suppress(OSError):
        info = os.statvfs("/dev/shm")
        if info.f_bavail * info.f_frsize > 1 << 30 and os.access("/dev/shm", os.W_OK) and not info.f_flag & os.ST_NOEXEC:
            return "/dev/shm"
    return None


class Run:
    """What came of one run."""

    def __init__(self, args, exit_code, out, err):
        self.args, self.exit, self.out, self.err = args, exit_code, out, err
        self.errors, self.warnings, self.summary, self.plan, self.emulated = [], [], None, None, False
        for line in err.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                raise AssertionError(f"not a JSON line on stderr: {line!r} of {self}") from None
            if "code" in entry:
                (self.warnings if entry.get("severity") == "warning" else self.errors).append(entry)
            elif "status" in entry:
                self.summary = entry
            elif "fits" in entry:
                self.plan = entry

    @property
    def error(self):
        return self.errors[0]

    @property
    def records(self):
        return self.summary["records"]

    def __str__(self):
        return f"weir {' '.join(map(str, self.args))[:600]}\nexit {self.exit}\nstderr: {self.err[-2000:].decode(errors='replace')}"


def environment(extra=None):
    env = {name: value for name, value in os.environ.items() if not name.startswith("WEIR")}
    env.update(extra or {})
    return env


def check_laws(run):
    """What holds of every run, whatever it was asked to do."""
    for message in run.errors:
        assert message["code"][0] == "W" and len(message["code"]) == 5, str(run)
        assert message["exit"] == run.exit, f"the message's exit is {message['exit']}: {run}"
    assert len(run.errors) == (0 if run.exit in (0, 3) else 1), f"one fault gives one message: {run}"
    if run.summary is None:
        return
    n = run.summary["records"]
    assert n["read"] == n["written"] + n["folded"] + n["filtered"] + n["rejected"], f"the law of fates: {run}"
    assert run.summary["exit"] == run.exit, f"the summary's exit: {run}"
    if run.emulated:  # the emulator's own memory counts as well
        return
    assert run.summary["peak_bytes"] <= run.summary["budget_bytes"], f"peak above the budget: {run}"
    assert run.summary["peak_bytes"] <= run.summary["plan_bytes"], f"peak above the plan: {run}"
    assert run.summary["system_allocations_after_seal"] == 0, f"memory taken from the system after the seal: {run}"


class Process:
    """A run that goes on while the test acts on it. Output goes to files, so that nothing blocks on the test."""

    def __init__(self, *args, stdin=subprocess.PIPE, stdout=None, env=None, cwd=None, limits=None, wrapper=(), preexec=None,
                 binary=None):
        self.args = args
        self.emulated = bool(wrapper) and "qemu" in wrapper[0]
        self._out = tempfile.TemporaryFile(dir=scratch_base()) if stdout is None else None
        self._err = tempfile.TemporaryFile(dir=scratch_base())

        def before():
            for what, value in (limits or {}).items():
                resource.setrlimit(what, (value, value))
            if preexec is not None:
                preexec()

        self.process = subprocess.Popen([*wrapper, binary or WEIR, *map(str, args)], stdin=stdin, stdout=self._out if stdout is None else stdout,
                                        stderr=self._err, env=environment(env), cwd=cwd, preexec_fn=before if limits or preexec else None)
        self.pid = self.process.pid
        self._timer = threading.Timer(TIMEOUT, self.process.kill)
        self._timer.daemon = True
        self._timer.start()
        Process.all.add(self)

    all = set()

    @classmethod
    def end_all(cls):
        """Ends what a failed test left running."""
        for process in cls.all:
            process.process.kill()
            process.process.wait()
            process._timer.cancel()
        cls.all.clear()

    def narrow_stdin(self):
        """Makes the pipe one page: what was written is then read, but for a page."""
        fcntl.fcntl(self.process.stdin.fileno(), fcntl.F_SETPIPE_SZ, 4096)

    def feed(self, data):
        """Writes all of it; comes back when all but a page was read."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view[: 1 << 16]):]

    def await_consumed(self):
        """Until the pipe is empty."""
        self.await_state(lambda: struct.unpack("i", fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, b"\0" * 4))[0] == 0)

    def await_state(self, reached):
        """Until something observable is so; the run itself may not end before."""
        while not reached():
            if self.process.poll() is not None:
                raise AssertionError(f"ended too early: {self.finish(check=False)}")
            os.sched_yield()

    def await_end(self):
        """Until it ended by itself, though its stdin is open."""
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, exit=None, code=None, check=True):
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process.wait()
        self._timer.cancel()
        Process.all.discard(self)
        out = b""
        if self._out is not None:
            self._out.seek(0)
            out = self._out.read()
            self._out.close()
        self._err.seek(0)
        run = Run(self.args, self.process.returncode, out, self._err.read())
        run.emulated = self.emulated
        self._err.close()
        if check:
            verify(run, exit, code)
        return run


def verify(run, exit, code):
    if exit is not None:
        assert run.exit == exit, f"expected exit {exit}: {run}"
    if code is not None:
        assert [m["code"] for m in run.errors] == [code], f"expected {code}: {run}"
    if run.exit >= 0:
        check_laws(run)


def weir(*args, stdin=None, exit=0, code=None, env=None, cwd=None, limits=None, wrapper=(), preexec=None, stdout=None, binary=None):
    """Runs weir to its end. `stdin`: None (nothing), bytes, an iterable of bytes, or an open file."""
    if stdin is None:
        source, chunks = subprocess.DEVNULL, None
    elif isinstance(stdin, (bytes, bytearray)):
        source, chunks = subprocess.PIPE, [stdin]
    elif hasattr(stdin, "fileno"):
        source, chunks = stdin, None
    else:
        source, chunks = subprocess.PIPE, stdin
    process = Process(*args, stdin=source, env=env, cwd=cwd, limits=limits, wrapper=wrapper, preexec=preexec, stdout=stdout, binary=binary)
    if chunks is not None:
        with contextlib.suppress(BrokenPipeError):
            for chunk in chunks:
                process.feed(chunk)
    return process.finish(exit, code)


SELECT_ALL = "SELECT * FROM input"


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = 2000

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-hard-", dir=scratch_base())
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(Process.end_all)

    def needs_to_trace(self):
        """Not run where strace may not trace; where there is none, that is an error."""
        if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode != 0:
            self.skipTest("no rights to trace")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def fresh(self, name):
        """A path in the folder where nothing is."""
        path = self.path(name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return path

    def put(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def get(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def query(self, *args, query=SELECT_ALL, **options):
        return weir("query", query, *args, "--summary", "json", **options)

    def pipeline(self, text, name="p.yaml"):
        return self.put(name, text.encode())

    def rejects(self, name="rejects"):
        return [json.loads(line) for line in self.get(name).splitlines()]

    def assert_no_leftovers(self, *expected):
        """Nothing is in the folder but these."""
        found = sorted(os.path.relpath(os.path.join(at, f), self.dir) for at, _, files in os.walk(self.dir) for f in files)
        self.assertEqual(found, sorted(expected))


def in_parallel(work, items):
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(work, items))


def lines_of(records):
    """NDJSON as Weir writes it."""
    return b"".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for r in records)


def sha256_of_file(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(MiB):
            sha.update(chunk)
    return sha.hexdigest()


# ---- compressed bytes made by hand --------------------------------------------------------------------------------------


def times_matrix(matrix, vector):
    result, i = 0, 0
    while vector:
        if vector & 1:
            result ^= matrix[i]
        vector >>= 1
        i += 1
    return result


def crc32_combine(first, second, second_bytes):
    """The CRC-32 of two texts put together, from theirs."""
    odd = [0xEDB88320] + [1 << n for n in range(31)]
    even = [times_matrix(odd, odd[n]) for n in range(32)]
    odd = [times_matrix(even, even[n]) for n in range(32)]
    while second_bytes:
        for out, source in ((even, odd), (odd, even)):
            out[:] = [times_matrix(source, source[n]) for n in range(32)]
            if second_bytes & 1:
                first = times_matrix(out, first)
            second_bytes >>= 1
            if not second_bytes:
                break
    return first ^ second


@functools.lru_cache
def crc32_behind(size):
    """What `size` bytes behind it make of each bit of a CRC-32."""
    return [crc32_combine(1 << bit, 0, size) for bit in range(32)]


GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def gzip_repeated(text, times, level=6, head=b""):
    """Yields one gzip member of `head` and then `text`, `times` over, without ever holding it."""
    def pack(data):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

    yield GZIP_HEADER + (pack(head) if head else b"")
    body, crc, one = pack(text), zlib.crc32(head), zlib.crc32(text)
    behind = crc32_behind(len(text))
    for _ in range(times):
        crc = times_matrix(behind, crc) ^ one
        yield body
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    yield packer.flush(zlib.Z_FINISH) + struct.pack("<II", crc, (len(head) + len(text) * times) & 0xFFFFFFFF)


def gzip_member(text, level=6, flags=0, fields=b"", method=8):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = packer.compress(text) + packer.flush()
    return b"\x1f\x8b" + bytes([method, flags]) + b"\0\0\0\0\0\xff" + fields + body + struct.pack("<II", zlib.crc32(text), len(text) & 0xFFFFFFFF)


def zstd_frame(*blocks, window_log=17):
    """A zstd frame of raw blocks (bytes) and of runs ((byte, size)); each at most 128 KiB."""
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(window_log - 10) << 3])
    for i, block in enumerate(blocks):
        run = isinstance(block, tuple)
        size = block[1] if run else len(block)
        head = (i + 1 == len(blocks)) | (1 if run else 0) << 1 | size << 3
        frame += struct.pack("<I", head)[:3] + (block[0] if run else block)
    return frame


def zstd_skippable(data, kind=0):
    return struct.pack("<II", 0x184D2A50 + kind, len(data)) + data
