"""What can't be sent to: told before anything is read or sent, with a way out."""
from case import ServiceCase, keyed_rows

GOOD = {"sqs": "q", "kinesis": "s", "firehose": "d", "dynamodb": "table", "sns": "t", "events": "b", "lambda": "f"}
REGION = {
    "sqs": "sqs://arn:aws:sqs:eu-west-1:123456789012:q", "kinesis": "kinesis://arn:aws:kinesis:eu-west-1:123456789012:stream/s",
    "sns": "sns://arn:aws:sns:eu-west-1:123456789012:t", "events": "events://arn:aws:events:eu-west-1:123456789012:event-bus/b",
    "lambda": "lambda://arn:aws:lambda:eu-west-1:123456789012:function:f",
}
BAD_NAMES = ("", "a b", "a?b", "é", "a" * 300, "arn:aws:s3:::bucket")
CONTRADICTIONS = [
    ("sqs://q", "key: [key]", "fifo"), ("sns://t", "key: [key]", "fifo"), ("firehose://d", "key: [key]", "firehose"), ("lambda://f", "key: [key]", "lambda"),
    ("events://b", "key: [key]", "events"), ("dynamodb://table", "tries: 1", "output.key"),
    ("dynamodb://table", "key: [id, id]", "two"), ("dynamodb://table", "key: [a, b, c]", "key"), ("events://b", "format: raw", "ndjson"),
    ("sqs://q", "codec: gzip", "compressed"), ("sqs://q", "format: csv", "ndjson"), ("kinesis://s", "format: json", "ndjson"),
    ("sqs://q", "in_flight: 0", "in_flight"), ("sqs://q", "in_flight: 65", "in_flight"), ("sqs://q", "tries: 0", "tries"),
    ("sqs://q", "if_exists: replace", "if_exists"),
]


class Names(ServiceCase, service="endpoint"):
    def refused(self, to, *keys, code=None):
        endpoint = self.endpoint()
        self.put("in.csv", keyed_rows(10))
        lines = "".join(f"  {key}\n" for key in keys)
        run = self.run_pipeline(f'input:\n  from: in.csv\noutput:\n  to: "{to}"\n{lines}', exit=20, code=code)
        self.assertEqual(endpoint.log, [])
        self.assertIsNone(run.summary)
        return run.error

    def test_names(self):
        for scheme in GOOD:
            for name in BAD_NAMES:
                with self.subTest(f"{scheme}://{name}"):
                    error = self.refused(f"{scheme}://{name}", *(["key: [id]"] if scheme == "dynamodb" else []))
                    self.assertIn(f"{scheme}://", error["detail"])

    def test_another_region(self):
        for to in REGION.values():
            with self.subTest(to):
                error = self.refused(to, code="W2028")
                self.assertIn("eu-west-1", error["detail"])
                self.assertIn("us-east-1", error["detail"])

    def test_keys_of_output(self):
        for to, key, word in CONTRADICTIONS:
            with self.subTest(f"{to} {key}"):
                error = self.refused(to, key)
                self.assertIn(word, str(error).lower())

    def test_a_column_that_is_not_there(self):
        self.endpoint()
        self.put("in.csv", keyed_rows(3))
        run = self.run_pipeline("query: SELECT id, text FROM input\ninput:\n  from: in.csv\noutput:\n  to: sqs://q.fifo\n  key: [key]\n", exit=20, code="W2005")
        self.assertIn("key", run.error["detail"])

    def test_no_keys_of_aws(self):
        self.endpoint()
        self.put("in.csv", keyed_rows(3))
        for scheme, name in GOOD.items():
            if scheme == "dynamodb":
                continue
            with self.subTest(scheme):
                self.run_pipeline(f"input:\n  from: in.csv\noutput:\n  to: {scheme}://{name}\n", exit=60, code="W6002",
                                  env=self.env(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None))
