"""Certificates for tests over real TLS."""
import functools
import os
import ssl
import subprocess

AWS_REGIONS = ("us-east-1", "eu-west-1", "eu-west-3")


# ---- certificates -----------------------------------------------------------------------------------------------------------


class Certificates:
    """A root of our own and what it signed, made by `openssl` in a folder. Servers are `good` ones of 127.0.0.1 and localhost, or
    `expired`, of another `host`, signed by themselves (`alone`), or of `aws` regions' S3."""

    def __init__(self, folder):
        self.folder = folder
        self.root = self.path("root.pem")
        self.run("req", "-x509", *self.new_key("root"), "-days", "2", "-subj", "/CN=Weir test root", "-out", self.root,
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(name + ".key")]

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    @functools.lru_cache(maxsize=None)
    def context(self, kind="good"):
        names = {"host": "DNS:elsewhere.test", "aws": ",".join(f"DNS:s3.{r}.amazonaws.com,DNS:*.s3.{r}.amazonaws.com" for r in AWS_REGIONS)}
        names = names.get(kind, "DNS:localhost,IP:127.0.0.1")
        certificate = self.path(kind + ".pem")
        if kind == "alone":
            self.run("req", "-x509", *self.new_key(kind), "-days", "2", "-subj", "/CN=alone", "-addext", f"subjectAltName={names}", "-out", certificate)
        else:
            with open(self.path(kind + ".ext"), "w") as file:
                file.write(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
            self.run("req", "-new", *self.new_key(kind), "-subj", f"/CN={kind}", "-out", self.path(kind + ".csr"))
            # `x509` signs for days from now on; a number below 0 ends before it begins.
            self.run("x509", "-req", "-in", self.path(kind + ".csr"), "-CA", self.root, "-CAkey", self.path("root.key"), "-CAcreateserial",
                     "-days", "-1" if kind == "expired" else "2", "-extfile", self.path(kind + ".ext"), "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, self.path(kind + ".key"))
        return context
