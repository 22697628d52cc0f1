"""Kinesis: records of a stream."""
from case import ServiceCase
from conformance import Conformance


class Stream(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "kinesis://clicks", "PutRecords", "kinesis"
    throttled, transient, refused = "ProvisionedThroughputExceededException", "InternalFailure", "InvalidArgumentException"

    def identity(self, entry):
        return entry.key  # without output.key


class Keyed(Stream, service="endpoint"):
    key = ("key",)

    def identity(self, entry):
        self.assertEqual(entry.key, self.row(entry)["key"])
        return None
