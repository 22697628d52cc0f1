"""DynamoDB: items of a table."""
import json

from aws import plain
from case import ServiceCase
from conformance import Conformance, Real


class Table(Conformance, ServiceCase, service="endpoint"):
    to, op, key, service_name = "dynamodb://orders", "BatchWriteItem", ("id",), "dynamodb"
    options = {"keys": {"orders": ["id"]}}

    def row(self, entry):
        return plain(json.loads(entry.data))

    def identity(self, entry):
        return self.row(entry)["id"]


class RealTable(Real, ServiceCase, service="dynamodb"):
    op, key, once, largest = "BatchWriteItem", ("id",), True, 400 * 1024 - 200

    def make(self):
        self.aws.create_table(self.name, ("id", "S"))
        return self.to_of(self.name)

    def got(self):
        return [plain(item) for item in self.aws.scan(self.name)]

    def run_items(self, key, items, exit=0, code=None, rejects=None):
        self.put("in.ndjson", b"".join(json.dumps(item).encode() + b"\n" for item in items))
        text = f"input:\n  from: in.ndjson\noutput:\n  to: {self.to_of(self.name)}\n  key: [{', '.join(key)}]\n"
        return self.run_pipeline(text + (f"rejects:\n  to: {rejects}\n" if rejects else ""), exit=exit, code=code)

    def test_types(self):
        self.aws.create_table(self.name, ("id", "N"), ("name", "S"))
        item = {"id": 12, "name": "a", "big": 12345678901234567890123456789012345678, "small": -1.5e-3, "yes": True, "no": False, "none": None, "text": "\u00e9\n",
                "empty": "", "list": [1, "a", [], {}], "map": {"a": {"b": [None]}}}
        self.run_items(("id", "name"), [item])
        found, = self.aws.scan(self.name)
        self.assertEqual(float(found.pop("small")["N"]), -1.5e-3)
        self.assertEqual(found, {
            "id": {"N": "12"}, "name": {"S": "a"}, "big": {"N": "12345678901234567890123456789012345678"}, "yes": {"BOOL": True}, "no": {"BOOL": False},
            "none": {"NULL": True}, "text": {"S": "\u00e9\n"}, "empty": {"S": ""}, "list": {"L": [{"N": "1"}, {"S": "a"}, {"L": []}, {"M": {}}]},
            "map": {"M": {"a": {"M": {"b": {"L": [{"NULL": True}]}}}}}})

    def test_the_last_of_an_item_counts(self):
        """The same key again and again, over batches and within them: in the input's order."""
        self.aws.create_table(self.name, ("id", "N"))
        self.run_items(("id",), [{"id": i % 7, "at": i} for i in range(500)])
        self.assertEqual({int(r["id"]): int(r["at"]) for r in self.got()}, {i: max(n for n in range(500) if n % 7 == i) for i in range(7)})

    def test_an_item_without_its_key(self):
        self.aws.create_table(self.name, ("id", "N"))
        self.run_items(("id",), [{"id": 0}, {"other": 1}, {"id": None}, {"id": 3}], rejects="rejects.ndjson")
        self.assertEqual(sorted(int(r["id"]) for r in self.got()), [0, 3])
        self.assertEqual([(r["code"], r["record"]) for r in self.rejects("rejects.ndjson")], [("W2409", 1), ("W2409", 2)])
