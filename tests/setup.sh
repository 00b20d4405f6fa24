#!/usr/bin/env bash
# Installs what the tests need besides Go, make, gcc and Node: two browsers, the tool that gives Chromium a test authority,
# Alertmanager, Prometheus and blackbox_exporter, ClickHouse, SPIN, which checks the model of the protocol, Python,
# what makes empty systems to install a release into, the shells that complete, what builds and
# runs one for arm64, and what builds the C library for Windows and runs it (MinGW-w64 and Wine, 1 GB).
set -euo pipefail
# The command that shows that a package is there, and the package of Debian that has it.
needs=(chromium:chromium certutil:libnss3-tools firefox-esr:firefox-esr prometheus-alertmanager:prometheus-alertmanager
  prometheus:prometheus prometheus-blackbox-exporter:prometheus-blackbox-exporter spin:spin
  mmdebstrap:mmdebstrap bwrap:bubblewrap ssh-keygen:openssh-client lintian:lintian zsh:zsh fish:fish
  aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64-static:qemu-user-static
  x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64 /usr/lib/wine/wine64:wine64)
missing=()
for need in "${needs[@]}"; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
done
# Debian's interpreter, with what builds a wheel and the clients that are watched.
/usr/bin/python3 -c 'import ensurepip, httpx, requests, setuptools, urllib3, wheel' 2>/dev/null ||
  missing+=(python3-venv python3-setuptools python3-wheel python3-requests python3-httpx)
# libcurl, a client of the C library.
[ -n "$(find /usr/include -path '*/curl/curl.h' -print -quit)" ] || missing+=(libcurl4-openssl-dev)
[ -e /usr/aarch64-linux-gnu/lib/libc.a ] || missing+=(libc6-dev-arm64-cross)
# A ClickHouse server, which the tests start themselves.
[ -x /usr/sbin/clickhouse-server ] || command -v clickhouse-server >/dev/null || missing+=(clickhouse-server)
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "The tests need ${missing[*]} (names of Debian's packages); install them, then run make test again." >&2
  exit 1
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
# No package starts a service: policy-rc.d refuses that, unless there is one already, and nothing asks for a password.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
  trap '$as_root rm -f "$policy"' EXIT
fi
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
