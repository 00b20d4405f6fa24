#!/usr/bin/env bash
# Installs what the tests need besides Go, make, gcc and Node: a browser and the tool that gives it a test authority.
set -euo pipefail
if command -v chromium >/dev/null && command -v certutil >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "The browser tests need chromium and certutil (NSS tools); install them, then run make test again." >&2
  exit 1
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium libnss3-tools >/dev/null
