#!/usr/bin/env bash
# Installs driftmgr into a folder: one release, for this machine, checked against its sums.
#
# usage: install.sh VERSION FOLDER
#
# DRIFTMGR_RELEASES  where releases are, if not on GitHub: a mirror with the same file names
# DRIFTMGR_SHA256    the sum that the archive must have; pin it where whoever can change a release must not change your CI
set -euo pipefail
[ $# = 2 ] || { echo "usage: install.sh VERSION FOLDER" >&2; exit 1; }
version=${1#v} folder=$2
releases=${DRIFTMGR_RELEASES:-https://github.com/catherinevee/driftmgr/releases/download}
for tool in curl unzip; do
  command -v "$tool" >/dev/null || { echo "install.sh needs $tool on PATH" >&2; exit 1; }
done

case "$(uname -s)" in
  Linux) system=linux ;;
  Darwin) system=darwin ;;
  *) echo "install.sh knows Linux and macOS, this is $(uname -s)" >&2; exit 1 ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) machine=amd64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) echo "there is no release for $(uname -m)" >&2; exit 1 ;;
esac
archive="driftmgr_${version}_${system}_${machine}.zip"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() {
  curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$work/$1" "$releases/v$version/$1" ||
    { echo "could not download $releases/v$version/$1: is there such a release, and may this machine reach it?" >&2; exit 1; }
}
get "$archive"
if [ -n "${DRIFTMGR_SHA256:-}" ]; then
  expected=$DRIFTMGR_SHA256
else
  get "driftmgr_${version}_SHA256SUMS"
  expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/driftmgr_${version}_SHA256SUMS")
  [ -n "$expected" ] || { echo "driftmgr_${version}_SHA256SUMS does not name $archive" >&2; exit 1; }
fi
if command -v sha256sum >/dev/null; then actual=$(sha256sum "$work/$archive"); else actual=$(shasum -a 256 "$work/$archive"); fi
actual=${actual%% *}
[ "$actual" = "$expected" ] || { echo "$archive has the sum $actual, not $expected: it is not installed" >&2; exit 1; }

mkdir -p "$folder"
unzip -oq "$work/$archive" driftmgr -d "$folder"
"$folder/driftmgr" --version
