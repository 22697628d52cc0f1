"""The bed itself: each server understands the client, each fault of the endpoint does what it says, and the checks see what they are for."""
import base64
import contextlib
import http.client
import json
import socket
import ssl
import threading
import unittest.mock
import urllib.error
import urllib.request

from aws import Aws, AwsError, plain
from case import ServiceCase, keyed_rows
from endpoint import (LIMITS, MiB, chunked_reply, error, large_reply, reply_then_reset, reset_unread, say, say_unread, stall_reply, stall_unread)
from fault_proxy import cut, lose_reply, refuse


PAST = threading.Event()
PAST.set()


def b64(data):
    return base64.b64encode(data).decode()


def message(i, **more):
    return {"Id": str(i), "MessageBody": json.dumps({"id": i, "key": f"k{i % 3}"}), **more}


def send(aws, url, entries):
    return aws.json("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})


# ---- the servers ------------------------------------------------------------------------------------------------------------


class Queues(ServiceCase, service="sqs"):
    def test_standard(self):
        url = self.aws.create_queue(self.name)
        attribute = {"MessageAttributes": {"from": {"DataType": "String", "StringValue": "weir"}, "raw": {"DataType": "Binary", "BinaryValue": b64(b"\0\1")}}}
        for start in range(0, 30, 10):
            self.assertFalse(send(self.aws, url, [message(i, **attribute) for i in range(start, start + 10)]).get("Failed"))
        got = self.aws.receive_all(url)
        self.assert_exactly_once([m.body for m in got], 30)
        self.assertEqual(got[0].attributes, {"from": "weir", "raw": b"\0\1"})
        self.assertEqual(self.aws.receive_all(url), [])

    def test_fifo(self):
        url = self.aws.create_queue(self.name + ".fifo", fifo=True)
        batch = [message(i, MessageGroupId=f"k{i % 3}", MessageDeduplicationId=str(i)) for i in range(10)]
        for _ in range(2):  # the second time nothing is added
            self.assertFalse(send(self.aws, url, batch).get("Failed"))
        got = self.aws.receive_all(url)
        self.assert_exactly_once([m.body for m in got], 10)
        self.assert_order_per_key([m.body for m in got])
        self.assertEqual({m.group for m in got}, {"k0", "k1", "k2"})

    def test_limits(self):
        url = self.aws.create_queue(self.name)
        with self.assertRaises(AwsError) as caught:
            send(self.aws, url, [message(i) for i in range(11)])
        self.assertEqual(caught.exception.status, 400)
        self.assertEqual(self.aws.receive_all(url), [])
        self.assertFalse(send(self.aws, url, [{"Id": "a", "MessageBody": "x" * MiB}]).get("Failed"))
        self.assertEqual([len(m.body) for m in self.aws.receive_all(url)], [MiB])

    def test_no_such_queue(self):
        with self.assertRaises(AwsError) as caught:
            send(self.aws, f"{self.aws.endpoint}/{self.aws.account}/nobody", [message(1)])
        self.assertIn(caught.exception.code, ("QueueDoesNotExist", "NonExistentQueue"))

    def test_a_reply_that_is_lost_before_a_real_server(self):
        url = self.aws.create_queue(self.name)
        through = Aws(self.proxy.endpoint)
        self.proxy.fault(lose_reply(reset=True), where=lambda r: r.fields.get("x-amz-target") == "AmazonSQS.SendMessageBatch")
        with self.assertRaises((OSError, http.client.HTTPException)):
            send(through, url, [message(i) for i in range(10)])
        send(through, url, [message(i) for i in range(10)])
        self.assertEqual(self.assert_at_least_once([m.body for m in self.aws.receive_all(url)], 10), 10)
        self.assert_signed("sqs")


class Streams(ServiceCase, service="kinesis"):
    def test_all_records_of_all_shards(self):
        self.aws.create_stream(self.name, 3)
        for start in (0, 500):
            records = [{"PartitionKey": f"k{i % 7}", "Data": b64(json.dumps({"id": i, "key": f"k{i % 7}"}).encode())} for i in range(start, start + 500)]
            self.assertEqual(self.aws.json("kinesis", "PutRecords", {"StreamName": self.name, "Records": records})["FailedRecordCount"], 0)
        got = self.aws.read_stream(self.name)
        self.assert_exactly_once([r.data for r in got], 1000)
        self.assert_order_per_key([r.data for r in got])
        self.assertGreater(len({r.shard for r in got}), 1)

    def test_limits(self):
        self.aws.create_stream(self.name)
        with self.assertRaises(AwsError):
            self.aws.json("kinesis", "PutRecords", {"StreamName": self.name, "Records": [{"PartitionKey": "k", "Data": ""}] * 501})


class Tables(ServiceCase, service="dynamodb"):
    def test_all_items(self):
        self.aws.create_table(self.name, ("id", "N"), sort=("key", "S"))
        for start in range(0, 100, 25):
            puts = [{"PutRequest": {"Item": {"id": {"N": str(i)}, "key": {"S": "é"}, "more": {"M": {"a": {"L": [{"NULL": True}, {"BOOL": False}]}}}}}}
                    for i in range(start, start + 25)]
            self.assertFalse(self.aws.json("dynamodb", "BatchWriteItem", {"RequestItems": {self.name: puts}}).get("UnprocessedItems"))
        items = [plain(item) for item in self.aws.scan(self.name)]
        self.assert_exactly_once(items, 100)
        self.assertEqual((items[0]["key"], items[0]["more"]), ("é", {"a": [None, False]}))

    def test_limits(self):
        self.aws.create_table(self.name, ("id", "N"))
        put = [{"PutRequest": {"Item": {"id": {"N": str(i)}}}} for i in range(26)]
        large = {"PutRequest": {"Item": {"id": {"N": "1"}, "text": {"S": "x" * 400 * 1024}}}}
        # moto takes more than 25.
        for bad in ([put[0], put[0]], [large], *([put] if self.server.name == "dynalite" else [])):
            with self.assertRaises(AwsError) as caught:
                self.aws.json("dynamodb", "BatchWriteItem", {"RequestItems": {self.name: bad}})
            self.assertEqual(caught.exception.code, "ValidationException")


class Deliveries(ServiceCase, service="firehose"):
    def test_into_a_bucket(self):
        self.aws.create_delivery_stream(self.name, self.bucket)
        for start in (0, 500):
            records = [{"Data": b64(b'{"id":%d}\n' % i)} for i in range(start, start + 500)]
            self.assertEqual(self.aws.json("firehose", "PutRecordBatch", {"DeliveryStreamName": self.name, "Records": records})["FailedPutCount"], 0)
        self.assert_exactly_once(b"".join(self.aws.delivered(self.bucket)).splitlines(), 1000)


class Topics(ServiceCase, service="sns"):
    def test_to_a_queue(self):
        url, topic = self.aws.create_queue(self.name), self.aws.create_topic(self.name)
        self.aws.subscribe(topic, url)
        reply = self.aws.query("sns", "PublishBatch", TopicArn=topic,
                               PublishBatchRequestEntries=[{"Id": str(i), "Message": json.dumps({"id": i})} for i in range(10)])
        self.assertEqual(reply.texts("PublishBatchResult", "Failed", "member"), [])
        self.assert_exactly_once([m.body for m in self.aws.receive_all(url)], 10)


class Buses(ServiceCase, service="events"):
    def test_to_a_queue(self):
        url = self.aws.create_queue(self.name)
        self.aws.create_bus(self.name, url)
        events = [{"EventBusName": self.name, "Source": "weir", "DetailType": "record", "Detail": json.dumps({"id": i})} for i in range(10)]
        self.assertEqual(self.aws.json("events", "PutEvents", {"Entries": events})["FailedEntryCount"], 0)
        self.assert_exactly_once([json.loads(m.body)["detail"] for m in self.aws.receive_all(url)], 10)


class Functions(ServiceCase, service="lambda"):
    def test_invoke(self):
        self.aws.create_function(self.name)
        body = b'{"records":[{"id":1}]}'
        reply = self.aws.invoke(self.name, body)
        self.assertEqual((reply.status, reply.body, reply.fields.get("x-amz-function-error")), (200, body, None))
        self.assertEqual(self.aws.invoke(self.name, body, "Event").status, 202)


class Runs(ServiceCase, service="s3"):
    def test_a_run(self):
        """Weir goes through the proxy to the server, by the environment alone."""
        self.s3.make_bucket(self.bucket)
        self.put_object("in.csv", keyed_rows(1000))
        self.run_pipeline(f"input:\n  from: {self.url('in.csv')}\noutput:\n  to: out.ndjson\n")
        self.assert_exactly_once(self.get("out.ndjson").splitlines(), 1000)
        self.assertIn("GetObject", {r.op for r in self.proxy.log})


# ---- the endpoint -----------------------------------------------------------------------------------------------------------


class Http(ServiceCase, service="endpoint"):
    def post(self, endpoint, body=b'{"id":1}\n', path="/in?a=1", context=None, **fields):
        """Status, fields, body."""
        request = urllib.request.Request(endpoint.url(path), body, {n.replace("_", "-"): v for n, v in fields.items()})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), Stay)
        try:
            with opener.open(request, timeout=60) as reply:
                return reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    def assert_gone(self, endpoint, *args, **options):
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.post(endpoint, *args, **options)

    def test_all_is_remembered(self):
        endpoint = self.endpoint()
        self.assertEqual(self.post(endpoint, b'{"id":0}\n{"id":1}\n', Authorization="Bearer x")[0], 200)
        self.assertEqual(self.post(endpoint, b'[{"id":2},\n {"id":3}]')[0], 200)
        first = endpoint.log[0]
        self.assertEqual((first.method, first.op, first.path, first.key, first.query, first.fields["authorization"], first.body, first.status),
                         ("POST", "POST", "/in", "/in", {"a": "1"}, "Bearer x", b'{"id":0}\n{"id":1}\n', 200))
        self.assertEqual([(r.number, r.answered, r.taken) for r in endpoint.log], [(0, 0, True), (1, 1, True)])
        self.assert_exactly_once(endpoint.accepted, 4)
        self.assertEqual([e.data for e in endpoint.accepted], [b'{"id":%d}' % i for i in range(4)])

    def test_tls(self):
        endpoint = self.endpoint(tls=True)
        trust = ssl.create_default_context(cafile=self.more_env["AWS_CA_BUNDLE"])
        self.assertTrue(endpoint.url().startswith("https://127.0.0.1:"))
        self.assertEqual(self.post(endpoint, context=trust)[0], 200)
        endpoint.fault(reset_unread())
        self.assert_gone(endpoint, b"x" * MiB, context=trust)
        for kind in ("expired", "host", "alone"):
            with self.assertRaises(urllib.error.URLError):
                self.post(self.endpoint(tls=True, certificate=kind), context=trust)
        self.assertEqual([e.data for e in endpoint.accepted], [b'{"id":1}'])

    def test_answers(self):
        endpoint = self.endpoint()
        for status, fields in ((429, {"retry_after": "7"}), (503, {}), (500, {}), (400, {}), (413, {}), (307, {"location": "http://127.0.0.1:1/"})):
            endpoint.fault(say(status, f"says {status}", **fields))
        for status, name, value in ((429, "Retry-After", "7"), (503, "", None), (500, "", None), (400, "", None), (413, "", None),
                                    (307, "Location", "http://127.0.0.1:1/")):
            got = self.post(endpoint)
            self.assertEqual((got[0], got[1].get(name), got[2]), (status, value, f"says {status}".encode()))
        self.assertEqual(endpoint.accepted, [])
        endpoint.fault(say(500, taken=True))
        self.assertEqual(self.post(endpoint)[0], 500)
        self.assertEqual(len(endpoint.accepted), 1)

    def test_an_answer_before_the_body(self):
        endpoint = self.endpoint()
        endpoint.fault(say_unread(413, "too large"))
        with socket.create_connection(("127.0.0.1", endpoint.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            self.assertTrue(client.makefile("rb").readline().startswith(b"HTTP/1.1 413"))
        self.assertEqual(endpoint.accepted, [])

    def test_resets(self):
        for act, taken, read in ((reset_unread(), False, False), (stall_unread(PAST), False, False), (refuse(reset=True), False, True),
                                 (refuse(), False, True), (lose_reply(reset=True), True, True), (lose_reply(), True, True)):
            endpoint = self.endpoint()
            endpoint.fault(act)
            self.assert_gone(endpoint, b'{"id":1}\n' * 100000)
            request = endpoint.log[0]
            self.assertEqual((len(endpoint.accepted) > 0, request.taken, request.answered), (taken, taken, None))
            self.assertEqual(len(request.body), 900000 if read else 0)
            self.assertEqual(self.post(endpoint)[0], 200)

    def test_a_reset_behind_the_reply(self):
        endpoint = self.endpoint()
        endpoint.fault(reply_then_reset())
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", "/", b"1\n")
            self.assertEqual(connection.getresponse().read(), b"")
            with self.assertRaises((OSError, http.client.HTTPException)):
                connection.request("POST", "/", b"2\n")
                connection.getresponse()
        self.assertEqual([e.data for e in endpoint.accepted], [b"1"])

    def test_stalls(self):
        for taken in (True, False):
            endpoint, released = self.endpoint(), threading.Event()
            endpoint.fault(stall_reply(released, taken=taken))
            with socket.create_connection(("127.0.0.1", endpoint.port), timeout=60) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1\n")
                endpoint.await_requests(1)
                self.assertIsNone(endpoint.log[0].answered)
                released.set()
                self.assertEqual(client.makefile("rb").readline()[:12], b"HTTP/1.1 200" if taken else b"")
            self.assertEqual(len(endpoint.accepted), taken)

    def test_a_stall_within_the_body(self):
        endpoint, released = self.endpoint(), threading.Event()
        endpoint.fault(stall_unread(released, 1000))
        with socket.create_connection(("127.0.0.1", endpoint.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
            client.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while True:  # until the pipe is full for the moment
                    sent += client.send(bytes(MiB))
            endpoint.await_requests(1)
            self.assertLess(sent, 10**9)
            client.setblocking(True)
            client.settimeout(60)
            released.set()
            with self.assertRaises(ConnectionResetError):
                while True:
                    client.sendall(bytes(MiB))
                    if not client.recv(1):
                        raise ConnectionResetError
        self.assertEqual(endpoint.accepted, [])

    def test_odd_replies(self):
        endpoint = self.endpoint()
        endpoint.fault(large_reply(3 * MiB))
        self.assertEqual(len(self.post(endpoint)[2]), 3 * MiB)
        endpoint.fault(lambda exchange: exchange.answer_chunked(say_reply(exchange, b"0123456789"), 3))
        status, fields, body = self.post(endpoint)
        self.assertEqual((status, fields["Transfer-Encoding"], fields["Content-Length"], body), (200, "chunked", None, b"0123456789"))
        endpoint.fault(chunked_reply())
        self.assertEqual(self.post(endpoint)[2], b"")
        endpoint.fault(large_reply(1000), skip=1)
        endpoint.fault(cut(10))
        self.assertEqual(self.post(endpoint)[2], b"")

    def test_a_request_in_chunks(self):
        endpoint = self.endpoint()
        self.assertEqual(self.post(endpoint, iter([b'{"id":0}\n', b'{"id":1}\n']))[0], 200)
        self.assert_exactly_once(endpoint.accepted, 2)

    def test_idempotency_keys(self):
        endpoint = self.endpoint(idempotent=True)
        for _ in range(3):
            self.assertEqual(self.post(endpoint, Idempotency_Key="a")[0], 200)
        self.assertEqual((len(endpoint.log), len(endpoint.accepted)), (3, 1))

    def test_requests_in_flight(self):
        endpoint, released = self.endpoint(), threading.Event()
        endpoint.fault(stall_reply(released), times=3)
        threads = [threading.Thread(target=self.post, args=(endpoint,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        endpoint.await_requests(3)
        released.set()
        for thread in threads:
            thread.join()
        self.assertEqual(endpoint.flying_max, 3)

    def test_a_fault_of_the_bed_is_no_fault_of_weir(self):
        endpoint = self.endpoint()
        endpoint.fault(lambda exchange: 1 // 0)
        told = threading.Event()
        with unittest.mock.patch.object(threading, "excepthook", lambda _: told.set()):
            self.assert_gone(endpoint)
            told.wait(60)
        self.assertEqual([type(f) for f in endpoint.failures], [ZeroDivisionError])
        endpoint.failures.clear()


def say_reply(exchange, body):
    reply = exchange.ask()
    reply.set_body(body)
    return reply


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Services(ServiceCase, service="endpoint"):
    def setUp(self):
        super().setUp()
        self.at = self.endpoint(keys={"t": ["id"]})
        self.through = Aws(self.at.endpoint)

    def batch(self, op, count, data=lambda i: json.dumps({"id": i, "key": f"k{i % 3}"})):
        """Sends so many records in one request and gives the indices of those that failed."""
        t, numbers = self.through, range(count)
        if op == "SendMessageBatch":
            value = send(t, self.at.url("/1/q"), [{"Id": f"i{i}", "MessageBody": data(i)} for i in numbers])
            return [int(f["Id"][1:]) for f in value["Failed"]]
        if op == "PublishBatch":
            reply = t.query("sns", op, TopicArn="arn:t", PublishBatchRequestEntries=[{"Id": str(i), "Message": data(i)} for i in numbers])
            self.assertEqual(len(reply.texts("PublishBatchResult", "Successful", "member")) + len(reply.texts("PublishBatchResult", "Failed", "member")),
                             count)
            return [int(i) for i in reply.texts("PublishBatchResult", "Failed", "member", "Id")]
        if op == "PutRecords":
            value = t.json("kinesis", op, {"StreamName": "s", "Records": [{"PartitionKey": f"k{i % 3}", "Data": b64(data(i).encode())} for i in numbers]})
            self.assertEqual(value["FailedRecordCount"], sum("ErrorCode" in r for r in value["Records"]))
            return [i for i, r in enumerate(value["Records"]) if "ErrorCode" in r]
        if op == "PutRecordBatch":
            value = t.json("firehose", op, {"DeliveryStreamName": "d", "Records": [{"Data": b64(data(i).encode())} for i in numbers]})
            return [i for i, r in enumerate(value["RequestResponses"]) if "ErrorCode" in r]
        if op == "PutEvents":
            value = t.json("events", op, {"Entries": [{"EventBusName": "b", "Source": "w", "DetailType": "r", "Detail": data(i)} for i in numbers]})
            return [i for i, r in enumerate(value["Entries"]) if "ErrorCode" in r]
        if op == "BatchWriteItem":
            value = t.json("dynamodb", op, {"RequestItems": {"t": [{"PutRequest": {"Item": {"id": {"N": str(i)}, "text": {"S": data(i)}}}} for i in numbers]}})
            return [int(w["PutRequest"]["Item"]["id"]["N"]) for w in value["UnprocessedItems"].get("t", [])]
        reply = t.invoke("f", json.dumps({"records": [json.loads(data(i)) for i in numbers]}).encode())
        return list(numbers) if "x-amz-function-error" in reply.fields else []

    OPS = tuple(op for op in LIMITS if op != "Event")
    KEYS = {"SendMessageBatch": "q", "PublishBatch": "arn:t", "PutRecords": "s", "PutRecordBatch": "d", "PutEvents": "b", "BatchWriteItem": "t", "Invoke": "f"}

    def test_taken(self):
        for op in self.OPS:
            self.at.clear()
            self.assertEqual(self.batch(op, 10), [], op)
            self.assertEqual([e.index for e in self.at.accepted], list(range(10)), op)
            self.assertEqual((self.at.log[-1].op, self.at.log[-1].key), (op, self.KEYS[op]))
            if op == "BatchWriteItem":
                self.assertEqual([plain(json.loads(e.data))["id"] for e in self.at.accepted], [str(i) for i in range(10)])
            else:
                self.assert_exactly_once(self.at.accepted, 10)
                self.assert_order_per_key(self.at.accepted)

    def test_some_fail(self):
        for op in self.OPS:
            self.at.clear()
            self.at.fail(lambda e: e.index in (3, 7), times=2)
            self.assertEqual(self.batch(op, 10), list(range(10)) if op == "Invoke" else [3, 7], op)
            self.assertEqual([e.index for e in self.at.accepted], [] if op == "Invoke" else [0, 1, 2, 4, 5, 6, 8, 9], op)
            self.assertEqual(self.batch(op, 10), [], op)

    def test_each_fails_so_often(self):
        self.at.fail(lambda e: e.index < 2, "Throttled", times=None, each=2)
        self.assertEqual([self.batch("PutRecords", 4) for _ in range(3)], [[0, 1], [0, 1], []])

    def test_faults_by_operation(self):
        self.at.fault(error(400, "ThrottlingException", "slow down", retry_after="3"), op="PutRecords", skip=1)
        self.batch("PutRecords", 1)
        self.batch("SendMessageBatch", 1)
        with self.assertRaises(AwsError) as caught:
            self.batch("PutRecords", 1)
        self.assertEqual((caught.exception.status, caught.exception.code, str(caught.exception).endswith("slow down")), (400, "ThrottlingException", True))
        for op in self.OPS:
            self.at.fault(error(503, "ServiceUnavailable", taken=True), op=op)
            before = len(self.at.accepted)
            with self.assertRaises(AwsError) as caught:
                self.batch(op, 1)
            self.assertEqual((caught.exception.status, caught.exception.code, len(self.at.accepted)), (503, "ServiceUnavailable", before + 1), op)

    def test_what_breaks_the_limits_is_refused(self):
        def refused(status, code, op, *args):
            with self.assertRaises(AwsError) as caught:
                self.batch(op, *args)
            self.assertEqual((caught.exception.status, caught.exception.code), (status, code), op)
        refused(400, "TooManyEntriesInBatchRequest", "SendMessageBatch", 11)
        refused(400, "BatchRequestTooLong", "SendMessageBatch", 2, lambda i: "x" * (MiB // 2 + i))
        refused(400, "InvalidMessageContents", "SendMessageBatch", 1, lambda i: "\1")
        refused(400, "BatchRequestTooLong", "PublishBatch", 1, lambda i: "x" * (256 * 1024 + 1))
        refused(400, "ValidationException", "PutRecords", 501)
        refused(400, "InvalidArgumentException", "PutRecords", 2, lambda i: "x" * 6 * MiB)
        refused(400, "InvalidArgumentException", "PutRecordBatch", 5, lambda i: "x" * 900 * 1024)
        refused(400, "ValidationException", "PutRecordBatch", 1, lambda i: "x" * (1000 * 1024 + 1))
        refused(400, "ValidationException", "BatchWriteItem", 26)
        refused(400, "ValidationException", "BatchWriteItem", 1, lambda i: "x" * 400 * 1024)
        refused(400, "ValidationException", "PutEvents", 11)
        refused(413, "RequestEntityTooLargeException", "Invoke", 1, lambda i: '"' + "x" * 6 * MiB + '"')
        self.assertEqual((len(self.at.refused), self.at.accepted), (12, []))
        self.assertEqual(self.batch("SendMessageBatch", 2, lambda i: "x" * (MiB // 2)), [])

    def test_an_item_twice(self):
        with self.assertRaises(AwsError) as caught:
            self.through.json("dynamodb", "BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": {"Item": {"id": {"N": "1"}}}}] * 2}})
        self.assertEqual(caught.exception.code, "ValidationException")

    def test_signatures(self):
        self.batch("SendMessageBatch", 1)
        self.assert_signed("sqs")
        with self.assertRaises(AssertionError):
            self.assert_signed("sns")
        self.at.clear()
        Aws(self.at.endpoint, secret="another").invoke("f", b"1", qualifier="live")
        with self.assertRaises(AssertionError):
            self.assert_signed("lambda")
        self.at.clear()
        self.through.invoke("arn:aws:lambda:x:1:function:f", b"1", qualifier="live")
        self.assert_signed("lambda")


# ---- the checks -------------------------------------------------------------------------------------------------------------


class Checks(ServiceCase, service="endpoint"):
    def test_counts(self):
        sent = [b'{"id":0,"key":"a"}', '{"id":1,"key":"b"}', {"id": 2, "key": "a"}]
        self.assert_exactly_once(sent, 3)
        self.assertEqual(self.assert_at_least_once([*sent, sent[0]], 3, repeats=1), 1)
        for bad, count in ((sent[:2], 3), (sent, 2), ([*sent, sent[0]], 3)):
            with self.assertRaises(AssertionError):
                self.assert_exactly_once(bad, count)
        for bad, count, repeats in ((sent[:2], 3, None), (sent, 2, None), (sent, 3, 1), ([*sent, sent[0]], 3, 0)):
            with self.assertRaises(AssertionError):
                self.assert_at_least_once(bad, count, repeats)

    def test_order(self):
        a0, b1, a2 = ({"id": i, "key": k} for i, k in enumerate("aba"))
        for good in ((a0, b1, a2), (b1, a0, a2), (a0, a2, b1)):
            self.assert_order_per_key(good)
        for bad in ((a2, a0), (a0, a0)):
            with self.assertRaises(AssertionError):
                self.assert_order_per_key(bad)
        self.assert_order_per_key((a0, a2, a0, a2), repeats=True)
        with self.assertRaises(AssertionError):
            self.assert_order_per_key((a2, a0, a2), repeats=True)
        self.assert_order_per_key((a0, b1, a2), key=lambda record: "one")

    def test_a_run_over_tls(self):
        """Weir trusts the endpoint, and its request is as it should be."""
        endpoint = self.endpoint(tls=True)
        endpoint.fault(say(404), times=None)
        self.weir("query", "SELECT * FROM input", "s3://bucket/in.csv", exit=None)
        self.assertEqual({r.status for r in endpoint.log}, {404})
        self.assertIn("/us-east-1/s3/aws4_request", endpoint.log[0].fields["authorization"])

    def test_a_run(self):
        """Weir on the rows that the tests send; nothing is sent."""
        self.put("in.csv", keyed_rows(1000, keys=3, bad_every=100))
        run = self.run_pipeline("input:\n  from: in.csv\noutput:\n  to: out.ndjson\nrejects:\n  to: rejects\n")
        self.assertEqual((run.records["read"], run.records["rejected"]), (1000, 10))
        got = self.get("out.ndjson").splitlines()
        self.assert_exactly_once(got, {i for i in range(1000) if i % 100 != 99})
        self.assertEqual({json.loads(line)["key"] for line in got}, {"k0", "k1", "k2"})
