#!/usr/bin/env python3
"""The S3 servers that the tests run against, each on a free port of loopback, ended with the process that started it.

servers.py install   gets moto into a folder of its own in the user's cache (WEIR_CACHE), if it is not there yet
"""
import ctypes
import functools
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

from s3 import S3

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool")


class NotHere(Exception):
    """A server that can't be had on this machine."""


class Server:
    """`name`, `port`, `s3` (a client with the owner's keys), `keys` (other users: id to secret), `close()`."""

    def close(self):
        pass


class Radosgw(Server):
    """Knows: signatures, refusals, If-Match and If-None-Match of GET and PUT, multipart to the letter.
    Does not know: CRC64NVME, conditions of Complete."""

    name = "radosgw"

    def __init__(self):
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            raise NotHere(f"not installed: {', '.join(missing)}")
        self.dir = tempfile.mkdtemp(prefix="weir-rgw-")
        self.script = os.path.join(HERE, "radosgw.sh")
        try:
            subprocess.run([self.script, "start", self.dir, "0", str(os.getpid())], check=True)
            with open(os.path.join(self.dir, "server")) as file:
                server = json.load(file)
        except BaseException:
            self.close()
            raise
        self.port = int(server["endpoint"].rpartition(":")[2])
        self.s3 = S3(server["endpoint"], server["key"], server["secret"])
        self.keys = {server["other_key"]: server["other_secret"]}

    def close(self):
        subprocess.run([self.script, "stop", self.dir], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class Moto(Server):
    """Knows: CRC64NVME, conditions of PUT, Complete's If-None-Match. Does not know: signatures, part sizes."""

    name = "moto"

    def __init__(self):
        program = os.path.join(moto_folder(), "bin", "moto_server")
        if not os.access(program, os.X_OK):
            raise NotHere("moto is not installed (make test-s3 does it)")
        self.log = tempfile.TemporaryFile()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("AWS", "MOTO"))}
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, env=environment, preexec_fn=end_with_the_parent)
        self.s3 = S3(f"http://127.0.0.1:{self.port}", "WEIRKEY", "testsecret")
        self.keys = {}
        try:
            self.s3.await_ready()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.process.kill()
        self.process.wait()


def end_with_the_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


SERVERS = {server.name: server for server in (Radosgw, Moto)}


def cache_folder(name, key):
    """Of what is installed for tests, outside the tree; `key`: the bytes that say what it is."""
    cache = os.environ.get("WEIR_CACHE")
    if not cache:
        home = os.environ.get("HOME", "")
        user = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        here = os.path.join(HERE, "..", "..", "build", "third_party")
        cache = os.path.join(user, "weir") if home and os.access(home, os.W_OK) else here
    return os.path.abspath(os.path.join(cache, f"{name}-{hashlib.sha256(key).hexdigest()[:12]}"))


def moto_folder():
    """One for each list of packages and version of Python."""
    with open(os.path.join(HERE, "requirements.txt"), "rb") as file:
        return cache_folder("moto", file.read() + sys.version.encode())


def install_moto():
    folder = moto_folder()
    if os.path.exists(os.path.join(folder, "whole")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    print("s3: getting moto", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [os.path.join(folder, "bin", "pip"), "--disable-pip-version-check", "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*pip, "-r", os.path.join(HERE, "requirements.txt")], check=True)
    with open(os.path.join(folder, "whole"), "w"):
        pass


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit(__doc__)
    install_moto()
