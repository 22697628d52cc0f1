"""csv.gz in S3 -> filter -> ndjson.gz in S3, as a Lambda function in Python.

Two handlers, called with {"bucket": ..., "key": ...}; OUTPUT=s3://BUCKET/PREFIX/ is where the output goes:

dictreader   what people write: csv.DictReader over boto3's StreamingBody, parts of 8 MiB by hand
powertools   S3Object of AWS Lambda Powertools with its transforms for gzip and CSV; it only reads, so the output goes the same way

Python's own runtime client calls them (`python -m awslambdaric lambda_python.dictreader`). Without it `lambda_python.py dictreader` is a loop over the
Runtime API, and without boto3 a few lines of HTTP stand for it, which suffice for a server that looks at no signature.
"""

import csv
import gzip
import http.client
import io
import json
import os
import re
import sys

PART = 8 << 20


class PlainS3:
    """The calls of boto3's client that are made here."""

    def call(self, method, to, query="", body=b""):
        connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL_S3"].removeprefix("http://"))
        connection.request(method, f"/{to['Bucket']}/{to['Key']}{query}", body)
        reply = connection.getresponse()
        if reply.status != 200:
            raise OSError(f"{method} {to}: {reply.status} {reply.read(1000)}")
        return reply

    def get_object(self, **place):
        return {"Body": self.call("GET", place)}

    def create_multipart_upload(self, **to):
        return {"UploadId": re.search(rb"<UploadId>(.*?)</UploadId>", self.call("POST", to, "?uploads").read())[1].decode()}

    def upload_part(self, UploadId, PartNumber, Body, **to):
        reply = self.call("PUT", to, f"?partNumber={PartNumber}&uploadId={UploadId}", Body)
        reply.read()
        return {"ETag": reply.getheader("ETag")}

    def complete_multipart_upload(self, UploadId, MultipartUpload, **to):
        parts = "".join(f"<Part><PartNumber>{p['PartNumber']}</PartNumber><ETag>{p['ETag']}</ETag></Part>" for p in MultipartUpload["Parts"])
        self.call("POST", to, f"?uploadId={UploadId}", f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()).read()


try:
    import boto3

    client = boto3.client("s3")
except ImportError:
    client = PlainS3()


class Upload(io.RawIOBase):
    """A multipart upload that is written to."""

    def __init__(self, to):
        self.to, self.buffer, self.parts = to, bytearray(), []
        self.id = client.create_multipart_upload(**to)["UploadId"]

    def writable(self):
        return True

    def write(self, data):
        self.buffer += data
        while len(self.buffer) >= PART:
            self.send(PART)
        return len(data)

    def send(self, size):
        number = len(self.parts) + 1
        done = client.upload_part(**self.to, UploadId=self.id, PartNumber=number, Body=bytes(self.buffer[:size]))
        del self.buffer[:size]
        self.parts.append({"PartNumber": number, "ETag": done["ETag"]})

    def close(self):
        if not self.closed:
            self.send(len(self.buffer))
            client.complete_multipart_upload(**self.to, UploadId=self.id, MultipartUpload={"Parts": self.parts})
        super().close()


def write_large_shipped(rows, key):
    bucket, _, prefix = os.environ["OUTPUT"].removeprefix("s3://").partition("/")
    to = {"Bucket": bucket, "Key": prefix + key.rpartition("/")[2].removesuffix(".csv.gz") + ".ndjson.gz"}
    written = 0
    with Upload(to) as upload, gzip.GzipFile(fileobj=upload, mode="wb", compresslevel=1) as packed, io.BufferedWriter(packed, 1 << 18) as out:
        for row in rows:
            if row["status"] == "shipped" and float(row["amount"]) > 100:
                record = {
                    "order_id": int(row["order_id"]),
                    "customer_id": int(row["customer_id"]),
                    "customer_name": row["customer_name"],
                    "amount": float(row["amount"]),
                }
                out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                written += 1
    return {"done": True, "written": written}


def dictreader(event, _context):
    body = client.get_object(Bucket=event["bucket"], Key=event["key"])["Body"]
    with gzip.open(body, "rt", encoding="utf-8", newline="") as text:
        return write_large_shipped(csv.DictReader(text), event["key"])


def powertools(event, _context):
    from aws_lambda_powertools.utilities.streaming import S3Object

    rows = S3Object(bucket=event["bucket"], key=event["key"], boto3_client=client, is_gzip=True, is_csv=True)
    return write_large_shipped(rows, event["key"])


def loop(handler):
    """Python's runtime client in short."""
    api = os.environ["AWS_LAMBDA_RUNTIME_API"]

    def call(method, path, body=None):
        connection = http.client.HTTPConnection(api)
        connection.request(method, "/2018-06-01/runtime/invocation/" + path, body)
        reply = connection.getresponse()
        return reply.getheader("Lambda-Runtime-Aws-Request-Id"), reply.read()

    while True:
        number, event = call("GET", "next")
        try:
            call("POST", number + "/response", json.dumps(handler(json.loads(event), None)))
        except Exception as error:
            call("POST", number + "/error", json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}))


if __name__ == "__main__":
    loop({"dictreader": dictreader, "powertools": powertools}[sys.argv[1]])
