#!/usr/bin/env python3
"""The tests of S3 against one real server.   run.py --server radosgw|moto --weir PATH [options of tests/hard/run.py] [MODULE...]

Starts the server, runs the tests that it can prove, and ends it. Where it can't be had that is one line `not run:`, and exit 77.
"""
import os
import signal
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
    at = arguments.index("--server")
    name = arguments[at + 1]
    del arguments[at:at + 2]
    try:
        server = servers.SERVERS[name]()
    except servers.NotHere as reason:
        line = f"not run: s3.{name}: {reason}\n"
        if "--not-run" in arguments:
            with open(arguments[arguments.index("--not-run") + 1], "w") as file:
                file.write(line)
        print(f"{line}not run: 1\n0 passed, 0 failed")
        return 77

    def end(*_):  # an exception would count as one test's failure
        server.close()
        os._exit(143)

    signal.signal(signal.SIGTERM, end)
    try:
        # What the modules look at when they are loaded.
        os.environ["WEIR"] = os.path.abspath(arguments[arguments.index("--weir") + 1])
        import bed

        bed.Bed.server = server
        return hard.main(HERE, arguments)
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
