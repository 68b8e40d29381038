#!/usr/bin/env bash
# Checks one record, its payload line and both signatures of the checkpoint of a feed folder with what any machine has:
# openssl, sed, base64, od and tail. What this file does by hand, anyone can do by hand.
#
#   openssl.sh FOLDER
set -euo pipefail
export LC_ALL=C # bytes, not characters: bundles hold length prefixes

fail() {
  printf 'openssl.sh: %s\n' "$*" >&2
  exit 1
}
[ $# -eq 1 ] || fail 'usage: openssl.sh FOLDER'
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# member NAME < one-line JSON: the first string member of that name.
member() { sed -n "s/^[^\n]*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# A vkey is name+hex id+base64(type, 32 bytes); base64 may hold a plus itself, so it is split from the left.
key_id() { sed 's/^[^+]*+\([^+]*\)+.*/\1/' <<<"$1"; }
# The fixed beginning of an Ed25519 public key in DER is 12 bytes, which is 16 characters of base64.
public_key() {
  printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' \
    "$(sed 's/^[^+]*+[^+]*+//' <<<"$1" | base64 -d | tail -c 32 | base64 -w 0)"
}

# signature NOTE VKEY OUT: writes the payload of the note's signature line of that key, without the 4 bytes of the key's id.
signature() {
  local line
  while read -r line; do
    base64 -d <<<"$line" >"$work/line" 2>/dev/null || continue
    if [ "$(od -An -tx1 -N4 "$work/line" | sed 's/ //g')" = "$(key_id "$2")" ]; then
      tail -c +5 "$work/line" >"$3"
      return
    fi
  done < <(sed -n '1,/^$/d; s/^\xe2\x80\x94 [^ ]* //p' "$1")
  fail "no signature line of key $(key_id "$2") in $1"
}

# verify WHAT TEXT SIGNATURE VKEY
verify() {
  public_key "$4" >"$work/key.pem"
  openssl pkeyutl -verify -rawin -pubin -inkey "$work/key.pem" -in "$2" -sigfile "$3" >"$work/said" 2>&1 ||
    fail "the signature of $1 is not good: $(sed -n 1p "$work/said")"
  printf '%s: %s\n' "$1" "$(sed -n 1p "$work/said")"
}

document=$folder/.well-known/groups-hub
# One log: the last that the hub document names, the one being written. A prefix is relative (../v1/1/) or a whole address.
sed -n '2s/.*\({"origin":"[^}]*}\).*/\1/p' "$document" >"$work/log"
vkey=$(member vkey <"$work/log")
peer=$(member peer <"$work/log")
prefix=$folder/$(member prefix <"$work/log" | sed 's|^https*://[^/]*/||; s|^\.\./||; s|^/||; s|/$||')
[ -n "$vkey" ] && [ -n "$peer" ] || fail "no log with vkey and peer in $document"

# --- the checkpoint --------------------------------------------------------------------------------------------------
sed '/^$/,$d' "$prefix/checkpoint" >"$work/text"
signature "$prefix/checkpoint" "$vkey" "$work/signature"
verify 'checkpoint' "$work/text" "$work/signature" "$vkey"

# The cosignature: 8 bytes of time, then a signature over that time and the text.
signature "$prefix/checkpoint" "$peer" "$work/cosignature"
time=$(od -An -t u8 --endian=big -N8 "$work/cosignature" | sed 's/ //g')
{ printf 'cosignature/v1\ntime %s\n' "$time"; sed '/^$/,$d' "$prefix/checkpoint"; } >"$work/text"
tail -c +9 "$work/cosignature" >"$work/signature"
verify "cosignature at time $time" "$work/text" "$work/signature" "$peer"

# --- one record and its payload line ---------------------------------------------------------------------------------
size=$(sed -n 2p "$prefix/checkpoint")
if [ "$size" -ge 256 ]; then first=000; else first=000.p/$size; fi
entries=$prefix/tile/entries/$first
part=$prefix/part/public/$first
[ "$size" -gt 0 ] || fail 'the log is empty: there is no record to check'

number=
if [ -d "$prefix/part" ]; then number=$(sed -n '/./=' "$part" | sed -n '$p'); fi
if [ -n "$number" ]; then
  # The last line that is there, its digest, and the leaf that names this digest: both must stand at the same place.
  sed -n "${number}p" "$part" | sed -z 's/\n$//' >"$work/payload"
  digest=$(openssl dgst -sha256 -binary "$work/payload" | base64 | sed 's/=*$//; s,+,-,g; s,/,_,g')
  # A leaf begins at its type line (after two bytes of length) and ends at its signature line.
  wanted=$(sed -n '/groups-feed\/v1 [a-z]*$/p; /"public":"'"$digest"'"/q' "$entries" | sed -n '$=')
  grep -q "\"public\":\"$digest\"" "$entries" || fail "no leaf names the digest $digest of line $number of $part"
  [ "$wanted" = "$number" ] || fail "line $number of $part belongs to leaf number $wanted"
  printf 'payload line %s: its digest is the one in its leaf\n' "$number"
  match='"public":"'$digest'"'
else
  printf 'payload line: there is none to check\n'
  match='"id":"'
fi
sed -n "/groups-feed\/v1 [a-z]*\$/{
    s/^.*groups-feed/groups-feed/
    h
    d
  }
  /^{.*$match/{
    H
    x
    p
    :rest
    n
    p
    /^\xe2\x80\x94 /q
    b rest
  }" "$entries" >"$work/leaf"
[ -s "$work/leaf" ] || fail "no leaf to check in $entries"
sed '/^$/,$d' "$work/leaf" >"$work/text"
signature "$work/leaf" "$vkey" "$work/signature"
verify "leaf $(sed -n 2p "$work/leaf" | member id)" "$work/text" "$work/signature" "$vkey"
