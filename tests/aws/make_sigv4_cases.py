#!/usr/bin/env python3
"""Writes src/aws/sigv4_cases.inc: requests of many shapes and the Authorization that botocore gives them (pip install botocore).
Run again only when the cases change; the values do not depend on botocore's version.
"""
import datetime
import os
import random
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "..", "src", "aws", "sigv4_cases.inc")
ROLL = random.Random(6)
LETTERS = "abcXYZ019-_.~ /%+=&?#:@!$'()*,;[]\"\\<>|^`{}\u00e4\u20ac\U0001f600\t"


def text(low, high):
    return "".join(ROLL.choice(LETTERS) for _ in range(ROLL.randint(low, high)))


def c_text(value):
    data = value.encode("utf-8")
    plain = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.~/%+=&:@!$'()*,;[]<>|^`{}#")
    return '"' + "".join(chr(b) if b in plain else "\\%03o" % b for b in data) + '"'


def case(number):
    s3 = number % 2 == 0
    service = "s3" if s3 else ROLL.choice(["sts", "sqs", "lambda", "kinesis", "service"])
    region = ROLL.choice(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4"])
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=ROLL.randint(10**9, 4 * 10**9))
    access = "AKIA" + "".join(ROLL.choice("ABCDEFGHIJ234567") for _ in range(16))
    secret = "".join(ROLL.choice("abcdefXYZ0123/+") for _ in range(40))
    token = "".join(ROLL.choice("abcXYZ019/+=") for _ in range(ROLL.choice([0, 0, 20, 400, 1500])))
    method = ROLL.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
    path = "/" + quote(text(0, 40), safe="/-_.~")
    if ROLL.random() < 0.3:
        path += ROLL.choice(["/../x", "/./", "//", "/..", "/a/../../b/"])
    parts = []
    for _ in range(ROLL.choice([0, 0, 1, 2, 5, 12])):
        name = quote(text(1, 6), safe="-_.~")
        parts.append(ROLL.choice([name, name + "=", name + "=" + quote(text(0, 12), safe="-_.~")]))
    query = "&".join(parts)
    host = ROLL.choice(["bucket.s3.eu-central-1.amazonaws.com", "localhost:9000", "[::1]:8080", "sts.amazonaws.com"])
    fields = [("Host", host)]
    if ROLL.random() < 0.5:
        fields.append(("User-Agent", "weir"))
    if ROLL.random() < 0.3:
        fields.append(("Expect", "100-continue"))
    if ROLL.random() < 0.5:
        fields.append(("Range", "bytes=%d-" % ROLL.randint(0, 1 << 40)))
    if ROLL.random() < 0.5:
        fields.append(("Content-Length", str(ROLL.randint(0, 1 << 33))))
    names = ["x-amz-meta-a", "X-Amz-Meta-B", "x-amz-checksum-crc64nvme", "If-Match", "Content-Type", "x-amz-request-payer", "X-Amz-Target"]
    for name in ROLL.sample(names, ROLL.randint(0, 6)):
        value = "".join(ROLL.choice("abc \t,\"=/\u00e4 ") for _ in range(ROLL.randint(0, 20)))
        fields.append((name, value))
    ROLL.shuffle(fields)
    payload = ROLL.choice([botocore.auth.EMPTY_SHA256_HASH, "%064x" % ROLL.getrandbits(256)] + (["UNSIGNED-PAYLOAD"] if s3 else []))

    request = AWSRequest(method=method, url="https://" + host + path + ("?" + query if query else ""))
    for name, value in fields:
        request.headers[name] = value
    auth = (botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth)(Credentials(access, secret, token or None), service, region)
    # What it would put beside the request itself, given beforehand: time, token and hash.
    auth.payload = lambda request: payload
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda *args, **kwargs: when
    else:
        raise SystemExit("this botocore takes its time from somewhere else")
    auth.add_auth(request)
    wall = int((when - datetime.datetime(1970, 1, 1)).total_seconds())
    rows = ", ".join("{%s, %s}" % (c_text(n), c_text(v)) for n, v in fields)
    return "{%s, %s, %d, %s, %s, %s, %s, %s, %s, %s, {%s}, %s, %s}," % (
        c_text(region), c_text(service), wall, "true" if s3 else "false", c_text(access), c_text(secret), c_text(token),
        c_text(method), c_text(path), c_text(query), rows, c_text(payload), c_text(request.headers["Authorization"]))


with open(OUT, "w") as out:
    out.write("// Requests and the Authorization that botocore gives them; by tests/aws/make_sigv4_cases.py.\n")
    out.write("// {region, service, seconds since 1970, by S3's rules, access key, secret, token, method, path, query, fields, payload hash, Authorization}\n")
    for number in range(120):
        out.write(case(number) + "\n")
