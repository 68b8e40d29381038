#!/usr/bin/env bash
# Builds the Go verifier to target/outside-go/verify-feed, from Debian's source packages only: no module is fetched.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=target/outside-go
mkdir -p "$out"
# Tests run side by side: one builds, the others wait for it.
exec 9>"$out/lock"
flock 9
if [ "$out/verify-feed" -nt tests/outside/go/main.go ]; then exit 0; fi
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$PWD/$out/cache" GOFLAGS= go build -o "$out/verify-feed.new" ./tests/outside/go
mv "$out/verify-feed.new" "$out/verify-feed"
