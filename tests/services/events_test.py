"""EventBridge: events of a bus."""
from case import ServiceCase
from conformance import Conformance
from endpoint import KiB, Limits


class Bus(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "events://orders", "PutEvents", "events"
    throttled, transient, refused = "ThrottlingException", "InternalFailure", "MalformedDetail"
    limits_known = Limits(10, 256 * KiB, 256 * KiB)

    def identity(self, entry):
        return entry.value["Resources"][0]
