#!/usr/bin/env bash
# Checks a feed folder with three verifiers that are not ours; every one that is installed must agree.
#
#   verify-feed.sh FOLDER [--without-parts] [--hub HUB-ID]
#
# FOLDER is what a static host would serve: .well-known/groups-hub, hub/1, and a log under each prefix the document names.
# --without-parts checks a copy whose payload files are deleted: tree and signatures must hold without them.
# Exit status: 0 all agree; 1 one of them refused, and said why; 2 wrong usage; 3 none of them is installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

folder= hub= without_parts=
while [ $# -gt 0 ]; do
  case $1 in
    --without-parts) without_parts=1 ;;
    --hub) hub=${2:?--hub needs a hub id}; shift ;;
    -*) printf 'verify-feed.sh: unknown option %s\n' "$1" >&2; exit 2 ;;
    *) folder=$1 ;;
  esac
  shift
done
if [ ! -d "$folder" ]; then
  printf 'usage: verify-feed.sh FOLDER [--without-parts] [--hub HUB-ID]\n' >&2
  exit 2
fi

if [ -n "$without_parts" ]; then
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  cp -R "$folder/." "$copy"
  find "$copy" -type d -name part -prune -exec rm -rf {} +
  folder=$copy
fi

ran=0
refused=0
run() { # NAME COMMAND…: one verifier
  ran=$((ran + 1))
  if ! "${@:2}"; then
    refused=$((refused + 1))
    printf 'verify-feed.sh: %s refuses this feed\n' "$1" >&2
  fi
}

if command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
  "$here/go/build.sh"
  run 'Go note and tlog' "$root/target/outside-go/verify-feed" "$folder" ${hub:+"$hub"}
else
  printf 'SKIP Go note and tlog: not installed\n'
fi
if "$root/target/outside-venv/bin/python" -c 'import pymerkle' 2>/dev/null; then
  run pymerkle "$root/target/outside-venv/bin/python" "$here/merkle.py" "$folder"
else
  printf 'SKIP pymerkle: not installed\n'
fi
if command -v openssl >/dev/null; then
  run openssl "$here/openssl.sh" "$folder"
else
  printf 'SKIP openssl: not installed\n'
fi

if [ "$refused" -gt 0 ]; then exit 1; fi
if [ "$ran" -eq 0 ]; then
  printf 'verify-feed.sh: no verifier is installed, nothing was checked\n' >&2
  exit 3
fi
