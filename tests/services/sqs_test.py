"""SQS: standard and FIFO queues."""
import json

from case import ServiceCase
from conformance import Conformance, Real
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


class RealQueue(Real, ServiceCase, service="sqs"):
    op, largest = "SendMessageBatch", (1 << 20) - 200

    def make(self):
        self.queue = self.aws.create_queue(self.name)
        return self.to_of(self.name)

    def got(self):
        self.messages = self.aws.receive_all(self.queue)
        return [json.loads(m.body) for m in self.messages]

    def test_ids(self):
        to = self.make()
        self.put("in.csv", b"id,key,text\n0,k,a\n1,k,b\n")
        for _ in range(2):
            self.run_pipeline(self.text(to))
        self.got()
        ids = sorted(m.attributes["weir-id"] for m in self.messages)
        self.assertEqual((ids[0], ids[2]), (ids[1], ids[3]), "the same in every run")
        self.assertEqual([i.rpartition("-")[2] for i in ids[::2]], ["12", "18"], "the byte where the record begins")


class RealFifo(RealQueue, service="sqs"):
    key, once, ordered = ("key",), True, True

    def make(self):
        self.queue = self.aws.create_queue(self.name + ".fifo", fifo=True)
        return self.to_of(self.name + ".fifo")

    def got(self):
        rows = super().got()
        self.assertEqual([m.group for m in self.messages], [r["key"] for r in rows])
        return rows

    def to_of(self, name):
        return f"sqs://{name.removesuffix('.fifo')}.fifo"

    def test_ids(self):
        """A second run adds nothing."""
        to = self.make()
        self.put("in.csv", keyed_rows(50))
        for _ in range(2):
            self.run_pipeline(self.text(to))
        self.assert_there(50)
        self.assertEqual(len({m.deduplication for m in self.messages}), 50)

    def test_one_group_for_all(self):
        self.key = ()
        to = self.make()
        self.put("in.csv", keyed_rows(100))
        self.run_pipeline(self.text(to))
        rows = RealQueue.got(self)
        self.assertEqual([int(r["id"]) for r in rows], list(range(100)))
