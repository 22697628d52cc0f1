#!/usr/bin/env python3
"""What EventRecords and EventObjects should say of an event, by Python's json, base64, gzip and urllib, which know nothing of our code.

    event_oracle.py make FOLDER    writes events: 0.event, 1.event, ..
    event_oracle.py check FOLDER   holds N.records and N.objects against N.event; exit 0 when all agree
"""
import base64
import gzip
import json
import os
import random
import sys
import urllib.parse

CASES = 400
rng = random.Random(7)


# ---- make ------------------------------------------------------------------------------------------------------------
def text(size_max=30):
    letters = "abcXYZ 019+%/\\\"\n\t\r\x00\x7f{}[]:,\u00e9\u2028\U0001f600\uffff"
    return "".join(rng.choice(letters) for _ in range(rng.choice((0, 1, 3, size_max, size_max * 20))))


def value(depth=0):
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return text()
    if kind == 1:
        return rng.choice((True, False, None))
    if kind in (2, 3):
        return rng.choice((0, -1, 1.5, 12345678901234567890, 1e300, -0.001))
    if kind == 4:
        return text(3)
    if kind < 7:
        return {text(4): value(depth + 1) for _ in range(rng.randrange(4))}
    return [value(depth + 1) for _ in range(rng.randrange(4))]


def dumps(what):
    return json.dumps(what, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, None, 1)),
                      separators=rng.choice((None, (",", ":"))))


def payload():
    kind = rng.randrange(6)
    if kind == 0:
        return text()
    if kind == 1:
        return rng.choice(("{", "[1,]", '{"a":1}x', "[] []", '{"a":"\n"}', "3", '"x"', "", " ", "[\"\\q\"]"))
    if kind == 2:
        return " \n" + dumps({"a": value(), "b": [value()]}) + "\r\n"
    return dumps(rng.choice(({}, [], {"k": value()}, [value(), value()])))


def packed():
    kind = rng.randrange(3)
    if kind == 0:
        return base64.b64encode(rng.randbytes(rng.choice((0, 1, 2, 3, 300)))).decode()
    data = base64.b64encode(payload().encode()).decode()
    return data.rstrip("=") if kind == 1 and rng.random() < 0.3 else data


def attribute(depth=0):
    kind = rng.randrange(12 if depth < 4 else 7)
    return [
        lambda: {"S": text()},
        lambda: {"N": rng.choice(("0", "-1.5", "1E3", "123456789012345678901234567890.12345678", "007", "+1", ".5"))},
        lambda: {"B": base64.b64encode(rng.randbytes(5)).decode()},
        lambda: {"BOOL": rng.random() < 0.5},
        lambda: {"NULL": True},
        lambda: {"NS": ["1", "2.50", "x"]},
        lambda: {"SS": [text(), text()]},
        lambda: {"M": {text(3): attribute(depth + 1) for _ in range(rng.randrange(4))}},
        lambda: {"L": [attribute(depth + 1) for _ in range(rng.randrange(4))]},
        lambda: rng.choice(({}, {"S": "a", "N": "1"}, {"X": [1, {"a": 2}]}, {"M": 3}, {"N": 3}, [1], "bare", 5)),
        lambda: {"BS": ["YQ=="]},
        lambda: {"M": {}},
    ][kind]()


def shuffled(what):
    items = list(what.items())
    rng.shuffle(items)
    return dict(items)


def s3_notification(prefix="ObjectCreated:"):
    key = text(10).replace("\x00", "0") or "k"
    thing = {"key": rng.choice((urllib.parse.quote_plus, urllib.parse.quote))(key), "size": rng.randrange(5), "eTag": "e"}
    return shuffled({"eventSource": "aws:s3", "eventName": prefix + "Put", "more": value(), "s3": shuffled(
        {"bucket": shuffled({"name": "bucket-%d" % rng.randrange(9), "arn": "x"}), "object": shuffled(thing)})})


def s3_text():
    kind = rng.randrange(5)
    if kind == 0:
        return dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    if kind == 1:
        return dumps(shuffled({"source": "aws.s3", "detail-type": rng.choice(("Object Created", "Object Deleted")), "x": value(),
                               "detail": {"bucket": {"name": "b"}, "object": {"key": text(5).replace("\x00", "0") or "k", "size": 7}}}))
    return dumps({"Records": [s3_notification(rng.choice(("ObjectCreated:", "ObjectCreated:", "ObjectRemoved:")))
                              for _ in range(rng.randrange(1, 3))]})


def enveloped(inner):
    if rng.random() < 0.5:
        return inner
    return dumps(shuffled({"Type": "Notification", "MessageId": "m", "Message": inner, "Timestamp": "2012-03-29T05:12:16.901Z"}))


def event():
    kind = rng.randrange(8)
    count = rng.randrange(1, 4)
    many = lambda make: {"Records": [shuffled(make()) for _ in range(count)]}
    if kind == 0:
        return many(lambda: {"messageId": "m", "body": payload(), "attributes": {"SentTimestamp": "1", "x": text()},
                             "messageAttributes": {text(): value()}, "eventSource": "aws:sqs", "eventSourceARN": "a", "x": value()})
    if kind == 1:
        return many(lambda: {"messageId": "m", "body": enveloped(s3_text()), "eventSource": "aws:sqs"})
    if kind == 2:
        return many(lambda: {"EventSource": "aws:sns", "Sns": shuffled(
            {"MessageId": "m", "TopicArn": "t", "Subject": rng.choice((None, text())), "Timestamp": "t",
             "Message": rng.choice((payload, s3_text))(), "MessageAttributes": {}})})
    if kind == 3:
        return many(lambda: {"eventSource": "aws:kinesis", "eventID": "s:1", "eventSourceARN": "a", "kinesis": shuffled(
            {"partitionKey": text(), "sequenceNumber": "12", "data": packed(), "approximateArrivalTimestamp": 1545084650.987})})
    if kind == 4:
        return many(lambda: {"eventSource": "aws:dynamodb", "eventID": "1", "eventName": "MODIFY", "dynamodb": shuffled(
            {"SequenceNumber": "3", "ApproximateCreationDateTime": 1.4285376E9,
             "Keys": {"id": attribute()}, "NewImage": {text(4): attribute() for _ in range(4)},
             "OldImage": {text(4): attribute() for _ in range(2)}})})
    if kind == 5:
        log = lambda: shuffled({"id": "3", "timestamp": 1440442987000, "message": payload(), "x": value(),
                                "extractedFields": {text(): text()}})
        inner = shuffled({"messageType": rng.choice(("DATA_MESSAGE", "DATA_MESSAGE", "CONTROL_MESSAGE")), "owner": "1",
                          "logGroup": text()[:100] or "g", "logStream": "s", "subscriptionFilters": ["f"],
                          "logEvents": [log() for _ in range(rng.randrange(5))]})
        data = dumps(inner).encode()
        half = len(data) // 2
        stored = gzip.compress(data) if rng.random() < 0.5 else gzip.compress(data[:half]) + gzip.compress(data[half:])
        return {"awslogs": {"data": base64.b64encode(stored).decode()}}
    if kind == 6:
        return {"Records": [s3_notification() for _ in range(count)]}
    return rng.choice((lambda: value(), lambda: [value() for _ in range(count)],
                       lambda: {"Items": [{"Key": "k%d" % i, "Size": i} for i in range(count)], "BatchInput": {"bucket": "b"}}))()


def make(folder):
    for case in range(CASES):
        with open(os.path.join(folder, "%d.event" % case), "wb") as file:
            file.write(dumps(event()).encode("utf-8"))


# ---- check -----------------------------------------------------------------------------------------------------------
class Number(str):
    pass


def loads(data):
    return json.loads(data, parse_int=Number, parse_float=Number)


def inner_json(data):
    try:
        found = loads(data)
    except ValueError:
        return data
    return found if isinstance(found, (dict, list)) else data


def is_number(spelled):
    try:
        return isinstance(loads(spelled), Number)
    except ValueError:
        return False


def plain(found):
    if not isinstance(found, dict) or len(found) != 1:
        return found
    (kind, inner), = found.items()
    number = lambda n: Number(n) if type(n) is str and is_number(n) else n
    if kind == "N" and type(inner) is str:
        return number(inner)
    if kind in ("S", "B") and type(inner) is str:
        return inner
    if kind == "BOOL" and isinstance(inner, bool):
        return inner
    if kind == "NULL" and inner is True:
        return None
    if kind == "M" and isinstance(inner, dict):
        return {name: plain(member) for name, member in inner.items()}
    if kind == "L" and isinstance(inner, list):
        return [plain(member) for member in inner]
    if kind in ("SS", "BS") and isinstance(inner, list):
        return inner
    if kind == "NS" and isinstance(inner, list):
        return [number(member) for member in inner]
    return found


def pick(found, **names):
    return {new: found[old] for new, old in names.items() if old in found}


def expected_records(found):
    if isinstance(found, list):
        return found
    if not isinstance(found, dict):
        return [found]
    if "awslogs" in found:
        inner = loads(gzip.decompress(base64.b64decode(found["awslogs"]["data"])))
        if inner["messageType"] == "CONTROL_MESSAGE":
            return []
        head = {name: inner[name] for name in ("logGroup", "logStream", "owner")}
        return [head | pick(log, id="id", timestamp="timestamp", extractedFields="extractedFields") |
                {"message": inner_json(log["message"])} for log in inner["logEvents"]]
    if "Items" in found:
        return found["Items"]
    records = []
    for entry in found["Records"] if "Records" in found else [found]:
        source = entry.get("eventSource") or entry.get("EventSource")
        if source == "aws:sqs":
            entry = pick(entry, messageId="messageId", body="body", attributes="attributes",
                         messageAttributes="messageAttributes", eventSourceARN="eventSourceARN")
            entry["body"] = inner_json(entry["body"])
        elif source == "aws:sns":
            entry = pick(entry["Sns"], messageId="MessageId", topicArn="TopicArn", subject="Subject", timestamp="Timestamp",
                         message="Message", messageAttributes="MessageAttributes")
            entry["message"] = inner_json(entry["message"])
        elif source == "aws:kinesis":
            kinesis = entry["kinesis"]
            entry = pick(entry, eventID="eventID", eventSourceARN="eventSourceARN") | pick(
                kinesis, partitionKey="partitionKey", sequenceNumber="sequenceNumber",
                approximateArrivalTimestamp="approximateArrivalTimestamp")
            raw = base64.b64decode(kinesis["data"] + "=" * (-len(kinesis["data"]) % 4), validate=True)
            try:
                entry["data"] = inner_json(raw.decode())
            except UnicodeDecodeError:
                entry["dataBase64"] = kinesis["data"]
        elif source == "aws:dynamodb":
            change = entry["dynamodb"]
            entry = pick(entry, eventID="eventID", eventName="eventName", eventSourceARN="eventSourceARN") | pick(
                change, sequenceNumber="SequenceNumber", approximateCreationDateTime="ApproximateCreationDateTime")
            for new, old in (("keys", "Keys"), ("newImage", "NewImage"), ("oldImage", "OldImage")):
                if old in change:
                    entry[new] = {name: plain(member) for name, member in change[old].items()}
        records.append(entry)
    return records


def objects_of(found, entry):
    """(entry, bucket, key) of each object, or None when it is not about S3."""
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("Records"), list) and found["Records"]:
        if any(not isinstance(r, dict) or r.get("eventSource") != "aws:s3" for r in found["Records"]):
            return None
        return [(entry, r["s3"]["bucket"]["name"], urllib.parse.unquote_plus(r["s3"]["object"]["key"])) for r in found["Records"]
                if r["eventName"].startswith("ObjectCreated:") and
                not (r["s3"]["object"]["size"] == "0" and urllib.parse.unquote_plus(r["s3"]["object"]["key"]).endswith("/"))]
    if found.get("Event") == "s3:TestEvent":
        return []
    if found.get("source") == "aws.s3":
        if found["detail-type"] != "Object Created":
            return []
        return [(entry, found["detail"]["bucket"]["name"], found["detail"]["object"]["key"])]
    if found.get("Type") == "Notification":
        return objects_of(inner_json(found["Message"]), entry)
    return None


def expected_objects(found):
    if isinstance(found, dict) and "Items" in found:
        return [(i, "b", item["Key"]) for i, item in enumerate(found["Items"])]
    if not isinstance(found, dict) or "Records" not in found:
        return None
    out = []
    for i, entry in enumerate(found["Records"]):
        if entry.get("eventSource") == "aws:s3":
            here = objects_of({"Records": [entry]}, i)
        elif entry.get("eventSource") == "aws:sqs":
            here = objects_of(inner_json(entry["body"]), i)
        elif entry.get("EventSource") == "aws:sns":
            here = objects_of(inner_json(entry["Sns"]["Message"]), i)
        else:
            return None
        out += [(i, None, None)] if here is None else here
    return out


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


def check(folder):
    bad = 0
    kinds = {"records": 0, "objects": 0}
    for case in range(CASES):
        name = os.path.join(folder, "%d." % case)
        with open(name + "event", "rb") as file:
            found = loads(file.read())
        with open(name + "records", "rb") as file:
            lines = file.read().split(b"\n")
        expected = expected_records(found)
        kinds["records"] += len(expected)
        said = [loads(line) for line in lines[:-1]]
        if lines[-1] != b"" or not same(said, expected):
            bad += 1
            print("case %d: records\n  expected %.600r\n  said     %.600r" % (case, expected, said))
        expected = expected_objects(found)
        if expected is None:
            continue
        kinds["objects"] += len(expected)
        with open(name + "objects", "rb") as file:
            said = [tuple(loads(line)) for line in file.read().split(b"\n")[:-1]]
        said = [(int(entry), bucket, key) for entry, bucket, key in said]
        if said != expected:
            bad += 1
            print("case %d: objects\n  expected %r\n  said     %r" % (case, expected, said))
    if min(kinds.values()) < 300:
        bad += 1
    print("%d events, %d records, %d objects, %d bad" % (CASES, kinds["records"], kinds["objects"], bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(make(sys.argv[2]) if sys.argv[1] == "make" else check(sys.argv[2]))
