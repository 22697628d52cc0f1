#!/usr/bin/env python3
"""The end-to-end suite of hard cases.   run.py --weir PATH [MODULE...]

Ends on the line `N passed, N failed`. What can't be tried here (no rights to mount, to trace ...) is named in a line `not run:` and
counts as neither; where nothing at all could be tried the exit is 77. A missing tool is a failure. `--not-run FILE` keeps these lines.
WEIR_HARD_FULL=1 runs the large sizes: records of 10 GiB, 10 GB of zeros.
"""
import argparse
import ast
import collections
import os
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


class Result(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.passed = 0
        self.times = []

    def startTest(self, test):
        self._begin = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.times.append((time.monotonic() - self._begin, test.id()))
        super().stopTest(test)

    def addSuccess(self, test):
        self.passed += 1
        super().addSuccess(test)


def written_twice(path):
    """Names that a later definition takes from an earlier one, whose tests nobody would miss."""
    with open(path) as file:
        tree = ast.parse(file.read())
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        names = collections.Counter(node.name for node in scope.body if isinstance(node, (ast.ClassDef, ast.FunctionDef)))
        yield from (name for name, count in names.items() if count > 1)


def main(folder=HERE, arguments=None):
    # Whoever is started in the background ignores SIGINT, and so would what is tested here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True)
    parser.add_argument("-k", action="append", help="only tests whose name holds this")
    parser.add_argument("--not-run", metavar="FILE", help="write the names of what was not run to this file")
    parser.add_argument("--times", action="store_true", help="the slowest tests")
    parser.add_argument("modules", nargs="*")
    options = parser.parse_args(arguments)
    os.environ["WEIR"] = os.path.abspath(options.weir)
    names = options.modules or sorted(f[:-3] for f in os.listdir(folder) if f.endswith("_test.py"))
    for name in names:
        if twice := list(written_twice(os.path.join(folder, name.removesuffix(".py").split(".")[0] + ".py"))):
            sys.exit(f"{name}: written twice, so the first is never run: {', '.join(twice)}")
    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [f"*{k}*" for k in options.k]
    suite = loader.loadTestsFromNames([n.removesuffix(".py") for n in names])
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=2, tb_locals=False)
    result = runner.run(suite)
    if options.times:
        for seconds, name in sorted(result.times, reverse=True)[:25]:
            print(f"{seconds:7.2f} s  {name}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    for test, _ in result.expectedFailures:
        print(f"known to fail: {test.id()}")
    not_run = [f"not run: {test.id()}: {reason}" for test, reason in result.skipped]
    print("".join(line + "\n" for line in not_run), end="")
    if not_run:
        print(f"not run: {len(not_run)}")
    if options.not_run:
        with open(options.not_run, "w") as file:
            file.write("".join(line + "\n" for line in not_run))
    print(f"{result.passed} passed, {failed} failed")
    if failed or not (result.passed or not_run):
        return 1
    return 0 if result.passed else 77


def take_server(arguments):
    """The word behind `--server`, which is taken out of `arguments`."""
    at = arguments.index("--server")
    name = arguments[at + 1]
    del arguments[at:at + 2]
    return name


def main_with_server(folder, suite, name, servers, arguments):
    """The suite in `folder` against the server `name` of the module `servers`, which is ended with it. Where it can't be had that is one line `not run:`, and
    exit 77."""
    try:
        server = servers.SERVERS[name]()
    except servers.NotHere as reason:
        line = f"not run: {suite}.{name}: {reason}\n"
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
        return main(folder, arguments)
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
