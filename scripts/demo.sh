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

# run <input> <output> <summary file>
run() {
  local from=$EPOCHREALTIME
  echo
  echo "\$ weir run $pipeline --set input.from=$1 --set output.to=$2"
  $weir run $pipeline --set input.from="$1" --set output.to="$2" --summary json 2>"$3.err" >"$3" || { rc=$?; cat "$3" "$3.err"; exit $rc; }
  seconds=$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  # The summary is the JSON object that holds peak_bytes; it may be on either stream.
  cat "$3.err" >>"$3"
  cat "$3"
}
field() { grep -oE "\"$2\": *[0-9]+" "$1" | head -1 | grep -oE '[0-9]+$' || true; }
run $out/flights.csv.gz $out/late.ndjson.gz $out/run_1.json
seconds_1=$seconds
run "$out/flights_x$times.csv.gz" "$out/late_x$times.ndjson.gz" "$out/run_$times.json"
seconds_n=$seconds

peak_1=$(field $out/run_1.json peak_bytes) peak_n=$(field "$out/run_$times.json" peak_bytes)
[ -n "$peak_1" ] && [ -n "$peak_n" ] || { echo "demo: the summaries hold no peak_bytes" >&2; exit 1; }
echo
awk -v a="$peak_1" -v b="$peak_n" -v n="$times" -v s="$seconds_1" -v t="$seconds_n" 'BEGIN {
  printf "%-22s %12s %10s\n", "", "peak memory", "seconds"
  printf "%-22s %8.2f MiB %10s\n", "336,776 records", a / 1048576, s
  printf "%-22s %8.2f MiB %10s\n", "the same " n " times", b / 1048576, t
  d = b - a; if (d < 0) d = -d
  # The kernel counts resident pages in steps of 64 pages on each CPU: under 256 KiB it cannot tell them apart.
  if (d <= 262144) printf "\nThe same memory, %d KiB apart (the kernel counts in steps of 256 KiB).\n", d / 1024
  else { printf "\nNOT the same: %d KiB apart.\n", d / 1024; exit 1 }
}'
echo "Look at what came out: zcat $out/late.ndjson.gz | head"
