#!/usr/bin/env python3
"""The servers that stand for AWS' services in the tests, each on a free port of loopback, ended with the process that started it.

servers.py install   gets moto, ElasticMQ, Dynalite and Kinesalite into folders of their own in the user's cache (WEIR_CACHE), as far as
                     they are not there yet; ends on 1 where one can't be had, and says which
"""
import collections
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.append(os.path.join(TESTS, "s3"))  # behind our own: both folders have modules of these names


def module_of(folder, name):
    """A module of another folder of tests/, whose name is one of ours, too."""
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", os.path.join(TESTS, folder, f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


s3_servers = module_of("s3", "servers")
NotHere = s3_servers.NotHere
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
START_SECONDS = 120


class Nothing(s3_servers.Server):
    """No server: the tests bring an endpoint of their own."""

    name = "endpoint"
    services = frozenset(("endpoint",))
    endpoint = None


class Moto(s3_servers.Moto):
    """All services. Knows no signatures and no throttling; a Lambda function gives back what it was invoked with, nothing runs."""

    services = frozenset(("sqs", "sns", "kinesis", "firehose", "dynamodb", "events", "lambda", "s3"))

    def __init__(self):
        super().__init__()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.post("config", {"lambda": {"use_docker": False}})

    def post(self, path, value):
        """To moto's own interface."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/{path}", json.dumps(value).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)


class Spoken(s3_servers.Server):
    """A server that takes a free port by itself and says which: `said` finds it in a line of its output."""

    def __init__(self, command, said, folder=None):
        self.lines = collections.deque(maxlen=50)
        self.port, self.ready = None, threading.Event()
        environment = {n: v for n, v in os.environ.items() if not n.startswith("AWS")}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
                                        env=environment, preexec_fn=s3_servers.end_with_the_parent)
        threading.Thread(target=self.listen, args=(re.compile(said),), daemon=True).start()
        self.ready.wait(START_SECONDS)
        if self.port is None:
            self.close()
            raise RuntimeError(f"{self.name} did not start:\n" + "".join(self.lines))
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def listen(self, said):
        """To its end, so that it is never kept waiting."""
        for line in self.process.stdout:
            line = line.decode(errors="replace")
            self.lines.append(line)
            if self.port is None and (found := said.search(line)):
                self.port = int(found[1])
                self.ready.set()
        self.ready.set()

    def close(self):
        self.process.kill()
        self.process.wait()


class ElasticMq(Spoken):
    """SQS. Knows: FIFO order and deduplication, the limits of a batch. Does not know: signatures."""

    name = "elasticmq"
    services = frozenset(("sqs",))
    account = "000000000000"

    def __init__(self):
        found(jars_folder(), "ElasticMQ", "java")
        options = {"rest-sqs.bind-hostname": "127.0.0.1", "rest-sqs.bind-port": "0", "rest-stats.enabled": "false", "node-address.host": "*",
                   "aws.region": "us-east-1"}
        super().__init__(["java", "-XX:TieredStopAtLevel=1", "-Xmx512m", *(f"-D{n}={v}" for n, v in options.items()),
                          "-cp", os.path.join(jars_folder(), "jars", "*"), "org.elasticmq.server.Main"], r"bind address 127\.0\.0\.1:(\d+)")


class Node(Spoken):
    def __init__(self, options):
        found(node_folder(), self.name.capitalize(), "node")
        listen = "listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })"
        super().__init__(["node", "-e", f"require('{self.name}')({json.dumps(options)}).{listen}"], r"^port (\d+)", node_folder())


class Dynalite(Node):
    """DynamoDB. Knows: the form of items, the limits of a request; that a request is signed, not by whom."""

    name = "dynalite"
    services = frozenset(("dynamodb",))

    def __init__(self):
        super().__init__({"createTableMs": 0, "deleteTableMs": 0, "updateTableMs": 0})


class Kinesalite(Node):
    """Kinesis. Knows: shards and their hash ranges, the limits of a request; that a request is signed, not by whom."""

    name = "kinesalite"
    services = frozenset(("kinesis",))

    def __init__(self):
        super().__init__({"createStreamMs": 0, "deleteStreamMs": 0, "updateStreamMs": 0, "shardLimit": 50})


SERVERS = {server.name: server for server in (Nothing, Moto, ElasticMq, Dynalite, Kinesalite)}
SECOND = ("elasticmq", "dynalite", "kinesalite")


def read(*names):
    return b"".join(open(os.path.join(HERE, name), "rb").read() for name in names)


def jars_folder():
    return s3_servers.cache_folder("elasticmq", read("pom.xml"))


def node_folder():
    """One for each lock file and version of node."""
    version = subprocess.run(["node", "--version"], capture_output=True, check=True).stdout if shutil.which("node") else b""
    return s3_servers.cache_folder("node-services", read("package.json", "package-lock.json") + version)


def found(folder, what, program):
    if shutil.which(program) is None:
        raise NotHere(f"not installed: {program}")
    if not os.path.exists(os.path.join(folder, "whole")):
        raise NotHere(f"{what} is not installed (make test-services does it)")


def into(folder, what, programs, names, *command, check):
    """Installs by `command` in the folder, which has copies of the files `names`; it is whole where `check` finds something."""
    if os.path.exists(os.path.join(folder, "whole")):
        return
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise NotHere(f"not installed: {', '.join(missing)}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in names:
        shutil.copy(os.path.join(HERE, name), folder)
    print(f"services: getting {what}", file=sys.stderr)
    try:
        subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    except subprocess.CalledProcessError as error:
        raise NotHere(f"{command[0]} ended on {error.returncode}") from error
    if not glob.glob(os.path.join(folder, check)):
        raise NotHere(f"{command[0]} got no {check}")
    with open(os.path.join(folder, "whole"), "w"):
        pass


def install():
    """Gives the number of those that can't be had."""
    failed = 0
    for what, get in (
            ("moto", s3_servers.install_moto),
            ("ElasticMQ", lambda: into(jars_folder(), "ElasticMQ", ("java", "mvn"), ["pom.xml"], "mvn", "-q", "-B", MAVEN_COPY, "-DincludeScope=runtime",
                                       "-DoutputDirectory=jars", check="jars/elasticmq-server*.jar")),
            ("Dynalite and Kinesalite", lambda: into(node_folder(), "Dynalite and Kinesalite", ("node", "npm"), ["package.json", "package-lock.json"],
                                                     "npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
                                                     check="node_modules/*alite/package.json"))):
        try:
            get()
        except (NotHere, OSError, subprocess.CalledProcessError) as reason:
            print(f"services: {what} can't be had: {reason}", file=sys.stderr)
            failed += 1
    return failed


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit(__doc__)
    sys.exit(1 if install() else 0)
