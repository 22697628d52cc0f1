"""`weir package`: what is in the zip, what is refused, and that what is in it runs where there is nothing else."""
import os
import shutil
import stat
import struct
import subprocess
import unittest
import zipfile

import harness
from harness import Case, weir
from runtime_api import RuntimeApi

OWN = "arm64" if os.uname().machine == "aarch64" else "x86_64"
OTHER = "x86_64" if OWN == "arm64" else "arm64"
EVENT = """name: orders
input:
  from: event
query: SELECT id, amount FROM input WHERE amount > 100
output:
  to: s3://clean/{input.stem}.ndjson
"""


def elf(machine, interpreter=False, marker=True):
    """The least that says to be a program of `machine`."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 3 if interpreter else 1, 5, 0, 0, 0, 120, 120, 1)
    return head + segment + (b"AWS_LAMBDA_RUNTIME_API" if marker else b"")


class Package(Case):
    def setUp(self):
        super().setUp()
        self.pipeline(EVENT, "orders.yaml")

    def package(self, *args, **options):
        return weir("package", *args, cwd=self.dir, binary=os.path.abspath(harness.WEIR), **options)

    def refused(self, *args, code="W2009", says, exit=20, env=None):
        run = self.package(*args, exit=exit, code=code, env=env)
        self.assertIn(says, run.error["detail"])
        self.assert_no_leftovers(*self.files)
        return run

    @property
    def files(self):
        return [os.path.relpath(os.path.join(at, f), self.dir) for at, _, files in os.walk(self.dir) for f in files if not f.endswith((".zip", ".part"))]


class Content(Package):
    def check(self, path, *names):
        subprocess.run(["unzip", "-tqq", path], check=True)
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.namelist(), list(names))
            for info in archive.infolist():
                self.assertEqual(info.date_time, (1980, 1, 1, 0, 0, 0))
                self.assertEqual(info.external_attr >> 16, stat.S_IFREG | (0o755 if info.filename == "bootstrap" else 0o644))
            return {name: archive.read(name) for name in names}

    def test_a_function(self):
        run = self.package("orders.yaml")
        path = self.path(f"orders-{OWN}.zip")  # path() takes it away
        self.package("orders.yaml")
        self.assertIn(f"bootstrap for {OWN}, weir.yaml of orders.yaml", run.out.decode())
        content = self.check(path, "bootstrap", "weir.yaml")
        self.assertEqual(content["weir.yaml"], EVENT.encode())
        with open(harness.WEIR, "rb") as file:
            self.assertEqual(content["bootstrap"], file.read())
        self.assertLessEqual(os.path.getsize(path), 4_000_000)

    def test_a_layer_and_the_pipeline_that_goes_with_it(self):
        self.package("--layer", "-o", "layer.zip")
        self.check(os.path.join(self.dir, "layer.zip"), "bootstrap")
        self.package("orders.yaml", "--no-bootstrap")
        self.check(os.path.join(self.dir, "orders.zip"), "weir.yaml")

    def test_the_same_bytes_again(self):
        self.package("orders.yaml", "-o", "a.zip")
        os.utime(os.path.join(self.dir, "orders.yaml"), (1, 1))
        os.chmod(os.path.join(self.dir, "orders.yaml"), 0o600)
        with open(os.path.join(self.dir, "b.zip"), "wb") as file:
            file.write(b"x" * 5_000_000)  # what stood there is replaced
        self.package("orders.yaml", "-o", "b.zip")
        self.assertEqual(self.get("a.zip"), self.get("b.zip"))

    def test_another_architecture(self):
        machine = {"arm64": 183, "x86_64": 62}[OTHER]
        self.put("other", elf(machine))
        for more in ([], ["--arch", OTHER], ["-a", {"arm64": "aarch64", "x86_64": "amd64"}[OTHER]]):
            self.package("orders.yaml", "--binary", "other", *more, "-o", "o.zip")
            self.assertEqual(self.check(os.path.join(self.dir, "o.zip"), "bootstrap", "weir.yaml")["bootstrap"], elf(machine))

    def test_variables_stay_for_the_function_to_fill_in(self):
        self.pipeline(EVENT.replace("s3://clean", "s3://${CLEAN_BUCKET}"), "v.yaml")
        self.refused("v.yaml", code="W2008", says="CLEAN_BUCKET")
        self.package("v.yaml", "--no-bootstrap", env={"CLEAN_BUCKET": "clean"})
        self.assertIn(b"${CLEAN_BUCKET}", self.check(os.path.join(self.dir, "v.zip"), "weir.yaml")["weir.yaml"])


class Refused(Package):
    def test_programs_that_no_function_can_start(self):
        other = {"arm64": 183, "x86_64": 62}[OTHER]
        for data, says in ((b"#!/bin/sh\n", "no program of Linux"), (elf(other)[:100], "cut short"), (elf(8), "architecture"),
                           (elf(other, interpreter=True), "shared libraries"), (elf(other, marker=False), "no weir")):
            with self.subTest(says):
                self.put("other", data)
                self.refused("orders.yaml", "--binary", "other", says=says)
        self.refused("orders.yaml", "--binary", "nowhere", says="no program nowhere")
        self.refused("orders.yaml", "--binary", ".", says="no program for a function")

    def test_an_architecture_that_is_not_the_programs(self):
        self.refused("orders.yaml", "--arch", OTHER, says="make package")
        self.refused("orders.yaml", "--arch", OTHER, "--binary", os.path.abspath(harness.WEIR), says=f"built for {OWN}, not for {OTHER}")
        self.refused("orders.yaml", "--arch", "mips", says="arm64 or x86_64")

    def test_words(self):
        self.refused(says="which pipeline file?")
        self.refused("orders.yaml", "s3://raw/a.csv", says="one pipeline file")
        self.refused("orders.yaml", "--layer", says="takes no pipeline")
        self.refused("--layer", "--no-bootstrap", says="--layer is bootstrap alone")
        self.refused("orders.yaml", "--function-memory", "64", says="128 to 32768")

    def test_pipelines_that_no_function_can_run(self):
        for old, new, code, says in (("query: SELECT id", "qury: SELECT id", "W2001", "qury"), ("SELECT id,", "SELECT FROM", "W2010", ""),
                                     ("from: event", "from: stdin", "W2019", "stdin"), ("/{input.stem}", "/out", "W2019", "{input.stem}"),
                                     ("s3://clean/{input.stem}.ndjson", "stdout", "W2005", "log"),
                                     ("name: orders", "memory: 100MiB", "W2101", "--function-memory")):
            with self.subTest(new):
                self.pipeline(EVENT.replace(old, new, 1), "bad.yaml")
                self.refused("bad.yaml", code=code, says=says, exit=21 if code == "W2101" else 20)
        self.pipeline("memory: 100MiB\n" + EVENT, "large.yaml")
        self.package("large.yaml", "--function-memory", "256", "--no-bootstrap")

    def test_what_is_no_file_is_not_replaced_by_one(self):
        os.mkfifo(self.path("pipe"))
        self.refused("-o", "pipe", "orders.yaml", says="no regular file")
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))

    def test_where_nothing_can_be_written(self):
        self.refused("orders.yaml", "-o", "no/where/x.zip", code="W4003", says="no/where", exit=40)


# A job with an input of its own, in a root that holds nothing else.
IN_ROOT = """name: in-root
input:
  from: /tmp/in.csv
query: SELECT id FROM input WHERE amount > 1
output:
  to: /tmp/out.csv
"""


def chroot_words(root):
    """What starts a program in `root`; None: no rights."""
    for words in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if subprocess.run([*words, "--root", "/", "true"], stderr=subprocess.DEVNULL).returncode == 0:
            return [*words, "--root", root, "--wd", "/var/task"]
    return None


class EmptyRoot(Package):
    BINARY, EMULATOR = [], None

    def answered(self, binary=(), emulator=None):
        """What the package's files do in a root that has no others: no libraries, no /proc, no /dev, no /etc."""
        self.pipeline(IN_ROOT, "in_root.yaml")
        self.package("in_root.yaml", *binary, "-o", "in_root.zip")
        root = os.path.join(self.dir, "root")
        task = os.path.join(root, "var", "task")
        os.makedirs(task)
        os.makedirs(os.path.join(root, "tmp"))
        with zipfile.ZipFile(os.path.join(self.dir, "in_root.zip")) as archive:
            for info in archive.infolist():
                archive.extract(info, task)
                os.chmod(os.path.join(task, info.filename), info.external_attr >> 16 & 0o777)
        self.put("root/tmp/in.csv", b"id,amount\n1,1\n2,2\n3,3\n")
        words = chroot_words(root)
        if words is None:
            self.skipTest("no rights for a root of its own: unshare --map-root-user is refused")
        if emulator:
            shutil.copy(shutil.which(emulator), os.path.join(root, "emulator"))
            words.append("/emulator")
        api = RuntimeApi([{}, {"again": 1}])
        self.assertEqual(api.run(None, wrapper=words, binary="/var/task/bootstrap"), 0, api.err)
        self.assertEqual(api.nexts, 3)
        self.assertEqual([answer.json["status"] for answer in api.answers], ["done", "already_done"], api.err)
        self.assertEqual(self.get("root/tmp/out.csv"), b"id\n2\n3\n")
        self.assertEqual(api.log[0]["pipeline"], "in-root")


class Own(EmptyRoot):
    def test_answers_in_an_empty_root(self):
        self.answered()


class Arm64(EmptyRoot):
    def test_answers_in_an_empty_root(self):
        binary = os.environ.get("WEIR_ARM64")
        if OWN != "arm64" and not binary:
            self.skipTest("`make test-arm64` runs it")
        self.answered(["--arch", "arm64", *(["--binary", binary] if binary else [])], None if OWN == "arm64" else "qemu-aarch64-static")


if __name__ == "__main__":
    unittest.main()
