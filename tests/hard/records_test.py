"""Records from hell: quotes that never close, records without end, columns and nesting without measure, bytes that are no text."""
import hashlib
import json
import random

from harness import FULL, SELECT_ALL, Case, MiB, lines_of, weir

GiB = 1 << 30
GIANT = 10 * GiB if FULL else 300_000_000


def giant(size, head, tail):
    """Chunks of a record of `size` bytes, and the hash that takes them in."""
    rng = random.Random(size)
    chunk = bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz0123456789 ", k=1 << 16)) * 16
    sha = hashlib.sha256(head)

    def chunks():
        yield head
        left = size - len(head) - len(tail)
        while left:
            piece = chunk[: min(left, len(chunk))]
            left -= len(piece)
            sha.update(piece)
            yield piece
        sha.update(tail)
        yield tail

    return chunks(), sha


class UnclosedQuote(Case):
    def strict(self, data, quote_at, written, *settings):
        run = self.query("--from", "csv", "--to", "ndjson", *settings, stdin=data, exit=30, code="W3009")
        self.assertEqual(run.error["byte"], quote_at)
        self.assertEqual(run.out, lines_of(written))
        self.assertEqual(run.records["written"], len(written))

    def test_at_the_end_of_the_input(self):
        self.strict(b'a,b\n1,2\n3,"x\n4,5\n', 10, [{"a": "1", "b": "2"}])

    def test_swallows_more_than_record_max(self):
        data = b'a,b\n1,2\n3,"x' + b"4,5\n" * 500_000
        self.strict(data, 10, [{"a": "1", "b": "2"}], "--set", "input.record_max=64KiB")

    def test_the_message_names_the_last_quote_that_opened(self):
        self.strict(b'a,b\n"1","2 ""q"" "\n"3","x""\n4,5\n', 23, [{"a": "1", "b": '2 "q" '}])

    def test_in_the_header(self):
        run = self.query("--from", "csv", stdin=b'a,"b\n1,2\n', exit=30, code="W3009")
        self.assertEqual(run.error["byte"], 2)
        self.assertEqual(run.out, b"")

    def test_resync_goes_on_at_the_next_line(self):
        for filler in (0, 50_000):
            with self.subTest(filler=filler):
                rows = [{"a": str(i), "b": "y"} for i in range(filler)]
                data = b'a,b\n1,2\n3,"x\n4,5\n' + b"".join(f"{r['a']},y\n".encode() for r in rows)
                run = self.query("--from", "csv", "--to", "ndjson", "--rejects", self.path(f"r{filler}"), "--set", "input.quotes=resync",
                                 "--set", "input.record_max=64KiB", stdin=data)
                self.assertEqual(run.out, lines_of([{"a": "1", "b": "2"}, {"a": "4", "b": "5"}] + rows))
                [reject] = self.rejects(f"r{filler}")
                self.assertEqual((reject["code"], reject["byte"], reject["size"]), ("W2208", 8, 5))
                self.assertEqual(reject["sha256"], hashlib.sha256(b'3,"x\n').hexdigest())

    def test_resync_many_times(self):
        data = b"a,b\n" + b'1,"x\n2,3\n' * 500
        run = self.query("--from", "csv", "--to", "ndjson", "--rejects", self.path("r"), "--set", "input.quotes=resync", stdin=data)
        # Each opened quote is closed by the next one's: what Python's reader makes of it, too.
        self.assertEqual(run.records["read"], run.records["written"] + run.records["rejected"])
        self.assertGreater(run.records["read"], 0)


class GiantRecord(Case):
    def check(self, format, before, head, tail, after, counted_tail=b"", size=GIANT):
        size += len(counted_tail)
        chunks, sha = giant(size, head, tail + counted_tail)

        def stdin():
            yield before
            yield from chunks
            yield after

        run = self.query("--from", format, "--to", "ndjson", "--rejects", self.path("r"), stdin=stdin())
        [reject] = self.rejects("r")
        self.assertEqual(reject["code"], "W2201")
        self.assertEqual(reject["byte"], len(before))
        self.assertEqual(reject["size"], size)
        self.assertEqual(reject["sha256"], sha.hexdigest())
        self.assertTrue(reject["head"].startswith(head.decode()))
        self.assertEqual(run.records, {"read": 3, "written": 2, "folded": 0, "filtered": 0, "rejected": 1})
        self.assertEqual(run.summary["bytes"]["decoded"], len(before) + size + len(after))
        return run.out

    def test_csv(self):
        out = self.check("csv", b"a,b\n1,2\n", b"q,", b"", b"3,4\n", counted_tail=b"\n")
        self.assertEqual(out, lines_of([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]))

    def test_csv_with_crlf(self):
        out = self.check("csv", b"a,b\r\n1,2\r\n", b"q,", b"", b"3,4\r\n", counted_tail=b"\r\n", size=5_000_000)
        self.assertEqual(out, lines_of([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]))

    def test_ndjson(self):
        out = self.check("ndjson", b'{"a":1}\n', b'{"a":"', b'"}', b'{"a":2}\n', counted_tail=b"\n")
        self.assertEqual(out, lines_of([{"a": 1}, {"a": 2}]))

    def test_json_element(self):
        out = self.check("json", b'[{"a":1},', b'{"a":"', b'"}', b',{"a":2}]')
        self.assertEqual(out, lines_of([{"a": 1}, {"a": 2}]))

    def test_lines(self):
        out = self.check("lines", b"1\n", b"q", b"", b"2\n", counted_tail=b"\n")
        self.assertEqual([list(json.loads(line).values()) for line in out.splitlines()], [["1"], ["2"]])

    def test_a_quoted_giant_stops_the_run_at_its_quote(self):
        chunks, _ = giant(20_000_000, b'7,"', b'"\n')
        run = self.query("--from", "csv", stdin=(c for part in ([b"a,b\n1,2\n"], chunks) for c in part), exit=30, code="W3009")
        self.assertEqual(run.error["byte"], 10)
        self.assertEqual(run.out, b"a,b\n1,2\n")

    def test_without_rejects_it_stops_the_run(self):
        for format, data in (("csv", b"a,b\n1,2\n" + b"x" * 3_000_000 + b"\n3,4\n"), ("lines", b"1\n" + b"x" * 3_000_000 + b"\n")):
            run = self.query("--from", format, stdin=data, exit=30, code="W3012")
            self.assertIn("larger than record_max", run.error["detail"])

    def test_sizes_around_record_max(self):
        for format, before, head, tail, end in (("csv", b"a,b\n", b"1,", b"", b"\n"), ("ndjson", b"", b'{"a":"', b'"}', b"\n"),
                                                ("json", b"[", b'{"a":"', b'"}', b"]"), ("lines", b"", b"", b"", b"\n")):
            for size in (4095, 4096, 4097, 4098):
                with self.subTest(format=format, size=size):
                    record = head + b"x" * (size - len(head) - len(tail)) + tail
                    name = f"r-{format}-{size}"
                    run = self.query("--from", format, "--to", "ndjson", "--rejects", self.path(name), "--set", "input.record_max=4KiB",
                                     "--set", "input.window=4KiB", stdin=before + record + end)
                    self.assertEqual(run.records["written"], 1 if size <= 4096 else 0, str(run))
                    self.assertEqual([r["code"] for r in self.rejects(name)], [] if size <= 4096 else ["W2201"])


class Shapes(Case):
    def test_a_million_columns(self):
        data = b"a,b\n1,2\n" + b",".join([b"1"] * 10**6) + b"\n3,4\n"
        for number, (record_max, code) in enumerate((("1MiB", "W2201"), ("4MiB", "W2203"))):
            run = self.query("--from", "csv", "--to", "ndjson", "--rejects", self.path(f"r{number}"), "--set", f"input.record_max={record_max}", stdin=data)
            self.assertEqual(run.out, lines_of([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]))
            [reject] = self.rejects(f"r{number}")
            self.assertIn(reject["code"], ("W2201", "W2203"))
            self.assertEqual(reject["code"], code)
            self.assertEqual((reject["byte"], reject["size"]), (8, 2_000_000))

    def test_a_million_columns_in_the_header(self):
        data = b",".join(b"c%d" % i for i in range(10**6)) + b"\n1,2\n"
        run = self.query("--from", "csv", stdin=data, exit=30, code="W3013")
        self.assertEqual(run.out, b"")
        self.query("--from", "csv", "-m", "256MiB", "--set", "input.header_bytes_max=16MiB", "--set", "input.record_max=16MiB",
                   "--set", "input.columns_max=65536", stdin=data, exit=30)

    def test_as_many_columns_as_allowed(self):
        names = [f"c{i}" for i in range(65536)]
        data = (",".join(names) + "\n" + ",".join("7" * len(names)) + "\n").encode()
        run = self.query("--from", "csv", "--to", "ndjson", "-m", "128MiB", "--set", "input.header_bytes_max=1MiB", "--set", "input.columns_max=65536", stdin=data)
        self.assertEqual(run.out, lines_of([{name: "7" for name in names}]))

    def test_a_million_members_pass_as_they_are(self):
        record = b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(10**6)) + b"}"
        run = self.query("--from", "ndjson", "-m", "128MiB", "--set", "input.record_max=32MiB", stdin=b'{"k7":0}\n' + record + b"\n")
        self.assertEqual(run.out, b'{"k7":0}\n' + record + b"\n")
        run = self.query("--from", "ndjson", "-m", "128MiB", "--set", "input.record_max=32MiB", stdin=record, query="SELECT k999999, k5 FROM input")
        self.assertEqual(run.out, b'{"k999999":999999,"k5":5}\n')

    def test_depth_of_100000(self):
        deep = b"[" * 10**5 + b"]" * 10**5
        object_deep = b'{"a":' * 10**5 + b"1" + b"}" * 10**5
        for number, (format, data, byte) in enumerate((
                ("ndjson", b'{"a":1}\n{"a":' + deep + b'}\n{"a":2}\n', 8), ("ndjson", b'{"a":1}\n' + object_deep + b'\n{"a":2}\n', 8),
                ("json", b'[{"a":1},' + deep + b',{"a":2}]', 9), ("json", b'[{"a":1},' + object_deep + b',{"a":2}]', 9))):
            run = self.query("--from", format, "--rejects", self.path(f"r{number}"), stdin=data)
            self.assertEqual(run.out, b'{"a":1}\n{"a":2}\n')
            [reject] = self.rejects(f"r{number}")
            self.assertEqual((reject["code"], reject["byte"]), ("W2207", byte))

    def test_depth_on_the_edge(self):
        for depth, fits in ((64, True), (65, False)):
            record = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
            run = self.query("--from", "ndjson", "--rejects", self.path(f"r{depth}"), stdin=record + b"\n")
            self.assertEqual(run.out, record + b"\n" if fits else b"")

    def test_brackets_that_never_close(self):
        for data in (b"[" * 10**5, b'[{"a":1},' + b"[" * 10**6, b'[{"a":1},{"a":"' + b"\\" * 10**6, b'[{"a":1}', b'[{"a":1},', b"[", b'[{"a":1}}', b'[{"a":1}]]'):
            run = self.query("--from", "json", "--rejects", self.fresh("r"), stdin=data, exit=30)
            self.assertIn(run.error["code"], ("W3010", "W3015"), str(run))
            self.assertIn(run.out, (b"", b'{"a":1}\n'))

    def test_utf16_is_named(self):
        for format in ("csv", "ndjson", "json", "lines"):
            for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
                run = self.query("--from", format, stdin=mark + '[{"a":1}]\n'.encode(encoding), exit=20, code="W2020")
                self.assertEqual(run.out, b"")
                self.assertIn("iconv", run.error["hint"])

    def test_duplicate_keys(self):
        data = b'{"a":1,"a":2}\n{"a":1,"\\u0061":3}\n{"b":{"c":1,"c":2},"b":{"c":5}}\n'
        self.assertEqual(self.query("--from", "ndjson", stdin=data).out, data)
        run = self.query("--from", "ndjson", stdin=data, query="SELECT a FROM input")
        self.assertEqual(run.out, b'{"a":2}\n{"a":3}\n{"a":null}\n')
        run = self.query("--from", "ndjson", stdin=data, query="SELECT b.c AS c FROM input WHERE b IS NOT NULL")
        self.assertEqual(run.out, b'{"c":5}\n')


class Numbers(Case):
    def test_lexemes_pass_unchanged(self):
        lexemes = ["1e999", "-1e999", "1E+2", "-0", "-0.0", "9007199254740993", "0.1000", "1e-400", "7" * 10**6, "0." + "3" * 10**5, "111.20"]
        data = b"".join(b'{"a":%s}\n' % lexeme.encode() for lexeme in lexemes)
        settings = ("--from", "ndjson", "-m", "64MiB", "--set", "input.record_max=4MiB")
        self.assertEqual(self.query(*settings, stdin=data).out, data)
        self.assertEqual(self.query(*settings, stdin=data, query="SELECT a FROM input").out, data)

    def test_out_of_range_is_rejected_where_it_is_computed_with(self):
        data = b'{"a":1e999}\n{"a":' + b"7" * 900_000 + b'}\n{"a":-0}\n{"a":9007199254740993}\n'
        for query, out in (("SELECT a+1 AS b FROM input", b'{"b":1}\n{"b":9007199254740994}\n'), ("SELECT a FROM input WHERE a > 5", b'{"a":9007199254740993}\n')):
            run = self.query("--from", "ndjson", "--rejects", self.fresh("r"), stdin=data, query=query)
            self.assertEqual(run.out, out)
            self.assertEqual([(r["code"], r["byte"], r["record"]) for r in self.rejects("r")], [("W2402", 0, 0), ("W2402", 12, 1)])

    def test_not_numbers_in_json(self):
        bad = ["01", "+1", "1.", ".5", "1e", "1e+", "0x10", "NaN", "Infinity", "-", "--1", "1_000", "١"]
        data = b"".join(b'{"a":%s}\n' % text.encode() for text in bad) + b'{"a":1}\n'
        run = self.query("--from", "ndjson", "--rejects", self.path("r"), stdin=data)
        self.assertEqual(run.out, b'{"a":1}\n')
        self.assertEqual([r["code"] for r in self.rejects("r")], ["W2204"] * len(bad))


class BytesThatAreNoText(Case):
    BAD = [b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xc2", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xef\xbf", b"\xf0\x80\x80\x80",
           b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xf0\x9f\x98"]
    GOOD = ["é", "€", "😀", "\ufffd", "\U0010ffff", "\ud7ff", "\ue000", "\x7f", "\u2028"]

    def texts(self):
        for shift in range(0, 40):
            for bad in self.BAD:
                yield b"x" * shift + bad + b"y" * (40 - shift)
            for good in self.GOOD:
                yield b"x" * shift + good.encode() + b"y" * (40 - shift)

    @staticmethod
    def is_utf8(text):
        try:
            text.decode()
            return True
        except UnicodeDecodeError:
            return False

    def test_in_json_values_and_keys(self):
        for form in (b'{"a":"%s"}', b'{"%s":1}', b'{"a":{"b":["%s"]}}'):
            records = [form % text for text in self.texts()]
            good = [r for r in records if self.is_utf8(r)]
            run = self.query("--from", "ndjson", "--rejects", self.fresh("r"), stdin=b"\n".join(records))
            self.assertEqual(run.out, b"".join(r + b"\n" for r in good))
            rejects = self.rejects("r")
            self.assertEqual({r["code"] for r in rejects}, {"W2206"})
            self.assertEqual(len(rejects), len(records) - len(good))
            run = self.query("--from", "json", "--rejects", self.fresh("r"), stdin=b"[" + b",".join(records) + b"]")
            self.assertEqual(run.out, b"".join(r + b"\n" for r in good))
            self.assertEqual(self.rejects("r")[0]["code"], "W2206")

    def test_in_csv_is_kept_in_csv_and_rejected_in_json(self):
        texts = list(self.texts())
        data = b"a,b\n" + b"".join(t + b',"' + t + b'"\n' for t in texts)
        self.assertEqual(self.query("--from", "csv", stdin=data).out, data)
        run = self.query("--from", "csv", "--set", "input.invalid_utf8=reject", "--rejects", self.path("r"), stdin=data)
        good = [t for t in texts if self.is_utf8(t)]
        self.assertEqual(run.out, b"a,b\n" + b"".join(t + b',"' + t + b'"\n' for t in good))
        run = self.query("--from", "csv", "--to", "ndjson", "--rejects", self.path("r2"), stdin=data)
        self.assertEqual(run.out, lines_of([{"a": t.decode(), "b": t.decode()} for t in good]))
        self.assertEqual({r["code"] for r in self.rejects("r2")}, {"W2206"})

    def test_in_the_header(self):
        data = b"a,\xff\n1,2\n"
        self.assertEqual(self.query("--from", "csv", stdin=data).out, data)
        self.query("--from", "csv", "--to", "ndjson", stdin=data, exit=20, code="W2024")

    def test_nul_bytes(self):
        data = b"a,b\n\0,x\n1,\0\0\n2,3\n"
        self.assertEqual(self.query("--from", "csv", stdin=data).out, data)
        run = self.query("--from", "csv", "--set", "input.nul=reject", "--rejects", self.path("r"), stdin=data)
        self.assertEqual(run.out, b"a,b\n2,3\n")
        self.assertEqual([r["code"] for r in self.rejects("r")], ["W2209"] * 2)
        run = self.query("--from", "csv", "--to", "ndjson", stdin=data)
        self.assertEqual(run.out, b'{"a":"\\u0000","b":"x"}\n{"a":"1","b":"\\u0000\\u0000"}\n{"a":"2","b":"3"}\n')

    def test_escapes_in_json(self):
        data = b'{"a":"\\ud83d\\ude00 \\u0000 \\/ \\b"}\n'
        self.assertEqual(self.query("--from", "ndjson", stdin=data).out, data)
        bad = [rb'{"a":"\x"}', rb'{"a":"\u12"}', rb'{"a":"\u12G4"}', b'{"a":"\t"}', b'{"a":"\x01"}', b'{"a":"b}', b"{'a':1}", b'{a:1}', b'{"a":1,}', b'{"a"}', b'{"a":1}x', b'{"a":1}{"a":2}']
        run = self.query("--from", "ndjson", "--rejects", self.path("r"), stdin=b"\n".join(bad) + b'\n{"a":1}\n')
        self.assertEqual(run.out, b'{"a":1}\n')
        self.assertEqual(len(self.rejects("r")), len(bad))

    def test_random_bytes_never_break_anything(self):
        rng = random.Random(7)
        for format in ("csv", "tsv", "ndjson", "json", "lines", "blocks"):
            for number in range(8):
                data = bytes(rng.choices(b'{}[]",:\\\n\r0123456789abe+-.\0\xff\xc3\xa9 \t', k=rng.randrange(1, 20_000)))
                run = self.query("--from", format, "--to", "ndjson", "--rejects", self.fresh("r"),
                                 "--set", "input.window=4KiB", "--set", "input.record_max=256", stdin=data, exit=None)
                self.assertIn(run.exit, (0, 20, 30), str(run))
                for line in run.out.splitlines():
                    json.loads(line)

    def test_all_bad_is_too_many(self):
        data = b"{\n" * 5000
        run = self.query("--from", "ndjson", "--rejects", self.path("r"), "--set", "rejects.max=1%", stdin=data, exit=32, code="W3201")
        self.assertEqual(run.records["rejected"], 1000)
        run = self.query("--from", "ndjson", "--rejects", self.fresh("r"), "--set", "rejects.max=7", stdin=data, exit=32, code="W3201")
        self.assertEqual(run.records["rejected"], 8)
        self.query("--from", "ndjson", "--rejects", self.path("r2"), "--fail-on-rejects", stdin=b'{\n{"a":1}\n', exit=3)
