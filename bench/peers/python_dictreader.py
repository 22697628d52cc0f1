"""What most people write first: csv.DictReader, json and generators. python_dictreader.py JOB FILE >output"""

import csv
import gzip
import itertools
import json
import sys

JOB, PATH = sys.argv[1:3]


def read_csv():
    opened = gzip.open if PATH.endswith(".gz") else open
    with opened(PATH, "rt", newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def read_ndjson():
    with open(PATH, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def large_shipped(records):
    return (record for record in records if record["status"] == "shipped" and float(record["amount"]) > 100)


def batches(records, size=500):
    while batch := list(itertools.islice(records, size)):
        yield batch


def write_csv(out, names, records):
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for batch in batches(records):
        writer.writerows(batch)


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ALL = "order_id created_at customer_id customer_name country status sku quantity amount note".split()
out = sys.stdout
if JOB == "count":
    print(sum(1 for _ in read_csv()))
elif JOB == "select":
    write_csv(out, ["order_id", "country", "amount"], read_csv())
elif JOB == "filter":
    write_csv(out, ALL, large_shipped(read_csv()))
elif JOB == "gzip":
    with gzip.open(sys.stdout.buffer, "wt", newline="", encoding="utf-8", compresslevel=6) as packed:
        write_csv(packed, ALL, large_shipped(read_csv()))
elif JOB == "ndjson":
    for record in large_shipped(read_csv()):
        out.write(
            dump(
                {
                    "order_id": int(record["order_id"]),
                    "customer_id": int(record["customer_id"]),
                    "customer_name": record["customer_name"],
                    "amount": float(record["amount"]),
                }
            )
            + "\n"
        )
elif JOB == "jsonfilter":
    for record in large_shipped(read_ndjson()):
        out.write(dump({name: record[name] for name in ("order_id", "customer_id", "amount")}) + "\n")
elif JOB == "batch":
    for batch in batches(read_csv()):
        out.write(dump(batch) + "\n")
elif JOB == "fold":
    amounts = [0, 0.0]
    for record in read_csv():
        if record["status"] == "shipped":
            amounts[0] += 1
            amounts[1] += float(record["amount"])
    print(dump({"n": amounts[0], "sum": round(amounts[1], 2), "avg": amounts[1] / amounts[0]}))
else:
    sys.exit(4)
