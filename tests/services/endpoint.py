"""A server over HTTP or TLS that remembers all it is sent, and misbehaves as it is told: by request, entry and count, never by time.

    endpoint = Endpoint()                                            # tls=Certificates(folder).context() is one over TLS
    endpoint.fault(say(503, retry_after="1"), skip=1, times=2)       # the second and the third request
    endpoint.fault(lose_reply(reset=True), op="PutRecords")          # taken, and nobody is told
    endpoint.fail(lambda entry: entry.data == b"7", "InternalFailure", times=3)
    ...
    endpoint.log[-1].op, .key, .fields, .body, .status, .fault, .taken, .number, .answered
    endpoint.accepted[-1].data, .key, .id, .index, .request          # each time that an entry was taken, in order

It is the proxy of tests/s3 with a service of its own behind it: what makes replies fail there does it here (`cut`, `cut_head`, `refuse`,
`lose_reply`, `close_after`, `before`, `after`, `within`, `stall`), and so do the faults below. A request with X-Amz-Target, with `Action=`
or to a Lambda function's invocations is answered as that service does, within its limits; what breaks them is refused as AWS does, and is
in `endpoint.refused`. Any other request is taken by the line (NDJSON), or by the item of a JSON array, and answered 200.
"""
import base64
import collections
import contextlib
import gzip
import hashlib
import itertools
import json
import re
import threading
import urllib.parse
import zlib
from xml.sax.saxutils import escape

import servers  # noqa: F401  so that the modules of tests/s3 are found
import fault_proxy
from fault_proxy import Gone, Reply

KiB, MiB = 1 << 10, 1 << 20
# Entries in a request; bytes of an entry and of all of them, as the service counts them.
Limits = collections.namedtuple("Limits", "entries entry_bytes bytes")
LIMITS = {
    "SendMessageBatch": Limits(10, MiB, MiB),
    "PublishBatch": Limits(10, 256 * KiB, 256 * KiB),
    "PutRecords": Limits(500, 10 * MiB, 10 * MiB),
    "PutRecordBatch": Limits(500, 1000 * KiB, 4 * MiB),
    "BatchWriteItem": Limits(25, 400 * KiB, 16 * MiB),
    "PutEvents": Limits(10, MiB, MiB),
    "Invoke": Limits(None, None, 6 * MiB),  # RequestResponse
    "Event": Limits(None, None, MiB),
}
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WAIT_SECONDS = 60


class Request(fault_proxy.Request):
    """`op`: the operation, or the method; `key`: what it is sent to (a queue's name, a stream, a table, a topic's ARN, a bus, a function), or the
    path. `taken`: the service has it. `answered`: how many replies were begun before this one's, None without one. `flying`: how many requests,
    this one included, had no answer when it came, as the client knows at most."""

    taken, answered, value, flying, over = False, None, None, 0, False

    def __init__(self, number, connection, line, fields):
        super().__init__(number, connection, line, fields)
        self.op, self.key = self.method, urllib.parse.unquote(self.path)
        if "x-amz-target" in fields:
            self.op, self.key = fields["x-amz-target"].rpartition(".")[2], ""
        elif invoked := re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", self.path):
            self.op, self.key = "Invoke", urllib.parse.unquote(invoked[1])

    @property
    def text(self):
        """The body, without its Content-Encoding."""
        return gzip.decompress(self.body) if self.fields.get("content-encoding") == "gzip" else self.body

    def understand(self):
        """What only the body tells."""
        if "x-amz-target" in self.fields:
            v = self.value = json.loads(self.body)
            tables = list(v.get("RequestItems", {}))
            buses = [e.get("EventBusName", "default") for e in v.get("Entries", []) if isinstance(e, dict)] if self.op == "PutEvents" else []
            self.key = (v.get("QueueUrl", "").rpartition("/")[2] or v.get("QueueName") or v.get("StreamName") or v.get("StreamARN", "").rpartition("/")[2]
                        or v.get("DeliveryStreamName") or v.get("Name") or v.get("TableName") or next(iter(tables + buses), ""))
        elif self.fields.get("content-type", "").startswith("application/x-www-form-urlencoded") and b"Action=" in self.body:
            self.value = dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))
            self.op, self.key = self.value["Action"], self.value.get("TopicArn", "")


class Entry:
    """One record as it came in a request. `id`: as the request names it, or its number; `key`: what its order is kept by (group, partition
    key), None without; `data`: its bytes, decoded; `value`: the whole of it as it was sent; `bytes`: its size as the service counts."""

    def __init__(self, request, index, id, data, value, key=None, deduplication=None, bytes=None, attributes=None):
        self.request, self.index, self.id, self.key, self.data, self.value, self.deduplication = request, index, id, key, data, value, deduplication
        self.bytes, self.attributes = len(data) if bytes is None else bytes, attributes or {}

    def __repr__(self):
        return f"{self.request.op} {self.request.key} [{self.index}] {self.id} {self.data[:60]!r}"


# ---- the services -----------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """Of a whole request, as a client's fault."""

    def __init__(self, code, message="", status=400):
        super().__init__(f"{code} {message}")
        self.code, self.message, self.status = code, message, status


def entries_of(request):
    value = request.value
    if request.op == "SendMessageBatch":
        for i, e in enumerate(value["Entries"]):
            attributes = {n: a.get("StringValue") if "StringValue" in a else base64.b64decode(a["BinaryValue"])
                          for n, a in e.get("MessageAttributes", {}).items()}
            size = sum(len(n.encode()) + len(e["MessageAttributes"][n]["DataType"]) + len(v.encode() if isinstance(v, str) else v)
                       for n, v in attributes.items())
            data = e["MessageBody"].encode()
            yield Entry(request, i, e["Id"], data, e, e.get("MessageGroupId"), e.get("MessageDeduplicationId"), len(data) + size, attributes)
    elif request.op == "PublishBatch":
        count = 1 + max((int(found[1]) for n in value if (found := re.match(r"PublishBatchRequestEntries\.member\.(\d+)\.", n))), default=0)
        for i in range(1, count):
            head = f"PublishBatchRequestEntries.member.{i}."
            e = {n[len(head):]: v for n, v in value.items() if n.startswith(head)}
            names = {n[:-4]: v for n, v in e.items() if n.startswith("MessageAttributes.entry.") and n.endswith("Name")}
            attributes = {v: e.get(f"{n}Value.StringValue") for n, v in names.items()}
            size = sum(len(v.encode()) for n, v in e.items() if n.startswith("MessageAttributes."))
            data = e["Message"].encode()
            yield Entry(request, i - 1, e["Id"], data, e, e.get("MessageGroupId"), e.get("MessageDeduplicationId"), len(data) + size, attributes)
    elif request.op == "PutRecords":
        for i, e in enumerate(value["Records"]):
            data = base64.b64decode(e["Data"], validate=True)
            yield Entry(request, i, str(i), data, e, e["PartitionKey"], bytes=len(data) + len(e["PartitionKey"].encode()))
    elif request.op == "PutRecordBatch":
        for i, e in enumerate(value["Records"]):
            yield Entry(request, i, str(i), base64.b64decode(e["Data"], validate=True), e)
    elif request.op == "BatchWriteItem":
        index = itertools.count()
        for table, writes in value["RequestItems"].items():
            for e in writes:
                (kind, what), = e.items()
                item = what["Item" if kind == "PutRequest" else "Key"]
                i = next(index)
                yield Entry(request, i, str(i), json.dumps(item, sort_keys=True).encode(), e, table, bytes=item_bytes(item))
    elif request.op == "PutEvents":
        for i, e in enumerate(value["Entries"]):
            size = sum(len(t.encode()) for t in [e["Source"], e["DetailType"], e["Detail"], *e.get("Resources", [])]) + (14 if "Time" in e else 0)
            yield Entry(request, i, str(i), e["Detail"].encode(), e, bytes=size)
    elif request.op == "Invoke":
        value = request.value = json.loads(request.body)
        records = value["records"] if isinstance(value, dict) and "records" in value else [value]
        for i, e in enumerate(records):
            yield Entry(request, i, str(i), compact(e), e)
    else:
        yield from rows_of(request)


def rows_of(request):
    """Of any HTTP endpoint: the items of a JSON array, or lines."""
    text = request.text
    if text.lstrip()[:1] == b"[":
        yield from (Entry(request, i, str(i), compact(item), item) for i, item in enumerate(json.loads(text)))
    else:
        yield from (Entry(request, i, str(i), line, line) for i, line in enumerate(text.splitlines()))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def item_bytes(item):
    """About as DynamoDB counts: names and values; a number is two digits a byte and one more."""
    def size(typed):
        (kind, v), = typed.items()
        if kind == "N":
            return len(v) // 2 + 1
        if kind == "B":
            return len(base64.b64decode(v))
        if kind == "M":
            return 3 + item_bytes(v)
        if kind == "L":
            return 3 + sum(1 + size(each) for each in v)
        return len(v.encode()) if kind == "S" else 1
    return sum(len(name.encode()) + size(value) for name, value in item.items())


def check_limits(request, entries):
    """Raises Refused as the service does it."""
    limits = LIMITS["Event" if request.op == "Invoke" and request.fields.get("x-amz-invocation-type") == "Event" else request.op]
    if request.op == "Invoke":
        if len(request.body) > limits.bytes:
            raise Refused("RequestEntityTooLargeException", f"{len(request.body)} byte payload", 413)
        return
    batch = "AWS.SimpleQueueService." if request.op == "SendMessageBatch" else ""
    named = request.op in ("SendMessageBatch", "PublishBatch")
    size = sum(e.bytes for e in entries)
    if not entries:
        raise Refused(batch + "EmptyBatchRequest" if named else "ValidationException", "no entries")
    if len(entries) > limits.entries:
        raise Refused(batch + "TooManyEntriesInBatchRequest" if named else "ValidationException", f"{len(entries)} entries")
    if any(e.bytes > limits.entry_bytes for e in entries):
        raise Refused(batch + "BatchRequestTooLong" if named else "ValidationException", "an entry is too large")
    if size > limits.bytes:
        kind = "InvalidArgumentException" if request.op in ("PutRecords", "PutRecordBatch") else "ValidationException"
        raise Refused(batch + "BatchRequestTooLong" if named else kind, f"{size} bytes")
    if named:
        if len({e.id for e in entries}) < len(entries):
            raise Refused(batch + "BatchEntryIdsNotDistinct")
        if not all(re.fullmatch("[A-Za-z0-9_-]{1,80}", e.id) for e in entries):
            raise Refused(batch + "InvalidBatchEntryId")
        if any(FORBIDDEN.search(e.data.decode()) or not e.data for e in entries):
            raise Refused("InvalidMessageContents" if batch else "InvalidParameter", "characters")
        if request.key.endswith(".fifo") and not all(e.key for e in entries):
            raise Refused("MissingParameter", "MessageGroupId")
    if request.op == "PutRecords" and not all(1 <= len(e.key) <= 256 for e in entries):
        raise Refused("ValidationException", "partition key")


ERRORS = {"PutRecords": "ProvisionedThroughputExceededException", "PutRecordBatch": "ServiceUnavailableException", "PutEvents": "InternalFailure",
          "SendMessageBatch": "InternalError", "PublishBatch": "InternalError", "Invoke": "Unhandled"}


def answer_of(request, entries, failed):
    """The reply of the service; `failed`: index to code and whether it is the sender's fault."""
    number = request.number
    if request.op == "SendMessageBatch":
        return {"Successful": [{"Id": e.id, "MessageId": f"{number}-{e.index}", "MD5OfMessageBody": hashlib.md5(e.data).hexdigest()}
                               for e in entries if e.index not in failed],
                "Failed": [{"Id": e.id, "SenderFault": failed[e.index][1], "Code": failed[e.index][0], "Message": "by the test"}
                           for e in entries if e.index in failed]}
    if request.op in ("PutRecords", "PutRecordBatch", "PutEvents"):
        good = {"PutRecords": lambda e: {"SequenceNumber": f"{number}{e.index:05}", "ShardId": "shardId-000000000000"},
                "PutRecordBatch": lambda e: {"RecordId": f"{number}-{e.index}"}, "PutEvents": lambda e: {"EventId": f"{number}-{e.index}"}}[request.op]
        each = [{"ErrorCode": failed[e.index][0], "ErrorMessage": "by the test"} if e.index in failed else good(e) for e in entries]
        count, name = {"PutRecords": ("FailedRecordCount", "Records"), "PutRecordBatch": ("FailedPutCount", "RequestResponses"),
                       "PutEvents": ("FailedEntryCount", "Entries")}[request.op]
        return {count: len(failed), name: each}
    if request.op == "BatchWriteItem":
        left = {}
        for e in entries:
            if e.index in failed:
                left.setdefault(e.key, []).append(e.value)
        return {"UnprocessedItems": left}
    raise AssertionError(request.op)


def published(request, entries, failed):
    good = "".join(f"<member><Id>{escape(e.id)}</Id><MessageId>{request.number}-{e.index}</MessageId></member>" for e in entries if e.index not in failed)
    bad = "".join(f"<member><Id>{escape(e.id)}</Id><Code>{failed[e.index][0]}</Code><Message>by the test</Message>"
                  f"<SenderFault>{str(failed[e.index][1]).lower()}</SenderFault></member>" for e in entries if e.index in failed)
    return (f'<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>{good}</Successful>'
            f"<Failed>{bad}</Failed></PublishBatchResult><ResponseMetadata><RequestId>{request.number}</RequestId></ResponseMetadata>"
            "</PublishBatchResponse>").encode()


class EntryFault:
    def __init__(self, choose, code, times, each, sender, op):
        self.choose, self.code, self.times, self.each, self.sender, self.op = choose, code, times, each, sender, op
        self.hits, self.tries = 0, collections.Counter()

    def takes(self, entry):
        if self.op not in (None, entry.request.op) or self.times is not None and self.hits >= self.times or not self.choose(entry):
            return False
        if self.each is not None and self.tries[entry.key, entry.data] >= self.each:
            return False
        self.tries[entry.key, entry.data] += 1
        self.hits += 1
        return True


# ---- the server -------------------------------------------------------------------------------------------------------------


class Exchange(fault_proxy.Exchange):
    def __init__(self, proxy, client, request, reader):
        super().__init__(proxy, client, request)
        self.reader = reader
        self.pieces = reader.chunked() if request.fields.get("transfer-encoding") == "chunked" else (
            reader.pieces(int(request.fields.get("content-length", "0"))))

    def read(self, body_bytes=None):
        """The rest of the body, or at least so many bytes more of it."""
        end = None if body_bytes is None else len(self.request.body) + body_bytes
        while end is None or len(self.request.body) < end:
            piece = next(self.pieces, None)
            if piece is None:
                return
            self.request.body += piece

    def ask(self):
        """The service takes the request and answers."""
        self.request.taken = True
        return self.proxy.take(self.request)

    def send(self, data):
        # Before it goes out: whoever has the reply can rely on it.
        if self.request.answered is None:
            self.request.answered = next(self.proxy.answers)
        self.over()
        super().send(data)

    def end(self, reset=False):
        self.over()
        super().end(reset)

    def over(self):
        """From now on the client may know how it ended, and send the next one."""
        with self.proxy.lock:
            self.proxy.flying -= not self.request.over
            self.request.over = True

    def answer_chunked(self, reply, chunk_bytes):
        body = reply.body
        reply.set_field("content-length", None)
        reply.set_field("transfer-encoding", "chunked")
        chunks = [body[i:i + chunk_bytes] for i in range(0, len(body), chunk_bytes)]
        self.request.status = reply.status
        self.send(reply.head() + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n")


def reply_of(status, body=b"", fields=()):
    return Reply(status, "x", [("content-length", str(len(body))), *fields], [body])


class Endpoint(fault_proxy.Proxy):
    """`tls`: an ssl.SSLContext. `keys`: of tables, their key's attributes, so that a request that names an item twice is refused.
    `idempotent`: what comes again under the same Idempotency-Key is answered as before, and not taken."""

    def __init__(self, tls=None, port=0, keys=None, idempotent=False):
        self.keys, self.idempotent, self.known = keys or {}, idempotent, {}
        self.accepted, self.refused, self.entry_faults = [], [], []
        self.answers, self.flying, self.flying_max = itertools.count(), 0, 0
        self.changed = threading.Condition()
        super().__init__(None, tls=tls, port=port)

    def url(self, path="/"):
        return self.endpoint + path

    def fail(self, choose, code=None, times=1, each=None, sender=False, op=None):
        """Entries of which `choose(entry)` is true fail: `times` in all (None: always), and each one at most `each` times. `sender`: as the
        sender's fault. DynamoDB leaves them unprocessed; a Lambda function fails as a whole."""
        fault = EntryFault(choose, code, times, each, sender, op)
        with self.lock:
            self.entry_faults.append(fault)
        return fault

    def clear(self):
        super().clear()
        with self.lock:
            self.accepted, self.refused, self.entry_faults, self.known = [], [], [], {}

    def clear_log(self):
        """What was sent is forgotten; faults stay."""
        with self.lock:
            self.log, self.accepted, self.refused = [], [], []

    def await_requests(self, count):
        """Until so many requests were read whole, or met a fault that does not read them."""
        with self.changed:
            if not self.changed.wait_for(lambda: sum(r.there for r in list(self.log)) >= count, WAIT_SECONDS):
                raise AssertionError(f"not {count} requests in {WAIT_SECONDS} s: {self.log}")

    def exchange(self, client, connection, reader):
        line, fields = reader.head()
        with self.lock:
            request = Request(len(self.log), connection, line, dict(fields))
            request.there = False
            self.log.append(request)
            fault = next((f for f in self.faults if getattr(f.act, "early", False) and f.takes(request)), None)
            self.flying += 1
            request.flying = self.flying
            self.flying_max = max(self.flying, self.flying_max)
        exchange = Exchange(self, client, request, reader)
        try:
            if fault is None:
                if fields and dict(fields).get("expect", "").lower() == "100-continue":
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                exchange.read()
                request.understand()
                with self.lock:
                    fault = next((f for f in self.faults if not getattr(f.act, "early", False) and f.takes(request)), None)
            if fault is not None:
                request.fault = fault.name
            self.tell(request)
            if fault is None:
                exchange.reply(exchange.ask())
            else:
                fault.act(exchange)
        finally:
            exchange.over()
        return exchange.open and request.fields.get("connection", "").lower() != "close"

    def tell(self, request):
        with self.changed:
            request.there = True
            self.changed.notify_all()

    # ---- what the service does ------------------------------------------------------------------------------------------------

    def take(self, request):
        try:
            return self.answer(request)
        except Refused as refused:
            with self.lock:
                self.refused.append((request, refused))
            return error_reply(request, refused.status, refused.code, refused.message)

    def answer(self, request):
        if request.op not in LIMITS:
            if request.op == "GetCallerIdentity":
                return reply_of(200, IDENTITY, [("content-type", "text/xml")])
            if request.op in ASKED:
                return json_reply(request, ASKED[request.op](self, request))
            if request.value is not None:
                raise Refused("UnknownOperationException", request.op)
            return self.answer_http(request)
        entries = list(entries_of(request))
        check_limits(request, entries)
        self.check_twice(request, entries)
        failed = self.settle(request, entries, whole=request.op == "Invoke")
        if request.op == "PublishBatch":
            return reply_of(200, published(request, entries, failed), [("content-type", "text/xml")])
        if request.op == "Invoke":
            if request.fields.get("x-amz-invocation-type") == "Event":
                return reply_of(202)
            if failed:
                body = compact({"errorMessage": "by the test", "errorType": next(iter(failed.values()))[0]})
                return reply_of(200, body, [("content-type", "application/json"), ("x-amz-function-error", "Unhandled")])
            return reply_of(200, b"null", [("content-type", "application/json")])
        return json_reply(request, answer_of(request, entries, failed))

    def check_twice(self, request, entries):
        for table, names in self.keys.items() if request.op == "BatchWriteItem" else ():
            seen = [json.dumps([next(iter(e.value.values())).get("Item", {}).get(n) for n in names]) for e in entries if e.key == table]
            if len(set(seen)) < len(seen):
                raise Refused("ValidationException", "Provided list of item keys contains duplicates")

    def answer_http(self, request):
        key = request.fields.get("idempotency-key") if self.idempotent else None
        with self.lock:
            if key is not None and key in self.known:
                return reply_of(200)
            self.known[key] = request
        failed = self.settle(request, list(rows_of(request)), whole=True)
        if failed:
            with self.lock:
                self.known.pop(key)
            return reply_of(422, f"{next(iter(failed.values()))[0]}: by the test".encode(), [("content-type", "text/plain")])
        return reply_of(200)

    def settle(self, request, entries, whole):
        """Which fail; the others are accepted, or none is where all are one."""
        with self.lock:
            failed = {}
            for entry in entries:
                fault = next((f for f in self.entry_faults if f.takes(entry)), None)
                if fault is not None:
                    failed[entry.index] = fault.code or ERRORS.get(request.op, "InternalFailure"), fault.sender
            if not (whole and failed):
                self.accepted += [e for e in entries if e.index not in failed]
        return failed


IDENTITY = (b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account>'
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>")
# What else a client may ask of a service.
ASKED = {
    "GetQueueUrl": lambda endpoint, request: {"QueueUrl": f"{endpoint.endpoint}/123456789012/{request.key}"},
    "DescribeEventBus": lambda endpoint, request: {"Name": request.key, "Arn": f"arn:aws:events:us-east-1:123456789012:event-bus/{request.key}"},
    "GetQueueAttributes": lambda endpoint, request: {"Attributes": {}},
    "DescribeTable": lambda endpoint, request: {"Table": {"TableName": request.key, "TableStatus": "ACTIVE", "KeySchema": [
        {"AttributeName": n, "KeyType": kind} for n, kind in zip(endpoint.keys.get(request.key, ["id"]), ("HASH", "RANGE"))]}},
}


def json_reply(request, value, status=200, fields=()):
    body = compact(value)
    return reply_of(status, body, [("content-type", request.fields.get("content-type", "application/x-amz-json-1.1")),
                                   ("x-amz-crc32", str(zlib.crc32(body))), *fields])


def error_reply(request, status, code, message="by the test", fields=()):
    """As the service words it: JSON, or XML of the Query protocol, or a text."""
    if "x-amz-target" in request.fields:
        old = [("x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}")] if request.op == "SendMessageBatch" else []
        return json_reply(request, {"__type": f"com.amazonaws.test#{code.rpartition('.')[2]}", "message": message}, status, [*old, *fields])
    if request.op == "Invoke":
        return reply_of(status, compact({"Message": message}), [("content-type", "application/json"), ("x-amzn-errortype", f"{code}:"), *fields])
    if request.value is not None:
        body = (f'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>{"Sender" if status < 500 else "Receiver"}</Type>'
                f"<Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>{request.number}</RequestId></ErrorResponse>")
        return reply_of(status, body.encode(), [("content-type", "text/xml"), *fields])
    return reply_of(status, f"{code}: {message}".encode(), [("content-type", "text/plain"), *fields])


# ---- faults, beside those of tests/s3 -------------------------------------------------------------------------------------------


def header_fields(fields):
    return [(n.replace("_", "-"), v) for n, v in fields.items()]


def say(status, text="", taken=False, **fields):
    """This answer, for a request that was read; `taken`: though the service has it. `retry_after="1"` is the field Retry-After."""
    def act(exchange):
        if taken:
            exchange.ask()
        exchange.reply(reply_of(status, text.encode(), header_fields(fields)))
    return act


def error(status, code, message="by the test", taken=False, **fields):
    """An error as the service that was asked words it."""
    def act(exchange):
        if taken:
            exchange.ask()
        exchange.reply(error_reply(exchange.request, status, code, message, header_fields(fields)))
    return act


def reset_unread():
    """RST, before anything of the body was read."""
    def act(exchange):
        exchange.end(reset=True)
    act.early = True
    return act


def stall_unread(released, body_bytes=0):
    """Reads so many bytes of the body, at least, and no more until the event `released` is set; then the connection is reset."""
    def act(exchange):
        exchange.read(body_bytes)
        released.wait()
        exchange.end(reset=True)
    act.early = True
    return act


def say_unread(status, text="", **fields):
    """This answer, before anything of the body was read, and the end of the connection: 413, say."""
    def act(exchange):
        exchange.reply(reply_of(status, text.encode(), [("connection", "close"), *header_fields(fields)]))
        exchange.end()
        with contextlib.suppress(Gone):  # what is left unread would be answered with RST, which takes the answer along
            exchange.read()
    act.early = True
    return act


def stall_reply(released, taken=True):
    """No answer until the event `released` is set; then the right one, of a service that had the request all along, or none."""
    def act(exchange):
        if not taken:
            released.wait()
            exchange.end()
            return
        reply = exchange.ask()
        released.wait()
        exchange.reply(reply)
    return act


def reply_then_reset():
    """The right answer, and RST behind it."""
    def act(exchange):
        exchange.reply(exchange.ask())
        exchange.end(reset=True)
    return act


def large_reply(size, status=200):
    """Taken, and answered with so many bytes."""
    def act(exchange):
        exchange.ask()
        exchange.reply(reply_of(status, b"x" * size))
    return act


def chunked_reply(chunk_bytes=7):
    """The right answer, in chunks."""
    return lambda exchange: exchange.answer_chunked(exchange.ask(), chunk_bytes)
