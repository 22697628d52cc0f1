"""One csv.gz in S3 -> filter -> ndjson.gz in S3, as a Lambda function of 128 MB, beside Python: time, memory, dollars, and what is left at the deadline.

  lambda_run.py [--mib 16] [--server radosgw|moto|folder] [--peers VENV] [--also-mib 16] [--short 30] [--out FILE]   measures, prints and writes a
                   table: into bench/results/, or of less than 1024 MiB into build/bench/
  lambda_run.py --check            a few megabytes, `weir emulate` as the server, Weir and a plain loop in Python: only whether outputs agree

All run in `weir emulate`, each in an environment of its own with the walls of its size: memory by cgroup, the processor by quota. Who is not done in 900 s
is ended, as Lambda does. VENV has boto3, aws-lambda-powertools and awslambdaric, Python's own runtime client; without that the loop of
peers/lambda_python.py takes its place. Requests are counted by the proxy of tests/s3, which everybody's lead through.
"""

import argparse
import contextlib
import datetime
import decimal
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import harness
from run import machine, table

sys.path.insert(0, str(harness.ROOT / "tests/s3"))
sys.dont_write_bytecode = True
import fault_proxy  # noqa: E402
import servers  # noqa: E402
from s3 import S3  # noqa: E402

PIPELINE = """name: large-shipped
input:
  from: event
query: |
  SELECT CAST(order_id AS INT) AS order_id, CAST(customer_id AS INT) AS customer_id, customer_name, CAST(amount AS DECIMAL) AS amount
  FROM input WHERE status = 'shipped' AND amount > 100
output:
  to: {to}{{input.stem}}.ndjson.gz
checkpoint: s3://state/{name}/
"""
STORED = 0.3054  # bytes of gzip, level 6, for one of this CSV
ARM, X86, REQUEST = 0.0000133334, 0.0000166667, 0.20e-6  # dollars a GB-second, and an invocation; us-east-1, first tier
READS, FREE = ("GetObject", "HeadObject"), ("DeleteObject", "Abort")  # $0.0004 a thousand; nothing; all else $0.005
PEERS = ("aws_lambda_powertools", "awslambdaric", "boto3")


class Folder(servers.Server):
    """The emulator's own S3, in a folder. It looks at no signature."""

    name = "folder"

    def __init__(self, weir, folder):
        maps = []
        for bucket in ("raw", "clean", "state"):
            (folder / "s3" / bucket).mkdir(parents=True)
            maps += ["--map", f"s3://{bucket}={folder / 's3' / bucket}"]
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([weir, "emulate", "--listen", f"127.0.0.1:{self.port}", *maps], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=servers.end_with_the_parent)  # fmt: skip
        self.s3 = S3(f"http://127.0.0.1:{self.port}", "EMULATED", "emulated")
        try:
            self.await_listening()
        except BaseException:
            self.close()
            raise

    def await_listening(self):
        end = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("weir emulate does not listen") from None
                os.sched_yield()

    def close(self):
        self.process.terminate()
        self.process.wait()


class Entrant:
    """Who takes part: the bootstrap's words, and where it is started."""

    def __init__(self, name, words, root=None, pipeline=False):
        self.name, self.words, self.root, self.pipeline = name, [str(word) for word in words], root, pipeline


class Result:
    """What came of one function and one object."""

    def __init__(self, entrant, memory, timeout, lines, wall_s, log, output, left):
        self.entrant, self.memory, self.timeout, self.wall_s, self.output = entrant, memory, timeout, wall_s, output
        self.outcomes = [json.loads(line) for line in lines]
        self.left = left  # unfinished uploads
        self.gb_seconds = sum(one["gbSeconds"] for one in self.outcomes)
        self.billed_s = sum(one["billedDurationMs"] for one in self.outcomes) / 1000
        self.peak_mb = max((one["maxMemoryUsedMB"] for one in self.outcomes), default=0)
        self.cpu_s = sum(one["cpuMs"] for one in self.outcomes) / 1000 if all("cpuMs" in one for one in self.outcomes) else None
        self.requests = len(log)
        reads = sum(request.op in READS for request in log)
        self.s3_dollars = reads * 0.4e-6 + (len(log) - reads - sum(request.op in FREE for request in log)) * 5e-6
        self.read = sum(request.sent for request in log if request.op == "GetObject" and request.bucket == "raw")
        self.parts = sum(request.op == "UploadPart" and request.status == 200 for request in log)

    def dollars(self, price):
        return self.gb_seconds * price + len(self.outcomes) * REQUEST

    @property
    def done(self):
        return self.output is not None

    def ending(self, size):
        if self.done:
            return "done"
        last = self.outcomes[-1]
        what = f"killed at {self.timeout} s" if last["status"] == "timeout" else last.get("errorType", last["status"])
        return f"{what}, {min(self.read / size, 1):.0%} read; no output" + (f", {self.left} unfinished upload of {self.parts} parts" if self.left else "")


def run(options, server, folder, entrant, key, memory, timeout):
    """One event, and gone on with until it is done or fails."""
    name = re.sub(r"\W+", "-", entrant.name).lower() + f"-{memory}-{timeout}-{key.partition('.')[0]}"
    to, stem = f"s3://clean/{name}/", key.removesuffix(".csv.gz")
    here = folder / name
    here.mkdir()
    words = entrant.words
    if entrant.pipeline:
        (here / "bootstrap").symlink_to(entrant.words[0])
        (here / "weir.yaml").write_text(PIPELINE.format(to=to, name=name))
        words = [str(here)]
    proxy = fault_proxy.Proxy(server.port, s3=server.s3)
    env = {n: v for n, v in os.environ.items() if not n.startswith(("AWS", "WEIR"))}
    env |= {"AWS_ACCESS_KEY_ID": server.s3.key, "AWS_SECRET_ACCESS_KEY": server.s3.secret, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3": proxy.endpoint}  # fmt: skip
    command = [options.weir, "emulate", "--json", "--memory", str(memory), "--timeout", f"{timeout}s", "--arch", "x86_64", "--continue", "1000",
               "--env", f"OUTPUT={to}", "--env", "PYTHONDONTWRITEBYTECODE=1", "--event", json.dumps({"bucket": "raw", "key": key}),
               *(["--task-root", entrant.root] if entrant.root else []), "--", *words]  # fmt: skip
    begin = time.monotonic()
    done = subprocess.run([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, capture_output=True)
    wall_s = time.monotonic() - begin
    proxy.close()
    (here / "log").write_bytes(done.stderr)
    lines = done.stdout.splitlines()
    if not lines or done.returncode not in (0, 1):
        raise SystemExit(f"{entrant.name}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[-3000:]}")
    at = f"{name}/{stem}.ndjson.gz"
    output = server.s3.body("clean", at) if done.returncode == 0 else None
    left = sum(upload[0] == at for upload in server.s3.uploads("clean"))
    result = Result(entrant, memory, timeout, lines, wall_s, proxy.ops(), output, left)
    if not result.done and result.outcomes[-1]["status"] != "timeout":
        print(f"{entrant.name}: {result.outcomes[-1]}\n{done.stderr.decode(errors='replace')[-3000:]}", flush=True)
    return result


def records(output):
    """How many, and a digest of them as values: 111.20 is 111.2."""
    digest, count = hashlib.sha256(), 0
    with gzip.open(io.BytesIO(output), "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
            values = [(name, str(value.normalize()) if isinstance(value, decimal.Decimal) else value) for name, value in record.items()]
            digest.update(repr(values).encode())
            count += 1
    return count, digest.hexdigest()


def check(results):
    """Whether all outputs say the same, and those of Weir by their bytes. The number of records."""
    said = {}
    found = None
    for result in (one for one in results if one.done):
        if result.entrant.pipeline:
            if said.setdefault("bytes", result.output) != result.output:
                raise SystemExit(f"{result.entrant.name}, {result.memory} MB, {result.timeout} s: other bytes than in one invocation")
            if found is not None and "weir" in said:
                continue
            said["weir"] = True
        mine = records(result.output)
        found = found or mine
        if mine != found:
            raise SystemExit(f"{result.entrant.name} says something else: {mine} for {found}")
    return found[0] if found else 0


def packed(options, mib):
    """The file of so many MiB as it is stored, made once and kept."""
    path = options.data / f"orders-{mib}MiB-{harness.SEED}.csv.gz"
    generate = harness.tools(options.tools)["generate"]
    if not path.exists() or path.stat().st_mtime < generate.stat().st_mtime:
        options.data.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + f".{os.getpid()}.part")
        try:
            with open(part, "wb") as out:
                made = subprocess.Popen([generate, "csv", str(int((mib << 20) / STORED)), str(harness.SEED)], stdout=subprocess.PIPE)
                subprocess.run(["gzip", "-6", "-n"], stdin=made.stdout, stdout=out, check=True)
                if made.wait() != 0:
                    raise SystemExit("the generator failed")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return path


def put(s3, key, path):
    upload, etags = s3.create_upload("raw", key), []
    with open(path, "rb") as file:
        while piece := file.read(64 << 20):
            etags.append(s3.put_part("raw", key, upload, len(etags) + 1, piece))
    s3.complete("raw", key, upload, etags)


def entrants(options, versions):
    root = harness.ROOT / "bench/peers"
    python = options.peers / "bin/python3"
    found = [Entrant("Weir", [options.weir.resolve()], pipeline=True)]
    if options.check or "boto3" not in versions:
        return [*found, Entrant("Python, plain loop", [sys.executable, root / "lambda_python.py", "dictreader"], root)]
    for word, title, package in (("dictreader", "Python, DictReader over boto3", "boto3"), ("powertools", "Python, Powertools Streaming", PEERS[0])):
        if package in versions:
            run_by = ["-m", "awslambdaric", f"lambda_python.{word}"] if "awslambdaric" in versions else [root / "lambda_python.py", word]
            found.append(Entrant(title, [python, *run_by], root))
    return found


def versions_of(python):
    text = "import sys, importlib.metadata as m\nprint('Python', sys.version.split()[0])\nfor p in " + repr(PEERS) + ":\n try: print(p, m.version(p))\n except m.PackageNotFoundError: pass"
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return dict(line.split() for line in subprocess.run([python, "-c", text], capture_output=True, text=True, check=True).stdout.splitlines())
    return {}


def together(options, server, folder, tasks):
    """All at once: each has its own share of a processor, and together they need less than one."""
    results = [None] * len(tasks)

    def one(i, task):
        results[i] = run(options, server, folder, *task)
        print(f"{task[0].name}, {task[2]} MB, {task[3]} s: {results[i].wall_s:.1f} s in {len(results[i].outcomes)} invocations", flush=True)

    threads = [threading.Thread(target=one, args=entry, daemon=True) for entry in enumerate(tasks)]
    for thread in threads:
        thread.start()

    def join():
        for thread in threads:
            thread.join()
        if None in results:
            raise SystemExit("not all of them ran")
        return results

    return join


HEAD = ["", "invocations", "time s", "CPU s", "peak MB", "GB-s", "$ x86_64", "$ arm64", "S3 requests", "$ S3", "outcome"]


def rows(results, size):
    return [
        [
            one.entrant.name + (f", {one.timeout} s each" if one.timeout != 900 else ""),
            str(len(one.outcomes)),
            f"{one.billed_s:.1f}",
            "?" if one.cpu_s is None else f"{one.cpu_s:.2f}",
            str(one.peak_mb),
            f"{one.gb_seconds:.2f}",
            f"{one.dollars(X86):.6f}",
            f"{one.dollars(ARM):.6f}",
            str(one.requests),
            f"{one.s3_dollars:.6f}",
            one.ending(size),
        ]
        for one in results
    ]


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--weir", type=pathlib.Path, default=harness.BUILD / "release/weir")
    parse.add_argument("--tools", type=pathlib.Path, default=harness.BUILD / "release")
    parse.add_argument("--data", type=pathlib.Path, default=harness.BUILD / "bench-data")
    parse.add_argument("--peers", type=pathlib.Path, default=harness.BUILD / "peers/python", help="a virtual environment")
    parse.add_argument("--mib", type=int, default=16, help="MiB of the input as it is stored; 1024 for the figures of record")
    parse.add_argument("--also-mib", type=int, default=16, help="that of the row with a whole processor, 1769 MB; 0: none")
    parse.add_argument("--short", type=int, default=30, help="seconds of an invocation in the row that needs several; 0: none")
    parse.add_argument("--server", choices=(*servers.SERVERS, "folder"), default="radosgw")
    parse.add_argument("--check", action="store_true")
    parse.add_argument("--out", type=pathlib.Path)
    options = parse.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench"))
    server = None
    try:
        if not options.check and options.server in servers.SERVERS:
            try:
                server = servers.SERVERS[options.server]()
            except servers.NotHere as reason:
                print(f"{reason}; the emulator's own S3 instead")
            else:
                for bucket in ("raw", "clean", "state"):
                    server.s3.make_bucket(bucket)
        server = server or Folder(options.weir, folder)
        return measure(options, server, folder)
    finally:
        if server is not None:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


def measure(options, server, folder):
    commit = harness.first_line(["git", "-C", str(harness.ROOT), "rev-parse", "--short", "HEAD"])
    versions = versions_of(options.peers / "bin/python3")
    all_of_them = entrants(options, versions)
    small = harness.Data(options.data, harness.tools(options.tools)["generate"], 2_300_000).paths["csv.gz"]
    put(server.s3, "small.csv.gz", small)
    results = together(options, server, folder, [(entrant, "small.csv.gz", 1769, 900) for entrant in all_of_them])()
    count = check(results)
    if not all(one.done for one in results) or count == 0:
        raise SystemExit("not everybody is done with the small file")
    print(f"the same {count} records from {', '.join(one.entrant.name for one in results)}", flush=True)
    if options.check:
        return 0

    path = packed(options, options.mib)
    size = path.stat().st_size
    put(server.s3, "large.csv.gz", path)
    here = machine()
    tasks = [(entrant, "large.csv.gz", 128, 900) for entrant in all_of_them]
    if options.short:
        tasks.insert(1, (all_of_them[0], "large.csv.gz", 128, options.short))
    large = together(options, server, folder, tasks)
    whole = []
    if options.also_mib:
        also = packed(options, options.also_mib)
        put(server.s3, "also.csv.gz", also)
        whole = [run(options, server, folder, entrant, "also.csv.gz", 1769, 900) for entrant in all_of_them]
        also_count = check(whole)
    large = large()
    count = check(large)
    done = [one for one in large if one.done]
    lines = [
        f"# A Lambda function of 128 MB, {datetime.date.today().isoformat()}", "",
        f"{harness.first_line([str(options.weir), 'version'])}, commit {commit}.",
        f"{here}.", "",
        f"One csv.gz of {size / (1 << 20):.0f} MiB in S3 -> `status = 'shipped' AND amount > 100`, four of ten columns -> ndjson.gz in S3.",
        f"In `weir emulate --memory 128`, which is 0.072 of a processor; {server.name} on loopback. {count} records are written.", "",
        *table(HEAD, rows(large, size)), "",
        f"Who is done agrees in all records ({len(done)} of {len(large)}); Weir's outputs are the same bytes, in however many invocations. On a small file all of them agree.",
    ]  # fmt: skip
    if whole:
        lines += ["", f"With a whole processor, 1769 MB, and {also.stat().st_size / (1 << 20):.0f} MiB ({also_count} records):", "", *table(HEAD, rows(whole, also.stat().st_size))]
    lines += [
        "", "## How it was measured", "",
        "- `make bench-lambda BENCH_ARGS=\"--mib " + str(options.mib) + f" --also-mib {options.also_mib}\"` repeats it. The input is made by `bench_generate csv`, seed {harness.SEED}, and `gzip -6`.",
        "- One direct invocation with the object's name; a result with `done: false` is the next one's event (`--continue`), as in a loop of Step Functions.",
        "- Each has its own environment, memory by cgroup and the processor by quota, so that those of 128 MB ran at the same time; those of 1769 MB one behind the other,"
        " meanwhile. On a shared machine a whole processor is not always to be had: there CPU seconds are the figure to compare. *Time* is what is billed, init and all invocations; *CPU* what the cgroup counted; *peak* Max Memory Used.",
        "- Dollars are of duration and invocations (us-east-1, first tier, no free tier); *arm64* is the same duration at its price. Requests to S3 are those that passed a proxy.",
        "- At the deadline of 900 s Lambda ends the process. Weir stops before with a checkpoint, and the next invocation goes on. The handlers in Python have none: what was"
        " paid is lost, nothing stands in the bucket but parts of an upload that are paid for until it is aborted, and the event, delivered again, begins at the first byte;"
        " an asynchronous one is delivered three times.",
        "", "Peers: " + (", ".join(f"{name} {version}" for name, version in versions.items()) or "this Python alone")
        + ("" if "awslambdaric" in versions else "; without awslambdaric, by a loop over the Runtime API") + ".",
    ]  # fmt: skip
    print("\n".join(lines))
    # Less data is no result to keep in the project.
    kept = harness.ROOT / "bench/results" if options.mib >= 1024 else harness.BUILD / "bench"
    out = options.out or kept / f"{datetime.date.today().isoformat()}-lambda.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n")
    print(f"written: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
