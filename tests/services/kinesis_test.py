"""Kinesis: records of a stream."""
import json

from case import ServiceCase, keyed_rows
from conformance import Conformance, Real


class Stream(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name = "kinesis://clicks", "PutRecords", "kinesis"
    throttled, transient, refused = "ProvisionedThroughputExceededException", "InternalFailure", "InvalidArgumentException"

    def identity(self, entry):
        return entry.key  # without output.key


class Keyed(Stream, service="endpoint"):
    sample = {"test_calm_each_row_once", "test_a_request_that_is_refused_is_cut_in_halves"}
    key = ("key",)

    def identity(self, entry):
        self.assertEqual(entry.key, self.row(entry)["key"])
        return None


class RealStream(Real, ServiceCase, service="kinesis"):
    op, largest = "PutRecords", (1 << 20) - 200

    def text(self, to, **output):
        # moto numbers the records of a shard without a lock: of two requests at once it drops some.
        return super().text(to, **({"in_flight": 1} if self.server.name == "moto" else {}) | output)

    def make(self):
        self.aws.create_stream(self.name, 2)
        return self.to_of(self.name)

    def got(self):
        self.records = self.aws.read_stream(self.name)
        return [json.loads(r.data) for r in self.records]

    def test_spread_over_the_shards(self):
        to = self.make()
        self.put("in.csv", keyed_rows(500))
        self.run_pipeline(self.text(to))
        self.got()
        self.assertEqual(len({r.shard for r in self.records}), 2)
        self.assertEqual(len({r.key for r in self.records}), 500)

    def test_one_at_a_time_keeps_the_order_of_each_key(self):
        self.key = ("key",)
        to = self.make()
        self.put("in.csv", keyed_rows(2000))
        self.run_pipeline(self.text(to, in_flight=1))
        rows = self.got()
        self.assert_exactly_once(rows, 2000)
        self.assert_order_per_key(rows)
        self.assertEqual([r.key for r in self.records], [r["key"] for r in rows])
