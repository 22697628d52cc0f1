#!/usr/bin/env bash
# install_test.sh <cmake> <source> <build> <compiler>: cmake --install, then a project of a stranger:
# find_package(weir), link, run.
set -euo pipefail
cmake=$1 source=$2 build=$3 compiler=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "install_test: $*" >&2; exit 1; }

"$cmake" --install "$build" --prefix "$work/prefix" > "$work/install.log" ||
  { cat "$work/install.log"; die "install failed"; }
for file in lib/libweir.a include/weir/weir.hpp lib/cmake/weir/weir-config.cmake; do
  [ -n "$(find "$work/prefix" -name "$(basename "$file")")" ] || die "$file was not installed"
done
# The public header stands alone, in every standard that it is for and with every warning.
echo '#include <weir/weir.hpp>
int main() { return weir::version().empty(); }' > "$work/alone.cpp"
for standard in 20 23; do
  "$compiler" -std=c++$standard -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only \
    -I"$work/prefix/include" "$work/alone.cpp" ||
    die "the header does not stand alone in C++$standard"
done

# A copy, so that nothing of the source tree is near.
cp -r "$source/examples" "$work/examples"
"$cmake" -S "$work/examples" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" > "$work/configure.log" 2>&1 ||
  { cat "$work/configure.log"; die "find_package(weir) failed"; }
"$cmake" --build "$work/build" > "$work/build.log" 2>&1 || { cat "$work/build.log"; die "the examples do not build"; }

cd "$work"
expect() {  # expect <what> <wanted> <got>
  [ "$2" = "$3" ] || { printf 'wanted:\n%s\ngot:\n%s\n' "$2" "$3"; die "$1"; }
}

head -c 150000 /dev/zero > zeros.bin
got=$(build/fixed_blocks zeros.bin) || die "fixed_blocks failed"
expect "fixed_blocks" $'0 65536 000f0001\n65536 65536 000f0001\n131072 18928 49f00001' "$got"

awk 'BEGIN { print "id,customer,amount,country"
  for (i = 1; i <= 3000; i++) printf "%d,\"c, %d\",%d.50,%s\n", i, i, i, i % 3 ? "FR" : "DE" }' | gzip > orders.csv.gz
got=$(build/send_batches orders.csv.gz | sed -E 's/, [0-9]+ bytes//') || die "send_batches failed"
expect "send_batches" $'batch 0: 500 records, from record 2 on\nbatch 1: 500 records, from record 1502 on
read 3000, sent 1000, filtered 2000' "$got"

printf 'id,items\n1,3xapple;1xpear\n2,\n3,bad\n4,2xfig\n' > items.csv
got=$(build/custom_transform items.csv rejects.ndjson 2> err) || die "custom_transform failed"
expect "custom_transform" $'{"order":"1","item":"apple","count":3}\n{"order":"1","item":"pear","count":1}
{"order":"4","item":"fig","count":2}' "$got"
expect "custom_transform's counts" "4 orders, 3 items, 1 rejected" "$(cat err)"
grep -q '"code":"W2408".*"record":2' rejects.ndjson || { cat rejects.ndjson; die "the reject is not there"; }

rc=0
build/send_batches missing.csv 2> err || rc=$?
expect "a missing input's exit" 20 "$rc"
grep -q W2014 err || die "a missing input's message: $(cat err)"

# Nothing of the engine's process control may come along with the archive's face.
archive=$(find "$work/prefix" -name libweir.a)
nm -C "$archive" 2> /dev/null | grep -E ' T (malloc|free|calloc|realloc|main)$' &&
  die "libweir.a replaces the allocator or brings a main"
echo "install: header, archive and package are fine; three examples built and ran"
