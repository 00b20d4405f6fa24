#!/usr/bin/env bash
# Everything that can be said of the Go code without running it. Prints what is wrong, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

# Runs a command, which succeeds and prints nothing if all is well.
want_silence() {
  local out status=0
  out=$("$@" 2>&1) || status=$?
  [ "$status" = 0 ] && [ -z "$out" ] && return
  printf '%s, in %s:\n%s\n' "$1 $2" "$PWD" "$out" >&2
  wrong=1
}

go build -modfile=tools.mod -o bin/ honnef.co/go/tools/cmd/staticcheck golang.org/x/tools/cmd/deadcode
PATH=$PWD/bin:$PATH
wrong=0
want_silence gofmt -l $(git ls-files '*.go')
want_silence go run ./dashboards/internal/tsgen -check -api dashboards/api -out dashboards/web/src/api.gen.ts
for module in . tests tests/otlp tests/bench deploy/dist; do
  cd "$module"
  want_silence go mod tidy -diff
  want_silence go vet ./...
  want_silence go fix -stringsbuilder=false -diff ./... # a builder for two strings reads worse
  want_silence staticcheck ./...
  cd "$OLDPWD"
done
# Code is alive if a program or a test of any module reaches it.
GOWORK=$PWD/tools.work want_silence deadcode -tags deadcode -test ./... ./tests/... ./tests/bench/...
# The agent where applications run. What vet sees without cgo is all but the C library, which tests/windows builds.
# Tests for iOS need a compiler from Apple, so there the packages are compiled only.
for system in windows/amd64/vet darwin/arm64/vet freebsd/amd64/vet android/arm64/vet ios/arm64/build; do
  IFS=/ read -r os arch how <<<"$system"
  want_silence env CGO_ENABLED=0 GOOS="$os" GOARCH="$arch" go "$how" ./report/... ./privacy/... ./agent/...
done
# What runs in browsers only.
export GOOS=js GOARCH=wasm
want_silence go vet ./wasm/core ./wasm/internal/...
want_silence staticcheck ./wasm/core ./wasm/internal/...
want_silence deadcode -test -filter heliograph/wasm/ ./wasm/core ./wasm/internal/...
# The same program for Node.
want_silence go vet -tags node ./wasm/core ./wasm/internal/... ./agent/diskspool
want_silence staticcheck -tags node ./wasm/core ./wasm/internal/... ./agent/diskspool
exit "$wrong"
