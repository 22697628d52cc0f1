"""The pipeline files of examples/sinks, each run, and what the summary says of what was sent."""
import json
import os
import pathlib
import subprocess

from aws import plain
from case import ServiceCase, record_of
from endpoint import error, say

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/sinks"
SENDS = {"SendMessageBatch", "PublishBatch", "PutRecords", "PutRecordBatch", "BatchWriteItem", "PutEvents", "Invoke", "POST"}


class Examples(ServiceCase, service="endpoint"):
    def run_example(self, name, *args, **options):
        self.more_env.update(ORDERS_URL=self.proxy.url("/bulk"), ORDERS_TOKEN="none", **options.pop("env", {}))
        text = (EXAMPLES / f"{name}.yaml").read_text()
        self.put("examples/sinks/orders.csv", (EXAMPLES / "orders.csv").read_bytes())
        return self.run_pipeline(text, *args, **options)

    def test_each(self):
        names = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
        self.assertEqual(len(names), 9)
        for name in names:
            with self.subTest(name):
                endpoint = self.endpoint()
                # Who may not ask for a bus sends unasked; a topic with its account needs no question.
                endpoint.fault(error(400, "AccessDeniedException"), op="DescribeEventBus")
                run = self.run_example(name, *(["--set", "output.to=sns://123456789012/orders"] if name == "sns" else []))
                got = [record_of(entry) for entry in endpoint.accepted]
                if name == "dynamodb":
                    got = [plain(item) for item in got]
                self.assertEqual(sorted((str(r["id"]), r["customer"]) for r in got), [("1", "Ada"), ("3", "Ada"), ("4", "Cem"), ("7", "Eve")], str(got))
                [reject] = [json.loads(line) for line in self.get(f"build/orders.{name}.rejects.ndjson").splitlines()]
                self.assertEqual(reject["code"], "W2401")
                sent = [r for r in endpoint.log if r.op in SENDS]
                self.assertEqual(run.summary["sends"], {"requests": len(sent), "retries": 0, "throttled": 0, "bytes": sum(len(r.body) for r in sent)})

    def test_what_was_sent_again(self):
        endpoint = self.endpoint()
        endpoint.fault(say(429), times=1)
        endpoint.fault(say(503), times=1)
        run = self.run_example("https")
        self.assertEqual(run.summary["sends"], {"requests": 3, "retries": 2, "throttled": 1, "bytes": sum(len(r.body) for r in endpoint.log)})
        self.assertEqual(len(endpoint.accepted), 4)

    def test_the_summary_for_people(self):
        endpoint = self.endpoint()
        self.put("in.csv", b"id\n1\n")
        self.put("p.yaml", f"input:\n  from: in.csv\noutput:\n  to: {endpoint.url('/bulk')}\n".encode())
        run = subprocess.run([os.environ["WEIR"], "run", "p.yaml", "--summary", "text"], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stderr, r"\n  sends     1 request of 11 B to http, 0 of them sent again, 0 throttled\n")

    def test_which_limit_is_the_tighter(self):
        self.endpoint()
        self.put("in.csv", b"id,key\n1,a\n")

        def plan(to, *sets, more=""):
            self.put("p.yaml", f"memory: 256MiB\ninput:\n  from: in.csv\noutput:\n  to: {to}\n{more}".encode())
            args = [word for each in sets for word in ("--set", each)]
            text = self.weir("plan", "p.yaml", *args).out.decode()
            got = json.loads(self.weir("plan", "p.yaml", "--json", *args).out)["batches"]
            lines = [line for line in text.splitlines() if line.startswith(("batches", "sends  "))]
            return got, lines[0].removeprefix("batches  "), lines[1].removeprefix("sends    ")

        MiB = 1 << 20
        for to, sets, messages, size, line in (
            ("sqs://q", [], (10, "service"), (MiB, "default"), "10 messages (sqs), 1.0 MiB (batch.bytes by default)"),
            ("sqs://q", ["batch.records=5", "batch.bytes=64KiB"], (5, "batch.records"), (MiB // 16, "batch.bytes"),
             "5 messages (batch.records), 64.0 KiB (batch.bytes)"),
            ("sqs://q", ["batch.records=10"], (10, "batch.records"), (MiB, "default"), "10 messages (batch.records), 1.0 MiB (batch.bytes by default)"),
            ("sqs://q", ["batch.records=500", "batch.bytes=8MiB"], (10, "service"), (MiB, "service"),
             "10 messages (sqs; batch.records is 500), 1.0 MiB (sqs; batch.bytes is 8.0 MiB)"),
            ("sns://t", [], (10, "service"), (MiB // 4, "service"), "10 messages (sns), 256.0 KiB (sns)"),
            ("firehose://f", [], (500, "service"), (MiB, "default"),
             "500 messages (firehose), 1.0 MiB (batch.bytes by default), a record of at most 1000.0 KiB (firehose)"),
            ("lambda://f", [], (1000, "default"), (MiB, "default"), "1,000 messages (batch.records by default), 1.0 MiB (batch.bytes by default)"),
            ("dynamodb://table", ["output.key=id", "batch.bytes=64MiB", "batch.age=5s", "output.in_flight=1"], (25, "service"), (16 * MiB - 8192, "service"),
             "25 messages (dynamodb), 16.0 MiB (dynamodb; batch.bytes is 64.0 MiB), a record of at most 400.0 KiB (dynamodb), or what there is after 5 s (batch.age)"),
        ):
            with self.subTest(to, sets=sets):
                got, said, _ = plan(to, *sets)
                self.assertEqual(((got["messages"], got["messages_by"]), (got["bytes"], got["bytes_by"])), (messages, size))
                self.assertEqual(said, line)
        got, _, said = plan("sqs://q.fifo", "output.tries=1", more="  key: key\n")
        self.assertEqual((got["in_flight"], got["in_order"], said), (1, True, "1 batch on its way: order is kept by key, 1 try of what is refused (output.tries)"))
        got, _, said = plan("kinesis://k", "output.in_flight=8", "output.rate=500")
        self.assertEqual((got["in_flight"], got["in_order"], got["rate"], said),
                         (8, False, 500, "8 batches on their way (output.in_flight), 500 messages a second (output.rate), 3 tries of what is refused (output.tries)"))
        self.put("p.yaml", b"input:\n  from: in.csv\noutput:\n  to: out.csv\n")
        self.assertNotIn("batches", json.loads(self.weir("plan", "p.yaml", "--json").out))
