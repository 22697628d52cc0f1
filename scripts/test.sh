#!/usr/bin/env bash
# Runs ctest in a build folder, names what was not run, and ends on its verdict line.   scripts/test.sh <build folder> [ctest options]
set -uo pipefail
folder=$1
shift
log=$folder/ctest.log
ctest --test-dir "$folder" --output-on-failure --no-label-summary --no-tests=error --parallel "$(nproc)" "$@" | tee "$log"
rc=${PIPESTATUS[0]}
last=$folder/Testing/Temporary/LastTest.log
cases=$(sed -nE 's/^\[==========\] Running ([0-9]+) tests? .*/\1/p; s/^\[==========\] ([0-9]+) tests? from .* ran.*/\1/p' \
  "$last" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }')
echo
echo "unit test cases in these programs: $cases"
# Hard cases say `not run: <name>: <reason>`; a skipped case of a unit test says where it stands and, a line later, why.
mapfile -t not_run < <({
  grep -E '^not run: [^ ]+: ' "$last"
  awk '/: Skipped$/ { at = $1; getline why; print "not run: " at " " why }' "$last"
} 2>/dev/null | sort -u)
[ ${#not_run[@]} = 0 ] || printf '%s\n' "${not_run[@]}"
echo "not run: ${#not_run[@]}"
grep -E '^[0-9]+% tests passed' "$log" | tail -1
exit "$rc"
