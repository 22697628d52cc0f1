"""SQS: standard and FIFO queues."""
from case import ServiceCase
from conformance import Conformance
from endpoint import error


class Standard(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "sqs://orders", "SendMessageBatch", "sqs"
    throttled, transient, refused, sender = "RequestThrottled", "InternalError", "InvalidMessageContents", True

    def identity(self, entry):
        return entry.attributes["weir-id"]

    def nowhere(self):
        return error(400, "QueueDoesNotExist")


class Fifo(Standard, service="endpoint"):
    to, key, in_flight_max = "sqs://orders.fifo", ("key",), 1
    whole_batches = False  # one message a group and request

    def identity(self, entry):
        return entry.deduplication

    def assert_order(self, entries, repeats=False):
        self.assert_order_per_key(self.rows(entries), repeats=repeats)
