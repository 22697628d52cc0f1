"""Lambda: batches of a function."""
import json

from case import ServiceCase
from conformance import SAMPLE, Conformance, Real
from endpoint import Limits, error


class Function(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name, each = "lambda://orders", "Invoke", "lambda", False
    refused = "BadBatch"
    sample = SAMPLE | {"test_throttled_requests_go_down"}
    limits_known = Limits(1000, 6291456 - 4096 - 1, 6291456 - 4096)  # with its comma

    def row(self, entry):
        return entry.value

    def identity(self, entry):
        return entry.request.value["batch"]["id"], entry.index

    def nowhere(self):
        return error(404, "ResourceNotFoundException")

    def refuse_content(self):
        return error(400, "InvalidRequestContentException")


class RealFunction(Real, ServiceCase, service="lambda"):
    """Which gives back what it is called with: all that is known of it went through the proxy."""

    op = "Invoke"

    test_nothing_of_this_name = None  # moto gives back what it got, whether there is a function or not

    def is_sent(self, request):
        return request.path.endswith("/invocations")

    def make(self):
        self.calls = []
        self.aws.create_function(self.name)
        return self.to_of(self.name)

    def got(self):
        self.bodies = [json.loads(r.body) for r in self.proxy.log if self.is_sent(r)]
        return [row for body in self.bodies for row in body["records"]]

    def test_exactly_this_is_what_a_function_receives(self):
        to = self.make()
        self.put("in.csv", b"id,key,text\n0,k,a\n1,k,b\n2,k,c\n")
        self.run_pipeline(self.text(to, batch={"records": 2}))
        self.got()
        batches = [body["batch"] for body in self.bodies]
        ids = [batch["first"]["id"] for batch in batches]
        prefix = ids[0].partition("-")[0]
        self.assertEqual(sorted(self.bodies, key=lambda b: b["batch"]["first"]["byte"]), [
            {"records": [{"id": "0", "key": "k", "text": "a"}, {"id": "1", "key": "k", "text": "b"}],
             "batch": {"id": f"{prefix}-12.2", "first": {"id": f"{prefix}-12", "source": "in.csv", "byte": 12, "record": 0},
                       "last": {"id": f"{prefix}-18", "source": "in.csv", "byte": 18, "record": 1}}},
            {"records": [{"id": "2", "key": "k", "text": "c"}],
             "batch": {"id": f"{prefix}-24.1", "first": {"id": f"{prefix}-24", "source": "in.csv", "byte": 24, "record": 2},
                       "last": {"id": f"{prefix}-24", "source": "in.csv", "byte": 24, "record": 2}}}])
