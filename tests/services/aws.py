"""A small client of AWS' services for the tests, from the standard library alone: it shares nothing with what it tests.

    aws = Aws("http://127.0.0.1:4566")
    url = aws.create_queue("q.fifo", fifo=True)
    aws.json("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": [...]})     # any operation of a JSON protocol, as its reference has it
    aws.receive_all(url)                                                         # [Message(body, group, ...)], which are deleted

Every request is signed. What is read back comes whole: all messages, all records of all shards, all items.
"""
import base64
import collections
import hashlib
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
import zipfile

import servers  # noqa: F401  so that the modules of tests/s3 are found
from s3 import S3, Reply, encode, signed_fields

# Of each service that speaks JSON: its Content-Type's version and the prefix of X-Amz-Target.
JSON = {"sqs": ("1.0", "AmazonSQS"), "kinesis": ("1.1", "Kinesis_20131202"), "firehose": ("1.1", "Firehose_20150804"),
        "dynamodb": ("1.0", "DynamoDB_20120810"), "events": ("1.1", "AWSEvents")}
QUERY = {"sns": "2010-03-31", "iam": "2010-05-08", "sts": "2011-06-15"}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}

Message = collections.namedtuple("Message", "body id group deduplication attributes")  # `attributes`: of the message, name to text or bytes
Record = collections.namedtuple("Record", "shard key data sequence")


class AwsError(Exception):
    """A reply that is no success."""

    def __init__(self, status, code, message=""):
        super().__init__(f"{status} {code} {message}".strip())
        self.status, self.code = status, code


class Aws:
    def __init__(self, endpoint, key="WEIRKEY", secret="testsecret", region="us-east-1", account="123456789012"):
        self.endpoint, self.key, self.secret, self.region, self.account = endpoint, key, secret, region, account
        self.s3 = S3(endpoint, key, secret, region)

    def arn(self, service, name):
        return f"arn:aws:{service}:{self.region}:{self.account}:{name}"

    # ---- protocols ------------------------------------------------------------------------------------------------------------

    def call(self, service, body=b"", fields=None, method="POST", path="/", query=()):
        """Any request. `path`: encoded."""
        host = urllib.parse.urlsplit(self.endpoint).netloc
        # Of services but S3 the path is encoded again, to be signed.
        signed = signed_fields(method, host, encode(path, "/"), list(query), fields or {}, hashlib.sha256(body).hexdigest(), self.key, self.secret,
                               region=self.region, service=service)
        text = "&".join(f"{encode(n)}={encode(v)}" for n, v in query)
        request = urllib.request.Request(self.endpoint + path + ("?" + text if text else ""), body if method != "GET" else None, signed, method=method)
        try:
            with DIRECT.open(request, timeout=60) as reply:
                return Reply(reply.status, {n.lower(): v for n, v in reply.getheaders()}, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                body, named = error.read(), error.headers.get("X-Amzn-Errortype", "")
            raise AwsError(error.code, *error_of(body, named)) from None

    def json(self, service, operation, value):
        version, prefix = JSON[service]
        fields = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{prefix}.{operation}"}
        body = self.call(service, json.dumps(value).encode(), fields).body
        return json.loads(body) if body else {}

    def query(self, service, action, **parameters):
        """A list is `Name=[...]`, of texts or of dicts: Name.member.1, Name.member.1.Id ..."""
        pairs = [("Action", action), ("Version", QUERY[service])]
        for name, value in parameters.items():
            if not isinstance(value, list):
                pairs.append((name, value))
                continue
            for i, item in enumerate(value, 1):
                items = item.items() if isinstance(item, dict) else [("", item)]
                pairs += [(f"{name}.member.{i}" + (f".{n}" if n else ""), v) for n, v in items]
        return self.call(service, urllib.parse.urlencode(pairs).encode(), {"content-type": "application/x-www-form-urlencoded"})

    # ---- SQS ------------------------------------------------------------------------------------------------------------------

    def create_queue(self, name, fifo=False, **attributes):
        """Gives its URL. A FIFO queue's name ends in .fifo; without `ContentBasedDeduplication="true"` each message names its id."""
        if fifo:
            attributes["FifoQueue"] = "true"
        return self.json("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"]

    def queue_arn(self, url):
        return self.json("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})["Attributes"]["QueueArn"]

    def receive_all(self, url):
        """Every message that can be had, deleted as it is read: of a FIFO queue each group in its order."""
        messages = []
        while True:
            page = self.json("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600, "WaitTimeSeconds": 0,
                                                       "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}).get("Messages", [])
            if not page:
                return messages
            for m in page:
                system = m.get("Attributes", {})
                attributes = {n: base64.b64decode(v["BinaryValue"]) if "BinaryValue" in v else v["StringValue"]
                              for n, v in m.get("MessageAttributes", {}).items()}
                messages.append(Message(m["Body"], m["MessageId"], system.get("MessageGroupId"), system.get("MessageDeduplicationId"), attributes))
            done = self.json("sqs", "DeleteMessageBatch", {"QueueUrl": url, "Entries": [
                {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(page)]})
            if done.get("Failed"):
                raise AssertionError(f"not deleted: {done['Failed']}")

    # ---- Kinesis --------------------------------------------------------------------------------------------------------------

    def create_stream(self, name, shards=1):
        self.json("kinesis", "CreateStream", {"StreamName": name, "ShardCount": shards})
        self.await_active("kinesis", "DescribeStream", {"StreamName": name}, lambda d: d["StreamDescription"]["StreamStatus"])

    def await_active(self, service, operation, value, status):
        """The servers here need a moment at most, and answer each time."""
        for _ in range(10000):
            if status(self.json(service, operation, value)) == "ACTIVE":
                return
        raise AssertionError(f"{value} does not become active")

    def read_stream(self, name):
        """Every record of every shard, each shard's in its order."""
        records = []
        for shard in self.json("kinesis", "DescribeStream", {"StreamName": name})["StreamDescription"]["Shards"]:
            shard = shard["ShardId"]
            at = self.json("kinesis", "GetShardIterator", {"StreamName": name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
            while True:
                page = self.json("kinesis", "GetRecords", {"ShardIterator": at, "Limit": 10000})
                records += [Record(shard, r["PartitionKey"], base64.b64decode(r["Data"]), r["SequenceNumber"]) for r in page["Records"]]
                if not page["Records"] and not page.get("MillisBehindLatest"):
                    break
                at = page["NextShardIterator"]
        return records

    # ---- Firehose -------------------------------------------------------------------------------------------------------------

    def create_delivery_stream(self, name, bucket):
        """Into a bucket, which it makes."""
        self.s3.make_bucket(bucket)
        self.json("firehose", "CreateDeliveryStream", {"DeliveryStreamName": name, "DeliveryStreamType": "DirectPut", "ExtendedS3DestinationConfiguration": {
            "RoleARN": f"arn:aws:iam::{self.account}:role/weir", "BucketARN": f"arn:aws:s3:::{bucket}"}})

    def delivered(self, bucket):
        """The objects' bytes. One request's records are one object, in their order; which object came first can't be told within a second."""
        return [self.s3.body(bucket, key) for key in sorted(self.s3.keys(bucket))]

    # ---- DynamoDB -------------------------------------------------------------------------------------------------------------

    def create_table(self, name, key, sort=None):
        """`key`, `sort`: pairs of a name and S, N or B."""
        names = [pair for pair in (key, sort) if pair]
        self.json("dynamodb", "CreateTable", {
            "TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in names],
            "KeySchema": [{"AttributeName": n, "KeyType": kind} for (n, _), kind in zip(names, ("HASH", "RANGE"))]})
        self.await_active("dynamodb", "DescribeTable", {"TableName": name}, lambda d: d["Table"]["TableStatus"])

    def scan(self, name):
        """All items, typed as on the wire: {"id": {"N": "1"}}."""
        items, more = [], {}
        while True:
            page = self.json("dynamodb", "Scan", {"TableName": name, "ConsistentRead": True, **more})
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # ---- SNS, EventBridge -----------------------------------------------------------------------------------------------------

    def create_topic(self, name, fifo=False):
        """Gives its ARN."""
        attributes = {"Attributes.entry.1.key": "FifoTopic", "Attributes.entry.1.value": "true"} if fifo else {}
        return self.query("sns", "CreateTopic", Name=name, **attributes).texts("CreateTopicResult", "TopicArn")[0]

    def subscribe(self, topic, url):
        """The queue gets what is published, just as it is."""
        return self.query("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=self.queue_arn(url), ReturnSubscriptionArn="true",
                          **{"Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true"})

    def create_bus(self, name, url):
        """Every event of the bus goes to the queue, with its envelope."""
        self.json("events", "CreateEventBus", {"Name": name})
        self.json("events", "PutRule", {"Name": f"{name}-all", "EventBusName": name, "State": "ENABLED",
                                        "EventPattern": json.dumps({"account": [self.account]})})
        failed = self.json("events", "PutTargets", {"Rule": f"{name}-all", "EventBusName": name,
                                                    "Targets": [{"Id": "queue", "Arn": self.queue_arn(url)}]})["FailedEntryCount"]
        if failed:
            raise AssertionError("the queue is no target")

    # ---- Lambda ---------------------------------------------------------------------------------------------------------------

    def create_function(self, name):
        """Gives its ARN; it gives back what it is invoked with (moto runs nothing)."""
        try:
            self.query("iam", "CreateRole", RoleName="weir", AssumeRolePolicyDocument=json.dumps(TRUST))
        except AwsError as error:
            if error.code != "EntityAlreadyExists":
                raise
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("bootstrap", "")
        value = {"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": f"arn:aws:iam::{self.account}:role/weir",
                 "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()}}
        made = self.call("lambda", json.dumps(value).encode(), {"content-type": "application/json"}, path="/2015-03-31/functions")
        return json.loads(made.body)["FunctionArn"]

    def invoke(self, name, payload, kind="RequestResponse", qualifier=None):
        return self.call("lambda", payload, {"content-type": "application/json", "x-amz-invocation-type": kind}, path=f"/2015-03-31/functions/{encode(name)}/invocations",
                         query=[("Qualifier", qualifier)] if qualifier else [])


def error_of(body, named):
    """Code and message, from JSON or XML."""
    try:
        value = json.loads(body)
        code = named or value.get("__type") or value.get("code") or ""
        return code.partition(":")[0].rpartition("#")[2], value.get("message") or value.get("Message") or ""
    except (ValueError, AttributeError):
        pass
    try:
        found = {element.tag.rpartition("}")[2]: element.text for element in xml.etree.ElementTree.fromstring(body).iter()}
        return found.get("Code") or "", found.get("Message") or ""
    except xml.etree.ElementTree.ParseError:
        return named, body[:200].decode(errors="replace")


def plain(item):
    """An item of DynamoDB as Python has it; numbers stay the texts that they are on the wire."""
    def value(typed):
        (kind, v), = typed.items()
        if kind == "M":
            return plain(v)
        if kind == "L":
            return [value(each) for each in v]
        return None if kind == "NULL" else base64.b64decode(v) if kind == "B" else v
    return {name: value(typed) for name, typed in item.items()}


DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever the machine says of proxies
