#!/usr/bin/env python3
"""Constant memory, proven.   prove.py [--short | --full] [POINT...]   POINT: sealed flat walled hostile canary

Runs weir_sealed (weir with a wall: see wall.cpp) and prints one table. Ends on the line `N hold, N broken, N not run`;
what could not be tried here is named. Exit 1 when something is broken, 77 when nothing is but something was not run.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

POINTS = ("sealed", "flat", "walled", "hostile", "canary")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", help="the folder with weir_sealed and weir_wall_canary")
    parser.add_argument("--short", action="store_true", help="small sizes, for `make test`")
    parser.add_argument("--full", action="store_true", help="100 GiB, records of 10 GiB")
    parser.add_argument("--only", action="append", help="only jobs whose name holds this")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("points", nargs="*", metavar="POINT")
    options = parser.parse_args()
    if options.programs:
        folder = os.path.abspath(options.programs)
        os.environ["WEIR_SEALED"] = os.environ["WEIR"] = os.path.join(folder, "weir_sealed")
        os.environ["WEIR_WALL_CANARY_PROGRAM"] = os.path.join(folder, "weir_wall_canary")
    import proof

    level = proof.SHORT if options.short else proof.FULL if options.full else proof.DEFAULT
    proof.ONLY += options.only or []
    jobs = []
    for point in options.points or POINTS:
        if point not in POINTS:
            parser.error(f"no such point: {point}")
        jobs += __import__(point).jobs(level)
    rows = []
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for row in pool.map(lambda job: job(), jobs):
                if row is not None:
                    rows.append(row)
                if sys.stdout.isatty():
                    print(f"\r{len(rows)} of {len(jobs)}", end="", flush=True)
    finally:
        proof.remove_scratch()
    if sys.stdout.isatty():
        print("\r", end="")
    proof.print_table(rows)
    for row in rows:
        if row.verdict != proof.HOLDS:
            print(f"{row.verdict}: {row.point} {row.job}: {row.why}")
    counts = [sum(row.verdict == verdict for row in rows) for verdict in (proof.HOLDS, proof.BROKEN, proof.NOT_RUN)]
    print("MiB where nothing else is said. {} hold, {} broken, {} not run".format(*counts))
    return 1 if counts[1] or not rows else 77 if counts[2] else 0


if __name__ == "__main__":
    sys.exit(main())
