"""weir emulate: a small custom runtime behind its walls, clients of its Invoke API, and S3 out of folders."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import harness
from harness import TIMEOUT, WEIR, Case, environment, lines_of

MiB = 1 << 20

# A runtime in a few lines, with a handler that does what its event says.
BOOTSTRAP = """#!PYTHON
import http.client, json, os, resource, signal, sys
at = os.environ["AWS_LAMBDA_RUNTIME_API"]
tmp = os.environ["TMPDIR"]

def call(method, path, body=None, headers={}, host=at):
    connection = http.client.HTTPConnection(host)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    return reply.status, dict(reply.getheaders()), reply.read()

def runtime(method, path, body=None, headers={}):
    return call(method, "/2018-06-01/runtime/" + path, body, headers)

def count(name):
    with open(os.path.join(tmp, name), "a+") as file:
        file.write(".")
        file.seek(0)
        return len(file.read())

def hang():
    while True:
        signal.pause()

inits = count("inits")
how = os.environ.get("INIT", "")
if how == "exit" or (how == "exit_once" and inits == 1):
    sys.exit(7)
if how == "hang":
    hang()
if how == "error":
    print("init error", runtime("POST", "init/error", json.dumps({"errorType": "Config", "errorMessage": "no"}), {"Lambda-Runtime-Function-Error-Type": "Runtime.ConfigInvalid"})[0], flush=True)
    sys.exit(1)

def do(event, id, headers):
    what = event.get("do") if isinstance(event, dict) else None
    if what == "headers":
        return headers
    if what == "env":
        return dict(os.environ)
    if what == "exit":
        os._exit(3)
    if what == "hang":
        hang()
    if what == "hang_first":
        return hang() if inits == 1 else {"inits": inits}
    if what == "eat":
        bytes = bytearray(event["mb"] << 20)
        bytes[::4096] = b"x" * len(bytes[::4096])
        return hang() if event.get("hang") else len(bytes)
    if what == "big":
        return "x" * (event["bytes"] - 2)
    if what == "pid":
        return os.getpid()
    if what == "count":
        return {"inits": inits, "calls": count("calls")}
    if what == "fill":
        try:
            with open(os.path.join(tmp, "large"), "wb", buffering=0) as file:
                for _ in range(event["mb"]):
                    file.write(b"x" * (1 << 20))
        except OSError as error:
            return {"errno": error.errno}
        hang()
    if what == "files":
        return resource.getrlimit(resource.RLIMIT_NOFILE)
    if what == "quota":
        with open("/proc/self/cgroup") as file:
            return file.read()
    if what == "write_beside":
        s3 = os.environ["AWS_ENDPOINT_URL_S3"][7:]
        return [call("PUT", path, b"new", host=s3)[0] for path in ("/b/old", "/b/new")]
    if what == "steps":
        at = event.get("cursor", {}).get("at", 0) if "cursor" in event else 0
        return {"do": "steps", "done": at == event.get("of", 3), "cursor": {"at": at + 1}, "of": event.get("of", 3)}
    if what == "self":
        host = os.environ["AWS_ENDPOINT_URL_LAMBDA"][7:]
        fields = {"X-Amz-Invocation-Type": "Event", "X-Amzn-Trace-Id": headers["Lambda-Runtime-Trace-Id"]}
        path = "/2015-03-31/functions/" + os.environ["AWS_LAMBDA_FUNCTION_NAME"] + "/invocations"
        status, _, body = call("POST", path, json.dumps(event), fields, host)
        return {"status": status, "body": body.decode()}
    if what == "out_of_order":
        mine = "invocation/" + id + "/"
        codes = [runtime("POST", "invocation/other/response", "{}")[0], runtime("GET", "invocation/next")[0], runtime("POST", "init/error", "{}")[0]]
        codes += [runtime("POST", mine + "response", json.dumps(codes))[0]]
        codes += [runtime("POST", mine + "response", "{}")[0], runtime("POST", mine + "error", "{}")[0]]
        print("codes", codes, flush=True)
        return None
    if what == "answer_and_exit":
        runtime("POST", "invocation/" + id + "/response", "{}")
        os._exit(4)
    return event

while True:
    status, headers, body = runtime("GET", "invocation/next")
    assert status == 200
    id = headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(body)
    if isinstance(event, dict) and event.get("do") == "error":
        runtime("POST", "invocation/" + id + "/error", json.dumps({"errorType": "Odd", "errorMessage": "as asked for"}), {"Lambda-Runtime-Function-Error-Type": event["type"]})
        continue
    result = do(event, id, headers)
    if result is not None:
        status = runtime("POST", "invocation/" + id + "/response", json.dumps(result))[0]
        print("response", status, flush=True)
"""

SHELL_BOOTSTRAP = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  event=$(curl -sS -D "$TMPDIR/head" "$api/invocation/next")
  id=$(tr -d '\\r' < "$TMPDIR/head" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  curl -sS -X POST -d "{\\"echo\\":$event}" "$api/invocation/$id/response"
done
"""


class Emulated:
    """What came of one run."""

    def __init__(self, exit, out, err):
        self.exit, self.out, self.err = exit, out.decode(), err.decode()
        self.results = self.out.splitlines()
        self.reports = [dict(part.split(": ", 1) for part in line.split("\t") if ": " in part) for line in self.err.splitlines() if line.startswith("REPORT ")]
        self.walls = next((line for line in self.err.splitlines() if line.startswith("walls: ")), "")

    def __str__(self):
        return f"exit {self.exit}\n{self.out[-2000:]}\n{self.err[-4000:]}"


class EmulateCase(Case):
    def setUp(self):
        super().setUp()
        self.bootstrap = self.executable("fn/bootstrap", BOOTSTRAP.replace("PYTHON", sys.executable))

    def executable(self, name, text):
        path = self.put(name, text.encode())
        os.chmod(path, 0o755)
        return path

    def emulate(self, *args, exit=0, bootstrap=None, events=(), env=None, check=True):
        """In a size that gives a whole processor, with time: tests of walls say otherwise behind it."""
        words = [WEIR, "emulate", "--memory", "1769", "--timeout", "10m", *args]
        for event in events:
            words += ["--event", event if isinstance(event, str) else json.dumps(event)]
        words += [bootstrap or self.bootstrap]
        run = subprocess.run(words, env=environment(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
        done = Emulated(run.returncode, run.stdout, run.stderr)
        if check:
            self.assertEqual(done.exit, exit, str(done))
        self.assert_nothing_stays()
        return done

    def assert_nothing_stays(self):
        """No group and no folder of one that is no longer there."""
        for folder in {tempfile.gettempdir(), "/tmp", "/var/tmp"}:
            for name in os.listdir(folder):
                match = re.match(r"weir-emulate-(\d+)-", name)
                self.assertFalse(match and not os.path.exists(f"/proc/{match[1]}"), f"{folder}/{name}")
        for at, names, _ in os.walk("/sys/fs/cgroup"):
            if at.count("/") > 4:
                names.clear()
            for name in names:
                match = re.fullmatch(r"weir-emulate-(\d+)-\d+", name)
                self.assertFalse(match and not os.path.exists(f"/proc/{match[1]}"), f"{at}/{name}")


class Invocations(EmulateCase):
    def test_results_go_to_stdout_in_order(self):
        run = self.emulate(events=[{"n": 1}, '{"n": 2}'], *["--repeat", "2"])
        self.assertEqual([json.loads(r) for r in run.results], [{"n": 1}, {"n": 2}] * 2)
        self.assertEqual(len(run.reports), 4)
        self.assertIn("Init Duration", run.reports[0])
        self.assertNotIn("Init Duration", run.reports[1])
        self.assertEqual(run.reports[0]["Memory Size"], "1769 MB")
        self.assertGreater(int(run.reports[0]["Max Memory Used"].split()[0]), 4)
        self.assertEqual(run.err.count("response 202"), 4)
        self.assertEqual(run.err.count("COST RequestId: "), 4)

    def test_the_headers_of_next(self):
        headers = json.loads(self.emulate("--name", "fn", "--region", "eu-west-1", events=[{"do": "headers"}]).results[0])
        self.assertRegex(headers["Lambda-Runtime-Aws-Request-Id"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")
        self.assertEqual(headers["Lambda-Runtime-Invoked-Function-Arn"], "arn:aws:lambda:eu-west-1:123456789012:function:fn")
        self.assertRegex(headers["Lambda-Runtime-Trace-Id"], r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$")
        self.assertRegex(headers["Lambda-Runtime-Deadline-Ms"], r"^\d{13}$")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertNotIn("Lambda-Runtime-Client-Context", headers)

    def test_the_environment(self):
        env = json.loads(self.emulate("--env", "MINE=a=b", events=[{"do": "env"}], env={"AWS_ACCESS_KEY_ID": "key", "AWS_LAMBDA_ODD": "1", "STRANGE": "1"}).results[0])
        self.assertEqual((env["MINE"], env["AWS_ACCESS_KEY_ID"], env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]), ("a=b", "key", "1769"))
        self.assertEqual(os.path.realpath(env["LAMBDA_TASK_ROOT"]), os.path.realpath(self.path("fn")))
        self.assertEqual(env["AWS_LAMBDA_INITIALIZATION_TYPE"], "on-demand")
        for name in ("STRANGE", "AWS_LAMBDA_ODD", "AWS_EXECUTION_ENV", "_X_AMZN_TRACE_ID"):
            self.assertNotIn(name, env)

    def test_a_folder_is_its_bootstrap(self):
        self.emulate(events=[{}], bootstrap=self.path("fn"))

    def test_a_shell_script(self):
        if shutil.which("curl") is None:
            self.skipTest("no curl")
        run = self.emulate(events=[{"a": 1}, {"a": 2}], bootstrap=self.executable("sh/bootstrap", SHELL_BOOTSTRAP))
        self.assertEqual([json.loads(r) for r in run.results], [{"echo": {"a": 1}}, {"echo": {"a": 2}}])

    def test_calls_out_of_order_are_refused(self):
        run = self.emulate(events=[{"do": "out_of_order"}, {"n": 1}])
        self.assertIn("codes [400, 403, 403, 202, 403, 403]", run.err)
        self.assertEqual([json.loads(r) for r in run.results], [[400, 403, 403], {"n": 1}])

    def test_json_lines(self):
        run = self.emulate("--json", events=[{"n": 1}, {"do": "exit"}], exit=1)
        first, second = (json.loads(line) for line in run.results)
        self.assertEqual((first["status"], first["result"], first["memorySizeMB"]), ("success", {"n": 1}, 1769))
        self.assertGreater(first["dollars"], 0)
        self.assertEqual((second["status"], second["errorType"], second["result"]["errorType"]), ("error", "Runtime.ExitError", "Runtime.ExitError"))
        self.assertNotIn("REPORT", run.err)

    def test_events_from_stdin_and_files_and_made(self):
        file = self.put("event.json", b'{"from": "file"}\n')
        run = subprocess.run([WEIR, "emulate", "--memory", "1769", "--event", "-", "--event", file, "--event", "s3:b/a key", "--event", "sqs:" + file, self.bootstrap],
                             input=b'{"from": "stdin"}', env=environment(), capture_output=True, timeout=TIMEOUT)
        one, two, s3, sqs = (json.loads(line) for line in run.stdout.splitlines())
        self.assertEqual((one["from"], two["from"]), ("stdin", "file"))
        self.assertEqual(s3["Records"][0]["s3"]["object"]["key"], "a+key")
        self.assertEqual(sqs["Records"][0]["body"], '{"from": "file"}\n')

    def test_bad_command_lines(self):
        for words, hint in ((["--event", "{"], "no JSON"), (["--memory", "64", "--event", "{}"], "128 to 10240"), ([], "nothing to invoke"), (["--evnt", "{}"], "--event"),
                            (["--timeout", "16m", "--event", "{}"], "15m"), (["--env", "X=" + "y" * 5000, "--event", "{}"], "4096"), (["--map", "s3://b=/nowhere", "--event", "{}"], "/nowhere"),
                            (["--event", "/nowhere"], "/nowhere")):
            run = subprocess.run([WEIR, "emulate", *words, self.bootstrap], env=environment(), capture_output=True, timeout=TIMEOUT)
            self.assertEqual((run.returncode, run.stdout), (20, b""), words)
            self.assertIn(hint, run.stderr.decode(), words)

    def test_help_teaches(self):
        for words in (["emulate", "--help"], ["help", "emulate"]):
            text = subprocess.run([WEIR, *words], env=environment(), capture_output=True, check=True, timeout=TIMEOUT).stdout.decode()
            self.assertIn("--kill-at", text)


class Failures(EmulateCase):
    def test_an_error_is_told_and_the_environment_goes_on(self):
        run = self.emulate(events=[{"do": "error", "type": "Function.BadRecord"}, {"do": "error", "type": "odd"}, {"do": "count"}], exit=1)
        self.assertEqual([r.get("Error Type") for r in run.reports], ["Function.BadRecord", "Odd", None])
        self.assertEqual(json.loads(run.results[0])["errorMessage"], "as asked for")
        self.assertEqual(json.loads(run.results[2]), {"inits": 1, "calls": 1})

    def test_a_crash_resets_the_environment_but_not_tmp(self):
        run = self.emulate(events=[{"do": "count"}, {"do": "exit"}, {"do": "count"}], exit=1)
        self.assertEqual(json.loads(run.results[1])["errorType"], "Runtime.ExitError")
        self.assertIn("exit status 3", run.results[1])
        self.assertEqual(json.loads(run.results[2]), {"inits": 2, "calls": 2})
        # The new init counts in the invocation's own time.
        self.assertEqual([("Init Duration" in r, r.get("Status")) for r in run.reports], [(True, None), (False, "error"), (False, None)])

    def test_a_time_out_is_a_kill(self):
        run = self.emulate("--timeout", "200ms", events=[{"do": "hang"}], exit=1)
        self.assertEqual((run.reports[0]["Status"], run.reports[0]["Duration"]), ("timeout", "200.00 ms"))
        self.assertEqual(json.loads(run.results[0])["errorType"], "Sandbox.Timedout")
        self.assertIn("Task timed out after 0.20 seconds", run.err)

    def test_an_answer_before_a_crash_is_the_callers(self):
        run = self.emulate(events=[{"do": "answer_and_exit"}], exit=1)
        self.assertEqual(run.results, ["{}"])
        self.assertEqual(run.reports[0]["Error Type"], "Runtime.ExitError")

    def test_init_error_is_tried_again_in_the_invocation(self):
        run = self.emulate("--env", "INIT=error", events=[{}], exit=1)
        self.assertEqual(run.err.count("init error 202\n"), 2)
        self.assertEqual(run.err.count("INIT_REPORT"), 1)
        self.assertEqual(json.loads(run.results[0])["errorType"], "Config")
        self.assertEqual(run.reports[0]["Error Type"], "Runtime.ConfigInvalid")

    def test_an_init_that_fails_once_is_no_failure(self):
        run = self.emulate("--env", "INIT=exit_once", events=[{"do": "count"}])
        self.assertIn("INIT_REPORT", run.err)
        self.assertEqual(json.loads(run.results[0]), {"inits": 2, "calls": 1})

    def test_an_init_that_exits(self):
        run = self.emulate("--env", "INIT=exit", events=[{}], exit=1)
        self.assertIn("exit status 7", run.results[0])

    def test_an_init_that_hangs_has_its_own_limit(self):
        run = self.emulate("--env", "INIT=hang", "--init-timeout", "100ms", "--timeout", "100ms", events=[{}], exit=1)
        self.assertIn("Phase: init\tStatus: timeout", run.err)
        self.assertEqual(run.reports[0]["Status"], "timeout")

    def test_what_can_not_be_run(self):
        os.chmod(self.bootstrap, 0o644)
        run = self.emulate(events=[{}], exit=1)
        self.assertEqual(json.loads(run.results[0])["errorType"], "Runtime.InvalidEntrypoint")
        self.assertIn("permission denied", run.results[0])

    def test_payload_caps(self):
        cap = 6 * MiB + 100
        run = self.emulate(events=[{"do": "big", "bytes": cap}, {"do": "big", "bytes": cap + 1}, {"do": "count"}], exit=1)
        self.assertEqual(len(run.results[0]), cap)
        self.assertEqual(json.loads(run.results[1])["errorType"], "Function.ResponseSizeTooLarge")
        self.assertIn("response 413", run.err)
        self.assertEqual(json.loads(run.results[2])["inits"], 1)
        for size, words, exit in ((6 * MiB, [], 0), (6 * MiB + 1, [], 20), (MiB + 1, ["--async"], 20)):
            event = self.put("large.json", b'"' + b"x" * (size - 2) + b'"')
            run = self.emulate(*words, events=[event], exit=exit)
            self.assertEqual(len(run.out), size + 1 if exit == 0 else 0)


class Walls(EmulateCase):
    def both(self):
        """Kinds of walls that can be tried here."""
        run = self.emulate("--walls", "cgroup", events=[{}], check=False)
        if run.exit != 0:
            self.assertEqual(run.exit, 40, str(run))
            return ["limits"]
        return ["cgroup", "limits"]

    def test_memory(self):
        for walls in self.both():
            run = self.emulate("--memory", "128", "--walls", walls, events=[{"do": "eat", "mb": 200, "hang": True}, {"do": "count"}], exit=1)
            self.assertEqual((run.reports[0]["Error Type"], run.reports[0]["Max Memory Used"]), ("Runtime.ExitError", "128 MB"), walls)
            self.assertIn("signal: killed", run.results[0])
            self.assertEqual(json.loads(run.results[1])["inits"], 2)

    def test_what_fits_is_left_alone(self):
        for walls in self.both():
            run = self.emulate("--memory", "256", "--walls", walls, events=[{"do": "eat", "mb": 60}])
            self.assertGreater(int(run.reports[0]["Max Memory Used"].split()[0]), 60)

    def test_the_share_of_the_processor(self):
        if "cgroup" not in self.both():
            self.skipTest("no rights to make a cgroup")
        with self.serving("--memory", "128") as (host, _):
            groups = json.loads(self.invoke(host, {"do": "quota"})[2])
            found = re.search(r"^\d+:cpu[^:]*:(.*weir-emulate.*)$", groups, re.M)
            if found:
                root = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup" and "cpu" in line.split()[3].split(","))
                with open(root + found[1] + "/cpu.cfs_quota_us") as file:
                    self.assertEqual(file.read().strip(), "7236")
            else:
                with open("/sys/fs/cgroup" + re.search(r"^0::(.*)$", groups, re.M)[1] + "/cpu.max") as file:
                    self.assertEqual(file.read().split(), ["7236", "100000"])

    def test_tmp_is_full_when_it_is_full(self):
        run = self.emulate("--tmp", "16", events=[{"do": "fill", "mb": 64}, {"do": "count"}], check=False)
        if "as a file system" in run.walls:
            self.assertEqual((run.exit, json.loads(run.results[0])), (0, {"errno": 28}))
        else:
            self.assertEqual((run.exit, json.loads(run.results[0])["errorType"]), (1, "Sandbox.TmpFull"))

    def test_between_invocations_it_is_frozen(self):
        for walls in self.both():
            with self.serving("--walls", walls) as (host, process):
                for _ in range(2):  # and thawed for the second
                    status, _, pid = self.invoke(host, {"do": "pid"})
                    self.assertEqual(status, 200)
                    await_state(process, lambda pid=int(pid): is_frozen(pid))

    def test_what_a_killed_emulator_left_is_taken_away_by_the_next(self):
        for walls in self.both():
            with serving(self, "--memory", "1769", "--timeout", "10m", "--walls", walls, self.bootstrap, exit=-signal.SIGKILL, stop=signal.SIGKILL) as (host, process):
                pid = int(self.invoke(host, {"do": "pid"})[2])
                await_state(process, lambda pid=pid: is_frozen(pid))
            self.emulate("--walls", walls, events=[{}])  # looks for groups
            while is_alive(pid):
                os.sched_yield()

    def test_files_are_limited(self):
        self.assertEqual(json.loads(self.emulate(events=[{"do": "files"}]).results[0]), [1024, 1024])

    def invoke(self, host, event, **fields):
        return invoke(host, event, **fields)

    @contextlib.contextmanager
    def serving(self, *args):
        with serving(self, "--memory", "1769", "--timeout", "10m", *args, self.bootstrap) as it:
            yield it


def await_state(process, reached):
    while not reached():
        assert process.poll() is None
        os.sched_yield()


def is_alive(pid):
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def is_frozen(pid):
    with open(f"/proc/{pid}/stat") as file:
        if file.read().rpartition(")")[2].split()[0] == "T":
            return True
    with open(f"/proc/{pid}/cgroup") as file:
        groups = file.read()
    found = re.search(r"^\d+:freezer:(.*weir-emulate.*)$", groups, re.M)
    if found:
        root = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup" and "freezer" in line.split()[3].split(","))
        with open(root + found[1] + "/freezer.state") as file:
            return file.read().strip() == "FROZEN"
    found = re.search(r"^0::(.*weir-emulate.*)$", groups, re.M)
    if not found:
        return False
    with open("/sys/fs/cgroup" + found[1] + "/cgroup.events") as file:
        return "frozen 1" in file.read()


@contextlib.contextmanager
def serving(case, *args, exit=0, stop=signal.SIGTERM):
    """Runs until the block ends; gives host:port and the process."""
    with open(case.path("server.err"), "wb") as err, open(case.path("server.out"), "wb") as out:
        process = subprocess.Popen([WEIR, "emulate", "--listen", "127.0.0.1:0", *args], env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.daemon = True
    timer.start()
    try:
        def host():
            return re.search(rb"^listening on http://(\S+)\n", case.get("server.err"))
        await_state(process, host)
        yield host()[1].decode(), process
        process.send_signal(stop)
        case.assertEqual(process.wait(TIMEOUT), exit, case.get("server.err")[-2000:])
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def call(host, method, path, body=None, fields=None):
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT)
    with contextlib.closing(connection):
        connection.request(method, path, body, fields or {})
        reply = connection.getresponse()
        return reply.status, {n.lower(): v for n, v in reply.getheaders()}, reply.read()


def invoke(host, event, name="function", **fields):
    body = event if isinstance(event, bytes) else json.dumps(event)
    return call(host, "POST", f"/2015-03-31/functions/{name}/invocations", body, {n.replace("_", "-"): v for n, v in fields.items()})


class Clients(EmulateCase):
    def serve(self, *args, exit=0, stop=signal.SIGTERM):
        return serving(self, "--memory", "1769", "--timeout", "10m", *args, self.bootstrap, exit=exit, stop=stop)

    def test_request_and_response(self):
        with self.serve(stop=signal.SIGINT) as (host, _):
            status, fields, body = invoke(host, {"n": 1})
            self.assertEqual((status, json.loads(body), fields["x-amz-executed-version"]), (200, {"n": 1}, "$LATEST"))
            self.assertNotIn("x-amz-function-error", fields)
            self.assertEqual(invoke(host, {}, X_Amz_Invocation_Type="DryRun")[0], 204)
            self.assertEqual(invoke(host, {}, name="other")[0], 404)
            self.assertEqual(invoke(host, b"{")[0], 400)
            self.assertEqual(invoke(host, b'"' + b"x" * (6 * MiB) + b'"')[0], 413)
            headers = json.loads(invoke(host, {"do": "headers"}, X_Amz_Client_Context="eyJhIjoxfQ==")[2])
            self.assertEqual(headers["Lambda-Runtime-Client-Context"], '{"a":1}')

    def test_errors_have_their_field(self):
        with self.serve(exit=1) as (host, _):
            status, fields, body = invoke(host, {"do": "exit"})
            self.assertEqual((status, fields["x-amz-function-error"], json.loads(body)["errorType"]), (200, "Unhandled", "Runtime.ExitError"))
            self.assertEqual(invoke(host, {"n": 1})[0], 200)

    def test_an_asynchronous_one_is_tried_three_times(self):
        with self.serve(exit=1) as (host, _):
            status, _, body = invoke(host, {"do": "exit"}, X_Amz_Invocation_Type="Event")
            self.assertEqual((status, body), (202, b""))
            self.assertEqual(json.loads(invoke(host, {"do": "count"})[2])["inits"], 4)

    def test_a_function_that_invokes_itself_is_cut_after_sixteen(self):
        run = self.emulate(events=[{"do": "self"}])
        replies = [json.loads(r) for r in run.results]
        self.assertEqual([r["status"] for r in replies], [202] * 15 + [400])
        self.assertIn("RECURSION", run.err)

    def test_a_stop_in_the_midst(self):
        process = subprocess.Popen([WEIR, "emulate", "--timeout", "10m", "--event", '{"do":"hang"}', self.bootstrap], env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in process.stderr:
            if line.startswith(b"START"):
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 11)
        self.assert_nothing_stays()


class Faults(EmulateCase):
    def test_duplicates(self):
        run = self.emulate("--duplicate", events=[{"n": 1}, {"n": 2}])
        self.assertEqual([json.loads(r)["n"] for r in run.results], [1, 1, 2, 2])
        self.assertEqual(len({r["REPORT RequestId"] for r in run.reports}), 4)

    def test_kill_at_and_again(self):
        run = self.emulate("--kill-at", "100ms", events=[{"do": "hang_first"}])
        self.assertEqual([r.get("Status") for r in run.reports], ["error", None])
        self.assertIn("signal: killed", run.results[0])
        self.assertEqual(json.loads(run.results[1]), {"inits": 2})
        self.assertEqual(len({r["REPORT RequestId"] for r in run.reports}), 1)

    def test_a_failure_of_its_own_is_none_on_demand(self):
        run = self.emulate("--kill-at", "10m", events=[{"do": "exit"}], exit=1)
        self.assertEqual(len(run.reports), 1)

    def test_asynchronous_events_are_tried_three_times(self):
        run = self.emulate("--async", events=[{"do": "exit"}], exit=1)
        self.assertEqual(len(run.reports), 3)

    def test_continue(self):
        run = self.emulate("--continue", "5", events=[{"do": "steps", "of": 3}])
        self.assertEqual([json.loads(r)["cursor"]["at"] for r in run.results], [1, 2, 3, 4])
        self.assertTrue(json.loads(run.results[-1])["done"])
        run = self.emulate("--continue", "2", events=[{"do": "steps", "of": 3}], exit=1)
        self.assertEqual(len(run.results), 3)

    def test_a_sweep(self):
        os.mkdir(self.path("b"))
        self.put("b/old", b"old")
        run = self.emulate("--memory", "512,256", "--map", "s3://b=" + self.path("b"), events=[{"do": "write_beside"}])
        self.assertEqual(len(re.findall(r"^[* ] +\d+ MB ", run.out, re.M)), 2, run.out)
        self.assertEqual(len(re.findall(r"^\* +\d+ MB ", run.out, re.M)), 1, run.out)
        self.assertEqual((self.get("b/old"), os.listdir(self.path("b"))), (b"old", ["old"]))
        run = self.emulate("--memory", "512,256", "--json", events=[{"do": "exit"}], exit=1)
        rows = [json.loads(line) for line in run.results]
        self.assertEqual([(r["memorySizeMB"], r["failures"], r["cheapest"]) for r in rows], [(512, 1, False), (256, 1, False)])


class Folders(EmulateCase):
    """`weir run` as the client of S3 out of folders."""

    RECORDS = 400_000

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("raw"))
        os.mkdir(self.path("clean"))
        self.put("raw/in.csv", b"id,text\n" + b"".join(b"%d,text number %d\n" % (i, i) for i in range(self.RECORDS)))
        self.maps = ["--map", "s3://raw=" + self.path("raw"), "--map", "s3://clean=" + self.path("clean")]
        self.expected = lines_of([{"id": str(i), "text": f"text number {i}"} for i in range(self.RECORDS)])

    JOB = "name: job\nmemory: 48MiB\ninput:\n  from: s3://raw/in.csv\noutput:\n  to: s3://clean/a folder/out.ndjson\n  format: ndjson\n  part: 5MiB\n"

    def access(self, host):
        return {"AWS_ENDPOINT_URL_S3": "http://" + host, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    def run_job(self, host):
        self.pipeline(self.JOB)
        return harness.weir("run", self.path("p.yaml"), "--summary", "json", env=self.access(host))

    def test_in_parts_from_folder_to_folder(self):
        with serving(self, *self.maps) as (host, _):
            self.run_job(host)
            self.assertEqual(self.get("clean/a folder/out.ndjson"), self.expected)
            self.assertEqual(self.run_job(host).summary["status"], "already_done")

    def stopped_job(self):
        """The exit code of a run that was asked to stop when its first part was there."""
        self.pipeline(self.JOB)

        def part():
            return [name for _, _, names in os.walk(self.path("clean/.weir-uploads")) for name in names if name.startswith("00001.")]
        with serving(self, *self.maps) as (host, _):
            run = harness.Process("run", self.path("p.yaml"), "--summary", "json", stdin=subprocess.DEVNULL, env=self.access(host))
            while not part() and run.process.poll() is None:
                os.sched_yield()
            run.signal(signal.SIGTERM)
            return run.finish().exit

    def test_a_job_goes_on_over_a_restart_of_the_server(self):
        while (exit := self.stopped_job()) == 0:  # it was faster than this test
            shutil.rmtree(self.path("clean"))
            os.mkdir(self.path("clean"))
        self.assertEqual(exit, 10)
        with serving(self, *self.maps) as (host, _):
            self.assertEqual(self.run_job(host).summary["checkpoint"]["runs"], 2)
        self.assertEqual(self.get("clean/a folder/out.ndjson"), self.expected)
        self.assertNotIn(".weir-uploads", os.listdir(self.path("clean")))

    def test_a_function_finds_them(self):
        script = f"""#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  curl -sS -o /dev/null -D "$TMPDIR/head" "$api/invocation/next"
  id=$(tr -d '\\r' < "$TMPDIR/head" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  "$LAMBDA_TASK_ROOT/weir" run {self.path("p.yaml")} --summary none -m 48MiB || exit 1
  curl -sS -X POST -d '"done"' "$api/invocation/$id/response"
done
"""
        if shutil.which("curl") is None:
            self.skipTest("no curl")
        self.put("sh/weir", b"")
        shutil.copy(WEIR, self.path("sh/weir"))  # where it is built may lie below /tmp, which the function has of its own
        self.pipeline("name: job\ninput:\n  from: s3://raw/in.csv\noutput:\n  to: s3://clean/out.ndjson\n  format: ndjson\n")
        run = self.emulate("--memory", "1769", *self.maps, events=["s3:raw/in.csv"], bootstrap=self.executable("sh/bootstrap", script))
        self.assertEqual(run.results, ['"done"'])
        self.assertEqual(self.get("clean/out.ndjson"), self.expected)

    def test_no_way_out(self):
        self.put("secret", b"secret")
        with serving(self, *self.maps) as (host, _):
            for key in ("..%2fsecret", "../secret", "a/..%2f..%2fsecret", "%2e%2e/secret", ".weir-uploads/x"):
                for method in ("GET", "PUT", "DELETE"):
                    status, _, body = call(host, method, "/raw/" + key, b"evil" if method == "PUT" else None)
                    self.assertGreaterEqual(status, 400, (method, key))
                    self.assertNotIn(b"secret", body.replace(key.encode(), b""))
            self.assertEqual(self.get("secret"), b"secret")
            self.assertEqual(call(host, "GET", "/other/x")[0], 404)

    def test_what_breaks_off_leaves_nothing(self):
        with serving(self, *self.maps) as (host, process):
            connection = http.client.HTTPConnection(host)
            connection.putrequest("PUT", "/clean/half")
            connection.putheader("Content-Length", "1000")
            connection.endheaders(b"half")
            await_state(process, lambda: os.listdir(self.path("clean/.weir-uploads")) if os.path.isdir(self.path("clean/.weir-uploads")) else False)
            connection.close()
            await_state(process, lambda: not os.listdir(self.path("clean/.weir-uploads")))
            self.assertEqual(call(host, "GET", "/clean/half")[0], 404)

    def test_listings_and_ranges(self):
        with serving(self, *self.maps) as (host, _):
            for i in range(5):
                self.assertEqual(call(host, "PUT", f"/clean/d/{i}", b"%d" % i)[0], 200)
            body = call(host, "GET", "/clean?" + urllib.parse.urlencode({"list-type": 2, "prefix": "d/", "max-keys": 3}))[2].decode()
            self.assertEqual(re.findall("<Key>(.*?)</Key>", body), ["d/0", "d/1", "d/2"])
            status, fields, body = call(host, "GET", "/raw/in.csv", fields={"Range": "bytes=0-6"})
            self.assertEqual((status, fields["content-range"].split("/")[0], body), (206, "bytes 0-6", b"id,text"))


