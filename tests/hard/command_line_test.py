"""The command line and lint: what is refused, with which code, at which place; and what is never refused."""
import json
import os
import subprocess
import unittest

from harness import SELECT_ALL, WEIR, Case, Process, environment, weir


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
        for args, code in ((["no.csv"], "W2014"), (["s3://bucket/x.csv"], "W2021"), (["in.csv", "-s", "batch.records=many"], "W2002")):
            run = weir("query", SELECT_ALL, *args, cwd=self.dir, exit=20, code=code)
            self.assertTrue(run.error.get("hint"), code)


if __name__ == "__main__":
    unittest.main()
