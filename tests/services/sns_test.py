"""SNS: standard and FIFO topics."""
import json

from case import ServiceCase
from conformance import Conformance, Real
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


class RealTopic(Real, ServiceCase, service="sns"):
    op, others, largest = "PublishBatch", 1, (256 << 10) - 200

    def is_sent(self, request):
        return request.method == "POST"  # the first one asks who the caller is

    def make(self, fifo=False):
        name = self.name + (".fifo" if fifo else "")
        self.queue = self.aws.create_queue(name, fifo=fifo)
        self.topic = self.aws.create_topic(name, fifo=fifo)
        self.aws.subscribe(self.topic, self.queue)
        return self.to_of(name)

    def got(self):
        self.messages = self.aws.receive_all(self.queue)
        return [json.loads(m.body) for m in self.messages]

    def test_by_its_arn(self):
        self.make()
        self.put("in.csv", keyed_rows(30))
        self.run_pipeline(self.text(f"sns://{self.topic}"))
        self.assert_there(30)


class RealFifo(RealTopic, service="sns"):
    key, once, ordered = ("key",), True, True

    def make(self, fifo=True):
        return super().make(fifo)
