#!/usr/bin/env python3
"""Holds every #include in src/ and include/ against cmake/rooms.txt.

  include_test.py <root>     check the tree
  include_test.py --canary   check that the checker still finds what it is there to find

Own files are included as "room/file.hpp". A third-party header may be included only by a room whose line in rooms.txt
names the library; tests, fuzz targets and benches may add "testing/..." and the test libraries.
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
# Header -> library of rooms.txt. None: free for every room. A header that is not here and not a standard or system
# header in lower case without a library of its own passes.
THIRD_PARTY = [
    (re.compile(r"^fmt/"), None),
    (re.compile(r"^isa-l|^igzip_lib\.h|^crc(64)?\.h"), "isal::isal"),
    (re.compile(r"^(zstd|zdict|zstd_errors)\.h"), "zstd::zstd"),
    (re.compile(r"^yaml\.h"), "yaml::yaml"),
    (re.compile(r"^simdjson\.h"), "simdjson::simdjson"),
    (re.compile(r"^openssl/"), "openssl::ssl"),
    (re.compile(r"^ares\.h"), "cares::cares"),
    (re.compile(r"^(gtest|gmock)/"), "TEST"),
    (re.compile(r"^benchmark/"), "TEST"),
    # Not on any path of ours; see docs/dependencies.md.
    (re.compile(r"^(boost|nlohmann|curl|zlib\.h|spdlog|re2|yaml-cpp)"), "NONE"),
    (re.compile(r"^(regex|iostream)$"), "HOST"),
]
HOSTS = {"cli", "testing"}  # the only rooms where <iostream> may appear


def read_table(path):
    rooms, libs, test_libs = {}, {}, {}
    for line in path.read_text().splitlines():
        if not re.match(r"[a-z]", line):
            continue
        name, rest = line.split(":", 1)
        name = name.strip()
        parts = [p.split() for p in rest.split("|")] + [[], []]
        deps = set()
        for dep in parts[0]:
            if dep == "*":
                deps |= set(rooms)
            elif dep.startswith("+"):
                deps |= {dep[1:]} | rooms[dep[1:]]
            else:
                deps.add(dep)
        if deps - set(rooms):
            raise SystemExit(f"rooms.txt: {name} includes {deps - set(rooms)}, not listed above it")
        rooms[name] = deps
        libs[name] = set(parts[1])
        test_libs[name] = {f[5:] for f in parts[2] if f.startswith("test:")}
    return rooms, libs, test_libs


def check(root):
    rooms, libs, test_libs = read_table(root / "cmake" / "rooms.txt")
    faults, count = [], 0
    files = [p for d in ("src", "include") for p in (root / d).rglob("*") if p.suffix in (".hpp", ".cpp", ".h", ".inc", ".c")]
    for path in sorted(files):
        rel = path.relative_to(root)
        if rel.parts[0] == "include":
            room = "weir"
        elif len(rel.parts) < 3:
            faults.append(f"{rel}:1: a source file stands outside of every room")
            continue
        else:
            room = rel.parts[1]
        if room not in rooms:
            faults.append(f"{rel}:1: room {room} is not in cmake/rooms.txt")
            continue
        beside = re.search(r"_(test|fuzz|bench)\.cpp$", path.name) is not None
        allowed = rooms[room] | {room} | ({"testing"} if beside else set())
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            count += 1
            quote, target = match.groups()
            where = f"{rel}:{number}"
            library = next((lib for pattern, lib in THIRD_PARTY if pattern.search(target)), "")
            if library is None:
                continue
            if library == "NONE":
                faults.append(f"{where}: {target} stays out of Weir; docs/dependencies.md says why")
            elif library == "HOST":
                if room not in HOSTS and not beside:
                    faults.append(f"{where}: <{target}> stays out of {room}")
            elif library == "TEST":
                if not beside and room != "testing":
                    faults.append(f"{where}: {target} is for tests and benches")
            elif library:
                if library not in libs[room] and not (beside and library in test_libs[room]):
                    faults.append(f"{where}: {room} does not name {library} in cmake/rooms.txt")
            elif quote == "<" and target.split("/")[0] != "weir":
                continue
            else:
                other = target.split("/")[0]
                base = "include" if other == "weir" else "src"
                if "/" not in target or ".." in target:
                    faults.append(f'{where}: write "{room}/{target}"')
                elif other not in allowed:
                    faults.append(f"{where}: {room} may not include {other} ({target})")
                elif not (root / base / target).exists():
                    faults.append(f"{where}: no such file: {target}")
    return faults, len(files), count


def canary():
    """A small wrong tree: each line with `bad` must be found, and nothing else."""
    source = {
        "cmake/rooms.txt": "base : | fmt::fmt-header-only\nmemory : base |\ncodec : base memory | zstd::zstd\n"
                           "plan : +codec | | throws\ncli : * |\ntesting : base |\n",
        "src/base/a.hpp": "#include <vector>\n#include <fmt/format.h>\n",
        "src/memory/a.cpp": '#include "base/a.hpp"\n#include "codec/a.hpp"  // bad\n#include <zstd.h>  // bad\n'
                            '#include "a.hpp"  // bad\n#include "base/none.hpp"  // bad\n#include <iostream>  // bad\n',
        "src/codec/a.hpp": '#include "memory/a.cpp"\n#include <zstd.h>\n#include "testing/a.hpp"  // bad\n'
                           "#include <nlohmann/json.hpp>  // bad\n#include <gtest/gtest.h>  // bad\n",
        "src/codec/a_test.cpp": '#include "testing/a.hpp"\n#include <gtest/gtest.h>\n#include "plan/a.hpp"  // bad\n',
        "src/plan/a.hpp": '#include "codec/a.hpp"\n#include "base/a.hpp"\n',
        "src/cli/main.cpp": '#include "plan/a.hpp"\n#include <iostream>\n',
        "src/testing/a.hpp": '#include "base/a.hpp"\n',
        "src/stray/a.hpp": "// bad\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        expected = set()
        for name, text in source.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
            expected |= {f"{name}:{n}" for n, line in enumerate(text.splitlines(), 1) if "// bad" in line}
        found = {fault.split(": ")[0] for fault in check(root)[0]}
        if found != expected:
            raise SystemExit(f"canary: missed {sorted(expected - found)}, wrongly found {sorted(found - expected)}")
        print(f"canary: all {len(expected)} planted faults found, nothing else")


def main():
    if sys.argv[1:] == ["--canary"]:
        canary()
        return
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    faults, files, includes = check(root)
    for fault in faults:
        print(fault)
    print(f"{includes} includes in {files} files: {len(faults)} against the table")
    sys.exit(1 if faults else 0)


main()
