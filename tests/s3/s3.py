#!/usr/bin/env python3
"""A small S3 client for the tests, from the standard library alone: it shares nothing with what it tests.

Path style, one connection for each request, every request signed (Signature Version 4), the payload's hash included.
`s3.py --endpoint URL --key K --secret S ready` waits until the server answers a signed request.
"""
import argparse
import contextlib
import hashlib
import hmac
import http.client
import os
import ssl
import sys
import time
import urllib.parse
import xml.etree.ElementTree

READY_SECONDS = 120


class S3Error(Exception):
    """A reply that is no success."""

    def __init__(self, status, code, message=""):
        super().__init__(f"{status} {code} {message}".strip())
        self.status, self.code = status, code


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    @property
    def etag(self):
        return self.fields.get("etag")

    def texts(self, *path):
        """Of every element at this path, without regard to the namespace."""
        found = [xml.etree.ElementTree.fromstring(self.body)]
        for name in path:
            found = [child for element in found for child in element if child.tag.rpartition("}")[2] == name]
        return [element.text or "" for element in found]


def encode(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def signature(method, path, query, signed, body_sha256, scope, secret):
    """Of a request with these fields, `signed`, by the secret's key for the scope: date/region/service/aws4_request."""
    canonical_query = "&".join(sorted(f"{encode(n)}={encode(v)}" for n, v in query))
    lines = [method, path, canonical_query, *(f"{n}:{signed[n]}" for n in sorted(signed)), "", ";".join(sorted(signed)), body_sha256]
    to_sign = "\n".join(["AWS4-HMAC-SHA256", signed["x-amz-date"], scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    signing = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    return hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest()


def signed_fields(method, host, path, query, fields, body_sha256, key, secret, token=None, region="us-east-1", at=None, service="s3"):
    """The fields that sign a request. `path`: encoded; `query`: a list of pairs, not encoded."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    signed = {name.lower(): " ".join(value.split()) for name, value in fields.items()}
    signed.update({"host": host, "x-amz-content-sha256": body_sha256, "x-amz-date": now})
    if token:
        signed["x-amz-security-token"] = token
    names = ";".join(sorted(signed))
    signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, "
                               f"Signature={signature(method, path, query, signed, body_sha256, scope, secret)}")
    del signed["host"]
    return signed


class S3:
    def __init__(self, endpoint, key, secret, region="us-east-1", ca=None):
        self.endpoint, self.key, self.secret, self.region, self.ca = endpoint, key, secret, region, ca

    def call(self, method, bucket="", key="", query=(), fields=None, body=b"", good=(200, 204, 206)):
        url = urllib.parse.urlsplit(self.endpoint)
        path = "/" + bucket + ("/" + encode(key, "/") if key else "")
        signed = signed_fields(method, url.netloc, path, list(query), fields or {}, hashlib.sha256(body).hexdigest(), self.key, self.secret,
                               region=self.region)
        text = "&".join(f"{encode(n)}={encode(v)}" for n, v in query)
        seconds = 60 + len(body) // 10**6  # of the whole of the body
        if url.scheme == "https":
            connection = http.client.HTTPSConnection(url.netloc, timeout=seconds, context=ssl.create_default_context(cafile=self.ca))
        else:
            connection = http.client.HTTPConnection(url.netloc, timeout=seconds)
        with contextlib.closing(connection):
            connection.putrequest(method, path + ("?" + text if text else ""), skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", url.netloc)
            for name, value in signed.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            reply = Reply(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
        if reply.status not in good:
            code = message = ""
            with contextlib.suppress(xml.etree.ElementTree.ParseError):
                code, message = (reply.texts("Code") or [""])[0], (reply.texts("Message") or [""])[0]
            raise S3Error(reply.status, code, message)
        return reply

    def make_bucket(self, bucket):
        return self.call("PUT", bucket)

    def put(self, bucket, key, body, **fields):
        """`content_encoding="gzip"` is the field Content-Encoding."""
        return self.call("PUT", bucket, key, body=body, fields={n.replace("_", "-"): v for n, v in fields.items()})

    def get(self, bucket, key, **fields):
        return self.call("GET", bucket, key, fields={n.replace("_", "-"): v for n, v in fields.items()})

    def body(self, bucket, key):
        return self.get(bucket, key).body

    def head(self, bucket, key):
        """None when there is no such object."""
        try:
            return self.call("HEAD", bucket, key)
        except S3Error as error:
            if error.status == 404:
                return None
            raise

    def delete(self, bucket, key):
        self.call("DELETE", bucket, key)

    def pages(self, bucket, query, more, *following):
        """Every page of a listing; `following`: pairs of the query's item and the reply's element that it is taken from."""
        asked = list(query)
        while True:
            page = self.call("GET", bucket, query=asked)
            yield page
            if page.texts(more) != ["true"]:
                return
            asked = list(query) + [(item, page.texts(element)[0]) for item, element in following]

    def keys(self, bucket, prefix=""):
        query = [("list-type", "2"), ("prefix", prefix), ("encoding-type", "url")]
        return [urllib.parse.unquote_plus(key) for page in self.pages(bucket, query, "IsTruncated", ("continuation-token", "NextContinuationToken"))
                for key in page.texts("Contents", "Key")]

    def uploads(self, bucket):
        """Unfinished uploads: pairs of key and id."""
        page = self.call("GET", bucket, query=[("uploads", "")])
        return list(zip(page.texts("Upload", "Key"), page.texts("Upload", "UploadId")))

    def create_upload(self, bucket, key):
        return self.call("POST", bucket, key, query=[("uploads", "")]).texts("UploadId")[0]

    def put_part(self, bucket, key, upload, number, body):
        return self.call("PUT", bucket, key, query=[("partNumber", str(number)), ("uploadId", upload)], body=body).etag

    def complete(self, bucket, key, upload, etags):
        parts = "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>{etag}</ETag></Part>" for i, etag in enumerate(etags, 1))
        body = f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{parts}</CompleteMultipartUpload>'
        return self.call("POST", bucket, key, query=[("uploadId", upload)], body=body.encode())

    def abort(self, bucket, key, upload):
        self.call("DELETE", bucket, key, query=[("uploadId", upload)])

    def empty(self, bucket):
        """Takes away every object and every unfinished upload."""
        for key, upload in self.uploads(bucket):
            self.abort(bucket, key, upload)
        for key in self.keys(bucket):
            self.delete(bucket, key)

    def await_ready(self):
        """Until it answers; refusals count as none, since users may come later."""
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                return self.call("GET")
            except (OSError, http.client.HTTPException, S3Error) as error:
                if time.monotonic() > end:
                    raise TimeoutError(f"{self.endpoint} is not ready: {error}") from error
                os.sched_yield()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--key", default=os.environ.get("AWS_ACCESS_KEY_ID"))
    parser.add_argument("--secret", default=os.environ.get("AWS_SECRET_ACCESS_KEY"))
    parser.add_argument("command", choices=["ready"])
    options = parser.parse_args()
    S3(options.endpoint, options.key, options.secret).await_ready()


if __name__ == "__main__":
    sys.exit(main())
