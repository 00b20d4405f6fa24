#!/usr/bin/env bash
# Builds what a release consists of: tarballs, Debian packages, a container image, a bill of materials and checksums.
# The same commit gives the same bytes. docs/release.md says what to do with them. From the environment:
#
#   DIST     directory for it, which is replaced (default: dist)
#   ARCHES   architectures of Linux for all roles (default: amd64, and arm64 if its C compiler is there)
#   CLIENTS  systems for the commands that need no SQLite (default: linux/amd64 linux/arm64 darwin/arm64 windows/amd64)
#   SIGN_KEY an SSH key that signs the checksums (default: none signs them)
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C TZ=UTC GOTOOLCHAIN=local GOFLAGS=-trimpath
umask 022
out=$(realpath -m "${DIST:-dist}")
version=$(sed -n 's/^const version = "\(.*\)"$/\1/p' cmd/heliograph/version.go)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH VERSION=$version
native=$(go env GOARCH)

arches=${ARCHES:-}
if [ -z "$arches" ]; then
  arches=amd64
  if command -v aarch64-linux-gnu-gcc >/dev/null || [ "$native" = arm64 ]; then
    arches+=" arm64"
  else
    echo "No arm64: install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross for it." >&2
  fi
fi
clients=${CLIENTS:-linux/amd64 linux/arm64 darwin/arm64 windows/amd64}

rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd deploy/dist && go build -o "$work/tools/" github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod ./image)

# archive DIR FILE: a tarball of a directory, with nothing of this machine in it.
archive() {
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -C "$(dirname "$1")" -cf - "$(basename "$1")" |
    gzip -9n >"$2"
}

# compiler ARCH: the C compiler for an architecture. SQLite is in C.
compiler() {
  case $1 in
  "$native") echo gcc ;;
  arm64) echo aarch64-linux-gnu-gcc ;;
  amd64) echo x86_64-linux-gnu-gcc ;;
  *) echo "no C compiler is known for $1" >&2 && return 1 ;;
  esac
}

# Static, so that it runs on every Linux and in an empty image. Go's own resolver and user lookup need no C library at run time.
for arch in $arches; do
  CGO_ENABLED=1 GOARCH=$arch CC=$(compiler "$arch") go build -tags "netgo osusergo sqlite_omit_load_extension" \
    -ldflags "-s -w -buildid= -linkmode external -extldflags -static" -o "$work/$arch/heliograph" ./cmd/heliograph
done
for client in $clients; do
  suffix=""
  [ "${client%/*}" != windows ] || suffix=.exe
  CGO_ENABLED=0 GOOS=${client%/*} GOARCH=${client#*/} go build -ldflags "-s -w -buildid=" -o "$work/client/$client/heliograph$suffix" ./cmd/heliograph
done

# What the binaries come with. Units in packages start /usr/bin/heliograph.
mkdir -p "$work/doc" "$work/units"
"$work/$native/heliograph" man | gzip -9n >"$work/doc/heliograph.1.gz"
# completion SHELL: what the shell loads, which asks the binary in the user's path.
completion() { "$work/$native/heliograph" completion -c "$1" | sed "s|$work/$native/heliograph|heliograph|"; }
completion bash >"$work/doc/heliograph.bash"
completion fish >"$work/doc/heliograph.fish"
# zsh loads this file when somebody completes for the first time, and it has to answer then, not
# only to register.
printf '#compdef heliograph\nautoload -Uz bashcompinit && bashcompinit\n_bash_complete -o default -o bashdefault -C heliograph\n' >"$work/doc/_heliograph"
# Debian's own form of a changelog, which names the version and where to read on.
debian=${version/-/"~"}
gzip -9n >"$work/doc/changelog.gz" <<END
heliograph ($debian) unstable; urgency=medium

  * What a user notices is in /usr/share/doc/heliograph/NEWS.md.

 -- The Heliograph Authors <heliograph@heliograph-net.invalid>  $(date --utc --date "@$SOURCE_DATE_EPOCH" "+%a, %d %b %Y %H:%M:%S +0000")
END
for unit in deploy/systemd/*.service; do
  sed "s|/usr/local/bin/heliograph|/usr/bin/heliograph|g" "$unit" >"$work/units/$(basename "$unit")"
done

for arch in $arches; do
  dir=$work/tar/heliograph-$version-linux-$arch
  mkdir -p "$dir/systemd"
  cp "$work/$arch/heliograph" LICENSE README.md CHANGELOG.md "$work/doc"/heliograph.{1.gz,bash,fish} "$work/doc/_heliograph" "$dir"
  cp deploy/systemd/*.service "$dir/systemd"
  archive "$dir" "$out/$(basename "$dir").tar.gz"
  ARCH=$arch BINARY=$work/$arch/heliograph DOC=$work/doc UNITS=$work/units "$work/tools/nfpm" package --config deploy/dist/nfpm.yaml --packager deb \
    --target "$out/heliograph_${version}_$arch.deb" >/dev/null
done
for client in $clients; do
  dir=$work/tar/heliograph-client-$version-${client/\//-}
  mkdir -p "$dir"
  cp "$work/client/$client"/heliograph* LICENSE README.md CHANGELOG.md "$dir"
  archive "$dir" "$out/$(basename "$dir").tar.gz"
done

binaries=()
for arch in $arches; do
  binaries+=("$arch=$work/$arch/heliograph")
done
"$work/tools/image" -version "$version" -created "$SOURCE_DATE_EPOCH" -out "$work/image" "${binaries[@]}"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -C "$work/image" -cf "$out/heliograph-$version.oci.tar" .
"$work/tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -output "$out/heliograph-$version.cdx.json" "$work/$native/heliograph" 2>/dev/null

cd "$out"
sha256sum -- * >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" SHA256SUMS
[ -z "${SIGN_KEY:-}" ] || ssh-keygen -q -Y sign -f "$SIGN_KEY" -n heliograph-release SHA256SUMS
ls -l
