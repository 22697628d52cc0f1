"""Flat: ten mebibytes or a hundred gibibytes, the peak is the same."""
import functools
import shutil
import subprocess
import zlib

from proof import (APART_MAX, BROKEN, DEFAULT, FULL, KiB, MiB, GiB, NOT_RUN, SHORT, WALK_APART_MAX, Broken, Row, Watched, group_of, hold,
                   one_row, plan_of)

BUDGET = 32 * MiB
SIZES = {SHORT: (10 * MiB, 100 * MiB), DEFAULT: (10 * MiB, 1 * GiB), FULL: (10 * MiB, 1 * GiB, 100 * GiB)}
FORMATS = ("csv", "ndjson", "json")
CODECS = ("plain", "gzip", "zstd")
BODY = 4 * MiB
WALKS = 8


def shown(size):
    return f"{size // GiB} GiB" if size >= GiB else f"{size // MiB} MiB" if size >= MiB else f"{size // KiB} KiB" if size >= KiB else f"{size} B"


# ---- streams ----------------------------------------------------------------------------------------------------------------


@functools.cache
def gzip_of(data, level=6):
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


@functools.cache
def zstd_of(data, level=3):
    return subprocess.run(["zstd", "-q", "-c", f"-{level}"], input=data, capture_output=True, check=True).stdout


PACK = {"plain": lambda data: data, "gzip": gzip_of, "zstd": zstd_of}


def fields(i):
    return i, i % 97, i * 7919 % 100_000, i % 100


@functools.cache
def body_of(format):
    """About BODY bytes of records, all of them whole, as they stand behind a first one."""
    made, size, i = [], 0, 0
    while size < BODY:
        form = b'%d,customer %d,"text, quoted",%d.%02d,DE\n' if format == "csv" else b'{"id":%d,"customer":"customer %d","amount":%d.%02d,"tags":["a","b"]}'
        record = form % fields(i)
        record = b"," + record if format == "json" else record + b"\n" if format == "ndjson" else record
        made.append(record)
        size += len(record)
        i += 1
    return b"".join(made), len(made)


class Stream:
    """A head, a body as often as is asked for, and a tail; packed by itself each, so that a codec sees a member or a frame for each."""

    def __init__(self, head, body, tail, records_head, records_body, codec="plain", pack=None):
        pack = pack or PACK[codec]
        self.decoded = len(head), len(body), len(tail)
        self.records = records_head, records_body
        self.head, self.body, self.tail = (pack(part) if part else b"" for part in (head, body, tail))

    def times(self, size):
        return max(1, size // self.decoded[1])

    def sums(self, size):
        times = self.times(size)
        return self.decoded[0] + times * self.decoded[1] + self.decoded[2], self.records[0] + times * self.records[1]


@functools.cache
def stream_of(format, codec):
    body, records = body_of(format)
    first = b'{"id":0,"customer":"c","amount":1,"tags":[]}'
    if format == "csv":
        return Stream(b"id,customer,text,amount,country\n", body, b"", 0, records, codec)
    if format == "ndjson":
        return Stream(b"", body, b"", 0, records, codec)
    return Stream(b"[" + first, body, b"]", 1, records, codec)


def measure(words, stream, size, budget=BUDGET, walks=WALKS, env=None):
    """One run over the stream: the run, the walks and the group's peak."""
    with group_of(budget) as group:
        watched = Watched([*words, "-m", str(budget), "--summary", "json"], group, env=env)
        times = stream.times(size)
        # The first walk when all kinds of work were done at least once: two units were closed.
        marks = {max(1, times * i // walks) for i in range(1, walks + 1)} if times * stream.decoded[1] >= 64 * MiB else {times}
        warm = 48 * MiB // stream.decoded[1]
        alive = watched.feed(stream.head)
        for i in range(1, times + 1):
            alive = alive and watched.feed(stream.body)
            if i in marks and i >= min(warm, times) or i == warm:
                watched.walk()
        if alive:
            watched.feed(stream.tail)
        run = watched.finish()
        return run, watched.walks, group.peak() if group else None


def flat_row(job, over, words, streams_and_sizes, budget=BUDGET, exact=True, apart_max=APART_MAX, point="Flat"):
    """A row over several runs that must all have the same peak."""
    def work(row):
        walk_apart = 0
        row.plan = plan_of(words, input=(streams_and_sizes[0][0].head + streams_and_sizes[0][0].body)[:4096])
        for stream, size in streams_and_sizes:
            run, walks, group_peak = measure(words, stream, size, budget)
            hold(run.exit == 0, f"exit {run.exit}: {run}")
            decoded, records = stream.sums(size)
            if exact:
                hold((run.summary["bytes"]["decoded"], run.records["read"]) == (decoded, records), f"not all was read: {run}")
            row.peaks.append(run.summary["peak_bytes"])
            if group_peak is not None:
                row.group_peaks.append(group_peak)
            if walks:
                walk_apart = max(walk_apart, max(walks) - min(walks))
        row.apart = max(walk_apart, max(row.peaks) - min(row.peaks), max(row.group_peaks or [0]) - min(row.group_peaks or [0]))
        hold(max(row.peaks) <= row.plan, "the peak is above the plan")
        hold(max(row.group_peaks or [0]) <= budget, "the group's peak is above the budget")
        hold(walk_apart <= WALK_APART_MAX, f"pages counted within a run are {walk_apart // KiB} KiB apart")
        hold(max(row.peaks) - min(row.peaks) <= apart_max, f"VmHWM is {(max(row.peaks) - min(row.peaks)) // KiB} KiB apart")
        if row.group_peaks:
            hold(max(row.group_peaks) - min(row.group_peaks) <= apart_max, f"the group's peaks are {(max(row.group_peaks) - min(row.group_peaks)) // KiB} KiB apart")

    return one_row(point, job, over, work, budget=budget)


QUERY = "SELECT id, customer, amount * 1.19 AS gross FROM input WHERE amount > 50000"


def words_of(format, query=QUERY, *more):
    return ["query", query, "--from", format, "--to", "ndjson" if format != "csv" else "csv", "-o", "/dev/null", *more]


def volume_jobs(level, only=None):
    sizes = SIZES[level]
    over = ", ".join(map(shown, sizes))
    for format in FORMATS:
        for codec in CODECS:
            job = f"{format} {codec}"
            if only and job not in only:
                continue
            if codec == "zstd" and shutil.which("zstd") is None:
                yield lambda job=job: Row("Flat", job, over, NOT_RUN, "no zstd tool")
            else:
                yield lambda job=job, format=format, codec=codec: flat_row(job, over, words_of(format), [(stream_of(format, codec), size) for size in sizes])


def jobs(level):
    return list(volume_jobs(level))
