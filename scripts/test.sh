#!/usr/bin/env bash
# Runs ctest in a build folder and ends on its verdict line.   scripts/test.sh <build folder> [ctest options]
set -uo pipefail
folder=$1
shift
log=$folder/ctest.log
ctest --test-dir "$folder" --output-on-failure --no-label-summary --no-tests=error --parallel "$(nproc)" "$@" | tee "$log"
rc=${PIPESTATUS[0]}
cases=$(sed -nE 's/^\[==========\] Running ([0-9]+) tests? .*/\1/p; s/^\[==========\] ([0-9]+) tests? from .* ran.*/\1/p' \
  "$folder/Testing/Temporary/LastTest.log" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }')
echo
echo "unit test cases in these programs: $cases"
grep -E '^[0-9]+% tests passed' "$log" | tail -1
exit "$rc"
