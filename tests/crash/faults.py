"""Jobs, and runs of them under tests/crash/syscall_tool.cpp: with a system call that fails, or cut by SIGKILL."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "hard"))
os.environ.setdefault("WEIR", os.path.join(ROOT, "build", "release", "weir"))
import harness  # noqa: E402

TOOL = os.environ.get("WEIR_SYSCALL_TOOL", os.path.join(ROOT, "build", "release", "weir_syscall_tool"))
LIMIT_SECONDS = int(os.environ.get("WEIR_CRASH_LIMIT", "20"))  # a run that takes longer hangs


class Job:
    """A pipeline and its inputs. They are in FOLDER/given; each run works in FOLDER/run, emptied before."""

    def __init__(self, name, pipeline, inputs, existing=None, pipe=None, args=(), again=()):
        self.name = name
        self.pipeline = pipeline
        self.inputs = inputs  # name -> bytes, in FOLDER/given
        self.existing = existing or {}  # name -> bytes, in the work folder before the run
        self.pipe = pipe  # of `inputs`: what is given on stdin, as a pipe that holds all of it
        self.args = list(args)
        self.again = list(again)  # besides, when it is begun again


class Bench:
    """A job's folder and a tool that runs it there, plan after plan."""

    def __init__(self, job):
        self.job = job
        self.folder = tempfile.mkdtemp(prefix=f"weir-crash-{job.name}-", dir=harness.scratch_base())
        self.work = os.path.join(self.folder, "run")
        self.err_path = os.path.join(self.folder, "stderr")
        self.out_path = os.path.join(self.folder, "stdout")
        given = os.path.join(self.folder, "given")
        os.makedirs(given)
        os.makedirs(self.work)
        for name, data in job.inputs.items():
            with open(os.path.join(given, name), "wb") as file:
                file.write(data)
        with open(os.path.join(given, "p.yaml"), "w", encoding="utf-8") as file:
            file.write(job.pipeline)
        self.tool = self._tool_for(job.args)
        self.again = self._tool_for([*job.args, *job.again]) if job.again else self.tool

    def _tool_for(self, args):
        job, given = self.job, os.path.join(self.folder, "given")
        stdin = ["--pipe", os.path.join(given, job.pipe)] if job.pipe else []
        command = [os.path.abspath(harness.WEIR), "run", "../given/p.yaml", "--summary", "json", *args]
        return subprocess.Popen(
            [
                TOOL,
                "--in",
                self.work,
                *stdin,
                "--stdout",
                self.out_path,
                "--stderr",
                self.err_path,
                "--limit",
                str(LIMIT_SECONDS),
                "-",
                "--",
                *command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=harness.environment(),
            text=True,
        )

    def close(self):
        for tool in {self.tool, self.again}:
            tool.stdin.close()
            tool.wait()
            tool.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def empty(self):
        """Puts the work folder into the state before a first run."""
        empty_folder(self.work)
        for name, data in self.job.existing.items():
            with open(os.path.join(self.work, name), "wb") as file:
                file.write(data)

    def run(self, plan, again=False):
        """One run as the work folder stands. What came of it, as the tool says it."""
        tool = self.again if again else self.tool
        tool.stdin.write(plan + "\n")
        tool.stdin.flush()
        line = tool.stdout.readline()
        if not line:
            raise AssertionError(f"the tool ended with {tool.wait()} at `{plan}`")
        return json.loads(line)

    def result(self, outcome):
        """The run's messages, in the form that the suite of hard cases holds against the laws."""
        with open(self.err_path, "rb") as file:
            return harness.Run([self.job.name], outcome["exit"], b"", file.read())

    def stderr(self):
        with open(self.err_path, "rb") as file:
            return file.read().decode(errors="replace")

    def files(self):
        """What is in the work folder: name -> bytes."""
        found = {}
        read_folder(self.work, "", found)
        return found


def empty_folder(folder):
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def read_folder(folder, prefix, found):
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                read_folder(entry.path, prefix + entry.name + "/", found)
            else:
                with open(entry.path, "rb") as file:
                    found[prefix + entry.name] = file.read()
