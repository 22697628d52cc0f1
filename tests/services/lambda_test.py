"""Lambda: batches of a function."""
import json

from case import ServiceCase
from conformance import Conformance
from endpoint import Limits, error


class Function(Conformance, ServiceCase, service="endpoint"):
    to, op, service_name, each = "lambda://orders", "Invoke", "lambda", False
    refused = "BadBatch"
    limits_known = Limits(1000, 6291556 - 4096 - 1, 6291556 - 4096)  # with its comma

    def row(self, entry):
        return entry.value

    def identity(self, entry):
        return entry.request.value["batch"]["id"], entry.index

    def nowhere(self):
        return error(404, "ResourceNotFoundException")

    def refuse_content(self):
        return error(400, "InvalidRequestContentException")
