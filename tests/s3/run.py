#!/usr/bin/env python3
"""The tests of S3 against one real server.   run.py --server radosgw|moto --weir PATH [options of tests/hard/run.py] [MODULE...]

Starts the server, runs the tests that it can prove, and ends it. Where it can't be had that is one line `not run:`, and exit 77.
"""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "hard"))
import run as hard  # noqa: E402  the runner of the hard cases

sys.path.insert(0, HERE)
import servers  # noqa: E402


def main():
    arguments = sys.argv[1:]
    if not {"--server", "--weir"} <= set(arguments):
        sys.exit(__doc__)
    return hard.main_with_server(HERE, "s3", hard.take_server(arguments), servers, arguments)


if __name__ == "__main__":
    sys.exit(main())
