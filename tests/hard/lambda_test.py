"""The binary as a Lambda function, before a server of the Runtime API."""
import base64
import gzip
import json
import os
import random
import signal
import unittest

from harness import Case
from runtime_api import RuntimeApi


def csv_text(rows, seed=1):
    rng = random.Random(seed)
    return "id,country,amount\n" + "".join(f"{i},{rng.choice(('DE', 'FR'))},{rng.randrange(10**6) / 100}\n" for i in range(rows))


class Function(Case):
    def file(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def const(self, out="out.csv", more="", rows=2000):
        """A pipeline whose input is no event."""
        self.file("in.csv", csv_text(rows))
        return f"input:\n  from: {self.path('in.csv')}\nquery: SELECT id, amount FROM input WHERE country = 'DE'\noutput:\n  to: {self.path(out)}\n{more}"

    def records(self, out="out-{input.stem}.ndjson", query="SELECT * FROM input", more=""):
        return f"input:\n  from: event\nquery: {query}\noutput:\n  to: {self.path(out)}\n{more}"


class Start(Function):
    """What is found before the first event."""

    def refused(self, pipeline, error_type, *parts, env=None, memory=128):
        api = RuntimeApi([{}])
        self.assertEqual(api.run(pipeline, env, memory=memory), 1)
        self.assertEqual(api.nexts, 0)
        (answer,) = api.answers
        self.assertEqual((answer.path, answer.error_type), ("/2018-06-01/runtime/init/error", "Runtime." + error_type))
        self.assertEqual(answer.json["errorType"], "Weir." + error_type)
        for part in parts:
            self.assertIn(part, answer.json["errorMessage"])
        self.assertEqual(api.log[-1]["level"], "FATAL")

    def test_there_is_no_pipeline(self):
        self.refused(None, "BadConfig", "WEIR_PIPELINE", env={"LAMBDA_TASK_ROOT": self.path("nowhere")})

    def test_a_mistake_is_told_with_its_place(self):
        self.refused("input:\n  from: event\nqueryy: x\n", "BadConfig", "WEIR_PIPELINE:3:1", "query")

    def test_a_query_that_can_not_be_compiled(self):
        self.refused(self.records(query="SELECT FROM input"), "BadConfig")

    def test_an_output_that_is_the_same_for_every_event(self):
        self.refused(self.records(out="out.ndjson"), "BadConfig", "{input.stem}")

    def test_rejects_that_are_the_same_for_every_event(self):
        self.refused(self.records(more=f"rejects:\n  to: {self.path('rejects')}\n"), "BadConfig", "rejects.to")

    def test_stdout_is_no_output(self):
        self.refused("input:\n  from: event\n", "BadConfig", "stdout")

    def test_stdin_is_no_input(self):
        self.refused(f"input:\n  from: stdin\noutput:\n  to: {self.path('x')}\n", "BadConfig", "stdin")

    def test_a_budget_that_the_function_has_not(self):
        self.refused("memory: 100MiB\n" + self.records(), "BudgetTooSmall", "128.0 MiB", "lambda.memory_reserve")

    def test_a_job_that_does_not_fit(self):
        self.refused("memory: 5MiB\n" + self.records(), "BudgetTooSmall")

    def test_a_file_that_is_not_there(self):
        self.refused(self.path("none.yaml"), "BadConfig")

    def test_the_pipeline_of_the_package(self):
        self.file("task/weir.yaml", self.const())
        api = RuntimeApi([{}])
        self.assertEqual(api.run(None, {"LAMBDA_TASK_ROOT": self.path("task")}), 0, api)
        self.assertEqual(api.answers[0].json["status"], "done", api.err)
        self.assertEqual(api.log[0]["pipeline"], self.path("task/weir.yaml"))

    def test_settings_of_the_environment_come_first(self):
        api = RuntimeApi([{}])
        api.run(self.const(), {"WEIR_SET_OUTPUT__TO": self.path("other.csv")})
        self.assertTrue(os.path.exists(self.path("other.csv")), api.err)

    def test_the_budget_is_what_the_reserve_leaves(self):
        api = RuntimeApi([])
        self.assertEqual(api.run(self.const(), memory=256), 0)
        self.assertEqual(api.log[0]["budget_bytes"], (256 - 32) << 20)


class Loop(Function):
    """Event after event."""

    def test_a_job_is_done_once_and_a_duplicate_says_so(self):
        api = RuntimeApi([{}, {"x": 1}])
        self.assertEqual(api.run(self.const()), 0)
        first, second = (answer.json for answer in api.answers)
        self.assertEqual((first["done"], first["status"], first["jobs"][0]["records"]["read"]), (True, "done", 2000))
        self.assertEqual((second["done"], second["status"], second["jobs"][0]["records"]["read"]), (True, "already_done", 0))
        self.assertEqual([answer.path for answer in api.answers],
                         [f"/2018-06-01/runtime/invocation/request-{i}/response" for i in (1, 2)])

    def test_an_event_in_chunks(self):
        api = RuntimeApi([{"x": "y" * 200_000}])
        api.chunked = True
        self.assertEqual(api.run(self.const()), 0)
        self.assertTrue(api.answers[0].json["done"])

    def test_what_is_no_json_is_an_error(self):
        api = RuntimeApi([b'{"a":', b"", {}])
        self.assertEqual(api.run(self.const()), 0)
        self.assertEqual([(a.kind, a.error_type) for a in api.answers],
                         [("error", "Function.InputCorrupt"), ("error", "Function.InputCorrupt"), ("response", None)])

    def test_an_answer_that_is_refused_is_no_end(self):
        api = RuntimeApi([{}, {}], answers=[413])
        self.assertEqual(api.run(self.const()), 0)
        self.assertEqual(len(api.answers), 2)

    def test_a_service_out_of_order_is_the_end(self):
        api = RuntimeApi([{}, {}], answers=[500])
        self.assertEqual(api.run(self.const()), 1)
        api = RuntimeApi([500])
        self.assertEqual(api.run(self.const()), 1)
        self.assertEqual(api.log[-1]["level"], "FATAL")

    def test_a_job_that_fails_is_an_error_and_the_next_is_not(self):
        pipeline = self.const()
        self.file("out.csv", "somebody else's")
        api = RuntimeApi([{}])
        self.assertEqual(api.run(pipeline), 0)
        (answer,) = api.answers
        self.assertEqual((answer.kind, answer.error_type, answer.json["errorType"]), ("error", "Function.SinkConflict", "Weir.SinkConflict"))
        self.assertEqual(answer.json["error"]["code"], "W4101")
        self.assertEqual(self.read("out.csv"), "somebody else's")

    def test_a_job_whose_process_dies_is_an_error_and_the_next_is_not(self):
        pipeline = self.const().replace(self.path("out.csv"), "exec") + "exec:\n  command: 'kill -9 $PPID'\n"
        api = RuntimeApi([{}, {}])
        self.assertEqual(api.run(pipeline), 0)
        for answer in api.answers:
            self.assertEqual((answer.kind, answer.error_type), ("error", "Function.Internal"))
            self.assertIn("signal 9", answer.json["errorMessage"])

    def test_no_text_of_records_or_events_is_in_the_log(self):
        self.file("in.csv", "id,country,amount\n1,DE,canary-4711\n")
        pipeline = self.const().replace("SELECT id, amount", "SELECT id, amount + 1 AS x")
        self.file("in.csv", "id,country,amount\n1,DE,canary-4711\n")
        api = RuntimeApi([{"secret": "canary-4712"}, {"secret": "canary-4712", "Records": 7}])
        api.run(pipeline, {"AWS_SECRET_ACCESS_KEY": "canary-4713", "AWS_LAMBDA_LOG_LEVEL": "TRACE"})
        for text in (api.err, api.out):
            self.assertNotIn("canary", text)

    def test_lines_of_the_log_can_be_filtered(self):
        api = RuntimeApi([{}])
        api.run(self.const())
        for line in api.log:
            self.assertRegex(line["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(line["level"], ("INFO", "WARN", "ERROR"))
        self.assertEqual(api.log[1]["requestId"], "request-1")
        api = RuntimeApi([{}])
        api.run(self.const("other.csv"), {"AWS_LAMBDA_LOG_LEVEL": "ERROR"})
        self.assertEqual(api.log, [])

    def test_metrics(self):
        api = RuntimeApi([{}])
        api.run("name: orders\n" + self.const(), {"WEIR_METRICS": "emf"})
        (line,) = api.out.splitlines()
        document = json.loads(line)
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        self.assertEqual((directive["Namespace"], directive["Dimensions"], document["Pipeline"]), ("Weir", [["Pipeline"]], "orders"))
        self.assertEqual(document["RecordsRead"], 2000)
        for metric in directive["Metrics"]:
            self.assertIsInstance(document[metric["Name"]], int)


def sqs(*bodies, arn="arn:aws:sqs:us-east-1:123456789012:orders"):
    return {"Records": [{"messageId": f"m-{i}", "receiptHandle": "h", "body": body, "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {},
                         "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": "us-east-1"} for i, body in enumerate(bodies)]}


def kinesis(*data):
    return {"Records": [{"eventID": f"shardId-0:{i}", "eventName": "aws:kinesis:record", "eventSource": "aws:kinesis", "eventVersion": "1.0", "awsRegion": "us-east-1",
                         "eventSourceARN": "arn:aws:kinesis:us-east-1:1:stream/s", "invokeIdentityArn": "arn",
                         "kinesis": {"partitionKey": "p", "sequenceNumber": str(i), "kinesisSchemaVersion": "1.0",
                                     "data": base64.b64encode(text).decode(), "approximateArrivalTimestamp": 1.5}} for i, text in enumerate(data)]}


class Records(Function):
    """Events whose entries are the records."""

    def answered(self, events, pipeline, **options):
        api = RuntimeApi(events, **options)
        self.assertEqual(api.run(pipeline), 0, api.err if hasattr(api, "err") else "")
        return api.answers

    def lines(self, name):
        (name,) = (n for n in os.listdir(self.dir) if n.startswith(name))
        return [json.loads(line) for line in self.read(name).splitlines()]

    def test_messages_of_sqs(self):
        (answer,) = self.answered([sqs('{"id": 1, "x": "a"}', "plain", '{"id": 2}')],
                                  self.records(query="SELECT messageId, body.id AS id, body FROM input"))
        self.assertEqual((answer.kind, answer.json), ("response", {"batchItemFailures": []}))
        self.assertEqual(self.lines("out-m-0"), [{"messageId": "m-0", "id": 1, "body": {"id": 1, "x": "a"}},
                                                         {"messageId": "m-1", "id": None, "body": "plain"}, {"messageId": "m-2", "id": 2, "body": {"id": 2}}])

    def test_the_payload_alone_by_lines(self):
        self.answered([sqs('{"id": 1}', '{"id": 2}')], self.records(query="SELECT body FROM input", more="  format: lines\n"))
        self.assertEqual(self.lines("out-m-0"), [{"id": 1}, {"id": 2}])

    def test_records_of_kinesis(self):
        (answer,) = self.answered([kinesis(b'{"v":1}', b"text", b"\xff\x00")],
                                  self.records(query="SELECT sequenceNumber AS n, data, dataBase64 FROM input"))
        self.assertEqual(answer.json, {"batchItemFailures": []})
        self.assertEqual(self.lines("out-shardId-0-0"), [{"n": "0", "data": {"v": 1}, "dataBase64": None}, {"n": "1", "data": "text", "dataBase64": None},
                                                                 {"n": "2", "data": None, "dataBase64": "/wA="}])

    def test_an_array_by_direct_invocation(self):
        (answer,) = self.answered([[{"a": 1}, {"a": 2}, {"a": 3}]], self.records(query="SELECT a FROM input WHERE a > 1"))
        self.assertEqual(answer.json["jobs"][0]["records"], {"read": 3, "written": 2, "folded": 0, "filtered": 1, "rejected": 0})
        self.assertEqual(self.lines("out-request-1.ndjson"), [{"a": 2}, {"a": 3}])

    def test_a_batch_that_comes_again_is_written_once(self):
        event = sqs('{"id": 1}', '{"id": 2}')
        other = sqs('{"id": 1}', '{"id": 3}')
        other["Records"][1]["messageId"] = "m-3"
        again = json.loads(json.dumps(event).replace('Count": "1"', 'Count": "2"'))
        answers = self.answered([event, again, other], self.records(query="SELECT body.id AS id FROM input"))
        self.assertEqual([answer.json for answer in answers], [{"batchItemFailures": []}] * 3)
        texts = sorted(self.read(n) for n in os.listdir(self.dir) if n.startswith("out"))
        # Another batch that begins with the same message is another batch.
        self.assertEqual(texts, ['{"id":1}\n{"id":2}\n', '{"id":1}\n{"id":3}\n'])

    def test_bad_records_in_the_rejects_do_not_come_again(self):
        pipeline = self.records(query="SELECT body.n + 1 AS n FROM input", more=f"rejects:\n  to: {self.path('rejects-{input.stem}')}\n")
        (answer,) = self.answered([sqs('{"n": 1}', '{"n": "x"}')], pipeline)
        self.assertEqual(answer.json, {"batchItemFailures": []})
        self.assertEqual(self.lines("out-m-0"), [{"n": 2}])
        (name,) = (n for n in os.listdir(self.dir) if n.startswith("rejects-m-0"))
        self.assertIn("W24", self.read(name))

    def test_a_batch_that_fails_comes_again_whole(self):
        (answer,) = self.answered([sqs('{"n": 1}', '{"n": "x"}')], self.records(query="SELECT body.n + 1 AS n FROM input"))
        self.assertEqual((answer.kind, answer.error_type), ("error", "Function.InputCorrupt"))
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith("out") and n.endswith(".ndjson")], [])

    def test_a_large_event(self):
        event = sqs(*(json.dumps({"id": i, "text": "x" * 500}) for i in range(7000)))
        (answer,) = self.answered([event], self.records(query="SELECT body.id AS id FROM input"))
        self.assertEqual(answer.json, {"batchItemFailures": []})
        self.assertEqual(self.lines("out-m-0"), [{"id": i} for i in range(7000)])

    def test_an_event_that_is_too_large(self):
        api = RuntimeApi([b'{"x":"' + b"y" * (6 << 20) + b'"}'])
        self.assertEqual(api.run(self.records()), 0)
        api = RuntimeApi([b'{"x":"' + b"y" * (7 << 20) + b'"}'])
        self.assertEqual(api.run(self.records()), 1)

    def test_an_id_can_not_lead_out_of_the_folder(self):
        event = sqs('{"id": 1}')
        event["Records"][0]["messageId"] = "../../etc/x"
        self.answered([event], self.records())
        (name,) = (name for name in os.listdir(self.dir) if name.endswith(".ndjson"))
        self.assertTrue(name.startswith("out-"))

    def test_what_cloudwatch_logs_sends(self):
        message = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
                   "logEvents": [{"id": str(i), "timestamp": 1000 + i, "message": json.dumps({"n": i})} for i in range(3)]}
        event = {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()}}
        (answer,) = self.answered([event], self.records(query="SELECT logGroup, message.n AS n FROM input"))
        self.assertEqual((answer.kind, answer.json["done"]), ("response", True), answer.body)
        self.assertEqual(self.lines("out-"), [{"logGroup": "g", "n": i} for i in range(3)])

    def test_a_folder_alone_names_no_output_of_records(self):
        for pipeline in (self.records(out="out-{input.dir}.ndjson"), self.records(more=f"rejects:\n  to: {self.path('r-{input.dir}')}\n")):
            (answer,) = self.answered([sqs("{}")], pipeline)
            self.assertEqual((answer.kind, answer.json["error"]["code"]), ("error", "W2019"))

    def test_an_event_too_large_to_be_kept_is_not_dropped(self):
        event = sqs(json.dumps({"n": "x", "text": "y" * 100_000}))
        pipeline = self.records(query="SELECT body.n + 1 AS n FROM input", more="lambda:\n  on_fatal: sqs://arn:aws:sqs:us-east-1:1:q\n")
        (answer,) = self.answered([event], pipeline)
        self.assertEqual((answer.kind, answer.error_type), ("error", "Function.InputCorrupt"))

    def test_a_test_message_of_s3_is_acknowledged(self):
        (answer,) = self.answered([{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "t", "Bucket": "b", "RequestId": "r", "HostId": "h"}], self.records())
        self.assertEqual((answer.kind, answer.json["done"], answer.json["status"]), ("response", True, "nothing_to_do"))


class GoingOn(Function):
    """Jobs that are longer than an invocation."""

    def whole(self, pipeline):
        api = RuntimeApi([{}])
        self.assertEqual(api.run(pipeline), 0)
        self.assertTrue(api.answers[0].json["done"])

    def test_a_cursor_leads_from_invocation_to_invocation(self):
        more = "  unit: 4KiB\ncheckpoint:\n  every: 0s\n"
        self.whole(self.const("whole.csv", more, rows=200_000))
        pipeline = self.const("cut.csv", more, rows=200_000)
        event, hops, seconds = {}, 0, 0.05
        while True:
            api = RuntimeApi([event], timeout=seconds)
            self.assertEqual(api.run(pipeline), 0)
            (answer,) = api.answers
            self.assertEqual(answer.kind, "response", api.err)
            if answer.json["done"]:
                break
            self.assertEqual(answer.json["status"], "checkpointed")
            # As Step Functions hand it on: the result, the result inside Payload, the cursor alone.
            event = (answer.json, {"Payload": answer.json}, answer.json["cursor"])[hops % 3]
            hops += 1
            self.assertEqual(answer.json["cursor"]["hop"], hops)
            seconds *= 1.3  # however slow the machine, some invocation is long enough
        self.assertEqual(self.read("cut.csv"), self.read("whole.csv"))

    def test_a_deadline_that_has_passed_gives_a_cursor(self):
        api = RuntimeApi([{}], timeout=-1)
        self.assertEqual(api.run(self.const()), 0)
        self.assertEqual((api.answers[0].json["done"], api.answers[0].json["cursor"]["inputs"]), (False, []))

    def test_retry_fails_the_invocation(self):
        api = RuntimeApi([{}], timeout=-1)
        self.assertEqual(api.run(self.const(more="lambda:\n  continue: retry\n")), 0)
        self.assertEqual((api.answers[0].kind, api.answers[0].error_type), ("error", "Function.Checkpointed"))

    def test_a_damaged_cursor_is_no_record(self):
        good = {"weir_cursor": 1, "hop": 1, "via": "return", "inputs": ["s3://b1x/k"]}
        bad = [{**good, "weir_cursor": 2}, {**good, "weir_cursor": "1"}, {**good, "hop": -1}, {**good, "hop": 0}, {**good, "via": "x"}, {**good, "inputs": []},
               {**good, "inputs": ["file"]}, {**good, "inputs": None}, {"weir_cursor": 1}, {"done": False, "cursor": {**good, "hop": "1"}}]
        api = RuntimeApi(bad)
        self.assertEqual(api.run(self.records()), 0)
        self.assertEqual([(a.kind, a.json["error"]["code"]) for a in api.answers], [("error", "W3501")] * len(bad))

    def test_a_queue_that_calls_a_pipeline_of_its_own(self):
        cursor = json.dumps({"weir_cursor": 1, "hop": 14, "via": "requeue", "inputs": []}, separators=(",", ":"))
        pipeline = self.const()
        api = RuntimeApi([sqs(cursor)], timeout=-1)
        self.assertEqual(api.run(pipeline), 0)
        self.assertEqual(api.answers[0].json["error"]["code"], "W2033")
        api = RuntimeApi([sqs("go", "go")])
        self.assertEqual(api.run(pipeline), 0)
        self.assertEqual(api.answers[0].json, {"batchItemFailures": []})

    def test_a_chain_ends_before_lambda_cuts_it(self):
        cursor = {"weir_cursor": 1, "hop": 14, "via": "self", "inputs": []}
        api = RuntimeApi([cursor], timeout=-1)
        self.assertEqual(api.run(self.const()), 0)
        self.assertEqual((api.answers[0].kind, api.answers[0].json["error"]["code"]), ("error", "W2033"))


if __name__ == "__main__":
    unittest.main()
