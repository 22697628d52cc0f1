"""The command line and lint: what is refused, with which code, at which place; and what is never refused."""
import json
import os
import subprocess
import unittest

from harness import SELECT_ALL, WEIR, Case, Process, environment, gzip_member, weir, zstd_frame, zstd_skippable


def words(*args, stdin=b"", stdout=subprocess.PIPE, cwd=None):
    """A command whose messages are looked at one by one: lint gives one for each mistake."""
    done = subprocess.run([WEIR, *args], input=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment(), cwd=cwd, timeout=120)
    return done.returncode, done.stdout, [json.loads(line) for line in done.stderr.splitlines()]


class Deadline(Case):
    """The deadline holds from the first moment on."""

    def test_while_the_input_has_sent_nothing(self):
        for args in (["--from", "csv"], ["--from", "csv", "-s", "input.codec=none"], []):
            with self.subTest(args=args):
                process = Process("query", SELECT_ALL, *args, "--deadline", "50ms")
                process.await_end()
                run = process.finish(exit=11, code="W1101")
                self.assertEqual(run.out, b"")

    def test_while_the_first_line_is_not_whole(self):
        process = Process("query", SELECT_ALL, "--deadline", "50ms")
        process.feed(b"a,b")
        process.await_end()
        process.finish(exit=11, code="W1101")


class PipelineFile(Case):
    def test_a_file_that_is_no_pipeline_is_told_by_its_size(self):
        big = self.put("big.csv", b"a,b\n" + b"1,2\n" * 400_000)
        yaml = self.put("large.yaml", b"# a comment that goes on\n" * 12_000)
        for file in (big, yaml):
            for command in ("run", "check", "plan"):
                with self.subTest(file=file, command=command):
                    run = weir(command, file, exit=20, code="W2007")
                    self.assertIn("256 KiB", run.error["hint"])

    def test_through_a_pipe_as_well(self):
        weir("check", "/dev/stdin", stdin=b"# x\n" * 200_000, exit=20, code="W2007")

    def test_the_largest_comment_is_no_mistake(self):
        head = b"input: {from: in.csv}\n#"
        self.put("in.csv", b"a\n1\n")
        self.put("p.yaml", head + b"x" * (256 * 1024 - len(head)))
        weir("run", "p.yaml", cwd=self.dir)
        weir("run", "/dev/stdin", stdin=head + b"x" * (256 * 1024 - len(head)), cwd=self.dir)

    def test_a_folder_is_no_pipeline_file(self):
        for command in ("run", "check", "plan"):
            run = weir(command, self.dir, exit=20, code="W2009")
            self.assertIn("folder", run.error["detail"])


class Words(Case):
    """What the commands that only print say, and refuse."""

    PIPELINE = "input: {from: in.csv}\n"

    def setUp(self):
        super().setUp()
        self.put("in.csv", b"a,b\n1,2\n")
        self.pipeline(self.PIPELINE)

    def test_a_full_stdout_is_no_success(self):
        self.put("cases.yaml", b"pipeline: p.yaml\ncases: [{name: x, input: \"a\\n1\\n\"}]\n")
        for args in (["schema"], ["version"], ["help"], ["help", "run"], ["help", "input"], ["run", "--help"], ["plan", "p.yaml"],
                     ["plan", "p.yaml", "--json"], ["test", "cases.yaml"], []):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                weir(*args, exit=40, code="W4002", stdout=full, cwd=self.dir)

    def test_a_closed_stdout_is_no_failure(self):
        for args in (["schema"], ["help", "input"], ["plan", "p.yaml"]):
            with self.subTest(args=args):
                read, write = os.pipe()
                os.close(read)
                with os.fdopen(write, "wb") as gone:
                    weir(*args, exit=0, stdout=gone, cwd=self.dir)

    def test_help_of_what_there_is_not(self):
        for topic, nearest in (("foo", None), ("rnu", "run"), ("plann", "plan"), ("recrod_max", "input.record_max"),
                               ("input.recrod_max", "input.record_max"), ("inptu", "input"), ("batch.recods", "batch.records")):
            with self.subTest(topic=topic):
                run = weir("help", topic, exit=20, code="W2009")
                self.assertIn("unknown topic", run.error["detail"])
                self.assertEqual(run.out, b"")
                if nearest:
                    self.assertIn(f"did you mean {nearest}?", run.error["detail"])
                else:
                    self.assertNotIn("did you mean", run.error["detail"])

    def test_help_of_a_key_with_and_without_its_section(self):
        whole = weir("help", "input.record_max").out
        self.assertTrue(whole.startswith(b"input.record_max (size)"))
        self.assertEqual(weir("help", "record_max").out, whole)
        both = weir("help", "to").out
        self.assertIn(b"output.to (text)", both)
        self.assertIn(b"rejects.to (text)", both)
        for command in ("run", "query", "plan", "check", "test", "schema", "version", "help"):
            self.assertTrue(weir("help", command).out.startswith(b"weir " + command.encode()), command)

    def test_commands_that_take_no_words(self):
        for command in ("schema", "version", "--version"):
            run = weir(command, "x", exit=20, code="W2009")
            self.assertIn("takes no argument", run.error["detail"])
            self.assertEqual(run.out, b"")
            weir(command, "--nope", exit=20, code="W2009")
        self.assertTrue(weir("schema", "--help").out.startswith(b"weir schema"))
        weir("help", "run", "plan", exit=20, code="W2009")

    def test_a_command_that_is_not_there_is_named(self):
        for command in ("/no/such/program", "no-such-program"):
            for verb in ("run", "query"):
                with self.subTest(command=command, verb=verb):
                    first = "p.yaml" if verb == "run" else SELECT_ALL
                    run = weir(verb, first, *([] if verb == "run" else ["in.csv"]), "-s", "output.to=exec",
                               "-s", f"exec.command=[{command}, x]", cwd=self.dir, exit=20)
                    self.assertNotEqual(run.error["code"], "W2009")
                    self.assertIn("exec.command", run.error["msg"])
                    self.assertIn(command, run.error["detail"])

    def test_too_many_rejects_names_the_one_too_many(self):
        self.put("bad.csv", b"a,b\n1,2\nx\n3,4\ny\nz\n")
        run = weir("query", SELECT_ALL, "bad.csv", "--rejects", "rejects", "-s", "rejects.max=1", cwd=self.dir, exit=32, code="W3201")
        self.assertEqual((run.error["source"], run.error["byte"], run.error["record"]), ("bad.csv", 14, 3))
        last = self.rejects("rejects.part")[-1]
        self.assertEqual((last["byte"], last["record"]), (14, 3))
        # By share: the one with which it was judged.
        self.put("bad.csv", b"a,b\n" + b"1,2\n" * 999 + b"x\n" * 20)
        run = weir("query", SELECT_ALL, "bad.csv", "--rejects", "rejects", "-s", "rejects.max=0.05%", "-s", "output.if_exists=replace",
                   cwd=self.dir, exit=32, code="W3201")
        self.assertEqual((run.error["record"], run.error["byte"]), (999, 4 + 4 * 999))
        # At the end: the last one of all.
        self.put("bad.csv", b"a,b\n1,2\nx\n3,4\n")
        run = weir("query", SELECT_ALL, "bad.csv", "--rejects", "rejects", "-s", "rejects.max=1%", "-s", "output.if_exists=replace",
                   cwd=self.dir, exit=32, code="W3201")
        self.assertEqual((run.error["source"], run.error["byte"], run.error["record"]), ("bad.csv", 8, 1))

    def test_hints(self):
        for args, code in ((["no.csv"], "W2014"), (["gs://bucket/x.csv"], "W2021"), (["in.csv", "-s", "batch.records=many"], "W2002")):
            run = weir("query", SELECT_ALL, *args, cwd=self.dir, exit=20, code=code)
            self.assertTrue(run.error.get("hint"), code)


class Inputs(Case):
    """What an input is, and what becomes of one that is empty, cut, or not what it should be."""

    def test_an_empty_input_is_complete_and_empty(self):
        for name in ("e.csv", "e.csv.gz", "e.csv.zst", "e.tsv", "stdin"):
            self.put(name, b"")
            for options in ([], ["-s", "input.codec=gzip"], ["-s", "input.codec=zstd"], ["--no-header"], ["--codec", "gzip"]):
                for to in ("csv", "tsv", "ndjson", "lines"):
                    with self.subTest(name=name, options=options, to=to):
                        run = self.query(self.path(name), *options, "--from", "csv", "--to", to)
                        self.assertEqual((run.records["read"], run.records["written"]), (0, 0))
                        if "--codec" not in options:
                            self.assertEqual(run.out, b"")
        for query, out in (("SELECT a FROM input", b"a\n"), ("SELECT COUNT(*) AS n FROM input", b"n\n0\n")):
            self.assertEqual(self.query(self.path("e.csv"), query=query).out, out)
        # A header alone is an input with columns.
        self.assertEqual(self.query("--from", "csv", stdin=b"a,b\n").out, b"a,b\n")

    def test_each_input_gives_its_own_bytes_whatever_was_looked_at(self):
        empty, full, other = self.put("e.csv", b""), self.put("f.csv", b"a,b\n1,2\n"), self.put("g.csv", b"a,b\n3,4\n")
        packed = self.put("h.csv.gz", gzip_member(b"a,b\n5,6\n"))
        piped, fifo = b"a,b\n" + b"7,8\n" * 5000, self.path("fifo")
        os.mkfifo(fifo)
        for inputs, rows in (([empty, full], b"1,2\n"), ([full, empty, other], b"1,2\n3,4\n"), ([empty, empty, packed], b"5,6\n"),
                             (["-", full], piped[4:] + b"1,2\n"), ([full, "-", packed], b"1,2\n" + piped[4:] + b"5,6\n"),
                             (["-", empty, packed, other], piped[4:] + b"5,6\n3,4\n"), ([fifo, full], piped[4:] + b"1,2\n"),
                             ([fifo, "-", packed], piped[4:] * 2 + b"5,6\n")):
            with self.subTest(inputs=inputs):
                process = Process("query", SELECT_ALL, *inputs, "--from", "csv", "--to", "csv")
                if fifo in inputs:
                    with open(fifo, "wb") as file:
                        file.write(piped)
                if "-" in inputs:
                    process.feed(piped)
                self.assertEqual(process.finish(exit=0).out, b"a,b\n" + rows)

    def test_a_cut_beginning_of_zstd_and_gzip(self):
        whole = zstd_frame(b"a,b\n1,2\n")
        for size in range(1, len(whole)):
            name = self.put("x.csv.zst", whole[:size])
            self.query(name, exit=30, code="W3006")
            self.query("-s", "input.codec=zstd", "--from", "csv", stdin=whole[:size], exit=30, code="W3006")
            if size > 1:  # a single ( is a text like any other
                self.query("--from", "csv", stdin=whole[:size], exit=30, code="W3006")
        self.assertEqual(self.query("--from", "lines", stdin=b"(").out, b"(\n")
        whole = gzip_member(b"a,b\n1,2\n")
        for size in (1, 2, 3, len(whole) - 1):
            name = self.put("x.csv.gz", whole[:size])
            self.query(name, exit=30, code="W3001")
            self.query("--from", "csv", stdin=whole[:size], exit=30, code="W3001")
        skippable = zstd_skippable(b"x" * 9)
        for size in (1, 2, 3, 4, len(skippable) - 1):
            self.query(self.put("s.csv.zst", skippable[:size]), exit=30, code="W3006")
        # A name alone makes no text compressed.
        self.assertEqual(self.query(self.put("t.csv.zst", b"a,b\n1,2\n")).out, b"a,b\n1,2\n")
        # The second input is told as the first one is.
        good = self.put("a.csv.zst", zstd_frame(b"a,b\n1,2\n"))
        cut = self.put("b.csv.zst", zstd_frame(b"a,b\n1,2\n")[:1])
        self.query(good, cut, exit=30, code="W3006")

    def test_ragged_error_says_what_it_is(self):
        for options in ([], ["--rejects", self.path("rejects")]):
            run = self.query("--from", "csv", "-s", "input.ragged=error", *options, stdin=b"a,b\n1,2\n3\n", exit=30, code="W3016")
            self.assertEqual((run.error["byte"], run.error["record"]), (8, 1))
            self.assertIn("found 1, expected 2", run.error["detail"])
            self.assertIn("input.ragged", run.error["msg"])

    def test_a_record_that_is_no_object_is_rejected_whatever_is_selected(self):
        odd = [b"1", b'"a"', b"[1]", b"null", b"true"]
        data = b"\n".join([b'{"a":1}', *odd, b'{"a":2}']) + b"\n"
        places, at = [], 8
        for line in odd:
            places.append(at)
            at += len(line) + 1
        document = b"[" + b",".join([b'{"a":1}', *odd, b'{"a":2}']) + b"]"
        for options, text, first in ((["--from", "ndjson"], data, 0), (["--from", "json"], document, 1)):
            for query in (SELECT_ALL, "SELECT a FROM input", "SELECT *, 1 AS x FROM input", "SELECT COUNT(*) FROM input", "SELECT 1 AS x FROM input"):
                with self.subTest(options=options, query=query):
                    run = self.query(*options, "--rejects", self.path("rejects"), "-s", "output.if_exists=replace", query=query, stdin=text)
                    self.assertEqual((run.records["read"], run.records["rejected"]), (7, 5))
                    rejects = self.rejects()
                    self.assertEqual([r["code"] for r in rejects], ["W2205"] * 5)
                    self.assertEqual([r["byte"] - first for r in rejects], places)
                    self.assertEqual([r["head"].encode() for r in rejects], odd)
        self.query("--from", "ndjson", stdin=b"1\n", exit=30, code="W3012")

    def test_skip_where_the_first_file_of_the_run_is_there(self):
        data = self.put("in.csv", b"a\n1\n2\n3\n")
        for to in ("out/", "t/x-{batch}.csv", "one.csv"):
            with self.subTest(to=to):
                args = [data, "-o", to, "-s", "batch.records=1"]
                first = self.query(*args, "-s", "output.if_exists=skip", cwd=self.dir)
                self.assertEqual(first.records["written"], 3)
                before = self.tree()
                again = self.query(*args, "-s", "output.if_exists=skip", cwd=self.dir)
                self.assertEqual((again.records["read"], again.summary["status"]), (0, "already_there"))
                self.assertEqual(self.tree(), before)
                run = self.query(*args, cwd=self.dir, exit=41, code="W4101")
                self.assertIn("skip", run.error["hint"])

    def tree(self):
        found = {}
        for at, _, files in os.walk(self.dir):
            for name in files:
                path = os.path.join(at, name)
                with open(path, "rb") as file:
                    found[path] = (os.stat(path).st_ino, os.stat(path).st_mtime_ns, file.read())
        return found


def places(messages):
    return [(m["code"], m.get("line"), m.get("column")) for m in messages]


class Lint(Case):
    """All mistakes at once, each at its place: those of the query too, whatever else is wrong."""

    FILE = """{memory}
input:
  from: {source}
  {key}: {value}
query: |
  SELECT UPER(id), cusotmer,
    TRUE + 1 AS x
  FROM input
  WHERE contry = 'DE'
"""
    QUERY = [("W2012", 6, 10), ("W2011", 6, 20), ("W2013", 7, 5), ("W2011", 9, 9)]

    def lint(self, command, exit=20, **words_in_file):
        fields = dict(memory="memory: 48MiB", source="in.csv", key="header", value="true")
        self.pipeline(self.FILE.format(**{**fields, **words_in_file}))
        code, out, messages = words(command, "p.yaml", cwd=self.dir)
        self.assertEqual((code, out), (exit, b""))
        return messages

    def setUp(self):
        super().setUp()
        self.put("in.csv", b"id,customer,country\n1,x,DE\n")
        self.put("in.csv.gz", gzip_member(b"id,customer,country\n1,x,DE\n"))
        self.put("in.csv.zst", zstd_frame(b"id,customer,country\n1,x,DE\n"))
        self.put("no_header.csv", b"1,x,DE\n")
        self.put("in.ndjson", b'{"id":1}\n')

    def test_of_the_query_alone(self):
        for command in ("check", "run", "plan"):
            for source in ("in.csv", "in.csv.gz", "in.csv.zst", "[in.csv, in.csv.gz]"):
                with self.subTest(command=command, source=source):
                    messages = self.lint(command, source=source)
                    self.assertEqual(places(messages), self.QUERY)
                    self.assertIn("did you mean `customer`?", messages[1]["detail"])
                    self.assertIn("did you mean `country`?", messages[3]["detail"])
                    self.assertEqual({m["file"] for m in messages}, {"p.yaml"})

    def test_of_the_query_beside_those_of_other_keys(self):
        for command in ("check", "run", "plan"):
            with self.subTest(command=command):
                messages = self.lint(command, memory="memory: lots", key="haeder")
                self.assertEqual(places(messages), [("W2002", 1, 9), ("W2001", 4, 3), *self.QUERY])

    def test_as_far_as_the_inputs_are_known(self):
        columns_unknown = [self.QUERY[0], self.QUERY[2]]
        self.assertEqual(places(self.lint("check", source="nowhere.csv")), [("W2014", None, None), *columns_unknown])
        self.assertEqual(places(self.lint("check", source="nowhere.csv", key="haeder")), [("W2001", 4, 3), *columns_unknown])
        self.assertEqual(places(self.lint("check", source="in.ndjson", key="codec", value="none")), columns_unknown)
        # Numbered columns stand where there is no header.
        self.assertEqual(places(self.lint("check", source="no_header.csv", value="false")),
                         [self.QUERY[0], ("W2011", 6, 15), *self.QUERY[1:]])
        self.assertEqual(places(self.lint("check", key="columns", value="[id, customer]")), self.QUERY)
        # Nothing is waited for.
        self.pipeline(self.FILE.format(memory="memory: lots", source="stdin", key="format", value="csv"))
        process = Process("check", self.path("p.yaml"))
        process.await_end()
        run = process.finish(check=False)
        self.assertEqual(places(run.errors), [("W2002", 1, 9), *columns_unknown])

    def test_an_unknown_column_alone(self):
        for command in ("check", "run", "plan"):
            self.pipeline('input: {from: in.csv}\nquery: "SELECT id, cusotmer FROM input"\n')
            run = weir(command, "p.yaml", cwd=self.dir, exit=20, code="W2011")
            self.assertEqual((run.error["line"], run.error["column"], run.error["file"]), (2, 20, "p.yaml"))
            self.assertIn("did you mean `customer`?", run.error["detail"])
        # What comes through a pipe is known only when it is read.
        run = self.query("--from", "csv", query="SELECT id,\n cusotmer FROM input", stdin=b"id,customer\n1,x\n", exit=20, code="W2011")
        self.assertEqual((run.error["line"], run.error["column"], run.error["file"]), (2, 2, "query"))
        self.assertIn("did you mean `customer`?", run.error["detail"])
        self.pipeline('input: {from: stdin, format: csv}\nquery: "SELECT id, cusotmer FROM input"\n')
        run = weir("run", "p.yaml", cwd=self.dir, stdin=b"id,customer\n1,x\n", exit=20, code="W2011")
        self.assertEqual((run.error["line"], run.error["column"], run.error["file"]), (2, 20, "p.yaml"))

    def test_a_first_run_to_a_file_tells_all_columns_and_leaves_nothing(self):
        """The run could leave a checkpoint, and there is none yet: nothing is known of the input before the header is looked at."""
        there = sorted(os.listdir(self.dir))
        self.pipeline('input: {from: in.csv}\noutput: {to: out.ndjson}\nquery: "SELECT idd, cusotmer FROM input"\n')
        exit, _, messages = words("run", "p.yaml", cwd=self.dir)
        self.assertEqual((exit, [m["code"] for m in messages]), (20, ["W2011", "W2011"]))
        self.assertEqual(sorted(os.listdir(self.dir)), sorted({*there, "p.yaml"}))

    def test_a_job_that_got_nowhere_leaves_no_checkpoint_for_the_mended_one(self):
        for name in os.listdir(self.dir):
            os.unlink(self.path(name))
        self.put("bad.csv", b"id,customer\n1,a,b\n2,x\n")
        self.pipeline("input: {from: bad.csv}\noutput: {to: out.ndjson}\n")
        weir("run", "p.yaml", cwd=self.dir, exit=30, code="W3012")
        self.assertEqual(sorted(os.listdir(self.dir)), ["bad.csv", "p.yaml"])
        weir("run", "p.yaml", "--rejects", "bad.ndjson", cwd=self.dir)  # another job, by what it writes
        self.assertEqual(self.get("out.ndjson"), b'{"id":"2","customer":"x"}\n')

    def test_what_is_no_mistake(self):
        for query in ("SELECT ID, _2, Customer FROM input", 'SELECT "id" AS x FROM input', "SELECT s.country FROM S3Object s", "SELECT COUNT(*) FROM input"):
            for source in ("in.csv", "in.csv.gz", "in.csv.zst"):
                self.pipeline(json.dumps({"input": {"from": source}, "query": query}))
                self.assertEqual(words("check", "p.yaml", cwd=self.dir), (0, b"", []))
                weir("run", "p.yaml", cwd=self.dir)


if __name__ == "__main__":
    unittest.main()
