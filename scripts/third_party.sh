#!/usr/bin/env bash
# Fetches, checks and builds the libraries that Debian has no static archive of, and prints where each one is.
#   scripts/third_party.sh isal simdjson      -> one folder per line, holding lib<name>.a and include/
# or that Debian's archive holds too much of: openssl is built without what a client of TLS 1.2 and 1.3 never calls.
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
openssl  openssl  3.0.22-1~deb12u2 openssl_3.0.22.orig.tar.gz 67ebca7e50d17383028045486653492195b83db95f8558709701bb47b5c1ef81
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
  (cd "$cache/sources" && apt-get "${opts[@]}" source --download-only --tar-only "$1${2:+=$2}" >&2)
}

fetch() {  # package version file sha256
  mkdir -p "$cache/sources"
  local file=$cache/sources/$3
  matches "$file" "$4" && return
  rm -f "$file"
  if [ -n "${WEIR_SOURCES:-}" ] && [ -f "$WEIR_SOURCES/$3" ]; then cp "$WEIR_SOURCES/$3" "$file"; else apt_source "$1" "$2" || true; fi
  if [ "$1" = openssl ] && [ ! -f "$file" ]; then fetch_newer "$1" "$file" && return; fi
  matches "$file" "$4" || die "$3 is missing or does not have the pinned SHA-256"
}

# A security fix takes the pinned version out of the distribution's archive. What stands there in its place is of the same branch, and apt-get
# holds it against the distribution's signature: better than a build that fails, or one without the fix.
fetch_newer() {  # package file
  local found
  rm -f "$cache/sources/$1"_*.orig.tar.gz
  apt_source "$1" "" || return 1
  found=$(ls "$cache/sources/$1"_3.0.*.orig.tar.gz) || return 1
  say "the pinned $1 has been replaced by the distribution: taking $(basename "$found")"
  mv "$found" "$2"
}

# In 2.30.0 the encoder of levels 1 and 2 hashes a register that was never set, in place of the third byte on: what it finds then depends
# on where its state lies in memory, and one run in thousands gives other bytes than the rest.
patch_isal() {
  local file=igzip/igzip_icf_body_h1_gr_bt.asm
  sed -i '/^\.write_first_byte:/,/compute_hash/s/^\tshr\ttmp2, 16/\tmov\ttmp2, curr_data\n&/' "$file"
  grep -A1 '^.mov.tmp2, curr_data' "$file" | grep -q '^.shr.tmp2, 16' || die "$file is not the one that the patch is for"
  # At level 3 the kernels for AVX-512 give other bytes than those for AVX2: with these everywhere a file that was begun on one machine goes
  # on on the other.
  file=igzip/igzip_multibinary.asm
  sed -i -E 's/^(mbin_dispatch_init6\t(set_long_icf_fg|gen_icf_map_lh1),.*, )(\w+_04), \w+_06/\1\3, \3/' "$file"
  [ "$(grep -cE '^mbin_dispatch_init6.*_04, \w+_04$' "$file")" = 2 ] || die "$file is not the one that the patch is for"
}

target=${WEIR_TARGET:-}
[ -z "$target" ] || export CC=$target-gcc CXX=$target-g++
build_isal() {  # in the source folder, to $1
  patch_isal
  local tools=(arch="")
  [ -z "$target" ] || tools=(arch="${target%%-*}" host_cpu="${target%%-*}" CC="$CC" AR="$target-ar")
  make -f Makefile.unx -j"$(nproc)" lib units="igzip crc" DEBUG="" "${tools[@]}" >build.log 2>&1 || { tail -20 build.log >&2; return 1; }
  cp bin/isa-l.a "$1/libisal.a"
  cp include/igzip_lib.h include/crc.h include/crc64.h include/types.h "$1/include/isa-l/"
}
build_simdjson() {
  "${CXX:-c++}" -std=c++17 -O2 -DNDEBUG -fPIC -ffunction-sections -fdata-sections -c singleheader/simdjson.cpp -o simdjson.o
  "${target:+$target-}ar" rcs "$1/libsimdjson.a" simdjson.o
  cp singleheader/simdjson.h "$1/include/"
}

# A TLS client with the ciphers of today and nothing else: no files of settings, no modules, no engines, no sockets or names of its own, no texts of
# errors (src/io/tls.cpp has the reasons that a user can act on), nothing at the process's end. Seeded by getrandom alone.
build_openssl() {
  local machine
  machine=$("${CC:-cc}" -dumpmachine)
  case $machine in
    x86_64-*) machine=linux-x86_64 ;;
    aarch64-*) machine=linux-aarch64 ;;
    *) die "no settings for openssl on $machine" ;;
  esac
  { CC=${CC:-cc} perl Configure "$machine" --openssldir=/etc/ssl --with-rand-seed=getrandom \
    -O2 -ffunction-sections -fdata-sections -fstack-protector-strong -fno-merge-constants \
    no-shared no-pic no-dso no-module no-engine no-afalgeng no-capieng no-padlockeng no-sock no-ui-console no-filenames no-tests \
    no-autoload-config no-atexit no-err no-autoerrinit no-secure-memory no-async no-deprecated no-legacy \
    no-ssl3 no-ssl3-method no-tls1 no-tls1-method no-tls1_1 no-tls1_1-method no-dtls no-dgram no-srtp no-srp no-psk no-comp \
    no-nextprotoneg no-ssl-trace no-multiblock no-ktls no-ct no-ocsp no-cmp no-cms no-ts no-rfc3779 \
    no-aria no-bf no-blake2 no-camellia no-cast no-cmac no-des no-dh no-dsa no-ec2m no-gost no-idea no-md4 no-mdc2 no-ocb \
    no-rc2 no-rc4 no-rmd160 no-scrypt no-seed no-siphash no-siv no-sm2 no-sm3 no-sm4 no-whirlpool &&
    make build_generated && make -j"$(nproc)" libcrypto.a libssl.a; } >build.log 2>&1 || { tail -20 build.log >&2; return 1; }
  printf 'CREATE %s\nADDLIB libssl.a\nADDLIB libcrypto.a\nSAVE\nEND\n' libopenssl.a | "$(${CC:-cc} -print-prog-name=ar)" -M
  # It asks the processor before main, and again when it begins: the second is enough, and a job without TLS touches none of its pages.
  "$(${CC:-cc} -print-prog-name=objcopy)" -R .init -R .rela.init -R .init_array -R .rela.init_array libopenssl.a
  # A text of ours that is the end of one of OpenSSL's would be taken for it and lie among its pages, which other jobs may not touch.
  "$(${CC:-cc} -print-prog-name=readelf)" -SW libopenssl.a | grep -qE ' A?MS? ' && die "openssl has texts that are merged with others'"
  mv libopenssl.a "$1/"
  cp -r include/openssl "$1/include/"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
for name in "$@"; do
  read -r _ package version file sha <<<"$(grep "^$name " <<<"$pins" || true)"
  [ -n "${sha:-}" ] || die "no such library: $name"
  prefix=$cache/$name-$version-${sha:0:8}
  case $name in isal) prefix+=-2 ;; openssl) prefix+=-2 ;; esac  # the number of the patches, of the settings
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
