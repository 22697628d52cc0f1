#!/usr/bin/env python3
"""The templates of deploy/: held to their linters, to what `weir policy` prints, and to each other.

run.py --weir PATH [-k NAME]   with the Python of the folder below; exit 77 where it is not there
run.py install                 gets cfn-lint and python-hcl2 into a folder of their own in the user's cache (WEIR_CACHE), if they are not there yet
"""
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def folder():
    """One for each list of packages and version of Python."""
    with open(os.path.join(HERE, "requirements.txt"), "rb") as file:
        key = hashlib.sha256(file.read() + sys.version.encode()).hexdigest()[:12]
    cache = os.environ.get("WEIR_CACHE")
    if not cache:
        home = os.environ.get("HOME", "")
        user = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        here = os.path.join(HERE, "..", "..", "build", "third_party")
        cache = os.path.join(user, "weir") if home and os.access(home, os.W_OK) else here
    return os.path.abspath(os.path.join(cache, f"deploy-{key}"))


def install():
    into = folder()
    if os.path.exists(os.path.join(into, "whole")):
        return
    shutil.rmtree(into, ignore_errors=True)
    print("deploy: getting cfn-lint and python-hcl2", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", into], check=True)
    pip = [os.path.join(into, "bin", "pip"), "--disable-pip-version-check", "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*pip, "-r", os.path.join(HERE, "requirements.txt")], check=True)
    with open(os.path.join(into, "whole"), "w"):
        pass


def main():
    if sys.argv[1:] == ["install"]:
        install()
        return 0
    if not os.path.exists(os.path.join(folder(), "whole")):
        print("not run: deploy.templates: cfn-lint and python-hcl2 are not installed (make test-deploy does it)\n0 passed, 0 failed")
        return 77
    # The runner of the hard cases, with our folder.
    code = "import sys; sys.path[:0] = [%r, %r]; import run; sys.exit(run.main(%r))" % (os.path.join(HERE, "..", "hard"), HERE, HERE)
    return subprocess.run([os.path.join(folder(), "bin", "python"), "-B", "-c", code, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
