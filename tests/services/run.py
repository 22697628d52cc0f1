#!/usr/bin/env python3
"""The tests of the sinks against one server.   run.py --server NAME --weir PATH [options of tests/hard/run.py] [MODULE...]

NAME: `endpoint`, the tests that bring their own server; `moto`, all services; `elasticmq`, `dynalite`, `kinesalite`, one each; `second`,
these three, one by one. Starts the server, runs the tests that it can prove, and ends it. Where it can't be had that is one line
`not run:`, and exit 77; of `second` where none of them can.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import servers  # noqa: E402

hard = servers.module_of("hard", "run")  # the runner of the hard cases, which puts its folder on the path
sys.path.insert(0, HERE)  # before all others: some of their modules have our names


def main():
    arguments = sys.argv[1:]
    if not {"--server", "--weir"} <= set(arguments):
        sys.exit(__doc__)
    name = hard.take_server(arguments)
    if name == "second":
        return one_by_one(servers.SECOND, arguments)
    return hard.main_with_server(HERE, "services", name, servers, arguments)


def one_by_one(names, arguments):
    """Each in a process of its own, since the modules are loaded for one server."""
    codes = []
    for name in names:
        print(f"== {name}", flush=True)
        codes.append(subprocess.run([sys.executable, os.path.abspath(__file__), "--server", name, *arguments],
                                    preexec_fn=servers.s3_servers.end_with_the_parent, check=False).returncode)
    bad = [code for code in codes if code not in (0, 77)]
    return bad[0] if bad else 77 if set(codes) == {77} else 0


if __name__ == "__main__":
    sys.exit(main())
