#!/usr/bin/env bash
# Builds the C library for Windows (x86-64) into bin/windows/, with MinGW-w64: libheliograph.dll, its
# header, and the import libraries for MinGW (libheliograph.dll.a) and for Visual C++ (heliograph.lib's
# definitions, heliograph.def). Arguments after the directory go to `go build`.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m "${1:-$root/bin/windows}")
mkdir -p "$out"
link="-Wl,--out-implib,$out/libheliograph.dll.a -Wl,--output-def,$out/heliograph.def"
(cd "$root" && CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc go build "${@:2}" \
  -buildmode=c-shared -trimpath -ldflags "-s -w ${LDFLAGS:-} -extldflags '$link'" -o "$out/libheliograph.dll" ./cmd/libheliograph)
sed -i '/hgo_/d; s/ @[0-9]*$//' "$out/heliograph.def" # what the header declares
# Go's own header says nothing that heliograph.h does not say better.
rm "$out/libheliograph.h"
cp "$root/cmd/libheliograph/heliograph.h" "$out/"
echo "$out/libheliograph.dll"
