"""csv.gz in S3 -> ndjson.gz in S3, as Python does it.   s3_python.py boto3|smart_open|powertools s3://BUCKET/IN s3://BUCKET/OUT

boto3: StreamingBody, gzip, csv.reader, parts by hand. smart_open and AWS Lambda Powertools (S3Object) by their own streams; Powertools
only reads, so its output goes the way of boto3's. All with orjson where that is there, gzip level 1 and parts of 8 MiB. `versions` says which.
"""

import csv
import gzip
import io
import json
import sys

import boto3

try:
    import orjson

    dumps = orjson.dumps
except ImportError:
    dumps = lambda value: json.dumps(value, separators=(",", ":")).encode()

PART = 8 << 20


def place(url):
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


class Upload(io.RawIOBase):
    """A multipart upload that is written to."""

    def __init__(self, client, to):
        self.client, self.to, self.buffer, self.parts = client, to, bytearray(), []
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
        done = self.client.upload_part(**self.to, UploadId=self.id, PartNumber=number, Body=bytes(self.buffer[:size]))
        del self.buffer[:size]
        self.parts.append({"PartNumber": number, "ETag": done["ETag"]})

    def close(self):
        if not self.closed:
            self.send(len(self.buffer))
            self.client.complete_multipart_upload(**self.to, UploadId=self.id, MultipartUpload={"Parts": self.parts})
        super().close()


def write_rows(rows, out):
    """`rows`: lists of fields, the header first."""
    header = next(rows)
    order, customer, name, amount = (header.index(n) for n in ("order_id", "customer_id", "customer_name", "amount"))
    for row in rows:
        out.write(
            dumps({"order_id": int(row[order]), "customer_id": int(row[customer]), "customer_name": row[name], "amount": float(row[amount])})
            + b"\n"
        )


def with_boto3(client, source, to):
    body = client.get_object(**place(source))["Body"]
    with Upload(client, place(to)) as upload, gzip.GzipFile(fileobj=upload, mode="wb", compresslevel=1) as packed:
        with io.BufferedWriter(packed, 1 << 18) as out:
            plain = io.BufferedReader(gzip.GzipFile(fileobj=body), 1 << 18)
            write_rows(csv.reader(io.TextIOWrapper(plain, newline="", encoding="utf-8")), out)


def with_smart_open(client, source, to):
    import smart_open

    one = {"client": client, "min_part_size": PART}
    with smart_open.open(source, "r", newline="", encoding="utf-8", transport_params={"client": client}) as text:
        with smart_open.open(to, "wb", compression="disable", transport_params=one) as upload:
            with gzip.GzipFile(fileobj=upload, mode="wb", compresslevel=1) as packed, io.BufferedWriter(packed, 1 << 18) as out:
                write_rows(csv.reader(text), out)


def with_powertools(client, source, to):
    from aws_lambda_powertools.utilities.streaming import S3Object

    name = place(source)
    rows = S3Object(bucket=name["Bucket"], key=name["Key"], boto3_client=client, is_gzip=True, is_csv=True)
    with Upload(client, place(to)) as upload, gzip.GzipFile(fileobj=upload, mode="wb", compresslevel=1) as packed:
        with io.BufferedWriter(packed, 1 << 18) as out:
            for row in rows:
                out.write(
                    dumps(
                        {
                            "order_id": int(row["order_id"]),
                            "customer_id": int(row["customer_id"]),
                            "customer_name": row["customer_name"],
                            "amount": float(row["amount"]),
                        }
                    )
                    + b"\n"
                )


def versions():
    from importlib.metadata import PackageNotFoundError, version

    for package in ("boto3", "smart_open", "aws_lambda_powertools", "orjson"):
        try:
            print(package, version(package))
        except PackageNotFoundError:
            pass


if __name__ == "__main__":
    if sys.argv[1:] == ["versions"]:
        versions()
    else:
        globals()["with_" + sys.argv[1]](boto3.client("s3"), *sys.argv[2:])
