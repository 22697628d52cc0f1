"""EventBridge: events of a bus."""
import json

from case import ServiceCase
from conformance import Conformance, Real
from endpoint import KiB, Limits


class Bus(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "events://orders", "PutEvents", "events"
    throttled, transient, refused = "ThrottlingException", "InternalFailure", "MalformedDetail"
    limits_known = Limits(10, 256 * KiB, 256 * KiB)

    def identity(self, entry):
        return entry.value["Resources"][0]


class RealBus(Real, ServiceCase, service="events"):
    op, largest = "PutEvents", (256 << 10) - 300
    more = "events:\n  source: com.example.orders\n  detail_type: order\n"

    def make(self):
        self.queue = self.aws.create_queue(self.name)
        self.aws.create_bus(self.name, self.queue)
        return self.to_of(self.name)

    def got(self):
        self.events = [json.loads(m.body) for m in self.aws.receive_all(self.queue)]
        self.assertLessEqual({(e["source"], e["detail-type"], len(e["resources"])) for e in self.events}, {("com.example.orders", "order", 1)})
        return [e["detail"] for e in self.events]
