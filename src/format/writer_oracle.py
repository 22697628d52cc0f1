#!/usr/bin/env python3
"""Reads a file of writer_property_test: each line a case, what a writer wrote and what was meant.

Holds one against the other with Python's json and csv modules, which know nothing of our code. Exit 0 when all agree.
"""
import csv
import io
import json
import sys


def text(hexed):
    return bytes.fromhex(hexed).decode("utf-8")


def no_constant(name):
    raise ValueError(name)


def loads(data):
    # Members as pairs, so that order and repeats count; numbers as they are spelled.
    return json.loads(data, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=lambda s: ("number", s),
                      parse_float=lambda s: ("number", s), parse_constant=no_constant)


def meant_in_json(field):
    kind, value = field[0], text(field[1]) if len(field) > 1 else None
    return {"null": None, "text": value, "number": ("number", value)}[kind] if kind != "json" else loads(value)


def meant_in_csv(field):
    kind, value = field[0], text(field[1]) if len(field) > 1 else None
    if kind == "null":
        return ""
    if kind != "json":
        return value
    value = loads(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and value[0] == "number":
        return value[1]
    return ("container", value)


def same_csv(wrote, meant):
    if not isinstance(meant, tuple):
        return wrote == meant
    return loads(wrote) == meant[1]


def check(case):
    output = bytes.fromhex(case["output"]).decode("utf-8")
    names = [text(name) for name in case["names"]]
    if case["format"] == "csv":
        csv.field_size_limit(1 << 30)
        rows = list(csv.reader(io.StringIO(output, newline=""), delimiter=case["delimiter"], strict=True))
        if case["header"]:
            assert rows.pop(0) == names, "header"
        assert len(rows) == len(case["rows"]), f"{len(rows)} rows for {len(case['rows'])}"
        for wrote, meant in zip(rows, case["rows"]):
            meant = [meant_in_csv(field) for field in meant]
            assert len(wrote) == len(meant) and all(map(same_csv, wrote, meant)), f"{wrote!r} for {meant!r}"
        return
    if case["format"] == "ndjson":
        assert output == "" or output.endswith("\n")
        records = [loads(line) for line in output.split("\n")[:-1]]
    else:
        records, at, decoder = [], 0, json.JSONDecoder()
        while at < len(output):
            _, end = decoder.raw_decode(output, at)
            records += loads(output[at:end])
            assert output[end] == "\n"
            at = end + 1
    assert len(records) == len(case["rows"]), f"{len(records)} records for {len(case['rows'])}"
    for wrote, meant in zip(records, case["rows"]):
        meant = ("object", [(name, meant_in_json(field)) for name, field in zip(names, meant)])
        assert wrote == meant, f"{wrote!r} for {meant!r}"


def main():
    count = 0
    with open(sys.argv[1], encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            try:
                check(json.loads(line))
            except (AssertionError, ValueError, csv.Error) as error:
                print(f"case {number}: {error}\n{line[:2000]}")
                return 1
            count += 1
    print(f"{count} cases agree")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
