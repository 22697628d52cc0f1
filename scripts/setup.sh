#!/usr/bin/env bash
# Installs what is needed, and nothing that is there already (a second run takes a moment).
#   scripts/setup.sh build   compiler, CMake, the static libraries: enough for the release binary
#   scripts/setup.sh demo    build, and pip to get the demo's data
#   scripts/setup.sh test    build, and what the tests need
#   scripts/setup.sh s3      test, and real S3 servers: radosgw, and moto in a folder of its own
#   scripts/setup.sh services  test, and servers of SQS, Kinesis, DynamoDB and so on: moto, ElasticMQ, Dynalite, Kinesalite in folders of their own
#   scripts/setup.sh deploy  test, and linters of the templates in deploy/, in a folder of their own
#   scripts/setup.sh bench   test, and Google Benchmark, valgrind
#   scripts/setup.sh check   test, and clang-format, clang-tidy
#   scripts/setup.sh fuzz    test, and clang with its run-time libraries
#   scripts/setup.sh arm64   test, the cross compiler, the libraries for arm64, qemu to run what was built
# Written for Debian 12. Needs root (or sudo) only when something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-build}

build="g++ cmake ninja-build nasm make perl xz-utils ca-certificates libfmt-dev libyaml-dev libzstd-dev libc-ares-dev"
demo="python3 python3-pip python3-setuptools python3-wheel gzip"
tests="libgtest-dev python3 sqlite3 gzip zstd unzip strace git openssl qemu-user-static"
servers="python3-venv ceph-mon ceph-osd ceph-common radosgw"  # of the S3 tests, which are not run where one can't be had
case $mode in
  build) want=$build libraries="isal openssl" ;;
  demo) want="$build $demo" libraries="isal openssl" ;;
  test) want="$build $tests" libraries="isal openssl simdjson" ;;
  s3 | services) want="$build $tests" libraries="isal openssl simdjson" ;;
  deploy) want="$build $tests python3-venv" libraries="isal openssl simdjson" ;;
  bench) want="$build $tests libbenchmark-dev valgrind git" libraries="isal openssl simdjson" ;;
  check) want="$build $tests clang-format-19 clang-tidy-19 libclang-rt-19-dev" libraries="isal openssl simdjson" ;;
  arm64) want="$build $tests g++-aarch64-linux-gnu qemu-user-static libfmt-dev:arm64 libyaml-dev:arm64 libzstd-dev:arm64 libc-ares-dev:arm64 libgtest-dev:arm64" libraries="isal openssl simdjson" ;;
  fuzz) want="$build $tests clang-19 llvm-19 libclang-rt-19-dev" libraries="isal openssl simdjson" ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if command -v apt-get >/dev/null; then
  # Of a program that is on the PATH already (a newer compiler, say) we ask no package.
  have() { case $1 in ninja-build) command -v ninja ;;
    g++ | cmake | nasm | make | python3 | sqlite3 | git | gzip | zstd | unzip | strace | valgrind | openssl | ceph-mon | ceph-osd | radosgw | npm) command -v "$1" ;;
    nodejs) command -v node ;; maven) command -v mvn ;; default-jre-headless) command -v java ;;
    xz-utils) command -v xz ;; ceph-common) command -v ceph ;; python3-venv) python3 -c 'import ensurepip' ;;
    *) return 1 ;; esac >/dev/null 2>&1; }
  installed=" $(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n${db:Status-Abbrev} ${Package}:${Architecture}\n' 2>/dev/null | sed -n 's/^ii  *//p' | tr '\n' ' ') "
  # install_missing <package...>: in one go, or none of them
  install_missing() {
    local package missing=() root=() apt
    for package in "$@"; do
      [[ $installed == *" $package "* ]] || have "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "setup: installing ${missing[*]}" >&2
    if [ "$(id -u)" != 0 ]; then
      command -v sudo >/dev/null || { echo "setup: as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2; return 1; }
      root=(sudo)
    fi
    apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    [ "$mode" != arm64 ] || "${root[@]}" dpkg --add-architecture arm64
    "${apt[@]}" update || true
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
  }
  # shellcheck disable=SC2086
  install_missing $want
  # shellcheck disable=SC2086
  [ "$mode" != s3 ] || install_missing $servers || echo "setup: no server for all of the S3 tests" >&2
  if [ "$mode" = services ]; then
    install_missing python3-venv || echo "setup: no moto" >&2
    install_missing default-jre-headless maven || echo "setup: no ElasticMQ" >&2
    install_missing nodejs npm || echo "setup: no Dynalite, no Kinesalite" >&2
  fi
else
  echo "setup: no apt-get here; needed: $want" >&2
fi
# shellcheck disable=SC2086
scripts/third_party.sh $libraries >/dev/null
[ "$mode" != s3 ] || python3 tests/s3/servers.py install || echo "setup: moto can't be had: s3.moto will not be run" >&2
[ "$mode" != services ] || python3 tests/services/servers.py install || echo "setup: services that can't be had will not be run" >&2
[ "$mode" != deploy ] || python3 tests/deploy/run.py install || echo "setup: cfn-lint can't be had: deploy.templates will not be run" >&2
