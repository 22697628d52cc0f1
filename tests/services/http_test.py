"""HTTP and HTTPS endpoints."""
from case import ServiceCase
from conformance import Conformance
from endpoint import Limits, say


class Lines(Conformance, ServiceCase, service="endpoint"):
    to, op, each = "{endpoint}/in", "POST", False
    refused = "BadBatch"
    limits_known = Limits(1000, None, None)

    def identity(self, entry):
        return entry.request.fields["idempotency-key"], entry.index

    def nowhere(self):
        return say(404)

    def refuse_content(self):
        return say(400, "refused by the test")


class Array(Lines, service="endpoint"):
    def text(self, **output):
        return super().text(**{"format": "json", **output})
