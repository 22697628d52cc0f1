#!/usr/bin/env bash
# Runs every micro-benchmark of build/bench; BENCH_SECONDS (default 0.2) per case, BENCH_FILTER=<regex> picks some.
set -euo pipefail
cd "$(dirname "$0")/.."
while read -r target; do
  [ -n "$target" ] || continue
  echo "== $target"
  build/bench/"$target" --benchmark_min_time="${BENCH_SECONDS:-0.2}" --benchmark_filter="${BENCH_FILTER:-.}" 2>/dev/null
done <build/bench/weir_bench.txt
