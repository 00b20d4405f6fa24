#!/usr/bin/env bash
# Runs every fuzz target of the module and of its tests for a while each: tests/fuzz.sh 30s. Further arguments go to `go test`: -parallel 1 leaves the
# other CPUs alone.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
shift || true

# Prints package directory and name of each target that builds here.
targets() {
  local file
  go list -f '{{$d := .Dir}}{{range .TestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}' ./... |
    while read -r file; do
      [ -n "$file" ] || continue
      sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | sed "s|^|$(dirname "$file") |"
    done
}

# Succeeds if a failed run, whose output is in a file, failed for one reason only: at its time limit Go's fuzzing coordinator can take the
# end of its own context for an error (https://go.dev/issue/75804, fixed in Go 1.27). A finding, a panic or a hanging target says more than
# these two lines, and writes the failing input.
only_the_deadline() {
  ! grep -q 'Failing input written' "$1" &&
    sed '/^fuzz: /d; /^$/d' "$1" | tr '\n' '~' |
    grep -Eq "^--- FAIL: $2 \([0-9.]+s\)~    context deadline exceeded~FAIL~(exit status 1~)?FAIL\s[^~]*~(FAIL~)?$"
}

list=$(targets && cd tests && targets)
[ -n "$list" ] || { echo 'no fuzz targets found' >&2; exit 1; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
while read -r dir target; do
  echo "== ${dir#"$PWD"/} $target"
  seeds=$(cd "$dir" && go test -run "^$target\$" -v | grep -c -- "--- PASS: $target/" || true)
  [ "$seeds" -gt 0 ] || { echo "$target has no seeds, or one of them fails" >&2; exit 1; }
  if ! (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$@") 2>&1 | tee "$out"; then
    only_the_deadline "$out" "$target" || exit 1
    echo "$target: found nothing until its time limit (go.dev/issue/75804)"
  fi
done <<<"$list"
