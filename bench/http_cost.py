#!/usr/bin/env python3
"""What an http:// or https:// input costs beside the same job on a file.   bench/http_cost.py --weir build/release/weir FILE.csv.gz [--rounds 5]

CPU seconds (user and system) of weir alone per GB of the uncompressed input, in turns, medians, and the median of the ratios of each
round. The server is this program, on loopback. Two jobs: a filter to CSV, where reading is nearly all there is, and all records to ndjson.gz.
FILE is made by `bench_generate csv 300000000 5 | gzip`.
"""
import argparse
import gzip
import hashlib
import http.server
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "hard"))
from certificates import Certificates  # noqa: E402

JOBS = {"filter": ["SELECT * FROM input WHERE amount > 495"], "ndjson.gz": ["SELECT * FROM input", "--to", "ndjson", "--codec", "gzip"]}


def serve(path, tls=None):
    size = os.path.getsize(path)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            first = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.send_response(206)
            for name, value in (("ETag", '"1"'), ("Content-Length", size - first), ("Content-Range", f"bytes {first}-{size - 1}/{size}")):
                self.send_header(name, str(value))
            self.end_headers()
            try:
                with open(path, "rb") as file:
                    if tls is None:
                        self.connection.sendfile(file, first)
                        return
                    file.seek(first)
                    while piece := file.read(1 << 16):
                        self.wfile.write(piece)
            except OSError:
                self.close_connection = True

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/in.csv.gz"


def cpu_seconds(weir, job, source, root):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([weir, "query", job[0], source, *job[1:], "--quiet"], check=True, stdout=subprocess.PIPE, env={**os.environ, "AWS_CA_BUNDLE": root}).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("file")
    options = parser.parse_args()
    with gzip.open(options.file) as file:
        size = sum(len(piece) for piece in iter(lambda: file.read(1 << 20), b"")) / 1e9
    with tempfile.TemporaryDirectory(prefix="weir-http-") as folder:
        certificates = Certificates(folder)
        sources = {"file": options.file, "http": serve(options.file), "https": serve(options.file, certificates.context())}
        for title, job in JOBS.items():
            seconds = {name: [] for name in sources}
            outputs = set()
            for _ in range(options.rounds):
                for name, source in sources.items():
                    spent, out = cpu_seconds(options.weir, job, source, certificates.root)
                    seconds[name].append(spent)
                    outputs.add(hashlib.sha256(out).digest())
            assert len(outputs) == 1, "the outputs differ"
            for name, spent in seconds.items():
                ratio = statistics.median(a / b for a, b in zip(spent, seconds["file"]))
                print(f"{title:10} {name:6} {statistics.median(spent) / size:6.3f} CPU s per GB   x {ratio:.3f}   ({min(spent) / size:.3f} to {max(spent) / size:.3f})")


if __name__ == "__main__":
    main()
