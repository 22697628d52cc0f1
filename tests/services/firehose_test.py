"""Firehose: records of a delivery stream."""
import json

from case import ServiceCase
from conformance import Conformance, Real


class Delivery(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "firehose://lake", "PutRecordBatch", "firehose"
    throttled, transient, refused = "ServiceUnavailableException", "InternalFailure", "InvalidArgumentException"

    def row(self, entry):
        self.assertEqual(entry.data[-1:], b"\n", "a line each")
        return super().row(entry)


class RealDelivery(Real, ServiceCase, service="firehose"):
    op, largest = "PutRecordBatch", 1000 * 1024 - 200

    def make(self):
        self.aws.create_delivery_stream(self.name, self.bucket)
        return self.to_of(self.name)

    def got(self):
        return [json.loads(line) for line in b"".join(self.aws.delivered(self.bucket)).splitlines()]
