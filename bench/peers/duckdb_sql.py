"""DuckDB, one thread, 128 MB: duckdb_sql.py JOB FILE >output. Python does nothing but hand it the statement."""

import sys

import duckdb

JOB, PATH = sys.argv[1:3]
NAMES = "order_id created_at customer_id customer_name country status sku quantity amount note".split()
AMOUNT = {"fold": "DECIMAL(12,2)", "ndjson": "DECIMAL(12,2)"}.get(JOB, "VARCHAR")
TYPES = ", ".join(f"'{name}': '{AMOUNT if name == 'amount' else 'VARCHAR'}'" for name in NAMES)
CSV = (
    f"read_csv('{PATH}', header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false, "
    f"columns = {{{TYPES}}})"
)
JSON = (
    f"read_json('{PATH}', format = 'newline_delimited', columns = {{order_id: 'BIGINT', customer_id: 'BIGINT', "
    "amount: 'DECIMAL(12,2)', status: 'VARCHAR'})"
)
WANTED = "status = 'shipped' AND CAST(amount AS DECIMAL(12,2)) > 100"
TO_CSV = "TO '/dev/stdout' (FORMAT csv, HEADER true)"
TO_JSON = "TO '/dev/stdout' (FORMAT json)"
SQL = {
    "count": f"COPY (SELECT count(*) FROM {CSV}) TO '/dev/stdout' (FORMAT csv, HEADER false)",
    "select": f"COPY (SELECT order_id, country, amount FROM {CSV}) {TO_CSV}",
    "filter": f"COPY (SELECT * FROM {CSV} WHERE {WANTED}) {TO_CSV}",
    "ndjson": "COPY (SELECT CAST(order_id AS BIGINT) AS order_id, CAST(customer_id AS BIGINT) AS customer_id, "
    f"customer_name, amount FROM {CSV} WHERE {WANTED}) {TO_JSON}",
    "jsonfilter": f"COPY (SELECT order_id, customer_id, amount FROM {JSON} WHERE {WANTED}) {TO_JSON}",
    "fold": "COPY (SELECT count(*) AS n, sum(amount) AS sum, avg(amount) AS avg "
    f"FROM {CSV} WHERE status = 'shipped') {TO_JSON}",
}
if JOB not in SQL:
    sys.exit(4)
connection = duckdb.connect(
    ":memory:", config={"threads": 1, "memory_limit": "128MB", "preserve_insertion_order": True}
)
connection.execute(SQL[JOB])
