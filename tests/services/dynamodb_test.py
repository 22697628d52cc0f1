"""DynamoDB: items of a table."""
import json

from aws import plain
from case import ServiceCase
from conformance import Conformance


class Table(Conformance, ServiceCase, service="endpoint"):
    to, op, key, service_name = "dynamodb://orders", "BatchWriteItem", ("id",), "dynamodb"
    options = {"keys": {"orders": ["id"]}}

    def row(self, entry):
        return plain(json.loads(entry.data))

    def identity(self, entry):
        return self.row(entry)["id"]
