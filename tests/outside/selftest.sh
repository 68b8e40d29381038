#!/usr/bin/env bash
# Are the outside verifiers worth anything? They must accept the frozen golden feed, with and without its payload files, and
# refuse each of many copies in which one bit was turned. And the golden program must still write the bytes that are frozen.
set -euo pipefail
cd "$(dirname "$0")/../.."
golden=schema/vectors/golden-python
python=target/outside-venv/bin/python
verifier=target/outside-go/verify-feed

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  printf 'selftest.sh: %s\n' "$*" >&2
  exit 1
}

if [ -x "$python" ]; then
  "$python" tests/outside/golden.py "$work/again"
  diff -r -x .gitattributes "$golden" "$work/again" >"$work/diff" || fail "golden.py no longer writes the frozen bytes: $(sed -n 1p "$work/diff")"
  printf 'golden.py writes the frozen bytes\n'
else
  printf 'SKIP golden.py: Python packages are missing, the frozen bytes are not made again\n'
fi

if [ ! -x "$verifier" ] && [ ! -x "$python" ] && ! command -v openssl >/dev/null; then
  printf 'SKIP selftest.sh: no outside verifier is installed, no feed is checked by tools that are not ours\n'
  exit 0
fi
hub=$(sed -n 's/.*"hub": "\(.*\)".*/\1/p' "$golden/facts.json")
tests/outside/verify-feed.sh "$golden" --hub "$hub"
tests/outside/verify-feed.sh "$golden" --without-parts
if tests/outside/verify-feed.sh "$golden" --hub h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >/dev/null 2>&1 && [ -x "$verifier" ]; then
  fail 'a feed passes as that of another hub'
fi

# turn FILE OFFSET: flips the lowest bit of one byte, in place.
turn() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

cp -R "$golden" "$work/copy"
turned=0
# refuses COMMAND… : with FILE and OFFSET turned, the command must fail; then the byte is turned back.
refuses() {
  local file=$1 offset=$2
  shift 2
  turn "$work/copy/$file" "$offset"
  if "$@" "$work/copy" >/dev/null 2>"$work/said"; then fail "byte $offset of $file was changed and $1 accepts it"; fi
  [ -s "$work/said" ] || fail "$1 refuses byte $offset of $file without a word"
  turn "$work/copy/$file" "$offset"
  turned=$((turned + 1))
}

if [ -x "$verifier" ]; then
  while read -r file; do
    size=$(stat -c %s "$golden/$file")
    # Twenty places in each file: the daemon's own tests turn every bit.
    step=$((size / 20 + 1))
    # The cosignature, the second signature line, is of a type that Go's packages leave alone; OpenSSL checks it (below).
    if [ "$file" = v1/1/checkpoint ]; then size=$(sed '$d' "$golden/$file" | wc -c); fi
    for ((offset = 0; offset < size; offset += step)); do refuses "$file" "$offset" "$verifier"; done
  done < <(cd "$golden" && find . -type f ! -name facts.json ! -name '.git*' -printf '%P\n' | sort)
  printf 'Go refuses each of %d copies with one bit turned; it says for example: %s\n' "$turned" "$(cat "$work/said")"
fi
checkpoint=v1/1/checkpoint
if command -v openssl >/dev/null; then
  refuses "$checkpoint" 30 tests/outside/openssl.sh
  # Within the last line's signature, which is the cosignature.
  refuses "$checkpoint" $(($(stat -c %s "$golden/$checkpoint") - 20)) tests/outside/openssl.sh
  refuses v1/1/part/public/000 $(($(stat -c %s "$golden/v1/1/part/public/000") - 20)) tests/outside/openssl.sh
  refuses v1/1/tile/entries/000 $(($(stat -c %s "$golden/v1/1/tile/entries/000") - 20)) tests/outside/openssl.sh
  printf 'openssl.sh refuses a changed checkpoint, cosignature, payload line and leaf; the last in the words: %s\n' "$(cat "$work/said")"
fi
if [ -x "$python" ]; then
  refuses "$checkpoint" 35 "$python" tests/outside/merkle.py
  refuses v1/1/tile/entries/000 5000 "$python" tests/outside/merkle.py
  printf 'merkle.py refuses a changed root and a changed leaf; the last in the words: %s\n' "$(cat "$work/said")"
fi
diff -r -x .gitattributes "$golden" "$work/copy" || fail 'a byte was not turned back'
