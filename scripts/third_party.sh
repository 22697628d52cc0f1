#!/usr/bin/env bash
# Fetches, checks and builds the libraries that Debian has no static archive of, and prints where each one is.
#   scripts/third_party.sh isal simdjson      -> one folder per line, holding lib<name>.a and include/
# The sources are Debian's source packages, got by apt-get with the machine's own package sources; a file in
# $WEIR_SOURCES is taken instead when it is there (builds without a network). What was built is kept in
# $WEIR_CACHE (default: the user's cache folder), keyed by version and hash. With WEIR_TARGET=aarch64-linux-gnu they are cross-built for it.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -n "${HOME:-}" ] && [ -w "${HOME:-/nonexistent}" ]; then default=${XDG_CACHE_HOME:-$HOME/.cache}/weir; else default=$here/build/third_party; fi
cache=${WEIR_CACHE:-$default}

#    name     package   version  file                            sha256
pins="
isal     libisal  2.30.0-5  libisal_2.30.0.orig.tar.xz   f363f1be3d657d5676cef5253ee2233e60116e2fa9c9de86881185bf81e0e4b8
simdjson simdjson 3.0.1-1   simdjson_3.0.1.orig.tar.gz   156b1bc5eb0561b2bd166b46d191fd3d95a3e709cc63761477d3b7aec2b6e9ed
"

say() { echo "third_party: $*" >&2; }
die() { say "$*"; exit 1; }
matches() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# apt-get, with the machine's package sources read as source packages, touching nothing of the system's own lists.
apt_source() {
  local state=$cache/apt list
  command -v apt-get >/dev/null || die "no apt-get here: put the source files into a folder and name it in WEIR_SOURCES"
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/parts"
  rm -f "$state"/parts/*
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] || continue
    sed -nE '/cdrom:/d; s/^[[:space:]]*deb[[:space:]]/deb-src /p' "$list" >"$state/parts/$(basename "$list" .list | tr . _).list"
  done
  for list in /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] && sed -E 's/^Types:.*/Types: deb-src/I' "$list" >"$state/parts/$(basename "$list")"
  done
  local opts=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/parts" -o "Dir::State::lists=$state/lists"
    -o "Dir::Cache=$state" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3)
  if [ ! -f "$state/updated" ] || [ -n "$(find "$state/updated" -mmin +60)" ]; then
    apt-get "${opts[@]}" update >&2 || say "some package sources have no source packages; going on"
    touch "$state/updated"
  fi
  (cd "$cache/sources" && apt-get "${opts[@]}" source --download-only --tar-only "$1=$2" >&2)
}

fetch() {  # package version file sha256
  mkdir -p "$cache/sources"
  local file=$cache/sources/$3
  matches "$file" "$4" && return
  rm -f "$file"
  if [ -n "${WEIR_SOURCES:-}" ] && [ -f "$WEIR_SOURCES/$3" ]; then cp "$WEIR_SOURCES/$3" "$file"; else apt_source "$1" "$2"; fi
  matches "$file" "$4" || die "$3 is missing or does not have the pinned SHA-256"
}

# In 2.30.0 the encoder of levels 1 and 2 hashes a register that was never set, in place of the third byte on: what it finds then depends
# on where its state lies in memory, and one run in thousands gives other bytes than the rest.
patch_isal() {
  local file=igzip/igzip_icf_body_h1_gr_bt.asm
  sed -i '/^\.write_first_byte:/,/compute_hash/s/^\tshr\ttmp2, 16/\tmov\ttmp2, curr_data\n&/' "$file"
  grep -A1 '^.mov.tmp2, curr_data' "$file" | grep -q '^.shr.tmp2, 16' || die "$file is not the one that the patch is for"
}

target=${WEIR_TARGET:-}
build_isal() {  # in the source folder, to $1
  patch_isal
  local tools=(arch="")
  [ -z "$target" ] || tools=(arch="${target%%-*}" host_cpu="${target%%-*}" CC="$target-gcc" AR="$target-ar")
  make -f Makefile.unx -j"$(nproc)" lib units="igzip crc" DEBUG="" "${tools[@]}" >build.log 2>&1 || { tail -20 build.log >&2; return 1; }
  cp bin/isa-l.a "$1/libisal.a"
  cp include/igzip_lib.h include/crc.h include/crc64.h include/types.h "$1/include/isa-l/"
}
build_simdjson() {
  local compiler=${CXX:-c++}
  [ -z "$target" ] || compiler=$target-g++
  "$compiler" -std=c++17 -O2 -DNDEBUG -fPIC -ffunction-sections -fdata-sections -c singleheader/simdjson.cpp -o simdjson.o
  "${target:+$target-}ar" rcs "$1/libsimdjson.a" simdjson.o
  cp singleheader/simdjson.h "$1/include/"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
for name in "$@"; do
  read -r _ package version file sha <<<"$(grep "^$name " <<<"$pins" || true)"
  [ -n "${sha:-}" ] || die "no such library: $name"
  prefix=$cache/$name-$version-${sha:0:8}
  [ "$name" != isal ] || prefix+=-1  # the patch's number
  prefix+=${target:+-$target}
  if [ ! -f "$prefix/lib$name.a" ]; then
    fetch "$package" "$version" "$file" "$sha"
    say "building $name $version"
    work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/src" "$work/out/include/isa-l"
    [ "$name" = isal ] || rmdir "$work/out/include/isa-l"
    tar -xf "$cache/sources/$file" -C "$work/src" --strip-components=1
    (cd "$work/src" && "build_$name" "$work/out") || die "$name did not build"
    rm -rf "$prefix"
    mv "$work/out" "$prefix"
    rm -rf "$work"
  fi
  echo "$prefix"
done
