"""S3 to S3 on loopback: Weir beside the same job on files, and beside Python on the same server.

  s3_bench.py [--mb 100] [--rounds 5] [--server moto|radosgw] [--peers FOLDER] [--out FILE]

csv.gz to ndjson.gz, all records, four of ten columns. Each round runs everybody once, in turns, on one core; medians of the client's own CPU
seconds count. The server runs beside it and is not counted. Before that all outputs are compared as values.
"""

import argparse
import datetime
import gzip
import os
import pathlib
import shutil
import sys
import tempfile

import harness
import jobs
from run import machine, table

sys.path.insert(0, str(harness.ROOT / "tests/s3"))
sys.path.append(str(harness.ROOT / "tests/hard"))
sys.dont_write_bytecode = True
import fault_proxy  # noqa: E402
import servers  # noqa: E402
from certificates import Certificates  # noqa: E402

QUERY = (
    "SELECT CAST(order_id AS INT) AS order_id, CAST(customer_id AS INT) AS customer_id, customer_name, "
    "CAST(amount AS DECIMAL) AS amount FROM input"
)
LINES = jobs.Job("S3", "ndjson", "csv.gz", "lines", "", [])
AIM = 1.15  # of the CPU that the same job takes on files


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--weir", type=pathlib.Path, default=harness.BUILD / "release/weir")
    parse.add_argument("--tools", type=pathlib.Path, default=harness.BUILD / "release")
    parse.add_argument("--data", type=pathlib.Path, default=harness.BUILD / "bench-data")
    parse.add_argument("--peers", type=pathlib.Path, default=harness.BUILD / "peers")
    parse.add_argument("--mb", type=int, default=100, help="megabytes of CSV, before gzip")
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--server", choices=tuple(servers.SERVERS), default="moto")
    parse.add_argument("--out", type=pathlib.Path)
    options = parse.parse_args()
    try:
        server = servers.SERVERS[options.server]()
    except servers.NotHere as reason:
        print(f"not run: bench.s3: {reason}")
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench"))
    try:
        measure(options, server, folder)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure(options, server, folder):
    tools = harness.tools(options.tools)
    certificates = Certificates(str(folder))
    # What runs is one way to and from the server for everybody: a proxy, which alone can speak TLS.
    plain = fault_proxy.Proxy(server.port, s3=server.s3)
    tls = fault_proxy.Proxy(server.port, s3=server.s3, tls=certificates.context())
    env = ["env", f"AWS_ACCESS_KEY_ID={server.s3.key}", f"AWS_SECRET_ACCESS_KEY={server.s3.secret}", "AWS_REGION=us-east-1",
           "AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent",
           "AWS_EC2_METADATA_DISABLED=true", f"AWS_CA_BUNDLE={certificates.root}"]  # fmt: skip
    python, script = options.peers / "python/bin/python3", harness.ROOT / "bench/peers/s3_python.py"
    versions = dict(line.split() for line in _lines([str(python), str(script), "versions"]))
    bucket = "bench"
    server.s3.make_bucket(bucket)

    def commands(data, name):
        """Everybody's command, and what reads the output."""
        source = data.paths["csv.gz"]
        if not server.s3.head(bucket, name):
            server.s3.put(bucket, name, source.read_bytes())

        def weir(source, to):
            return [str(options.weir), "query", QUERY, source, "-o", to, "--set", "output.if_exists=replace"]

        def at(proxy):
            return [*env, f"AWS_ENDPOINT_URL={proxy.endpoint}"]
        here = folder / "out.ndjson.gz"
        found = {"Weir, files": (weir(str(source), str(here)), here.read_bytes)}

        def add(who, prefix, command):
            key = f"{len(found)}.ndjson.gz"
            found[who] = ([*prefix, *command(f"s3://{bucket}/{name}", f"s3://{bucket}/{key}")], lambda: server.s3.body(bucket, key))
        add("Weir, S3", at(plain), weir)
        add("Weir, S3, TLS", at(tls), weir)
        for word, package in (("boto3", "boto3"), ("smart_open", "smart_open"), ("powertools", "aws_lambda_powertools")):
            if package in versions and "boto3" in versions:
                add(f"Python, {word}", at(plain), lambda *urls, word=word: [str(python), str(script), word, *urls])
        return found

    meter = harness.Meter(tools["measure"])
    expected = None
    for who, (command, output) in commands(harness.Data(options.data, tools["generate"], 300_000), "small.csv.gz").items():
        meter.run(command)
        got = jobs.meaning(LINES, gzip.decompress(output()))
        expected = got if expected is None else expected
        if got != expected:
            raise SystemExit(f"{who} says something else")
    print("the same output from everybody", flush=True)

    data = harness.Data(options.data, tools["generate"], options.mb * 1_000_000)
    size = data.bytes["csv.gz"]
    data.warm("csv.gz")

    def cleared(command):
        for proxy in (plain, tls):
            proxy.clear()
        return meter.run(command)
    series = {}
    chosen = commands(data, "large.csv.gz")
    for _ in range(options.rounds):
        for who, (command, _output) in chosen.items():
            series.setdefault(who, harness.Series()).runs.append(cleared(command))
    base = series["Weir, files"].cpu_s
    rows = []
    for who, runs in sorted(series.items(), key=lambda item: item[1].cpu_s):
        system = runs.median(lambda run: run.system_s) / runs.cpu_s
        rows.append([who, f"{runs.cpu_s * 1e9 / size:.2f}", f"{runs.best_cpu_s * 1e9 / size:.2f}", f"{system:.0%}", f"{runs.peak_mib:.1f}",
                     f"{runs.cpu_s / base:.2f}"])  # fmt: skip
    share = series["Weir, S3"].cpu_s / base
    lines = [
        f"# S3, {datetime.date.today().isoformat()}", "",
        f"{harness.first_line([str(options.weir), 'version'])}, commit {harness.first_line(['git', '-C', str(harness.ROOT), 'rev-parse', '--short', 'HEAD'])}.",
        f"{machine()}.", "",
        f"csv.gz -> ndjson.gz, {options.mb} MB of CSV ({data.paths['csv.gz'].stat().st_size / 1e6:.0f} MB as gzip), {server.name} on loopback;",
        f"{options.rounds} rounds, in turns, one core, medians of the client's CPU seconds. `make bench-s3` repeats it.", "",
        *table(["", "CPU s/GB", "best", "system", "peak MiB", "x Weir on files"], rows), "",
        f"The aim is {AIM:.2f} x for S3 without TLS; it is {share:.2f}, {'kept' if share <= AIM else 'not kept'}.",
        "Over plain HTTP each byte that is sent is hashed once more, for the signature (SHA-256); over TLS it is encrypted instead.", "",
        "Peers: " + (", ".join(f"{name} {version}" for name, version in versions.items()) or "none; `make bench-peers` gets them") + ".",
    ]  # fmt: skip
    print("\n".join(lines))
    out = options.out or harness.ROOT / "bench/results" / f"{datetime.date.today().isoformat()}-s3.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n")
    print(f"written: {out}")


def _lines(command):
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


if __name__ == "__main__":
    sys.exit(main())
