"""The Lambda runtime beside S3 and SQS: what it asks of the queue that an event came from, and what it passes on."""
import gzip
import hashlib
import http.server
import json
import threading
import time
import urllib.request

from bed import Bed, only, rows
from runtime_api import RuntimeApi

ACCOUNT = "123456789012"


class Recorder:
    """A service that takes everything and remembers it."""

    def __init__(self):
        self.requests = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.requests.append((self.path, dict(self.headers), json.loads(body)))
                reply = b"{}"
                if self.headers.get("X-Amz-Target", "").endswith(".PutRecords"):
                    reply = json.dumps({"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1"}] * len(recorder.requests[-1][2]["Records"])}).encode()
                self.send_response(202 if self.path != "/" else 200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Queues(Bed):
    QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"

    def pipeline(self, more=""):
        return (f"name: orders\ninput:\n  from: event\nquery: SELECT id FROM input\noutput:\n  to: s3://{self.bucket}/clean/{{input.stem}}.ndjson\n"
                f"checkpoint: s3://{self.bucket}/state/\n{more}")

    def function(self, events, more="", timeout=60.0, **env):
        api = RuntimeApi(events, timeout=timeout)
        surroundings = {"AWS_ACCESS_KEY_ID": self.server.s3.key, "AWS_SECRET_ACCESS_KEY": self.server.s3.secret,
                        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.port}", **env}
        self.assertEqual(api.run(self.pipeline(more), surroundings), 0, getattr(api, "err", ""))
        return api

    def message(self, *keys):
        return {"Records": [{"messageId": f"m-{i}", "receiptHandle": f"handle-{i}", "eventSource": "aws:sqs", "eventSourceARN": self.QUEUE, "attributes": {},
                             "body": key if key.startswith("{") else json.dumps({"Records": [
                                 {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                  "s3": {"bucket": {"name": self.bucket}, "object": {"key": key}}}]})} for i, key in enumerate(keys)]}

    def sqs(self, action, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}/", json.dumps(body).encode(), {
            "X-Amz-Target": "AmazonSQS." + action, "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"})
        with urllib.request.urlopen(request) as reply:
            return json.loads(reply.read() or b"{}")

    @only("moto", why="radosgw has no queues")
    def test_a_job_at_its_deadline_goes_back_into_its_queue(self):
        url = self.sqs("CreateQueue", QueueName="orders")["QueueUrl"]
        self.s3.put(self.bucket, "in/a.csv", rows(100))
        api = self.function([self.message("in/a.csv")], timeout=-1)
        self.assertEqual(api.answers[0].json, {"batchItemFailures": []}, api.err)
        (message,) = self.sqs("ReceiveMessage", QueueUrl=url)["Messages"]
        cursor = json.loads(message["Body"])
        self.assertEqual((cursor["hop"], cursor["inputs"]), (1, [f"s3://{self.bucket}/in/a.csv"]))
        api = self.function([self.message(message["Body"])])
        self.assertEqual(api.answers[0].json, {"batchItemFailures": []}, api.err)
        self.assertEqual(self.s3.body(self.bucket, "clean/a.ndjson").count(b"\n"), 100)

    @only("moto", why="radosgw has no queues")
    def test_what_can_not_be_done_goes_into_a_queue(self):
        url = self.sqs("CreateQueue", QueueName="failed")["QueueUrl"]
        self.s3.put(self.bucket, "in/a.csv.gz", gzip.compress(rows(100))[:-9])
        api = self.function([self.message("in/a.csv.gz")], more=f"lambda:\n  on_fatal: sqs://{url}\n")
        self.assertEqual(api.answers[0].json, {"batchItemFailures": []}, api.err)
        (message,) = self.sqs("ReceiveMessage", QueueUrl=url)["Messages"]
        self.assertEqual(json.loads(message["Body"])["error"]["code"], "W3001")

    def test_a_message_whose_job_another_run_owns_waits_for_it(self):
        recorder = Recorder()
        self.addCleanup(recorder.close)
        self.s3.put(self.bucket, "in/a.csv", rows(100))
        name = hashlib.sha256(f"s3://{self.bucket}/in/a.csv".encode()).hexdigest()[:16]
        self.s3.put(self.bucket, f"state/orders/a.ndjson-{name}.weir.lease", b"weir lease somebody %d\n" % ((time.time_ns()) + 100 * 10**9))
        api = self.function([self.message("in/a.csv", "in/none")], AWS_ENDPOINT_URL_SQS=recorder.url)
        (path, headers, body) = recorder.requests[-1]
        self.assertEqual((headers["X-Amz-Target"], body["ReceiptHandle"]), ("AmazonSQS.ChangeMessageVisibility", "handle-0"), api.err)
        self.assertTrue(1 <= body["VisibilityTimeout"] <= 101, body)
        self.assertEqual(api.answers[0].error_type, "Function.Fenced")

    def test_the_trace_goes_on_and_the_function_invokes_itself(self):
        recorder = Recorder()
        self.addCleanup(recorder.close)
        self.s3.put(self.bucket, "in/a.csv", rows(100))
        notification = json.loads(self.message("in/a.csv")["Records"][0]["body"])
        api = self.function([notification], timeout=-1, AWS_ENDPOINT_URL_LAMBDA=recorder.url)
        ((path, headers, cursor),) = recorder.requests
        self.assertEqual(path, "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations")
        self.assertEqual(headers["X-Amz-Invocation-Type"], "Event")
        self.assertEqual(headers["X-Amzn-Trace-Id"], "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
        self.assertIn("/us-east-1/lambda/aws4_request", headers["Authorization"])
        self.assertEqual((cursor["via"], cursor["inputs"]), ("self", [f"s3://{self.bucket}/in/a.csv"]))
        self.assertEqual((api.answers[0].kind, api.answers[0].json["done"]), ("response", True))


class Onward(Bed):
    """Records of an event that go on to a service."""

    def sends(self, event, to, events=1, **env):
        service = Recorder()
        self.addCleanup(service.close)
        api = RuntimeApi([event] * events, timeout=60.0)
        surroundings = {"AWS_ACCESS_KEY_ID": self.server.s3.key, "AWS_SECRET_ACCESS_KEY": self.server.s3.secret, "AWS_LAMBDA_FUNCTION_NAME": "orders",
                        "AWS_ENDPOINT_URL": service.url, **env}
        pipeline = f"name: orders\ninput:\n  from: event\nquery: SELECT body FROM input\noutput:\n  to: {to}\n"
        self.assertEqual(api.run(pipeline, surroundings), 0, getattr(api, "err", ""))
        return api, service.requests

    def message(self, number):
        return {"messageId": f"m-{number}", "receiptHandle": "h", "body": json.dumps({"n": number}), "attributes": {}, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": Queues.QUEUE, "awsRegion": "us-east-1"}

    def test_one_that_is_delivered_again_has_the_same_ids(self):
        api, requests = self.sends({"Records": [self.message(1), self.message(2)]}, "kinesis://clean", events=2)
        self.assertEqual([answer.json for answer in api.answers], [{"batchItemFailures": []}] * 2)
        sent = [body["Records"] for _, _, body in requests]
        self.assertEqual(len(sent), 2)
        self.assertEqual(sent[0], sent[1])
        self.assertEqual(len({record["PartitionKey"] for record in sent[0]}), 2)
        other, requests = self.sends({"Records": [self.message(3), self.message(2)]}, "kinesis://clean")
        self.assertNotEqual({record["PartitionKey"] for record in requests[0][2]["Records"]}, {record["PartitionKey"] for record in sent[0]})

    def test_what_would_call_the_function_again_is_refused(self):
        for to in ("sqs://orders", "sqs://" + Queues.QUEUE, "lambda://orders", "lambda://orders:live"):
            api, requests = self.sends({"Records": [self.message(1)]}, to)
            self.assertEqual(requests, [])
            self.assertIn("calls this function again", api.answers[0].json["errorMessage"])
