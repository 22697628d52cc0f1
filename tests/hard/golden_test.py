"""Checkpoints of every version that was ever released are gone on with: tests/checkpoints/v*/, made by tests/checkpoints/make.py."""
import gzip
import json
import os
import shutil
import unittest

from harness import Case, weir

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, "..", "checkpoints")


def files_of(folder, expanded=True):
    """Name and content; what is compressed as its content, since only that is promised over versions."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                data = file.read()
            found[os.path.relpath(os.path.join(at, name), folder)] = gzip.decompress(data) if expanded and name.endswith(".gz") else data
    return found


class Golden(Case):
    def resume(self, folder, work):
        with open(os.path.join(folder, "job.json")) as file:
            job = json.load(file)
        shutil.copytree(os.path.join(folder, "stopped"), work)
        for name in job["inputs"]:
            shutil.copy(os.path.join(folder, name), os.path.join(work, name))
            os.utime(os.path.join(work, name), ns=(job["mtime_ns"], job["mtime_ns"]))
        run = weir(*job["args"], "--summary", "json", cwd=work)
        self.assertGreater(run.summary["checkpoint"]["resumed_at"], 0)
        self.assertGreater(run.summary["checkpoint"]["runs"], 1)
        for name in (*job["inputs"], "out.weir"):
            os.unlink(os.path.join(work, name))
        self.assertEqual(files_of(work), files_of(os.path.join(folder, "expected")))

    def test_every_kept_checkpoint_is_gone_on_with(self):
        versions = sorted(v for v in os.listdir(KEPT) if v.startswith("v"))
        self.assertIn("v1", versions)
        for version in versions:
            jobs = sorted(os.listdir(os.path.join(KEPT, version)))
            self.assertGreaterEqual(len(jobs), 6, version)
            for job in jobs:
                with self.subTest(version=version, job=job):
                    self.resume(os.path.join(KEPT, version, job), self.path(f"{version}-{job}"))


if __name__ == "__main__":
    unittest.main()
