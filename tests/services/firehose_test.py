"""Firehose: records of a delivery stream."""
from case import ServiceCase
from conformance import Conformance


class Delivery(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "firehose://lake", "PutRecordBatch", "firehose"
    throttled, transient, refused = "ServiceUnavailableException", "InternalFailure", "InvalidArgumentException"

    def row(self, entry):
        self.assertEqual(entry.data[-1:], b"\n", "a line each")
        return super().row(entry)
