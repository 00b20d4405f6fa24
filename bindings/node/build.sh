#!/usr/bin/env bash
# Packs the npm package into bin/, without a network: the Go core as a WebAssembly module first, then
# the files around it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:-$root/bin}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The sources are copied, so that nothing is left in the checkout and several builds do not meet.
mkdir -p "$work/node" "$out"
cp -R "$here/package.json" "$here/README.md" "$here/lib" "$root/LICENSE" "$work/node/"
(cd "$root" && GOOS=js GOARCH=wasm CGO_ENABLED=0 go build -tags node -trimpath -ldflags='-s -w' -o "$work/node/lib/heliograph.wasm" ./wasm/core)
goroot=$(cd "$root" && go env GOROOT)
cp "$goroot/lib/wasm/wasm_exec.js" "$work/node/lib/"
{ echo "Go (in lib/wasm_exec.js and lib/heliograph.wasm)"; echo; cat "$goroot/LICENSE"; } >"$work/node/lib/licenses.txt"
# The C library's version is the package's.
version=$(sed -n 's/^#define HG_VERSION "\(.*\)"$/\1/p' "$root/cmd/libheliograph/heliograph.h")
sed -i "s/\"version\": \"0.0.0\"/\"version\": \"$version\"/; /\"private\": true,/d" "$work/node/package.json"
cd "$work/node"
echo "$out/$(npm pack --silent --offline --pack-destination "$out")"
