#!/usr/bin/env python3
"""Runs the YAML examples of README.md and docs/.   docs_test.py <weir>

- a block with `cases:` is a case file: `weir test` must pass it. Its pipeline is the first block of docs/pipeline_file.md, orders.yaml
- a block of docs/testing.md without `cases:` is a part of a case
- any other block with a line `input:` is a pipeline file: `weir check` must have nothing to say, and where its input is known
  below, `weir run` must do it
- what docs/testing.md shows of a failed case must be what is printed of it
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
INPUTS = {
    "raw/orders.csv.gz": "order_id,customer,country,amount\n1,Ada,DE,100.50\n",
    "${FLIGHTS_URL}": "carrier,flight,dep_delay\nUA,1545,75\n",  # the environment names a file here
    "flights/*.csv.gz": "carrier,flight,dep_delay,distance\nUA,1545,75,1400\nUA,1,NA,5\n",
}


def blocks(name, kind="yaml"):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), re.S | re.M)
    return [text for word, text in found if word == kind]


class Docs(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-docs-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.orders = blocks("docs/pipeline_file.md")[0]
        self.put("orders.yaml", self.orders)

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pathlib.Path(path).write_text(text)

    def weir(self, *args, exit=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("WEIR")}
        run = subprocess.run([WEIR, *args], cwd=self.dir, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(run.returncode, exit, run.stdout + run.stderr)
        return run

    def test_case_files(self):
        found = 0
        for name in sorted(os.path.relpath(path, ROOT) for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]):
            for block in blocks(name):
                if not re.search(r"^cases:", block, re.M):
                    continue
                found += 1
                self.put("orders.test.yaml", block)
                with self.subTest(name):
                    self.assertIn(" passed, 0 failed", self.weir("test", "orders.test.yaml").stdout)
        self.assertGreater(found, 0)

    def test_parts_of_cases(self):
        parts = [block for block in blocks("docs/testing.md") if not re.search(r"^cases:", block, re.M)]
        self.assertGreater(len(parts), 0)
        for part in parts:
            indented = "".join("    " + line + "\n" for line in part.splitlines())
            self.put("part.test.yaml", f"cases:\n  - name: part\n    pipeline: {{input: {{format: csv}}}}\n{indented}")
            self.assertIn("1 passed, 0 failed", self.weir("test", "part.test.yaml").stdout)

    def test_pipeline_files(self):
        run = 0
        for name in sorted(os.path.relpath(path, ROOT) for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]):
            for block in blocks(name):
                if name == "docs/testing.md" or not re.search(r"^input:", block, re.M):
                    continue
                with self.subTest(name, block=block):
                    [source] = re.findall(r"^input:.*?\bfrom: *(\S+)", block, re.S | re.M)[:1] or ["stdin"]
                    self.put("p.yaml", block)
                    if source.startswith("s3://"):  # it is linted; what it does there is for tests/s3
                        self.assertIn("ReadInputs", self.weir("policy", "p.yaml").stdout)
                        continue
                    content = INPUTS.get(source, "a\n")
                    known = source in INPUTS
                    for variable in re.findall(r"^\$\{(\w+)\}$", source):
                        os.environ[variable] = source = "given.csv"
                    if source != "stdin":
                        self.put(source.strip("\"'{}").replace("*", "x").replace(".gz", ""), content)
                    if source.endswith(".gz"):
                        subprocess.run(["gzip", "-f", source.replace("*", "x").removesuffix(".gz")], cwd=self.dir, check=True)
                    self.assertEqual(self.weir("check", "p.yaml").stderr, "")
                    if known:
                        self.weir("run", "p.yaml")
                        run += 1
        self.assertEqual(run, len(INPUTS))

    def test_what_is_shown_of_a_failed_case(self):
        [shown] = [block for block in blocks("docs/testing.md", kind="") if block.startswith("FAIL ")]
        [expected] = re.findall(r'expected "(.*)"$', shown, re.M)
        [got] = re.findall(r'got +"(.*)"$', shown, re.M)
        expected, got = (text.replace('\\"', '"').replace("\\n", "\n") for text in (expected, got))
        [cases] = [block for block in blocks("docs/testing.md") if re.search(r"^cases:", block, re.M)]
        self.assertIn(got, cases)
        self.put("orders.test.yaml", cases.replace(got, expected, 1))
        self.assertIn(shown, self.weir("test", "orders.test.yaml", exit=1).stdout)


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
