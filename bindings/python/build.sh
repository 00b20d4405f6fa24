#!/usr/bin/env bash
# Builds the wheel into bin/, without a network: the C library first, then the package around it.
# PYTHON is an interpreter that has setuptools and wheel; Debian's is /usr/bin/python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:-$root/bin}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The sources are copied, so that nothing is left in the checkout and several builds do not meet.
mkdir -p "$work/bindings" "$work/cmd/libheliograph" "$out"
cp -R "$here" "$work/bindings/python"
cp "$root/cmd/libheliograph/heliograph.h" "$work/cmd/libheliograph/"
(cd "$root" && go build -trimpath -buildmode=c-shared -ldflags=-s -o "$work/bindings/python/heliograph/libheliograph.so" ./cmd/libheliograph)
rm -f "$work/bindings/python/heliograph/libheliograph.h" # the one that Go writes
cd "$work/bindings/python"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800} "${PYTHON:-/usr/bin/python3}" setup.py --quiet bdist_wheel --dist-dir "$out" >/dev/null
ls "$out"/heliograph-*.whl
