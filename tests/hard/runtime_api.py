"""Lambda's Runtime API for tests: hands out events, keeps the answers, and misbehaves on demand."""
import contextlib
import http.server
import json
import os
import signal
import subprocess
import threading
import time

import harness


class Answer:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.kind = path.rsplit("/", 1)[1]  # response, error
        self.error_type = headers.get("Lambda-Runtime-Function-Error-Type")

    @property
    def json(self):
        return json.loads(self.body)


class RuntimeApi:
    """`events`: objects, or bytes as they are. A function that is started with `run` ends once all of them were answered."""

    def __init__(self, events=(), timeout=60.0, answers=()):
        self.events, self.timeout, self.status = list(events), timeout, list(answers)
        self.answers, self.nexts, self.asked = [], 0, threading.Event()
        self.released = threading.Event()
        self.chunked = False
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle(self):
                with contextlib.suppress(ConnectionError):  # a function that is gone
                    super().handle()

            def reply(self, status, headers=(), body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if api.chunked and body:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for at in range(0, len(body), 1000):
                        piece = body[at : at + 1000]
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                    return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                assert self.path == "/2018-06-01/runtime/invocation/next", self.path
                api.nexts += 1
                if not api.events:
                    api.asked.set()
                    api.released.wait()
                    self.close_connection = True
                    return
                event = api.events.pop(0)
                if isinstance(event, int):
                    return self.reply(event, body=b'{"errorType":"Test"}')
                timeout = api.timeout.pop(0) if isinstance(api.timeout, list) else api.timeout
                headers = [
                    ("Lambda-Runtime-Aws-Request-Id", f"request-{api.nexts}"),
                    ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout) * 1000))),
                    ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                    ("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"),
                ]
                self.reply(200, headers, event if isinstance(event, bytes) else json.dumps(event).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.answers.append(Answer(self.path, self.headers, body))
                status = api.status.pop(0) if api.status else 202
                self.reply(status, body=b'{"status":"OK"}')

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def start(self, pipeline, env=None, cwd=None, memory=128, binary=None, wrapper=()):
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WEIR", "AWS"))},
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "AWS_REGION": "us-east-1",
            **({"WEIR_PIPELINE": pipeline} if pipeline is not None else {}),
            **(env or {}),
        }
        return subprocess.Popen([*wrapper, binary or os.path.abspath(harness.WEIR)], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, pipeline, env=None, **options):
        """To the last answer, or to the function's own end: its exit code; what it printed is in `out` and `log` (parsed lines)."""
        process = self.start(pipeline, env, **options)
        output = {}
        reader = threading.Thread(target=lambda: output.update(zip(("out", "err"), process.communicate())), daemon=True)
        reader.start()
        limit = time.monotonic() + 120
        while process.poll() is None and not self.asked.wait(0.01):
            assert time.monotonic() < limit, "the function hangs"
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        reader.join(60)
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.out, self.err = output["out"].decode(), output["err"].decode()
        self.log = [json.loads(line) for line in self.err.splitlines()]
        return process.returncode
