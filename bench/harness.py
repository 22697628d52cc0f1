"""Data and measurements: what run.py, compare.py and instructions.py have in common."""

import gzip
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
SEED = 5
os.environ.pop("PYTHONUNBUFFERED", None)  # no peer is to be slowed down by what the caller's shell likes


def tools(folder):
    """The programs that bench/CMakeLists.txt makes."""
    return {name: pathlib.Path(folder) / f"bench_{name}" for name in ("generate", "measure", "floor")}


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else ""


class Data:
    """The input files for so many bytes of CSV, made once and kept. The NDJSON has twice the bytes."""

    def __init__(self, folder, generate, csv_bytes):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        stamp = int(os.stat(generate).st_mtime)
        self.paths, self.bytes = {}, {}
        for kind, size in (("csv", csv_bytes), ("ndjson", 2 * csv_bytes)):
            path = folder / f"orders-{csv_bytes}-{SEED}.{kind}"
            if not path.exists() or path.stat().st_mtime < stamp:
                self._make(
                    path,
                    lambda out: subprocess.run([str(generate), kind, str(size), str(SEED)], stdout=out, check=True),
                )
            self.paths[kind], self.bytes[kind] = path, path.stat().st_size
        packed = self.paths["csv"].with_suffix(".csv.gz")
        if not packed.exists() or packed.stat().st_mtime < self.paths["csv"].stat().st_mtime:
            self._make(packed, self._pack)
        self.paths["csv.gz"], self.bytes["csv.gz"] = packed, self.bytes["csv"]  # figures are of uncompressed input

    def _pack(self, out):
        with open(self.paths["csv"], "rb") as plain, gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)

    @staticmethod
    def _make(path, fill):
        part = path.with_name(path.name + f".{os.getpid()}.part")
        try:
            with open(part, "wb") as out:
                fill(out)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def warm(self, kind):
        with open(self.paths[kind], "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


class Run:
    """What one run took."""

    def __init__(self, line):
        code, user, system, wall, peak = line.split()
        self.code, self.user_s, self.system_s, self.wall_s, self.peak_kib = (
            int(code),
            float(user),
            float(system),
            float(wall),
            int(peak),
        )
        self.cpu_s = self.user_s + self.system_s


class Meter:
    """Runs commands on one core, output thrown away, through the small launcher that sees their peaks."""

    def __init__(self, measure, core=None):
        allowed = sorted(os.sched_getaffinity(0))
        self.core = allowed[-1] if core is None else core
        self.measure = str(measure)
        self.pin = ["taskset", "-c", str(self.core)] if shutil.which("taskset") else []

    def run(self, command):
        with tempfile.NamedTemporaryFile("r", prefix="weir-bench") as log:
            done = subprocess.run(
                [*self.pin, self.measure, log.name, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            line = log.read()
            if not line:
                raise RuntimeError(
                    f"{command[0]} could not be measured: {done.stderr.decode(errors='replace')[:400]}"
                )
            result = Run(line)
            if result.code != 0:
                raise RuntimeError(
                    f"{command[0]} ended with {result.code}: {done.stderr.decode(errors='replace')[:400]}"
                )
            return result


class Series:
    """The runs of one command: medians."""

    def __init__(self):
        self.runs = []

    def median(self, of):
        return statistics.median(of(run) for run in self.runs)

    @property
    def cpu_s(self):
        return self.median(lambda run: run.cpu_s)

    @property
    def best_cpu_s(self):
        return min(run.cpu_s for run in self.runs)

    @property
    def peak_mib(self):
        return max(run.peak_kib for run in self.runs) / 1024


def interleave(meter, commands, rounds, slow_s=2.0, failed=None):
    """`commands`: name -> command. A round runs each one once; one that takes longer than slow_s runs once only. One that fails is left out, and
    told to `failed(name, problem)`; without that it is an error."""
    series = {name: Series() for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            mine = series.get(name)
            if mine is None or (mine.runs and mine.runs[0].cpu_s >= slow_s):
                continue
            try:
                mine.runs.append(meter.run(command))
            except RuntimeError as problem:
                if failed is None or not failed(name, problem):
                    raise
                del series[name]
    return series
