#!/usr/bin/env bash
# The demo: one pipeline over 336,776 real records, then over 100 times as many, and both peaks side by side.
#   DEMO_TIMES=100      how many times the data in the second run
set -euo pipefail
cd "$(dirname "$0")/.."
weir=build/release/weir
pipeline=examples/flights.yaml
times=${DEMO_TIMES:-100}
out=build/demo
[ -x $weir ] && [ -f $pipeline ] || { echo "demo: $weir or $pipeline is missing: run 'make demo'" >&2; exit 1; }

scripts/demo_data.sh "$times"
rm -f $out/late*
size() { numfmt --to=iec --suffix=B "$(stat -c %s "$1")"; }
echo
echo "The data: $out/flights.csv.gz, $(size $out/flights.csv.gz) of gzip, $(size $out/flights.csv) of CSV, 336,776 records"
echo "and the same $times times over: $out/flights_x$times.csv.gz, $(size "$out/flights_x$times.csv.gz") of gzip"
echo
echo "\$ weir plan $pipeline"
$weir plan $pipeline --set input.from=$out/flights.csv.gz --set output.to=$out/late.ndjson.gz

# run <input> <output> <name>: Weir's own progress lines and summary, as they come, and kept for the two lines at the end.
run() {
  local from=$EPOCHREALTIME
  local words=(run $pipeline --set input.from="$1" --set output.to="$2" --summary text --progress always)
  echo
  echo "\$ weir ${words[*]}"
  $weir "${words[@]}" 2>&1 | tee "$out/run_$3.txt" || { echo "demo: the run failed" >&2; exit 1; }
  seconds=$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  peak=$(sed -nE 's/^ *memory +budget .*, measured peak ([0-9.]+) MiB.*/\1/p' "$out/run_$3.txt")
  [ -n "$peak" ] || { echo "demo: the summary names no peak" >&2; exit 1; }
}
run $out/flights.csv.gz $out/late.ndjson.gz 1
seconds_1=$seconds peak_1=$peak
run "$out/flights_x$times.csv.gz" "$out/late_x$times.ndjson.gz" "$times"
seconds_n=$seconds peak_n=$peak
budget=$(sed -nE 's/^ *memory +budget ([0-9.]+ MiB),.*/\1/p' "$out/run_$times.txt")

echo
awk -v a="$peak_1" -v b="$peak_n" -v n="$times" -v s="$seconds_1" -v t="$seconds_n" -v m="$budget" 'BEGIN {
  printf "%-22s %12s %10s\n", "", "peak memory", "seconds"
  printf "%-22s %8.2f MiB %10s\n", "336,776 records", a, s
  printf "%-22s %8.2f MiB %10s\n", "the same " n " times", b, t
  d = (b - a) * 1024; if (d < 0) d = -d
  # The kernel counts resident pages in steps of 64 pages on each CPU: under 256 KiB it cannot tell them apart.
  if (d <= 256 + 10) printf "\nThe same memory, %d KiB apart (the kernel counts in steps of 256 KiB), of a budget of %s.\n", d, m
  else { printf "\nNOT the same: %d KiB apart.\n", d; exit 1 }
}'
echo "Look at what came out: zcat $out/late.ndjson.gz | head"
