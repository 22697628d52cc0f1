"""Weir against Python: the same bytes read and computed by both; and against itself, cut into other windows, pieces and budgets."""
import csv
import decimal
import gzip
import io
import json
import random

from harness import SELECT_ALL, Case, gzip_member, in_parallel, lines_of, weir, zstd_frame

SEEDS = range(24)


def exact(value):
    """A JSON text's value with its numbers as they are written, order and repeated keys."""
    return json.loads(value, parse_int=lambda s: ("number", s), parse_float=lambda s: ("number", s), object_pairs_hook=lambda pairs: ("object", pairs))


class DirtyCsv(Case):
    TEXTS = ["", " ", "a", "x y", "0123", "-1.50", "é€😀", "a'b", "tab\there", "long " * 40, "\\", "NULL", "\u00a0", "{}", "#no comment", "a;b", "\x7f", "\x01"]
    IN_QUOTES = ["", "a,b", "two\nlines", 'q"q', '"', '""', ",", "\n", "\r\n", "\r", 'x\n"y",z', "plain", " , ", "ü\nö"]

    def document(self, rng, rows, columns, ends=("\n",), delimiter=","):
        names = [f"c{i}" for i in range(columns)]
        out, expected = [], []

        def field(first):
            form = rng.randrange(10)
            if form < 5:
                text = rng.choice(self.TEXTS).replace(delimiter, "_")
                return "z" if first and text in ("", " ") and columns == 1 else text
            if form < 9:
                return '"' + "".join(rng.choices(self.IN_QUOTES + self.TEXTS, k=rng.randrange(3))).replace('"', '""') + '"'
            return rng.choice(["a", "b c"]) + '"' + rng.choice(["", "x", '"', '""'])  # a quote inside of a field that is not quoted

        out.append(delimiter.join(names) + rng.choice(ends))
        for _ in range(rows):
            if rng.randrange(12) == 0:
                out.append(rng.choice(ends))  # a blank line
            out.append(delimiter.join(field(i == 0) for i in range(columns if rng.randrange(15) else rng.randrange(1, columns + 3))) + rng.choice(ends))
        text = "".join(out)
        if rng.randrange(2) and not text.endswith('"\n'):
            text = text.removesuffix("\r\n").removesuffix("\n")
        for row in list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:]:
            if row:
                expected.append(row)
        return names, text.encode(), expected

    def compare(self, seed):
        rng = random.Random(seed)
        delimiter = rng.choice([",", ";", "\t", "|"])
        names, data, rows = self.document(rng, rng.randrange(1, 400), rng.randrange(2, 9), rng.choice([("\n",), ("\r\n",), ("\n", "\r\n")]), delimiter)
        good = [dict(zip(names, row)) for row in rows if len(row) == len(names)]
        settings = ["--from", "csv", "-d", delimiter if delimiter != "\t" else "tab"]
        name = f"r{seed}"
        run = self.query(*settings, "--to", "ndjson", "--rejects", self.path(name), stdin=data)
        got = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual(got, good, f"seed {seed}")
        rejects = self.rejects(name)
        self.assertEqual([r["code"] for r in rejects], ["W2202"] * (len(rows) - len(good)))
        for reject in rejects:  # the offset points at the record
            head = reject["head"].encode()
            self.assertEqual(data[reject["byte"]: reject["byte"] + len(head)], head)
        # Projection and what CSV is written again: read back it is the same.
        order = rng.sample(names, rng.randrange(1, len(names) + 1))
        run = self.query(*settings, "--to", "csv", "--rejects", self.path(name + "b"), stdin=data, query=f"SELECT {', '.join(order)} FROM input")
        back = [row for row in csv.reader(io.StringIO(run.out.decode(), newline=""))]
        self.assertEqual(back, [order] + [[row[n] for n in order] for row in good], f"seed {seed}")
        # Padded instead of rejected: missing fields are NULL, more than there are columns stay bad.
        run = self.query(*settings, "--to", "ndjson", "--rejects", self.path(name + "c"), "--set", "input.ragged=pad", stdin=data)
        padded = [dict(zip(names, row + [None] * (len(names) - len(row)))) for row in rows if len(row) <= len(names)]
        self.assertEqual([json.loads(line) for line in run.out.splitlines()], padded, f"seed {seed}")

    def test_records_as_python_reads_them(self):
        in_parallel(self.compare, SEEDS)

    def test_csv_to_csv_is_the_same_bytes(self):
        for seed in range(8):
            rng = random.Random(seed)
            names, data, rows = self.document(rng, 300, 4)
            rows = [row for row in rows if len(row) == 4 and not any("\r" in field for field in row)]  # Python's writer leaves it unquoted
            clean = io.StringIO(newline="")
            csv.writer(clean, lineterminator="\n", quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(rows)
            data = (",".join(names) + "\n" + clean.getvalue()).encode()
            self.assertEqual(self.query("--from", "csv", stdin=data).out, data)
            self.assertEqual(self.query("--from", "csv", stdin=data, query="SELECT * FROM input WHERE c0 = c0").out, data)
            path = self.put(f"{seed}.csv.gz", gzip.compress(data))
            self.assertEqual(self.query(path).out, data)

    def test_bom_and_last_lines(self):
        for text, rows in ((b"\xef\xbb\xbfa,b\n1,2", 1), (b"a,b\n1,2\n\n\n", 1), (b"\n\na,b\n1,2\r\n", 1), (b"a,b", 0), (b"a,b\r\n", 0), (b"a,b\n1,2\n\xef\xbb\xbf3,4\n", 2)):
            run = self.query("--from", "csv", "--to", "ndjson", stdin=text)
            self.assertEqual(run.records["written"], rows, str(run))
            if rows:
                self.assertEqual(json.loads(run.out.splitlines()[0]), {"a": "1", "b": "2"})

    def test_an_empty_file_to_csv(self):
        """No header, no records: nothing is written, as to NDJSON."""
        self.assertEqual(self.query("--from", "csv", stdin=b"").out, b"")

    def test_several_files_and_patterns(self):
        rng = random.Random(5)
        names, expected, paths = ["c0", "c1", "c2"], [], []
        for number in range(7):
            document = self.document(rng, 50, 3)
            rows = [row for row in document[2] if len(row) == 3 and not any("\r" in field for field in row)]
            out = io.StringIO(newline="")
            csv.writer(out, lineterminator="\n").writerows([names] + rows)
            data = out.getvalue().encode()
            data = (data, gzip.compress(data), zstd_frame(data[:100000]), b"\xef\xbb\xbf" + data)[number % 4]
            paths.append(self.put(f"in/part-{number}.csv", data))
            expected += [dict(zip(names, row)) for row in rows]
        self.put("in/other.txt", b"not this")
        for inputs in (paths, [self.path("in", "part-*.csv")], [self.path("in", "part-[0-3].csv"), self.path("in", "part-?.csv")]):
            run = self.query(*inputs, "--to", "ndjson")
            got = [json.loads(line) for line in run.out.splitlines()]
            self.assertEqual(got[-len(expected):], expected)
            self.assertEqual(run.summary["inputs_done"], run.summary["inputs"])
        self.query(self.path("in", "none-*.csv"), exit=20, code="W2014")
        run = self.query(paths[0], self.put("in/differs.csv", b"c0,c2,c1\n1,2,3\n"), exit=30, code="W3008")
        self.assertTrue(run.error["source"].endswith("differs.csv"))


class Json(Case):
    def value(self, rng, depth=0):
        form = rng.randrange(12 if depth < 4 else 8)
        if form < 2:
            return rng.choice([0, -1, 7, 2**53 + 1, -(2**63), 10**30, 123456789])
        if form < 4:
            return rng.choice([0.5, -1.25e-7, 1e300, 3.14, 5e-324, 0.1])
        if form < 6:
            return "".join(rng.choices(["a", "é", "😀", '"', "\\", "/", "\n", "\t", "\x00", "\x1f", "\u2028", " ", "]", "}", ",", ":", "x" * 70], k=rng.randrange(12)))
        if form < 8:
            return rng.choice([None, True, False])
        if form < 10:
            return [self.value(rng, depth + 1) for _ in range(rng.randrange(5))]
        return {rng.choice(["a", "b", "c d", "é", "", '"', "\\n", "k" * 50]) + str(rng.randrange(3)): self.value(rng, depth + 1) for _ in range(rng.randrange(5))}

    def dump(self, rng, value):
        separators = rng.choice([(",", ":"), (", ", ": "), (" , ", " :\t")])
        return json.dumps(value, ensure_ascii=rng.random() < 0.5, separators=separators)

    def compare(self, seed):
        rng = random.Random(seed)
        records = [{"id": i, "v": self.value(rng), "w": self.value(rng)} for i in range(rng.randrange(1, 300))]
        texts = [self.dump(rng, r) for r in records]
        ndjson = rng.choice(["\n", "\r\n", " \n\n"]).join(texts).encode() + rng.choice([b"", b"\n"])
        space = lambda: rng.choice(["", " ", "\n", "\r\n\t  "])
        array = (space() + "[" + space() + (space() + "," + space()).join(texts) + space() + "]" + space()).encode()
        inner = '{"no": [1, {"Records": [0]}], "x": "[", "Records":' + array.decode() + ', "after": [[]]}'
        spread = json.dumps(records, indent=rng.choice([1, 4]), ensure_ascii=False).encode()
        window = ("--set", f"input.window={rng.choice(['4KiB', '5000', '64KiB'])}")
        sources = (("ndjson", ndjson, ()), ("json", array, ()), ("json", inner.encode(), ("--path", "Records[*]")), ("json", spread, ()))
        for format, data, settings in sources:
            run = self.query("--from", format, "--to", "ndjson", *settings, *window, stdin=data)
            self.assertEqual([exact(line) for line in run.out.split(b"\n")[:-1]], [exact(t) for t in texts], f"seed {seed} {format}")
            run = self.query("--from", format, "--to", "ndjson", *settings, *window, stdin=data, query="SELECT w, id AS n, v FROM input")
            expected = [exact(json.dumps({"w": r["w"], "n": r["id"], "v": r["v"]})) for r in records]
            self.assertEqual([exact(line) for line in run.out.split(b"\n")[:-1]], expected, f"seed {seed} {format}")
        run = self.query("--from", "json", "--to", "json", stdin=array)
        self.assertEqual(exact(run.out), [exact(t) for t in texts])
        # A path through objects.
        def reach(record):
            inside = record["v"]
            return inside.get("a1") if isinstance(inside, dict) else None
        run = self.query("--from", "ndjson", stdin=ndjson, query="SELECT id, v.a1 AS x FROM input")
        self.assertEqual([exact(line) for line in run.out.split(b"\n")[:-1]], [exact(json.dumps({"id": r["id"], "x": reach(r)})) for r in records], f"seed {seed}")

    def test_as_python_reads_it(self):
        in_parallel(self.compare, SEEDS)

    def test_what_python_refuses_is_rejected(self):
        """Records with a byte struck out, put in or changed: good or bad as Python says."""
        rng = random.Random(11)
        records, verdicts = [], []
        while len(records) < 3000:
            text = bytearray(self.dump(rng, {"id": 1, "v": self.value(rng, 2)}).encode())
            at = rng.randrange(len(text))
            form = rng.randrange(3)
            if form == 0:
                del text[at]
            elif form == 1:
                text.insert(at, rng.choice(b'{}[]",:\\0e-+.x \x80'))
            else:
                text[at] = rng.choice(b'{}[]",:\\0e-+.x \x80')
            if b"\n" in text or not text.strip():
                continue
            try:
                value = json.loads(bytes(text).decode(), parse_constant=lambda _: 1 / 0)
                good = isinstance(value, dict)
            except (ValueError, ZeroDivisionError):
                good = False
            if not good and rng.randrange(3):
                continue
            records.append(bytes(text))
            verdicts.append(good)
        run = self.query("--from", "ndjson", "--rejects", self.path("r"), stdin=b"\n".join(records))
        bad = {r["record"] for r in self.rejects("r")}
        for number, (record, good) in enumerate(zip(records, verdicts)):
            self.assertEqual(number not in bad, good, record)
        self.assertEqual([exact(line) for line in run.out.split(b"\n")[:-1]], [exact(r) for r, good in zip(records, verdicts) if good])


class Numbers(Case):
    """Filters and computed columns, against Python's decimals."""

    def rows(self, rng, count=300):
        number = lambda: f"{rng.choice(['', '-'])}{rng.randrange(10 ** rng.randrange(1, 9))}" + (f".{rng.randrange(10**4):04d}"[: rng.randrange(2, 6)] if rng.random() < 0.7 else "")
        return [(number(), str(rng.randrange(-1000, 1000)), rng.choice(["DE", "FR", "it", "", "O'Neil"])) for _ in range(count)]

    WHERE = [("a > 100.5", lambda a, b, c: a > decimal.Decimal("100.5")), ("a * b <= 1000", lambda a, b, c: a * b <= 1000),
             ("a BETWEEN -5 AND 5000 OR c = 'DE'", lambda a, b, c: -5 <= a <= 5000 or c == "DE"),
             ("NOT (a < b) AND c <> 'FR'", lambda a, b, c: not a < b and c != "FR"), ("a - b > 0.0001", lambda a, b, c: a - b > decimal.Decimal("0.0001")),
             ("c IN ('it', 'O''Neil', 'xx')", lambda a, b, c: c in ("it", "O'Neil")), ("CAST(b AS int) % 7 = 3", lambda a, b, c: (abs(b) % 7) * (1 if b >= 0 else -1) == 3),
             ("c LIKE '%e%' OR c = ''", lambda a, b, c: "e" in c or c == ""), ("a = b", lambda a, b, c: a == b), ("1 = 0", lambda a, b, c: False)]
    COLUMNS = [("a + b", lambda a, b: a + b), ("a * 1.19", lambda a, b: a * decimal.Decimal("1.19")), ("a - 0.0010", lambda a, b: a - decimal.Decimal("0.0010")),
               ("a * b * 2", lambda a, b: a * b * 2), ("-a", lambda a, b: -a)]

    @staticmethod
    def shown(value):
        return format(value if value else abs(value), "f")

    def test_filters(self):
        decimal.getcontext().prec = 60
        def check(seed):
            rows = self.rows(random.Random(seed))
            data = b"a,b,c\n" + "".join(",".join(r) + "\n" for r in rows).encode()
            for text, python in self.WHERE:
                run = self.query("--from", "csv", "--set", "input.types={a: decimal, b: int}", stdin=data, query=f"SELECT * FROM input WHERE {text}")
                kept = [r for r in rows if python(decimal.Decimal(r[0]), int(r[1]), r[2])]
                self.assertEqual(run.out, b"a,b,c\n" + "".join(",".join(r) + "\n" for r in kept).encode(), f"seed {seed}: {text}")
                self.assertEqual(run.records["filtered"], len(rows) - len(kept))
        in_parallel(check, range(4))

    def test_computed_columns(self):
        with decimal.localcontext() as context:
            context.prec = 60
            rows = self.rows(random.Random(99), 1000)
            data = b"a,b,c\n" + "".join(",".join(r) + "\n" for r in rows).encode()
            for text, python in self.COLUMNS:
                run = self.query("--from", "csv", "--to", "csv", "--set", "input.types={a: decimal, b: int}", stdin=data, query=f"SELECT {text} AS x FROM input")
                got = run.out.decode().split("\n")[1:-1]
                expected = [python(decimal.Decimal(r[0]), decimal.Decimal(r[1])) for r in rows]
                self.assertEqual([decimal.Decimal(x) for x in got], expected, text)
                self.assertEqual(got, [self.shown(x) for x in expected], text)

    def test_sums_are_exact(self):
        with decimal.localcontext() as context:
            context.prec = 60
            rows = self.rows(random.Random(5), 5000)
            data = b"a,b,c\n" + "".join(",".join(r) + "\n" for r in rows).encode()
            run = self.query("--from", "csv", "--to", "ndjson", "--set", "input.types={a: decimal, b: int}", stdin=data,
                             query="SELECT COUNT(*) AS n, SUM(a) AS s, SUM(b) AS t, MIN(a) AS lo, MAX(a) AS hi FROM input WHERE c <> 'FR'")
            kept = [r for r in rows if r[2] != "FR"]
            a = [decimal.Decimal(r[0]) for r in kept]
            got = json.loads(run.out, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
            self.assertEqual(got, {"n": len(kept), "s": sum(a), "t": sum(int(r[1]) for r in kept), "lo": min(a), "hi": max(a)})
            self.assertEqual(run.records, {"read": 5000, "written": 0, "folded": len(kept), "filtered": 5000 - len(kept), "rejected": 0})

    def test_limit(self):
        data = b"a\n" + b"".join(b"%d\n" % i for i in range(10_000))
        for limit in (0, 1, 255, 256, 257, 2048, 2049, 9_999, 10_000, 10_001):
            run = self.query("--from", "csv", stdin=data, query=f"SELECT * FROM input WHERE a % 2 = 0 LIMIT {limit}")
            self.assertEqual(run.out.count(b"\n"), 1 + min(limit, 5000))


class SameBytesAlways(Case):
    """Windows, pieces, budgets and windows of the compression change no byte."""

    def test_windows_pieces_and_budgets(self):
        rng = random.Random(1)
        names = ["id", "text", "amount"]
        rows = [[str(i), rng.choice(["plain", 'with "quotes"', "two\nlines", "é" * rng.randrange(40), "x" * rng.randrange(3000), ""]), str(rng.randrange(10**9))] for i in range(6000)]
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows([names] + rows)
        sources = {"csv": out.getvalue().encode(), "ndjson": lines_of([dict(zip(names, r)) for r in rows]), "json": json.dumps([dict(zip(names, r)) for r in rows], indent=1).encode()}
        query = "SELECT id, text, amount * 1.5 AS m FROM input WHERE amount > 200000000"

        def check(case):
            format, output = case
            data = sources[format]
            stored = {"plain": self.put(f"{format}-{output}", data), "gzip": self.put(f"{format}-{output}.gz", gzip.compress(data, 1))}
            first = None
            tries = [("plain", "256KiB", "48MiB"), ("gzip", "256KiB", "48MiB")]
            tries += [(s, w, "48MiB") for s in stored for w in ("4KiB", "4097", "65535", "1MiB")] + [(s, "256KiB", m) for s in stored for m in ("12MiB", "13MiB", "1GiB")]
            for number, (source, window, memory) in enumerate(tries):
                name = f"out-{format}-{number}.{output}"
                weir("query", query, stored[source], "--from", format, "-o", self.path(name), "-m", memory, "--set", f"input.window={window}", "--summary", "json")
                got = self.get(name)
                first = got if first is None else first
                self.assertTrue(got == first, f"{format} to {output}: {source}, window {window}, memory {memory}")
            for piece in (1, 63, 4099) if output == "ndjson" else (100_003,):
                text = data if piece > 100 else data[:20_000]
                text = text[: text.rindex(b"\n") + 1] if format != "json" and piece < 100 else text
                if format == "json" and piece < 100:
                    continue
                chunks = (text[i:i + piece] for i in range(0, len(text), piece))
                whole = self.query("--from", format, "--to", "ndjson", stdin=text, query=query).out
                self.assertEqual(self.query("--from", format, "--to", "ndjson", stdin=chunks, query=query).out, whole)

        in_parallel(check, [(f, o) for f in sources for o in ("ndjson", "csv", "ndjson.gz", "ndjson.zst")])

    def test_the_format_does_not_depend_on_how_a_pipe_is_filled(self):
        """The first bytes come alone: the rest follows once those are taken."""
        from harness import Process
        for data, out in ((b'a;b\n1;2\n', b'{"a":"1","b":"2"}\n'), (b'{\n"a":1}\n', None), (b'{"a":1}\n{"a":2}\n', b'{"a":1}\n{"a":2}\n'),
                          (b'  \n[{"a":1}]\n', b'{"a":1}\n'), (gzip_member(b'{"a":1}\n' * 3), None), (b'a\tb\n1\t2\n', b'{"a":"1","b":"2"}\n')):
            whole = self.query("--to", "ndjson", stdin=data, exit=None)
            if out is not None:
                self.assertEqual(whole.out, out, str(whole))
            for first in (1, 2, 3, 4):
                process = Process("query", SELECT_ALL, "--to", "ndjson", "--summary", "json")
                process.feed(data[:first])
                process.await_consumed()
                process.feed(data[first:])
                run = process.finish(whole.exit)
                self.assertEqual(run.out, whole.out, f"{data!r} after {first}: {run}")
