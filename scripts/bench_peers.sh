#!/usr/bin/env bash
# Installs, from the package registries of this machine, the programs that Weir is measured against, under build/peers where that goes.
# What can't be had is left out: the benchmark runs whoever is there. zsv is taken from the PATH.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/peers
log=build/peers/install.log
: >"$log"
try() { local name=$1; shift; if "$@" >>"$log" 2>&1; then echo "bench-peers: $name"; else echo "bench-peers: no $name (build/peers/install.log)"; fi; }
debian() {  # program, package
  command -v "$1" && return
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo -n)
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$2"
}
python() {
  [ -x build/peers/python/bin/python3 ] || python3 -m venv build/peers/python || return
  build/peers/python/bin/pip install --quiet --disable-pip-version-check duckdb orjson
}
# Beside those of the other benchmarks: each can be had without the other.
python_s3() {
  [ -x build/peers/python/bin/python3 ] || python3 -m venv build/peers/python || return
  build/peers/python/bin/pip install --quiet --disable-pip-version-check boto3 smart-open aws-lambda-powertools
}
python_lambda() { build/peers/python/bin/pip install --quiet --disable-pip-version-check awslambdaric; }
rust() { CARGO_TARGET_DIR=$PWD/build/peers/cargo cargo build --release --quiet --manifest-path bench/peers/rust_csv/Cargo.toml; }
node() { npm install --silent --no-audit --no-fund --prefix build/peers csv-parse; }

try "Miller" debian mlr miller
try "igzip" debian igzip isal
try "DuckDB and orjson for Python" python
try "boto3, smart_open and Powertools for Python" python_s3
try "the Lambda runtime client for Python" python_lambda
try "rust-csv" rust
try "csv-parse for Node" node
if command -v zsv >/dev/null; then echo "bench-peers: zsv"; else echo "bench-peers: no zsv on the PATH"; fi
