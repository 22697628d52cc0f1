#!/usr/bin/env bash
# Runs every fuzz target in build/fuzz for FUZZ_SECONDS (default 20) each; FUZZ_ONLY=<text> picks some.
# Starts from the seeds in tests/corpus/<target>/; keeps what it finds in build/fuzz/corpus/ and crashes in build/fuzz/crashes/.
# A crash becomes a file in tests/corpus/<target>/, which `make test` runs again every time (ctest -R corpus).
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-20}
failed=() ran=0
mkdir -p build/fuzz/crashes
while read -r target; do
  [ -n "$target" ] || continue
  [[ $target == *"${FUZZ_ONLY:-}"* ]] || continue
  seeds="tests/corpus/$target"
  [ -d "$seeds" ] || { echo "fuzz: $seeds is missing"; failed+=("$target"); continue; }
  mkdir -p "build/fuzz/corpus/$target"
  echo "== $target, $seconds s"
  ran=$((ran + 1))
  log=build/fuzz/$target.log
  if build/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/crashes/$target-" "build/fuzz/corpus/$target" "$seeds" >"$log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */   inputs tried: /p' "$log"
  else
    tail -40 "$log"
    failed+=("$target")
  fi
done <build/fuzz/weir_fuzz.txt
if [ ${#failed[@]} -gt 0 ]; then echo "fuzz: FAILED: ${failed[*]}"; exit 1; fi
echo "fuzz: $ran targets, no finding"
