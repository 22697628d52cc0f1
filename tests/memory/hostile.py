"""Hostile: inputs made to break the bound, each in a group of 16 MiB. G: compression, R: records, P: all else."""

import gzip
import itertools
import struct
import tempfile
import zlib

from flat import GiB, record_of, shown
from harness import GZIP_HEADER, crc32_behind, times_matrix, gzip_member, gzip_repeated, zstd_frame, zstd_skippable
from proof import NOT_RUN, SHORT, KiB, MiB, Cgroup, Row, Watched, cgroups_work, hold, one_row, scratch
from walled import own_copy

LIMIT = 16 * MiB
STAR = "SELECT * FROM input"
REJECTS = ("--rejects", "stdout")
CSV = b"id,name\n" + b"".join(b"%d,name %d\n" % (i, i % 7) for i in range(3000))
GOOD = {"csv": b"a,b\n1,2\n", "ndjson": b'{"a":1}\n', "json": b'[{"a":1},', "lines": b"1\n"}
AFTER = {"csv": b"3,4\n", "ndjson": b'{"a":2}\n', "json": b',{"a":2}]', "lines": b"2\n"}


def filler(size, piece=b"x"):
    """`size` bytes of something, in pieces."""
    block = (piece * (MiB // len(piece) + 1))[:MiB]
    yield from itertools.repeat(block, size // MiB)
    yield block[: size % MiB]


class Attack:
    """What is fed, and what must come of it: exit code and message, and of rejects their codes and their number."""

    def __init__(
        self,
        fault,
        name,
        format,
        chunks,
        exit=0,
        code=None,
        settings=(),
        query=STAR,
        rejects=None,
        written=None,
        runs=None,
    ):
        self.fault, self.name, self.format, self.chunks, self.exit, self.code = fault, name, format, chunks, exit, code
        self.settings, self.query, self.rejects, self.written, self.runs = settings, query, rejects, written, runs

    def once(self, row, group, chunks, env=None):
        words = [
            "query",
            self.query,
            *(("--from", self.format) if self.format else ()),
            "-o",
            "/dev/null",
            "-m",
            str(LIMIT),
            "--summary",
            "json",
        ]
        words += [*(() if self.rejects is None else REJECTS), *self.settings]
        with tempfile.TemporaryFile(dir=scratch()) as out:
            watched = Watched(words, group, env=env, program=row.program, stdout=out)
            for chunk in chunks:
                if not watched.feed(chunk):
                    break
            run = watched.finish()
            codes = [message["code"] for message in run.errors]
            allowed = (self.code,) if isinstance(self.code, (str, type(None))) else self.code
            hold(
                run.exit == self.exit and (codes or [None])[0] in allowed,
                f"expected exit {self.exit} and {self.code}: {run}",
            )
            if run.summary is not None:
                row.plan = run.summary["plan_bytes"]
                row.peaks = [max([run.summary["peak_bytes"], *row.peaks])]
                if self.written is not None:
                    hold(run.records["written"] == self.written, f"expected {self.written} to be written: {run}")
                if self.rejects is not None:
                    code, count = self.rejects
                    hold(run.records["rejected"] == count, f"expected {count} rejects: {run}")
                    out.seek(0)
                    first = out.readline(256 * KiB)
                    hold(code is None or f'"code":"{code}"'.encode() in first, f"expected {code}: {first[:300]!r}")

    def row(self, env=None):
        def work(row):
            row.program = own_copy()
            with Cgroup.make(LIMIT) as group:
                for chunks in self.runs() if self.runs else [self.chunks()]:
                    self.once(row, group, chunks, env)
                row.group_peaks = [group.peak()] if group.peak() is not None else []
                hold(group.kills() == 0, "ended because the group was full")
            hold(max(row.peaks or [0]) <= LIMIT and max(row.group_peaks or [0]) <= LIMIT, "a peak is above the budget")

        return one_row("Hostile", f"{self.fault} {self.name}", self.outcome(), work, budget=LIMIT)

    def outcome(self):
        codes = [self.code] if isinstance(self.code, str) else list(self.code or ())
        rejects = [f"rejects {self.rejects[0]}"] if self.rejects and self.rejects[0] else []
        return " ".join([f"exit {self.exit}", *codes, *rejects])


# ---- compressed bytes ------------------------------------------------------------------------------------------------


def one_block(text, times):
    """A gzip member whose only deflate block holds `text` that many times: literals of the fixed code, 8 bits each."""
    codes = [int(f"{byte + 0x30:08b}"[::-1], 2) for byte in text]  # literals below 144; a code's first bit comes first
    last, made = (
        0b011,
        [],
    )  # the last block, fixed codes: 3 bits, so each byte holds the end of one code and the start of the next
    for code in codes:
        made.append((last | code << 3) & 0xFF)
        last = code >> 5
    yield GZIP_HEADER + bytes(made)
    body = bytes([(codes[0] << 3 | codes[-1] >> 5) & 0xFF]) + bytes(made[1:])
    crc, one, behind = zlib.crc32(text), zlib.crc32(text), crc32_behind(len(text))
    for _ in range(times - 1):
        crc = times_matrix(behind, crc) ^ one
        yield body
    # The end code is seven zeros: three bits of the last literal, then zeros.
    yield bytes([codes[-1] >> 5, 0]) + struct.pack("<II", crc, len(text) * times & 0xFFFFFFFF)


def with_field(flags, fields):
    yield b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    yield from fields
    yield gzip_member(CSV)[10:]


def dictionary_frame():
    return b"\x28\xb5\x2f\xfd" + bytes([0x01 | 0x20]) + b"\x2a" + b"\x10" + b"\x01\0\0"


def gzip_attacks(level):
    packed = gzip.compress(CSV, mtime=0)
    size = (16 * MiB, 256 * MiB, 4 * GiB)[level]
    zeros = (1, 10, 10)[level] * 10**9
    codec = ("--set", "input.codec=gzip")
    step = max(1, len(packed) // (25, 100, len(packed))[level])
    yield Attack(
        "G1",
        "cut at many places",
        "csv",
        None,
        30,
        "W3001",
        codec,
        runs=lambda: [[packed[:n]] for n in range(1, len(packed), step)],
    )
    yield Attack("G2", "wrong CRC", "csv", lambda: [packed[:-8] + b"\0\0\0\0" + packed[-4:]], 30, "W3004")
    yield Attack("G2", "wrong length", "csv", lambda: [packed[:-4] + b"\0\0\0\0"], 30, "W3004")
    empty = gzip.compress(b"", mtime=0)
    yield Attack(
        "G4",
        f"{shown(size // 4)} of empty members",
        "csv",
        lambda: [packed, *itertools.repeat(empty * 4096, size // 4 // len(empty) // 4096)],
        written=3000,
    )
    yield Attack("G4", f"{shown(size)} of zeros behind", "csv", lambda: [packed, *filler(size, b"\0")], written=3000)
    yield Attack("G4", "garbage behind", "csv", lambda: [packed, *filler(MiB, b"garbage")], 30, "W3005")
    yield Attack(
        "G4",
        f"{shown(size)} of garbage, ignored",
        "csv",
        lambda: [packed, *filler(size, b"garbage")],
        written=3000,
        settings=("--set", "input.trailing_garbage=ignore"),
    )
    yield Attack("G5", "a name of 100 MB", "csv", lambda: with_field(8, [*filler(100_000_000), b"\0"]), 30, "W3003")
    yield Attack("G5", "a comment without end", "csv", lambda: with_field(16, filler(size)), 30, "W3003")
    yield Attack(
        "G5", "an extra field of 64 KiB", "csv", lambda: with_field(4, [b"\xff\xff", bytes(65535)]), written=3000
    )
    if level != SHORT:
        body = b"".join(b"%d,%d\n" % (i, i * 7919 % 10**6) for i in range(150_000))
        times = 5 * GiB // len(body)
        yield Attack(
            "G6", "a member of 5 GiB", "csv", lambda: gzip_repeated(body, times, head=b"a,b\n"), written=150_000 * times
        )
    text = b"1,2,abc\n" * 8192
    yield Attack(
        "G7",
        f"one deflate block of {shown(size)}",
        "csv",
        lambda: one_block(text, size // len(text)),
        written=8192 * (size // len(text)) - 1,
    )
    bomb = lambda head: gzip_repeated(bytes(10**7), zeros // 10**7, head=head)  # noqa: E731
    for format in ("csv", "ndjson", "json", "lines", "blocks"):
        head = b'[{"a":1},"' if format == "json" else b"a\n1\n"
        yield Attack(
            "G8",
            f"bomb, {format}",
            format,
            lambda head=head: bomb(head),
            33,
            "W3301",
            rejects=(None, 0) if format == "blocks" else None,
            settings=REJECTS if format != "blocks" else (),
        )
    yield Attack(
        "G8",
        f"bomb of {zeros // 10**9} GB, no guard",
        "lines",
        lambda: bomb(b"a\n1\n"),
        settings=("--set", "input.amplification_max=0"),
        rejects=("W2201", 1),
        written=2,
    )


def zstd_attacks(level):
    size = (16 * MiB, 256 * MiB, 4 * GiB)[level]
    runs = 16384 if level == SHORT else 65536
    yield Attack(
        "G8", "zstd bomb", "lines", lambda: [zstd_frame(*[(b"\0", 128 << 10)] * 4096)], 33, "W3301", settings=REJECTS
    )
    yield Attack(
        "G8",
        f"zstd bomb of {shown(runs * 128 * KiB)}, no guard",
        "lines",
        lambda: [zstd_frame(b"1\n", *[(b"\0", 128 << 10)] * runs)],
        settings=("--set", "input.amplification_max=0"),
        rejects=("W2201", 1),
        written=1,
    )
    yield Attack("G9", "zstd window of 128 MiB", "csv", lambda: [zstd_frame(CSV, window_log=27)], 20, "W2022")
    yield Attack("G9", "zstd window of 2 GiB", "csv", lambda: [zstd_frame(CSV, window_log=31)], 20, "W2022")
    yield Attack("G9", "zstd frame with a dictionary", "csv", lambda: [dictionary_frame()], 20, "W2023")
    yield Attack(
        "G9",
        f"skippable frames of {shown(size)}",
        "csv",
        lambda: [zstd_frame(CSV), struct.pack("<II", 0x184D2A5F, size), *filler(size), zstd_skippable(b"")],
        written=3000,
    )
    yield Attack(
        "G9",
        "an unknown frame behind",
        "csv",
        lambda: [zstd_frame(CSV), b"\x29\xb5\x2f\xfd", *filler(MiB)],
        30,
        "W3007",
    )
    yield Attack(
        "G9",
        "cut at many places",
        "csv",
        None,
        30,
        "W3006",
        ("--set", "input.codec=zstd"),
        runs=lambda: [[zstd_frame(CSV)[:n]] for n in range(1, len(zstd_frame(CSV)), 2000)],
    )
    for outer, pack in (("gzip", gzip.compress), ("zstd", zstd_frame)):
        yield Attack("G10", f"gzip within {outer}", "csv", lambda pack=pack: [pack(gzip.compress(CSV))], 20, "W2018")


# ---- records ---------------------------------------------------------------------------------------------------------


def record_attacks(level):
    giant = (48 * MiB, 300 * MiB, 10 * GiB)[level]
    many = (100_000, 2_000_000, 20_000_000)[level]
    heads = {"csv": b"q,", "ndjson": b'{"a":"', "json": b'{"a":"', "lines": b"q"}
    tails = {"csv": b"\n", "ndjson": b'"}\n', "json": b'"}', "lines": b"\n"}
    yield Attack("R1", "a byte at a time", "csv", lambda: (bytes([byte]) for byte in CSV), written=3000)
    for format, head in heads.items():
        yield Attack(
            "R2",
            f"a record of {shown(giant)}, {format}",
            format,
            lambda f=format, h=head: itertools.chain([GOOD[f], h], filler(giant), [tails[f], AFTER[f]]),
            rejects=("W2201", 1),
            written=2,
        )
    quoted = lambda: itertools.chain([b'a,b\n1,2\n3,"x'], filler(giant, b"4,5\n"))  # noqa: E731
    yield Attack("R3", "a quote that is never closed", "csv", quoted, 30, "W3009", written=1)
    yield Attack(
        "R3",
        "a quote that is never closed, resync",
        "csv",
        quoted,
        settings=("--set", "input.quotes=resync"),
        rejects=("W2208", 1),
    )
    columns = b",".join([b"1"] * 10**6) + b"\n"
    yield Attack(
        "R5", "a million columns", "csv", lambda: [GOOD["csv"], columns, AFTER["csv"]], rejects=("W2201", 1), written=2
    )
    yield Attack(
        "R5",
        "a million columns within record_max",
        "csv",
        lambda: [GOOD["csv"], columns, AFTER["csv"]],
        rejects=("W2203", 1),
        written=2,
        settings=("--set", "input.record_max=4MiB"),
    )
    yield Attack("R5", "a million columns in the header", "csv", lambda: [columns], 30, "W3013")
    yield Attack(
        "R5",
        "a million members",
        "ndjson",
        lambda: [GOOD["ndjson"], b"{" + b",".join(b'"%d":1' % i for i in range(10**6)) + b"}\n", AFTER["ndjson"]],
        rejects=("W2201", 1),
        written=2,
    )
    yield Attack("R6", "NUL bytes", "csv", lambda: [GOOD["csv"], b"\0,\0\n" * many], written=many + 1)
    yield Attack(
        "R6",
        f"{shown(giant)} of NUL bytes",
        "csv",
        lambda: itertools.chain([GOOD["csv"]], filler(giant, b"\0"), [b"\n", AFTER["csv"]]),
        rejects=("W2201", 1),
        written=2,
    )
    yield Attack(
        "R7",
        "nothing but bad UTF-8",
        "ndjson",
        lambda: [b'{"a":"\xc0\xaf"}\n' * many],
        rejects=("W2206", many),
        written=0,
    )
    yield Attack("R7", "UTF-16", "csv", lambda: [b"\xff\xfe" + CSV.decode().encode("utf-16-le")], 20, "W2020")
    yield Attack(
        "R8",
        "byte-order marks without end",
        "csv",
        lambda: itertools.chain([b"\xef\xbb\xbf" + GOOD["csv"]], filler(giant, b"\xef\xbb\xbf"), [b"\n"]),
        rejects=("W2201", 1),
    )
    yield Attack(
        "R8",
        "lone CRs, no line end",
        "csv",
        lambda: itertools.chain([GOOD["csv"]], filler(giant, b"1\r")),
        rejects=("W2201", 1),
        written=1,
    )
    digits = b'{"a":' + b"7" * 900_000 + b"}\n"
    yield Attack("R10", "numbers of 900,000 digits", "ndjson", lambda: [digits] * 20, written=20)
    yield Attack(
        "R10",
        "numbers of 900,000 digits, computed with",
        "ndjson",
        lambda: [digits, b'{"a":1e999}\n'] * 20,
        query="SELECT a + 1 AS b FROM input",
        rejects=("W2402", 40),
        written=0,
    )
    keys = b"{" + b",".join([b'"k":1'] * 100_000) + b"}\n"
    yield Attack(
        "R11", "100,000 times the same key", "ndjson", lambda: [keys] * 10, query="SELECT k FROM input", written=10
    )
    yield Attack(
        "R11",
        "a key of 1 MB",
        "ndjson",
        lambda: [b'{"' + b"k" * 1_000_000 + b'":1,"__proto__":2}\n'] * 10,
        query="SELECT a FROM input",
        written=10,
    )
    yield Attack(
        "R12",
        "100,000 keys",
        "ndjson",
        lambda: [b"{" + b",".join(b'"%x":1' % (i * 65536) for i in range(70_000)) + b"}\n"] * 10,
        written=10,
    )
    blow_up = "SELECT a FROM input WHERE b LIKE '" + "%a" * 20 + "%b'"
    yield Attack(
        "R13",
        "a LIKE that could blow up",
        "csv",
        lambda: [b"a,b\n", record_of("csv", 100_000).replace(b"x", b"a")],
        query=blow_up,
        written=0,
    )
    yield Attack(
        "R15", "nothing but bad records", "ndjson", lambda: [b"{\n" * many], rejects=("W2204", many), written=0
    )
    yield Attack(
        "R15",
        "too many bad records",
        "ndjson",
        lambda: [b"{\n" * many],
        32,
        "W3201",
        settings=("--set", "rejects.max=1%", *REJECTS),
    )
    yield Attack("R15", "bad records, nowhere to put them", "ndjson", lambda: [b"{\n" * many], 30, "W3012")
    deep = 100_000
    yield Attack(
        "P9",
        "JSON 100,000 deep",
        "ndjson",
        lambda: [GOOD["ndjson"], b'{"a":' * deep + b"1" + b"}" * deep + b"\n", AFTER["ndjson"]],
        rejects=("W2207", 1),
        written=2,
    )
    yield Attack(
        "P9",
        "a JSON element 100,000 deep",
        "json",
        lambda: [b'[{"a":1},' + b"[" * deep + b"]" * deep + b',{"a":2}]'],
        rejects=("W2207", 1),
        written=2,
    )
    yield Attack(
        "P9",
        "brackets that never close",
        "json",
        lambda: itertools.chain([b'[{"a":1},'], filler(giant, b"[")),
        30,
        ("W3010", "W3015"),
        settings=REJECTS,
    )


def jobs(level):
    if not cgroups_work():
        return [lambda: Row("Hostile", "all", "", NOT_RUN, "no cgroup rights")]
    return [attack.row for attack in (*gzip_attacks(level), *zstd_attacks(level), *record_attacks(level))]
