#!/usr/bin/env python3
"""Says what the hard cases could not try on this machine: ctest shows this test as skipped then, and not as passed.

not_run.py FILE...   the files that `run.py --not-run` wrote
"""
import sys

missing, lines = [], []
for name in sys.argv[1:]:
    try:
        with open(name) as file:
            lines += file.read().splitlines()
    except FileNotFoundError:
        missing.append(name)
print("".join(line + "\n" for line in lines), end="")
print(f"not run: {len(lines)}")
if missing:  # ctest was asked for this test alone, or the run broke off
    print(f"no word of: {', '.join(missing)}")
sys.exit(77 if lines else 0)
