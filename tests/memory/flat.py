"""Flat: ten mebibytes or a hundred gibibytes, the peak is the same."""

import functools
import os
import random
import shutil
import subprocess
import zlib

from proof import (
    APART_MAX,
    DEFAULT,
    FULL,
    NOT_RUN,
    PAGE,
    SHORT,
    WALK_APART_MAX,
    GiB,
    KiB,
    MiB,
    Row,
    Watched,
    group_of,
    hold,
    one_row,
    scratch,
)

BUDGET = 32 * MiB
SIZES = {SHORT: (10 * MiB, 100 * MiB), DEFAULT: (10 * MiB, 1 * GiB), FULL: (10 * MiB, 1 * GiB, 100 * GiB)}
FORMATS = ("csv", "ndjson", "json")
CODECS = ("plain", "gzip", "zstd")
BODY = 4 * MiB
WALKS = 8


def shown(size):
    for unit, name in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


# ---- streams ---------------------------------------------------------------------------------------------------------


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
        form = (
            b'%d,customer %d,"text, quoted",%d.%02d,DE\n'
            if format == "csv"
            else b'{"id":%d,"customer":"customer %d","amount":%d.%02d,"tags":["a","b"]}'
        )
        record = form % fields(i)
        record = b"," + record if format == "json" else record + b"\n" if format == "ndjson" else record
        made.append(record)
        size += len(record)
        i += 1
    return b"".join(made), len(made)


class Stream:
    """A head, a body as often as is asked for, and a tail; a codec sees a member or a frame for each."""

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


def measure(words, stream, size, budget=BUDGET, env=None):
    """One run over the stream: the run, the walks and the group's peak."""
    with group_of(budget) as group:
        watched = Watched([*words, "-m", str(budget), "--summary", "json"], group, env=env)
        times = stream.times(size)
        # The first walk when all kinds of work were done at least once: two units were closed.
        marks = (
            {max(1, times * i // WALKS) for i in range(1, WALKS + 1)}
            if times * stream.decoded[1] >= 64 * MiB
            else {times}
        )
        # Where a record falls within the window is chance: warm is who has seen some hundred of them, too.
        warm = max(48 * MiB // stream.decoded[1], -(-256 // max(1, stream.records[1])))
        alive = watched.feed(stream.head)
        for i in range(1, times + 1):
            alive = alive and watched.feed(stream.body)
            if i in marks and i >= min(warm, times) or i == warm:
                watched.walk()
        if alive:
            watched.feed(stream.tail)
        run = watched.finish()
        return run, watched.walks, group.peak() if group else None


def spread(figures):
    return max(figures) - min(figures) if figures else 0


def growth(figures):
    return max(figures) - figures[0]


def flat_row(job, over, runs, across=True, budget=BUDGET, env=None):
    """A row of runs (words, stream, size) that must have the same peak; unless `across`, only those of the same stream.

    What set-up holds - the query's text and tree, the names of the inputs - is there before the first byte and has a
    line of its own in the plan: where it differs it is taken off before peaks are compared, and as it is an upper bound
    only growth is looked for.
    """

    def once(row, words, stream, size):
        run, walks, group_peak = measure(words, stream, size, budget, env)
        hold(run.exit == 0, f"exit {run.exit}: {run}")
        hold((run.summary["bytes"]["decoded"], run.records["read"]) == stream.sums(size), f"not all was read: {run}")
        hold(run.summary["peak_bytes"] <= run.summary["plan_bytes"], f"the peak is above the plan: {run}")
        row.plan = max(row.plan or 0, run.summary["plan_bytes"])
        return run.summary["peak_bytes"], run.summary["setup_bytes"] // PAGE * PAGE, spread(walks), group_peak

    def work(row):
        results = [once(row, *run) for run in runs]
        row.peaks = [peak for peak, *_ in results]
        row.group_peaks = [group_peak for *_, group_peak in results if group_peak is not None]
        walk_apart = max(walk for _, _, walk, _ in results)
        alike = {}  # the peaks that may be compared
        for (words, stream, _), (peak, before, *_) in zip(runs, results):
            alike.setdefault(0 if across else (id(stream), *words), []).append(peak - before)
        same_setup = spread([before for _, before, *_ in results]) < 16 * PAGE
        apart = max(map(spread if same_setup else growth, alike.values()))
        group_apart = 0
        if across and row.group_peaks and same_setup:
            # What the kernel charged ahead when the peak was reached is chance: a second look at the largest.
            for _ in range(3):
                if spread(row.group_peaks) <= APART_MAX:
                    break
                largest = row.group_peaks.index(max(row.group_peaks))
                row.group_peaks[largest] = min(row.group_peaks[largest], once(row, *runs[largest])[-1])
            group_apart = spread(row.group_peaks)
        row.apart = max(walk_apart, apart, group_apart)
        if not row.group_peaks:
            row.verdict, row.why = NOT_RUN, "no cgroup rights: VmHWM and the pages counted are as they should"
        hold(max(row.group_peaks or [0]) <= budget, "the group's peak is above the budget")
        hold(walk_apart <= WALK_APART_MAX, f"pages counted within a run are {walk_apart // KiB} KiB apart")
        hold(apart <= APART_MAX, f"VmHWM is {apart // KiB} KiB apart")
        hold(group_apart <= APART_MAX, f"the group's peaks are {group_apart // KiB} KiB apart")

    return one_row("Flat", job, over, work, budget=budget)


QUERY = "SELECT id, customer, amount * 1.19 AS gross FROM input WHERE amount > 50000"


def words_of(format, query=QUERY, *more, to=None):
    to = to or ("csv" if format == "csv" else "ndjson")
    return ["query", query, "--from", format, "--to", to, "-o", "/dev/null", *more]


def volume_jobs(level):
    sizes = SIZES[level]
    over = ", ".join(map(shown, sizes))
    for format in FORMATS:
        for codec in CODECS:
            job = f"{format} {codec}"
            if codec == "zstd" and shutil.which("zstd") is None:
                yield lambda job=job: Row("Flat", job, over, NOT_RUN, "no zstd tool")
            else:
                yield lambda job=job, format=format, codec=codec: flat_row(
                    job, over, [(words_of(format), stream_of(format, codec), size) for size in sizes]
                )


# ---- other measures than the volume ----------------------------------------------------------------------------------
# Memory is touched when a record needs it. So the first records are of the worst kind, and what follows must make no
# difference.

CAP = 1 * MiB
COLUMNS_MAX = 4096
VOLUMES = {SHORT: (8 * MiB,), DEFAULT: (8 * MiB, 128 * MiB), FULL: (10 * MiB, 4 * GiB)}
FREE = ("--set", "input.amplification_max=0")
STAR = "SELECT * FROM input"


def record_of(format, size):
    head, tail = {"csv": (b"1,", b"\n"), "ndjson": (b'{"a":"', b'"}\n'), "json": (b',{"a":"', b'"}')}[format]
    around = len(head) + len(tail) - (format != "csv" or 1)
    return head + b"x" * max(0, size - around) + tail


WORST = (CAP, 200 * KiB, CAP, 130 * KiB, CAP)  # they begin at different places of the window


def sized(format, size, first=()):
    """Records of one size, after those of the sizes `first`."""
    record = record_of(format, size)
    count = max(1, BODY // len(record))
    worst = b"".join(record_of(format, size) for size in first)
    if format == "json":
        return Stream(b"[" + (worst or record)[1:], record * count, b"]", len(first) or 1, count)
    return Stream((b"a,b\n" if format == "csv" else b"") + worst, record * count, b"", len(first), count)


def wide(columns):
    """Records of so many members, after one of COLUMNS_MAX."""

    def record(count):
        return b"{" + b",".join(b'"c%d":%d' % (i, i) for i in range(count)) + b"}\n"

    count = max(1, BODY // len(record(columns)))
    return Stream(record(COLUMNS_MAX), record(columns) * count, b"", 1, count)


def wide_csv(columns):
    head, record = (b",".join(form % i for i in range(columns)) + b"\n" for form in (b"c%d", b"%d"))
    count = max(1, BODY // len(record))
    return Stream(head, record * count, b"", 0, count)


def rejected(format, share):
    bad, good = (b"1\n", b"1,2\n") if format == "csv" else (b'{"a":\n', b'{"a":1}\n')
    pair = {0: good + good, 50: bad + good, 100: bad + bad}[share]
    return Stream(
        (b"a,b\n" if format == "csv" else b"") + bad + good, pair * (BODY // len(pair)), b"", 2, 2 * (BODY // len(pair))
    )


def squeezed(codec, fresh, size):
    """Lines of `size` bytes of which `fresh` are news."""
    rng = random.Random(fresh)
    count = BODY // (size + 3)
    if fresh == size:
        plain = bytes(i if i not in b'",\n\r' else 120 for i in range(256))
        body = b"".join(b"1," + rng.randbytes(size).translate(plain) + b"\n" for _ in range(count))
    else:
        body = b"".join(
            b"1," + rng.randbytes(fresh).hex().encode()[:fresh] + b"x" * (size - fresh) + b"\n" for _ in range(count)
        )
    pack = zstd_of if codec == "zstd" else functools.partial(gzip_of, level=0 if fresh == size else 9)
    return Stream(b"", body, b"", 0, count, pack=pack)


def squeezed_streams(codec):
    """Streams of growing compression; each begins with something of every kind."""
    streams = [squeezed(codec, fresh, size) for fresh, size in ((1000, 1000), (100, 1000), (8, 1000), (0, 500_000))]
    worst = b"a,b\n" + b"".join(record_of("csv", size) for size in WORST)
    ratios = [stream.decoded[1] / len(stream.body) for stream in streams]
    head = PACK[codec](worst) + b"".join(stream.body for stream in streams)
    size = len(worst) + sum(stream.decoded[1] for stream in streams)
    records = len(WORST) + sum(stream.records[1] for stream in streams)
    for stream in streams:
        stream.head, stream.decoded, stream.records = head, (size, stream.decoded[1], 0), (records, stream.records[1])
    return streams, ratios


def measure_jobs(level):
    volumes = VOLUMES[level]
    formats = FORMATS if level else ("csv",)

    def each(job, over, pairs, across=True):
        return lambda: flat_row(
            job, over, [(words, stream, size) for words, stream in pairs() for size in volumes], across
        )

    sizes = (16, 1 * KiB, 64 * KiB, CAP)
    for format in formats:
        over = "records of " + " ".join(map(shown, sizes))
        yield each(
            f"record size, {format}",
            over,
            lambda f=format: [(words_of(f, STAR), sized(f, size, WORST)) for size in sizes],
        )
        yield each(
            f"record size, {format}, untouched",
            over,
            lambda f=format: [(words_of(f, STAR), sized(f, size)) for size in sizes],
            False,
        )
    counts = (1, 16, 256, COLUMNS_MAX)
    over = " ".join(map(str, counts))
    yield each("members, ndjson", over, lambda: [(words_of("ndjson", STAR), wide(n)) for n in counts])
    yield each("columns, csv", over, lambda: [(words_of("csv", STAR), wide_csv(n)) for n in counts], False)
    yield each(
        "columns, csv to ndjson",
        over,
        lambda: [(words_of("csv", STAR, to="ndjson"), wide_csv(n)) for n in counts],
        False,
    )
    for format in formats[:2]:
        yield each(
            f"rejects, {format}",
            "0 % 50 % 100 %",
            lambda f=format: [(words_of(f, STAR, "--rejects", "stdout"), rejected(f, share)) for share in (0, 50, 100)],
        )

    for codec in ("gzip", "zstd"):

        def ratio_row(codec=codec):
            if codec == "zstd" and shutil.which("zstd") is None:
                return Row("Flat", "ratio, zstd", "", NOT_RUN, "no zstd tool")
            streams, ratios = squeezed_streams(codec)
            over = "ratio " + " ".join(f"{ratio:.0f}:1" for ratio in ratios)
            return flat_row(
                f"ratio, {codec}",
                over,
                [(words_of("csv", STAR, *FREE), stream, size) for stream in streams for size in volumes],
            )

        yield ratio_row

    def query_row():
        queries = [
            "SELECT id FROM input WHERE " + " AND ".join(f"amount <> {i}" for i in range(terms))
            for terms in (1, 10, 100, 250)
        ]
        stream = stream_of("csv", "plain")
        over = "query of " + " ".join(shown(len(query)) for query in queries)
        return flat_row(
            "query size", over, [(words_of("csv", query), stream, size) for query in queries for size in volumes]
        )

    yield query_row
    yield files_row


def files_row():
    """The number of input files. What a file's name takes is set-up's, too."""
    counts, rows = (1, 10, 100, 1000), 4000
    folder = os.path.join(scratch(), "many")
    os.mkdir(folder)
    names = [f"{i:04}.csv" for i in range(counts[-1])]
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"a,b\n" + b"1,2\n" * rows)

    def work(row):
        own = []
        for count in counts:
            with group_of(BUDGET) as group:
                words = ["query", STAR, "-o", "/dev/null", "-m", str(BUDGET), "--summary", "json", *names[:count]]
                run = Watched(words, group, cwd=folder, stdin=subprocess.DEVNULL).finish()
                hold((run.exit, run.records["read"]) == (0, count * rows), str(run))
                row.peaks.append(run.summary["peak_bytes"])
                own.append(run.summary["peak_bytes"] - run.summary["setup_bytes"] // PAGE * PAGE)
                row.plan = run.summary["plan_bytes"]
        row.apart = growth(own)
        hold(max(row.peaks) <= row.plan, "the peak is above the plan")
        hold(row.apart <= APART_MAX, f"VmHWM is {row.apart // KiB} KiB apart")

    return one_row("Flat", "input files", " ".join(map(str, counts)), work, budget=BUDGET)


def jobs(level):
    return [*volume_jobs(level), *measure_jobs(level)]
