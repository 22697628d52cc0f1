"""The function behind the emulator's walls, called by events of S3, with buckets that are folders."""
import glob
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import unittest

import harness
from harness import Case


def csv_text(rows, seed=1):
    rng = random.Random(seed)
    return "id,country,amount\n" + "".join(f"{i},{rng.choice(('DE', 'FR'))},{rng.randrange(10**6) / 100}\n" for i in range(rows))


PIPELINE = """name: orders
input:
  from: event
query: SELECT id, amount * 2 AS double FROM input WHERE country = 'DE'
output:
  to: s3://clean/{input.stem}.ndjson.gz
rejects:
  to: s3://clean/rejects/{input.stem}.ndjson
checkpoint: s3://state/weir/
"""


# The same with a checkpoint after every few records.
UNITS = PIPELINE.replace("rejects:", "  unit: 64KiB\nrejects:").replace("checkpoint: s3://state/weir/", "checkpoint:\n  to: s3://state/weir/\n  every: 0s")


class Events(Case):
    def setUp(self):
        super().setUp()
        for folder in ("raw", "clean", "state", "fn"):
            os.mkdir(self.path(folder))
        self.weir = os.path.abspath(harness.WEIR)
        shutil.copy(self.weir, self.path("fn", "bootstrap"))  # the binary may lie where the function sees nothing of it

    def raw(self, key, data):
        path = self.path("raw", key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def emulate(self, *args, pipeline=PIPELINE, exit=0, timeout="60s"):
        with open(self.path("fn", "weir.yaml"), "w") as file:
            file.write(pipeline)
        maps = [word for bucket in ("raw", "clean", "state") for word in ("--map", f"s3://{bucket}={self.path(bucket)}")]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("WEIR", "AWS"))}
        done = subprocess.run([self.weir, "emulate", "--json", "--timeout", timeout, *maps, *args, self.path("fn")], env=env, capture_output=True, timeout=300)
        self.log = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, exit, self.log[-4000:] + done.stdout.decode()[-2000:])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ndjson(self, name):
        with gzip.open(self.path("clean", name), "rt") as file:
            return [json.loads(line) for line in file]

    def digest(self, name):
        with open(self.path("clean", name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def is_whole(self, name, rows):
        lines = self.ndjson(name)
        want = [line.split(",") for line in csv_text(rows).splitlines()[1:]]
        self.assertEqual([line["id"] for line in lines], [w[0] for w in want if w[1] == "DE"])


class Notifications(Events):
    def test_an_object_is_read_once_however_often_it_is_told_of(self):
        self.raw("in/a.csv.gz", gzip.compress(csv_text(1000).encode()))
        first, second = self.emulate("--event", "s3:raw/in/a.csv.gz", "--duplicate")
        self.assertEqual((first["result"]["status"], second["result"]["status"]), ("done", "already_done"))
        self.assertEqual(second["result"]["jobs"][0]["records"]["read"], 0)
        self.is_whole("a.ndjson.gz", 1000)

    def test_a_notification_inside_a_message(self):
        self.raw("a.csv", csv_text(50).encode())
        (run,) = self.emulate("--event", "sqs:s3:raw/a.csv")
        self.assertEqual(run["result"], {"batchItemFailures": []})
        self.is_whole("a.ndjson.gz", 50)

    def test_a_key_is_taken_as_it_is(self):
        key = "x y/+&ü=*[1]?.csv"
        self.raw(key, csv_text(10).encode())
        (run,) = self.emulate("--event", "s3:raw/" + key)
        self.assertEqual(run["result"]["jobs"][0]["input"], "s3://raw/" + key)
        self.is_whole("+&ü=*[1]?.ndjson.gz", 10)

    def test_several_inputs_of_a_direct_invocation(self):
        for name in "ab":
            self.raw(name + ".csv", csv_text(20).encode())
        items = {"Items": [{"Key": "a.csv", "Size": 1, "Etag": "x"}, {"Key": "b.csv", "Size": 1, "Etag": "x"}], "BatchInput": {"bucket": "raw"}}
        (run,) = self.emulate("--event", json.dumps(items))
        self.assertEqual([(job["output"], job["status"]) for job in run["result"]["jobs"]],
                         [("s3://clean/a.ndjson.gz", "done"), ("s3://clean/b.ndjson.gz", "done")])

    def test_what_is_left_of_several_inputs_goes_on(self):
        for name in "abc":
            self.raw(name + ".csv", csv_text(60_000).encode())
        items = {"Items": [{"bucket": "raw", "key": name + ".csv"} for name in "abc"]}
        for seconds in (1, 2, 4, 8, 16, 60):
            try:
                runs = self.emulate("--event", json.dumps(items), "--continue", "60", timeout=f"{seconds}s")
                break
            except AssertionError:
                continue  # too little time for this machine
        self.assertTrue(runs[-1]["result"]["done"])
        for name in "abc":
            self.is_whole(name + ".ndjson.gz", 60_000)

    def test_an_object_that_is_not_there(self):
        (run,) = self.emulate("--event", "s3:raw/none.csv", exit=1)
        self.assertEqual(run["result"]["errorType"], "Weir.BadConfig")
        self.assertEqual(run["result"]["error"]["code"], "W2014")

    def test_one_bad_message_of_many_comes_again_alone(self):
        self.raw("a.csv", csv_text(20).encode())
        self.raw("b.csv.gz", b"\x1f\x8b\x08 this is no gzip")
        message = lambda i, key: {"messageId": f"m-{i}", "receiptHandle": "h", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q", "attributes": {},
                                  "body": json.dumps({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                                                   "s3": {"bucket": {"name": "raw"}, "object": {"key": key}}}]})}
        (run,) = self.emulate("--event", json.dumps({"Records": [message(0, "a.csv"), message(1, "b.csv.gz"), message(2, "a.csv")]}))
        self.assertEqual(run["result"], {"batchItemFailures": [{"itemIdentifier": "m-1"}]})
        self.is_whole("a.ndjson.gz", 20)

    def test_an_output_below_what_calls_the_function_is_refused(self):
        self.raw("in/a.csv", csv_text(20).encode())
        for name, key in (("output.to", "  to: s3://raw/in/out/{input.stem}.x"), ("output.to", "  to: s3://raw/in/{input.stem}.ndjson.gz")):
            pipeline = PIPELINE.replace("  to: s3://clean/{input.stem}.ndjson.gz", key)
            (run,) = self.emulate("--event", "s3:raw/in/a.csv", pipeline=pipeline, exit=1)
            self.assertEqual(run["result"]["errorType"], "Weir.BadConfig")
            self.assertIn(name, run["result"]["errorMessage"])
        self.assertEqual(os.listdir(self.path("raw", "in")), ["a.csv"])

    def test_what_it_wrote_does_not_call_it_again(self):
        self.raw("in/a.csv", csv_text(20).encode())
        pipeline = PIPELINE.replace("s3://clean/{input.stem}.ndjson.gz", "s3://raw/out/{input.key}.csv")
        self.emulate("--event", "s3:raw/in/a.csv", pipeline=pipeline)
        (run,) = self.emulate("--event", "s3:raw/out/in/a.csv.csv", pipeline=pipeline, exit=1)
        self.assertEqual(run["result"]["errorType"], "Weir.BadConfig")

    def test_events_of_a_bus_may_be_called_again_by_a_state_machine(self):
        self.raw("a.csv", csv_text(20).encode())
        bridge = {"version": "0", "id": "e-1", "detail-type": "Object Created", "source": "aws.s3", "account": "1", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
                  "resources": [], "detail": {"version": "0", "bucket": {"name": "raw"}, "object": {"key": "a.csv"}, "reason": "PutObject"}}
        pipeline = PIPELINE + "lambda:\n  continue: return\n"
        for seconds in (1, 2, 4, 8):
            runs = self.emulate("--event", json.dumps(bridge), "--continue", "50", pipeline=pipeline, timeout=f"{seconds}s")
            if runs[-1]["result"]["done"]:
                break
        self.is_whole("a.ndjson.gz", 20)

    def test_messages_behind_a_failed_one_keep_their_order(self):
        self.raw("a.csv", csv_text(20).encode())
        message = lambda i, key: {"messageId": f"m-{i}", "receiptHandle": "h", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q.fifo",
                                  "attributes": {"MessageGroupId": "g"},
                                  "body": json.dumps({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                                                   "s3": {"bucket": {"name": "raw"}, "object": {"key": key}}}]})}
        self.raw("c.csv", csv_text(20).encode())
        (run,) = self.emulate("--event", json.dumps({"Records": [message(0, "a.csv"), message(1, "none.csv"), message(2, "c.csv")]}))
        self.assertEqual(run["result"], {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]})
        self.assertEqual([name for name in os.listdir(self.path("clean")) if name.endswith(".gz")], ["a.ndjson.gz"])

    def test_what_can_not_be_done_is_put_aside(self):
        self.raw("b.csv.gz", gzip.compress(csv_text(2000).encode())[:-500])
        (run,) = self.emulate("--event", "s3:raw/b.csv.gz", pipeline=PIPELINE + "lambda:\n  on_fatal: s3://state/failed/\n")
        self.assertEqual(run["status"], "success", run)
        (name,) = os.listdir(self.path("state", "failed"))
        with open(self.path("state", "failed", name)) as file:
            letter = json.load(file)
        self.assertEqual((letter["input"], letter["exit"], letter["error"]["code"]), ("s3://raw/b.csv.gz", 30, "W3001"))
        self.assertEqual(letter["event"]["Records"][0]["s3"]["object"]["key"], "b.csv.gz")

    def test_nothing_is_put_aside_where_it_would_call_the_function(self):
        self.raw("in/b.csv.gz", gzip.compress(csv_text(2000).encode())[:-500])
        (run,) = self.emulate("--event", "s3:raw/in/b.csv.gz", pipeline=PIPELINE + "lambda:\n  on_fatal: s3://raw/in/failed/\n", exit=1)
        self.assertEqual(run["result"]["error"]["code"], "W3001")
        self.assertEqual(os.listdir(self.path("raw", "in")), ["b.csv.gz"])

    def test_a_verdict_is_not_paid_twice(self):
        self.raw("b.csv.gz", gzip.compress(csv_text(50_000).encode())[:-500])
        first, second = self.emulate("--event", "s3:raw/b.csv.gz", "--duplicate", pipeline=UNITS, exit=1)
        self.assertEqual(first["result"]["error"]["code"], second["result"]["error"]["code"])
        # No more is read than what lies behind the last checkpoint.
        summaries = [json.loads(line)["summary"] for line in self.log.splitlines() if '"summary":' in line]
        self.assertNotIn("resumed_at", summaries[0]["checkpoint"])
        self.assertGreater(summaries[1]["checkpoint"]["resumed_at"], summaries[0]["bytes"]["decoded"] * 0.9)


class Longer(Events):
    """Jobs that one invocation is too short for. How many it takes is the machine's affair."""

    ROWS = 300_000
    def setUp(self):
        super().setUp()
        self.raw("a.csv.gz", gzip.compress(csv_text(self.ROWS).encode(), 1))
        self.emulate("--event", "s3:raw/a.csv.gz", "--memory", "1769", pipeline=UNITS)
        self.whole = self.digest("a.ndjson.gz")
        for folder in ("clean", "state"):
            shutil.rmtree(self.path(folder))
            os.mkdir(self.path(folder))

    def until_done(self, *args):
        """With more time each round, so that some is enough."""
        for seconds in (1, 2, 4, 8, 16, 60):
            runs = self.emulate(*args, timeout=f"{seconds}s", pipeline=UNITS, exit=None)
            if os.path.exists(self.path("clean", "a.ndjson.gz")):
                break
            for lease in glob.glob(self.path("state", "**", "*.lease"), recursive=True):
                os.remove(lease)  # as if the time of a run that was killed were up
        self.assertEqual(self.digest("a.ndjson.gz"), self.whole)
        return runs

    def emulate(self, *args, exit=0, **more):
        if exit is not None:
            return super().emulate(*args, exit=exit, **more)
        try:
            return super().emulate(*args, exit=0, **more)
        except AssertionError:
            return []

    def test_step_functions(self):
        runs = self.until_done("--event", '{"bucket":"raw","key":"a.csv.gz"}', "--continue", "100")
        if len(runs) > 1:
            self.assertEqual((runs[0]["result"]["done"], runs[-1]["result"]["done"]), (False, True))
            self.assertEqual(runs[0]["result"]["cursor"]["inputs"], ["s3://raw/a.csv.gz"])

    def test_it_invokes_itself(self):
        self.until_done("--event", "s3:raw/a.csv.gz", "--async")

    def test_it_is_killed_and_delivered_again(self):
        self.until_done("--event", "s3:raw/a.csv.gz", "--kill-at", "300ms")


if __name__ == "__main__":
    unittest.main()
