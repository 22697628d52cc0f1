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


if __name__ == "__main__":
    unittest.main()
