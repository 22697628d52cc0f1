#!/usr/bin/env bash
# build/package/: a function's zip without its pipeline and a layer, for each architecture whose binary was built.   scripts/package.sh
# A zip that is not the same the second time, or larger than 4 MB, is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
weir=build/release/weir out=build/package
mkdir -p $out
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
for folder in release arm64; do
  # The architecture is the binary's own.
  said=$($weir package --layer --binary build/$folder/weir -o "$again/layer.zip")
  arch=${said##*bootstrap for }
  $weir package --layer --arch "$arch" --binary build/$folder/weir -o "$out/weir-layer-$arch.zip" >/dev/null
  cmp "$again/layer.zip" "$out/weir-layer-$arch.zip"
  # One content, two names: /opt/bootstrap of a layer; and a function's zip that its weir.yaml is put into (zip -X FILE weir.yaml).
  cp "$out/weir-layer-$arch.zip" "$out/weir-lambda-$arch.zip"
  bytes=$(stat -c %s "$out/weir-layer-$arch.zip")
  echo "$out/weir-{lambda,layer}-$arch.zip: $bytes bytes, sha256 $(sha256sum <"$out/weir-layer-$arch.zip" | cut -c1-16)"
  [ "$bytes" -le 4000000 ] || { echo "package: more than 4 MB" >&2; exit 1; }
done
