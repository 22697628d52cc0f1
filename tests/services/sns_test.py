"""SNS: standard and FIFO topics."""
from case import ServiceCase
from conformance import Conformance
from endpoint import error


class Standard(Conformance, ServiceCase, service="endpoint"):
    to, op = "sns://alerts", "PublishBatch"
    early = "POST", 1  # who the caller is
    throttled, transient, refused, sender = "ThrottledException", "InternalError", "InvalidParameter", True

    def identity(self, entry):
        return entry.attributes["weir-id"]

    def nowhere(self):
        return error(404, "NotFound")

    def refuse_content(self):
        return error(400, "InvalidParameter")


class Fifo(Standard, service="endpoint"):
    to, key, in_flight_max = "sns://alerts.fifo", ("key",), 1
    whole_batches = False  # one message a group and request

    def identity(self, entry):
        return entry.deduplication

    def assert_order(self, entries, repeats=False):
        self.assert_order_per_key(self.rows(entries), repeats=repeats)
