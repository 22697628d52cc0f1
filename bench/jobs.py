"""The jobs J1 to J8, who can do them and what each one's output means."""

import csv
import decimal
import io
import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
LARGE = "status = 'shipped' AND amount > 100"
MILLER_LARGE = '$status == "shipped" && $amount > 100'


class Job:
    """`word` is what peers are called with; `data` the file they get; `shape` how an output is read."""

    def __init__(self, name, word, data, shape, title, weir):
        self.name, self.word, self.data, self.shape, self.title, self.weir = name, word, data, shape, title, weir


JOBS = [
    Job(
        "J1",
        "count",
        "csv",
        "number",
        "count the records of CSV",
        ["SELECT COUNT(*) AS n FROM input", "--set", "output.header=false"],
    ),
    Job("J2", "select", "csv", "csv", "CSV, 3 of 10 columns -> CSV", ["SELECT order_id, country, amount FROM input"]),
    Job("J3", "filter", "csv", "csv", "CSV, filter (7 % pass) -> CSV", [f"SELECT * FROM input WHERE {LARGE}"]),
    Job(
        "J4",
        "ndjson",
        "csv",
        "lines",
        "CSV, filter, 4 fields -> NDJSON",
        [
            "SELECT CAST(order_id AS INT) AS order_id, CAST(customer_id AS INT) AS customer_id, customer_name, "
            f"CAST(amount AS DECIMAL) AS amount FROM input WHERE {LARGE}",
            "--to",
            "ndjson",
        ],
    ),
    Job(
        "J5",
        "gzip",
        "csv.gz",
        "gzip",
        "as J3, from csv.gz (level 6) to gzip",
        [f"SELECT * FROM input WHERE {LARGE}", "--set", "output.codec=gzip"],
    ),
    Job(
        "J6",
        "jsonfilter",
        "ndjson",
        "lines",
        "NDJSON, filter, 3 fields -> NDJSON",
        [f"SELECT order_id, customer_id, amount FROM input WHERE {LARGE}"],
    ),
    Job(
        "J6t",
        "jsonfilter",
        "ndjson",
        "lines",
        "as J6, with input.validate: touched",
        [f"SELECT order_id, customer_id, amount FROM input WHERE {LARGE}", "--set", "input.validate=touched"],
    ),
    Job(
        "J7",
        "batch",
        "csv",
        "arrays",
        "CSV -> JSON arrays of 500 records",
        ["SELECT * FROM input", "--to", "json", "--set", "batch.records=500"],
    ),
    Job(
        "J8",
        "fold",
        "csv",
        "fold",
        "CSV, count, sum and average with a filter",
        [
            "SELECT COUNT(*) AS n, SUM(amount) AS sum, AVG(amount) AS avg FROM input WHERE status = 'shipped'",
            "--to",
            "ndjson",
        ],
    ),
]


def weir_command(weir, job, path):
    return [str(weir), "query", job.weir[0], str(path), *job.weir[1:]]


class Peer:
    """`command(job, path)` is what to run, or None for a job that it can't do; `version` is shown with the figures."""

    def __init__(self, name, command, version=""):
        self.name, self.command, self.version = name, command, version


def _words(prefix, words):
    return lambda job, path: [*prefix, job.word, str(path)] if job.word in words else None


def _piped(line, *words):
    """J5 of those that leave compression to others: `line` for sh, with `words` and the file as its arguments."""
    return lambda job, path: ["sh", "-c", line, "sh", *words, str(path)] if job.word == "gzip" else None


def _miller(job, path):
    csv_to = lambda out, *verbs: ["mlr", "--icsv", f"--o{out}", *verbs, str(path)]
    return {
        "count": csv_to("jsonl", "count"),
        "select": csv_to("csv", "cut", "-o", "-f", "order_id,country,amount"),
        "filter": csv_to("csv", "filter", MILLER_LARGE),
        "ndjson": csv_to(
            "jsonl", "filter", MILLER_LARGE, "then", "cut", "-o", "-f", "order_id,customer_id,customer_name,amount"
        ),
        "jsonfilter": [
            "mlr",
            "--ijsonl",
            "--ojsonl",
            "filter",
            MILLER_LARGE,
            "then",
            "cut",
            "-o",
            "-f",
            "order_id,customer_id,amount",
            str(path),
        ],
        "fold": csv_to(
            "jsonl",
            "filter",
            '$status == "shipped"',
            "then",
            "stats1",
            "-a",
            "count,sum,mean",
            "-f",
            "amount",
            "then",
            "rename",
            "amount_count,n,amount_sum,sum,amount_mean,avg",
        ),
    }.get(job.word)


def _zsv(job, path):
    return {
        "count": ["zsv", "count", str(path)],
        "select": ["zsv", "select", str(path), "--", "order_id", "country", "amount"],
    }.get(job.word)


PEER_NAMES = ("zsv", "rust-csv", "simdjson", "DuckDB", "Miller", "Node csv-parse", "Python tuned", "Python DictReader", "igzip, rust-csv, igzip")


def peers(build, run):
    """Those that are here. `build` is the build folder; `run(command)` gives an output's first line, or ''."""
    installed = build / "peers"
    found = []
    csv_words = {"count", "select", "filter", "ndjson", "batch", "fold"}
    every_word = csv_words | {"gzip", "jsonfilter"}
    if shutil.which("zsv"):
        found.append(Peer("zsv", _zsv, run(["zsv", "version"])))
    rust = installed / "cargo/release/weir-bench-rust-csv"
    if rust.exists():
        found.append(Peer("rust-csv", _words([str(rust)], csv_words), "csv 1"))
        if shutil.which("igzip"):
            found.append(
                Peer(
                    "igzip, rust-csv, igzip",
                    _piped('igzip -dc "$2" | "$1" filter - | igzip -1 -c', str(rust)),
                    run(["igzip", "--version"]),
                )
            )
    simdjson = build / "release/bench_simdjson"
    if simdjson.exists():
        found.append(Peer("simdjson", _words([str(simdjson)], {"jsonfilter"}), "3.0.1, iterate_many"))
    python = installed / "python/bin/python3"
    duckdb = run([str(python), "-c", "import duckdb; print(duckdb.__version__)"])
    if duckdb:
        script = [str(python), str(HERE / "peers/duckdb_sql.py")]
        found.append(Peer("DuckDB", _words(script, every_word - {"batch", "gzip"}), f"{duckdb}, 1 thread, 128 MB"))
        found.append(Peer("DuckDB, gzip -1", _piped('"$1" "$2" filter "$3" | gzip -1', *script)))
    tuned = str(python) if python.exists() else sys.executable
    orjson = run([tuned, "-c", "import orjson; print(orjson.__version__)"])
    found.append(
        Peer(
            "Python tuned",
            _words([tuned, str(HERE / "peers/python_tuned.py")], every_word),
            run([tuned, "--version"]) + (f", orjson {orjson}" if orjson else ""),
        )
    )
    found.append(
        Peer(
            "Python DictReader",
            _words([sys.executable, str(HERE / "peers/python_dictreader.py")], every_word),
            run([sys.executable, "--version"]),
        )
    )
    if shutil.which("mlr"):
        found.append(Peer("Miller", _miller, run(["mlr", "--version"])))
        found.append(
            Peer("Miller, gzip -1", _piped('mlr --gzin --icsv --ocsv filter "$1" "$2" | gzip -1', MILLER_LARGE))
        )
    modules = installed / "node_modules"
    if shutil.which("node") and (modules / "csv-parse").exists():
        os.environ["WEIR_BENCH_NODE_MODULES"] = str(modules)
        version = json.loads((modules / "csv-parse/package.json").read_text())["version"]
        found.append(
            Peer(
                "Node csv-parse",
                _words(["node", str(HERE / "peers/node_csv_parse.mjs")], every_word),
                f"{version}, Node {run(['node', '--version'])}",
            )
        )
    return found


# ---- what an output means: 111.20 and 111.2 are one number, "x" and x one CSV field ----------------------


def _values(text):
    decoder = json.JSONDecoder(parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def meaning(job, output):
    if job.shape == "gzip":
        import gzip

        output = gzip.decompress(output)
    text = output.decode("utf-8")
    if job.shape == "number":
        value = text.strip()
        return int(json.loads(value)["count"] if value.startswith("{") else value)
    if job.shape in ("csv", "gzip"):
        return list(csv.reader(io.StringIO(text, newline="")))
    values = _values(text)
    if job.shape == "fold":  # doubles are as good as their sums
        return [int(values[0]["n"]), round(values[0]["sum"], 2), round(values[0]["avg"], 6)]
    return values
