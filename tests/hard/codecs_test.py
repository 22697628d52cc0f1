"""Compressed inputs: cut, flipped, padded, nested, bombs."""
import gzip
import json
import os
import random
import struct
import subprocess
import unittest
import zlib

from harness import FULL, SELECT_ALL, Case, gzip_member, gzip_repeated, in_parallel, lines_of, weir, zstd_frame, zstd_skippable

MiB = 1 << 20


def rows_of(text):
    """Whole lines of a CSV text, as Weir writes them in NDJSON."""
    lines = text[: text.rfind(b"\n") + 1].decode().splitlines()
    names = lines[0].split(",") if lines else []
    return [dict(zip(names, line.split(","))) for line in lines[1:]]


def small_csv(rows, seed=1):
    rng = random.Random(seed)
    return ("id,name,amount\n" + "".join(f"{i},{rng.choice(['anna', 'bert', 'carla'])},{rng.randrange(10**6)}\n" for i in range(rows))).encode()


class GzipTruncated(Case):
    def cut_everywhere(self, stored, start, codec):
        def at(size):
            name = f"c{size}"
            self.put(f"{name}.csv.gz", stored[:size])
            out = self.path(f"{name}.ndjson")
            run = weir("query", SELECT_ALL, self.path(f"{name}.csv.gz"), "-o", out, "--summary", "json", *codec, exit=30, code="W3001")
            self.assertEqual(run.error["byte"], size)
            # What can be had of the cut file, by another inflate.
            got = b""
            left = stored[:size]
            while left:
                inflater = zlib.decompressobj(31)
                try:
                    got += inflater.decompress(left) + inflater.flush()
                except zlib.error:
                    break
                left = inflater.unused_data
                if not inflater.eof:
                    break
            expected = lines_of(rows_of(got))
            self.assertFalse(os.path.exists(out))
            if expected:
                self.assertEqual(run.error["leftover"], out + ".part")
                with open(out + ".part", "rb") as file:
                    self.assertEqual(file.read(), expected, f"cut at {size}")
            else:
                self.assertNotIn("leftover", run.error)
                self.assertFalse(os.path.exists(out + ".part"))
            self.assertEqual(run.records["written"], len(rows_of(got)))

        in_parallel(at, range(start, len(stored)))

    def test_at_every_byte(self):
        self.cut_everywhere(gzip.compress(small_csv(60), mtime=0), 1, ("--set", "input.codec=gzip"))

    def test_at_every_byte_told_by_its_content(self):
        self.cut_everywhere(gzip.compress(small_csv(12), mtime=0), 1, ())

    def test_at_every_byte_of_stored_and_of_fixed_blocks(self):
        text = small_csv(12)
        self.cut_everywhere(gzip_member(text, level=0), 1, ("--set", "input.codec=gzip"))
        packer = zlib.compressobj(9, zlib.DEFLATED, 31, 8, zlib.Z_FIXED)
        self.cut_everywhere(packer.compress(text) + packer.flush(), 1, ("--set", "input.codec=gzip"))

    def test_at_every_byte_of_a_header_with_all_fields(self):
        fields = struct.pack("<H", 5) + b"extra" + b"name.csv\0" + b"a comment\0"
        head = gzip_member(b"", flags=0x1E, fields=fields)[: 10 + len(fields)]
        fields += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
        stored = gzip_member(small_csv(3), flags=0x1E, fields=fields)
        self.assertEqual(gzip.decompress(stored), small_csv(3))
        self.cut_everywhere(stored, 1, ("--set", "input.codec=gzip"))

    def test_other_formats(self):
        """Every whole record before the cut is delivered, none that is not whole."""
        records = [{"a": i, "b": "x" * (i % 7)} for i in range(40)]
        for format, text in (("ndjson", lines_of(records)), ("lines", lines_of(records)), ("json", b"[" + b",".join(lines_of([r])[:-1] for r in records) + b"]\n")):
            stored = gzip.compress(text, mtime=0)

            def at(size):
                run = self.query("--from", format, "--to", "ndjson" if format != "lines" else "lines", "--set", "input.codec=gzip", stdin=stored[:size], exit=30, code="W3001")
                got = zlib.decompressobj(31).decompress(stored[:size])
                whole = got.count(b"}") if format == "json" else got.count(b"\n")
                self.assertEqual(run.out, lines_of(records[:whole]), f"{format} cut at {size}: {run}")

            in_parallel(at, range(1, len(stored)))

    def test_in_the_second_member(self):
        text = small_csv(20)
        first, second = gzip.compress(text[:150], mtime=0), gzip.compress(text[150:], mtime=0)
        for size in range(len(first) + 1, len(first) + len(second)):
            run = self.query("--from", "csv", "--to", "ndjson", stdin=(first + second)[:size], exit=30)
            self.assertEqual(run.error["code"], "W3001", str(run))

    def test_nothing_at_all(self):
        run = self.query("--from", "csv", "--to", "ndjson", "--set", "input.codec=gzip", stdin=b"")
        self.assertEqual(run.out, b"")


class GzipDamaged(Case):
    def test_each_bit_flipped(self):
        """A flipped bit is found, or it did not matter."""
        text = small_csv(8)
        good = lines_of(rows_of(text))
        stored = gzip.compress(text, mtime=0)

        def flip(bit):
            damaged = bytearray(stored)
            damaged[bit // 8] ^= 1 << bit % 8
            run = self.query("--from", "csv", "--to", "ndjson", "--set", "input.codec=gzip", "--rejects", self.path(f"r{bit}"), stdin=bytes(damaged), exit=None)
            if run.exit == 0:
                self.assertEqual(run.out, good, f"bit {bit}: {run}")
                self.assertEqual(run.records["rejected"], 0)
                self.assertIn(bit // 8, (3, 4, 5, 6, 7, 8, 9, len(stored) - 9), "flags, time, hints, system, what pads the last bits")
            else:
                self.assertEqual(run.exit, 30, f"bit {bit}: {run}")
                self.assertIn(run.error["code"], ("W3001", "W3002", "W3003", "W3004", "W3005", "W3009"), str(run))
            return run.exit

        exits = in_parallel(flip, range(len(stored) * 8))
        self.assertGreater(exits.count(30), len(stored) * 8 - 80)

    def test_a_file_is_not_published(self):
        stored = bytearray(gzip.compress(small_csv(500), mtime=0))
        stored[-6] ^= 1
        path = self.put("in.csv.gz", stored)
        run = weir("query", SELECT_ALL, path, "-o", self.path("out.ndjson"), "--summary", "json", exit=30, code="W3004")
        self.assertEqual(run.error["leftover"], self.path("out.ndjson.part"))
        self.assert_no_leftovers("in.csv.gz", "out.ndjson.part")

    def test_header_fields_without_end(self):
        endless = b"x" * (1 << 20)
        for flags, fields in ((0x08, endless), (0x10, endless), (0x08, endless * 4 + b"\0"), (0x04, b"\xff\xff" + endless)):
            run = self.query("--from", "csv", stdin=b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + fields, exit=30)
            self.assertIn(run.error["code"], ("W3003", "W3002"), str(run))

    def test_unknown_method_and_flags(self):
        self.query("--from", "csv", stdin=gzip_member(b"a\n1\n", method=7), exit=30, code="W3003")
        self.query("--from", "csv", stdin=gzip_member(b"a\n1\n", flags=0x20), exit=30, code="W3003")


class GzipMembers(Case):
    TEXT = small_csv(200)
    OUT = lines_of(rows_of(TEXT))

    def members(self, *cuts):
        edges = [0, *cuts, len(self.TEXT)]
        return [gzip.compress(self.TEXT[a:b], mtime=0) for a, b in zip(edges, edges[1:])]

    def good(self, stored, *settings):
        run = self.query("--from", "csv", "--to", "ndjson", *settings, stdin=stored)
        self.assertEqual(run.out, self.OUT)
        self.assertEqual(run.warnings, [])

    def test_many(self):
        self.good(b"".join(self.members(7, 100, 101, 1000)))
        self.good(b"".join(self.members(*range(1, len(self.TEXT), 13))))

    def test_empty_ones(self):
        empty = gzip.compress(b"", mtime=0)
        self.good(empty * 3 + empty.join(self.members(50, 500)) + empty * 1000)

    def test_zero_padding(self):
        for zeros in (1, 511, 100_000):
            self.good(b"".join(self.members(99)) + b"\0" * zeros)
        self.good((b"\0" * 512).join(self.members(99, 1234)))

    def test_trailing_garbage(self):
        stored = b"".join(self.members(99))
        for garbage in (b"x", b"\x1f", b"\0\0x", b"\n", b"garbage" * 10_000, b"\x1f\x1f\x8b"):
            run = self.query("--from", "csv", "--to", "ndjson", stdin=stored + garbage, exit=None)
            self.assertEqual(run.exit, 30, str(run))
            self.assertIn(run.error["code"], ("W3005", "W3001") if garbage == b"\x1f" else ("W3005",))
            self.assertEqual(run.out, self.OUT)
            at = len(stored) + len(garbage) - len(garbage.lstrip(b"\0"))
            self.assertEqual(run.error["byte"], at + (garbage == b"\x1f"), str(run))
            if garbage != b"\x1f":
                self.good(stored + garbage, "--set", "input.trailing_garbage=ignore")

    def test_wrapped_twice(self):
        for inner in (gzip.compress(self.TEXT), zstd_frame(self.TEXT)):
            for outer in (gzip.compress(inner), zstd_frame(inner)):
                run = self.query("--from", "csv", stdin=outer, exit=20, code="W2018")
                self.assertEqual(run.out, b"")

    def test_inputs_of_different_compression(self):
        rows = rows_of(self.TEXT)
        header, cut = self.TEXT.index(b"\n") + 1, self.TEXT.index(b"\n", 900) + 1
        head = self.TEXT[:header]
        paths = [self.put("1.csv", self.TEXT[:cut]), self.put("2.csv.gz", gzip.compress(head + self.TEXT[cut:])), self.put("3.csv", zstd_frame(self.TEXT))]
        run = self.query(*paths, "--to", "ndjson")
        self.assertEqual(run.out, lines_of(rows + rows))


class Bombs(Case):
    # Ten thousand million zeros in about ten million bytes.
    def bomb(self, size, head=b"a\n1\n"):
        return gzip_repeated(bytes(10**7), size // 10**7, head=head)

    def test_gzip_is_stopped(self):
        for format in ("csv", "lines", "ndjson", "json", "blocks"):
            run = self.query("--from", format, "-m", "24MiB", "--rejects", self.path("r-" + format), "-o", self.path("out-" + format),
                             stdin=self.bomb(10 * 10**9, b'[{"a":1},"' if format == "json" else b"a\n1\n"), exit=33, code="W3301")
            self.assertLess(run.summary["bytes"]["decoded"], 80 * MiB)
            self.assertFalse(os.path.exists(self.path("out-" + format)))

    def test_gzip_runs_through_without_the_guard(self):
        size = 10 * 10**9 if FULL else 500 * 10**6
        run = self.query("--from", "lines", "--to", "lines", "-m", "24MiB", "--rejects", self.path("r"), "--set", "input.amplification_max=0", stdin=self.bomb(size))
        self.assertEqual(run.out, b"a\n1\n")
        self.assertEqual(run.summary["bytes"]["decoded"], size + 4)
        [reject] = self.rejects("r")
        self.assertEqual((reject["code"], reject["size"]), ("W2201", size))

    def test_zstd_is_stopped(self):
        run = self.query("--from", "lines", "--rejects", self.path("r"), stdin=zstd_frame(*[(b"\0", 128 << 10)] * 4096), exit=33, code="W3301")
        self.assertLess(run.summary["bytes"]["decoded"], 80 * MiB)

    def test_the_guard_lets_real_data_through(self):
        text = b"a,b\n" + b"0,0\n" * 10_000_000  # 40 MB of nothing new
        run = self.query("--from", "csv", query="SELECT COUNT(*) AS n FROM input", stdin=gzip.compress(text, 1))
        self.assertEqual(run.out, b"n\n10000000\n")


class Zstd(Case):
    TEXT = small_csv(200)
    OUT = lines_of(rows_of(TEXT))

    def good(self, stored, *settings):
        self.assertEqual(self.query("--from", "csv", "--to", "ndjson", *settings, stdin=stored).out, self.OUT)

    def test_frames_and_skippable_frames(self):
        a, b = self.TEXT[:777], self.TEXT[777:]
        self.good(zstd_frame(a, b))
        self.good(zstd_frame(a) + zstd_frame(b))
        skipped = zstd_skippable(b"x" * 100_000, 7)
        self.good(zstd_frame(a) + skipped + zstd_frame(b) + skipped)
        self.good(zstd_frame(b"") + zstd_frame(a) + zstd_frame(b"") * 100 + zstd_frame(b))
        self.good(zstd_skippable(b"") + skipped + zstd_frame(self.TEXT))

    def test_window_too_large(self):
        run = self.query("--from", "csv", stdin=zstd_frame(self.TEXT, window_log=27), exit=20, code="W2022")
        self.assertIn("zstd_window_max", run.error["hint"])
        self.assertIn("128", run.error["detail"])
        self.good(zstd_frame(self.TEXT, window_log=27), "--set", "input.zstd_window_max=128MiB", "-m", "160MiB")
        weir("query", SELECT_ALL, "--from", "csv", "--set", "input.zstd_window_max=128MiB", stdin=zstd_frame(self.TEXT, window_log=27), exit=21, code="W2101")
        self.query("--from", "csv", stdin=zstd_frame(self.TEXT, window_log=31), exit=20, code="W2022")

    def test_truncated_at_every_byte(self):
        text = small_csv(6)
        stored = zstd_frame(text[:60], text[60:]) + zstd_frame(b"99,zoe,1\n")

        def at(size):
            run = self.query("--from", "csv", "--to", "ndjson", "--set", "input.codec=zstd", stdin=stored[:size], exit=None)
            whole = size == len(zstd_frame(text[:60], text[60:]))
            self.assertEqual(run.exit, 0 if whole else 30, f"cut at {size}: {run}")
            if not whole:
                self.assertEqual(run.error["code"], "W3006")
            self.assertTrue(lines_of(rows_of(text + b"99,zoe,1\n")).startswith(run.out))

        in_parallel(at, range(1, len(stored)))

    def test_told_by_its_content(self):
        stored = zstd_frame(self.TEXT)
        for size in range(4, 40):
            self.query("--from", "csv", stdin=stored[:size], exit=30, code="W3006")

    def test_damaged(self):
        self.query("--from", "csv", stdin=zstd_frame(self.TEXT) + b"garbage", exit=30)
        stored = bytearray(zstd_frame(self.TEXT))
        stored[6] |= 6  # a block of the reserved type
        self.query("--from", "csv", stdin=bytes(stored), exit=30, code="W3007")

    def test_against_the_tool(self):
        for options in (["-1"], ["-19"], ["--fast=5"], ["-3", "--check"], ["-3", "--no-check"], ["--long=24", "-3"]):
            stored = subprocess.run(["zstd", "-q", "-c", *options], input=self.TEXT * 1, capture_output=True, check=True).stdout
            self.good(stored, "--set", "input.zstd_window_max=16MiB")
            flipped = bytearray(stored)
            flipped[len(flipped) // 2] ^= 0x10
            run = self.query("--from", "csv", "--to", "ndjson", "--rejects", self.path("r" + options[0] + str(len(options)) + options[-1]), "--set", "input.zstd_window_max=16MiB", stdin=bytes(flipped), exit=None)
            if "--no-check" not in options:
                self.assertEqual(run.exit, 30, str(run))
        path = self.path("out.csv.zst")
        weir("query", SELECT_ALL, "--from", "csv", "-o", path, stdin=self.TEXT)
        self.assertEqual(subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout, self.TEXT)


class WrittenGzip(Case):
    def test_is_one_member_that_others_read(self):
        rng = random.Random(3)
        text = b"id,v\n" + b"".join(b"%d,%d\n" % (i, rng.randrange(10**9)) for i in range(700_000))  # past two units
        for level in (0, 1, 2, 3):
            path = self.path(f"{level}.csv.gz")
            run = weir("query", SELECT_ALL, "--from", "csv", "-o", path, "--set", f"output.level={level}", "--summary", "json", stdin=text)
            with open(path, "rb") as file:
                stored = file.read()
            inflater = zlib.decompressobj(31)
            self.assertEqual(inflater.decompress(stored), text)
            self.assertTrue(inflater.eof)
            self.assertEqual(inflater.unused_data, b"")
            self.assertEqual(run.summary["bytes"]["sent"], len(stored))
        out = self.path("back.csv")
        weir("query", SELECT_ALL, self.path("1.csv.gz"), "-o", out)
        self.assertEqual(self.get("back.csv"), text)
