#!/usr/bin/env python3
"""scripts/check.sh: which files it looks at, and that it never passes what it did not see. Stand-ins take the place of the
clang tools: one writes down what it was given, and finds fault with files that hold the word BAD."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
TIDY = """#!/bin/sh
for file; do :; done
echo "$file" >> "$SEEN"
test -z "$HANG" || cat < "$HANG"
! grep -q BAD "$file"
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-check-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.repo, self.tools = os.path.join(self.dir, "repo"), os.path.join(self.dir, "tools")
        os.mkdir(self.tools)
        self.tool("clang-tidy-19", TIDY)
        self.tool("clang-format-19", "#!/bin/sh\n")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("CHECK_", "GIT_"))}
        self.env |= {"PATH": self.tools + ":" + self.env["PATH"], "SEEN": os.path.join(self.dir, "seen"), "HANG": "",
                     "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        self.put("scripts/check.sh", pathlib.Path(ROOT, "scripts/check.sh").read_text())
        self.put("tests/architecture/include_test.py", "")
        self.put(".gitignore", "build/\n")
        self.compiled = ["src/a/one.cpp", "src/a/two.cpp", "src/a/user.cpp"]
        for name in self.compiled:
            self.put(name, "\n")
        self.put("src/a/user.cpp", '#include "a/lone.hpp"\n')
        self.put("src/a/two.hpp", "\n")
        self.put("src/a/lone.hpp", "\n")
        self.put("build/release/compile_commands.json", json.dumps([{"file": f"/x/{name}"} for name in self.compiled]))
        self.git("init", "-q", "-b", "main")
        self.commit()

    def tool(self, name, text):
        path = os.path.join(self.tools, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def put(self, name, text):
        path = os.path.join(self.repo, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def git(self, *args):
        subprocess.run(["git", "-C", self.repo, "-c", "user.name=n", "-c", "user.email=e", *args], check=True, env=self.env, stdout=subprocess.DEVNULL)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "m")

    def check(self, code=0, **env):
        """The files that clang-tidy was given."""
        pathlib.Path(self.env["SEEN"]).write_text("")
        run = subprocess.run(["bash", os.path.join(self.repo, "scripts/check.sh")], env=self.env | env, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, run.stdout)
        self.assertIn("check: clean" if code == 0 else "check: FAILED", run.stdout)
        self.said = run.stdout
        return sorted(pathlib.Path(self.env["SEEN"]).read_text().split())

    def test_a_clean_clone_of_the_main_line_is_looked_at_as_a_whole(self):
        self.assertEqual(self.check(), self.compiled)

    def test_a_branch_is_looked_at_since_it_left_the_main_line(self):
        self.git("checkout", "-q", "-b", "topic")
        self.put("src/a/one.cpp", "int one;\n")
        self.commit()
        self.put("src/a/three.cpp", "\n")
        self.commit()
        self.assertEqual(self.check(), ["src/a/one.cpp"])
        self.assertIn("not looked at, since this build does not compile them: src/a/three.cpp", self.said)
        self.put("src/a/two.hpp", "int two;\n")  # seen through two.cpp, not committed
        self.assertEqual(self.check(), ["src/a/one.cpp", "src/a/two.cpp"])
        self.put("src/a/lone.hpp", "int lone;\n")  # seen through who includes it
        self.assertEqual(self.check(), self.compiled)
        self.git("checkout", "-q", "src/a")
        self.assertEqual(self.check(CHECK_SINCE="HEAD~1"), [])
        self.assertEqual(self.check(CHECK_ALL="1"), self.compiled)

    def test_new_rules_are_held_against_all(self):
        self.git("checkout", "-q", "-b", "topic")
        self.put(".clang-tidy", "Checks: '*'\n")
        self.commit()
        self.assertEqual(self.check(), self.compiled)

    def test_a_finding_fails(self):
        self.put("src/a/one.cpp", "BAD\n")
        self.commit()
        self.check(1)

    def test_what_was_not_seen_in_time_fails(self):
        hang = os.path.join(self.dir, "hang")
        os.mkfifo(hang)
        self.check(1, HANG=hang, CHECK_SECONDS="1")
        self.assertIn("of 3 files were seen", self.said)

    def test_without_git(self):
        shutil.rmtree(os.path.join(self.repo, ".git"))
        self.assertEqual(self.check(), self.compiled)

    def test_no_build(self):
        os.unlink(os.path.join(self.repo, "build/release/compile_commands.json"))
        run = subprocess.run(["bash", os.path.join(self.repo, "scripts/check.sh")], env=self.env, capture_output=True, text=True)
        self.assertEqual((run.returncode, "compile_commands.json is missing" in run.stderr), (1, True), run.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
