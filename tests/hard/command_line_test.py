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


if __name__ == "__main__":
    unittest.main()
