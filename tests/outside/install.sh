#!/usr/bin/env bash
# Makes sure that the outside tools the tests use are there: tools written by others, so that a feed is checked by code that
# shares nothing with ours. Installs what is missing where it may; says one line beginning "SKIP" for each it could not.
#
# Writes target/outside.env: one MUTUALD_OUTSIDE_* line for each tool found (`tests/run` says what they mean).
# Quick when everything is present: package lists are fetched only if a package is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p target

gocode=/usr/share/gocode # where Debian's golang-*-dev packages put Go sources
venv=target/outside-venv

have() { command -v "$1" >/dev/null 2>&1; }
skip() { printf 'SKIP %s: %s\n' "$1" "$2"; }

# --- Debian packages -------------------------------------------------------------------------------------------------
missing=()
have go || missing+=(golang-go)
[ -d "$gocode/src/golang.org/x/mod/sumdb/tlog" ] || missing+=(golang-golang-x-mod-dev)
have chromium || missing+=(chromium)
have systemd-analyze || missing+=(systemd)
# Only root can boot a container with it.
[ "$(id -u)" -ne 0 ] || have systemd-nspawn || missing+=(systemd-container)
have openssl || missing+=(openssl)
# About 90 MB, without windows.
have soffice || missing+=(libreoffice-calc-nogui)
# R with what samples are estimated by; about 200 MB.
have Rscript || missing+=(r-base-core)
have Rscript && Rscript -e 'library(survey)' >/dev/null 2>&1 || missing+=(r-cran-survey)
# What samples are drawn by elsewhere.
have Rscript && Rscript -e 'library(sampling)' >/dev/null 2>&1 || missing+=(r-cran-sampling)
# Node from elsewhere brings its own npm, and Debian's npm would fight with it: each is asked for by itself.
have node || missing+=(nodejs)
have npm || missing+=(npm)
# Debian divides Python: without python3-venv an environment cannot be made. Asked only while there is none.
wanted=tests/outside/requirements.txt
# The list is copied into the environment once it is installed: a changed list is noticed, an unchanged one costs nothing.
venv_ready() { cmp -s "$wanted" "$venv/installed.txt" && "$venv/bin/python" -c '' 2>/dev/null; }
if ! venv_ready && ! python3 -c 'import ensurepip' 2>/dev/null; then missing+=(python3 python3-venv); fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
may_install() { have apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; }

if [ "${#missing[@]}" -gt 0 ]; then
  if may_install; then
    log=target/outside-apt.log
    printf 'installing: %s\n' "${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 120 apt-get update >"$log" 2>&1 || true
    # One by one: a package that this system cannot have must not take the others with it.
    for package in "${missing[@]}"; do
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 300 \
        apt-get install -y --no-install-recommends "$package" >>"$log" 2>&1 ||
        printf 'could not install %s (see %s)\n' "$package" "$log"
    done
    hash -r
  else
    printf 'not allowed to install packages here; missing: %s\n' "${missing[*]}"
  fi
fi

# --- Python packages -------------------------------------------------------------------------------------------------
if ! venv_ready; then
  log=target/outside-pip.log
  if have python3 && rm -rf "$venv" && python3 -m venv "$venv" >"$log" 2>&1 &&
    timeout 600 "$venv/bin/python" -m pip install --quiet -r "$wanted" >>"$log" 2>&1 &&
    # It asks for an older jsonschema than frictionless does, and works with both.
    timeout 300 "$venv/bin/python" -m pip install --quiet --no-deps cffconvert==2.0.0 pykwalify==1.8.0 docopt==0.6.2 >>"$log" 2>&1; then
    cp "$wanted" "$venv/installed.txt"
  else
    printf 'could not install the Python packages (see %s)\n' "$log"
  fi
fi

# The RO-Crate validator lives by itself: beside the others pip finds no set of versions that fits.
roc=target/outside-roc roc_wanted='roc-validator==0.13.0'
roc_ready() { [ "$(cat "$roc/installed.txt" 2>/dev/null)" = "$roc_wanted" ] && "$roc/bin/python" -c '' 2>/dev/null; }
if ! roc_ready && have python3; then
  log=target/outside-roc.log
  if rm -rf "$roc" && python3 -m venv "$roc" >"$log" 2>&1 &&
    timeout 300 "$roc/bin/python" -m pip install --quiet "$roc_wanted" >>"$log" 2>&1; then
    printf '%s\n' "$roc_wanted" >"$roc/installed.txt"
  else
    printf 'could not install the RO-Crate validator (see %s)\n' "$log"
  fi
fi

# --- JavaScript packages ---------------------------------------------------------------------------------------------
axe=target/outside-axe
if ! cmp -s tests/outside/axe.json "$axe/installed.json" && have npm; then
  log=target/outside-npm.log
  rm -rf "$axe" && mkdir -p "$axe" && cp tests/outside/axe.json "$axe/package.json"
  if (cd "$axe" && timeout 300 npm install --no-audit --no-fund) >"$log" 2>&1; then
    cp tests/outside/axe.json "$axe/installed.json"
  else
    printf 'could not install the JavaScript packages (see %s)\n' "$log"
  fi
fi

# --- what there is ---------------------------------------------------------------------------------------------------
env_file=target/outside.env
: >"$env_file.new"
found() { printf 'MUTUALD_OUTSIDE_%s=%q\n' "$1" "$2" >>"$env_file.new"; }

if have openssl; then found OPENSSL "$(command -v openssl)"; else skip openssl 'no signature is checked with OpenSSL'; fi
if ! have go || [ ! -d "$gocode/src/golang.org/x/mod/sumdb/tlog" ]; then
  skip go 'golang-go or golang-golang-x-mod-dev is missing: no feed is checked with the Go packages note and tlog'
elif tests/outside/go/build.sh; then
  found GO "$PWD/target/outside-go/verify-feed"
else
  skip go 'the Go verifier does not build: no feed is checked with it'
fi
if venv_ready; then
  found PYTHON "$PWD/$venv/bin/python"
else
  skip python 'the Python packages are missing: no root is checked with pymerkle, no signed request by another program, the golden feed is not made again, and no exported frame is looked at by frictionless and the others'
fi
if roc_ready; then
  found ROC "$PWD/$roc/bin/python"
else
  skip roc-validator 'the Python package roc-validator is missing: no RO-Crate is looked at by it'
fi
if have systemd-analyze; then
  found SYSTEMD "$(command -v systemd-analyze)"
else
  skip systemd 'systemd-analyze is missing: the unit file is not checked'
fi
if have chromium; then
  found CHROMIUM "$(command -v chromium)"
else
  skip chromium 'chromium is missing: the pages are not looked at in a browser'
fi
if [ -s "$axe/node_modules/axe-core/axe.min.js" ]; then
  found AXE "$PWD/$axe/node_modules/axe-core/axe.min.js"
else
  skip axe-core 'axe-core is missing: the pages are not checked for accessibility by a tool that is not ours'
fi
if have systemd-nspawn && [ "$(id -u)" -eq 0 ]; then
  found NSPAWN "$(command -v systemd-nspawn)"
else
  skip systemd-nspawn 'systemd-nspawn is missing or this is not root: the service is not booted in a container'
fi
if have Rscript && Rscript -e 'library(survey)' >/dev/null 2>&1; then
  found R "$(command -v Rscript)"
  Rscript -e 'library(sampling)' >/dev/null 2>&1 ||
    skip r-sampling 'the R package sampling is missing: no probability and no sample is compared with its own'
else
  skip r 'Rscript or its package survey is missing: no sample is estimated by R'
fi
if have soffice; then
  found SOFFICE "$(command -v soffice)"
else
  skip libreoffice 'soffice is missing: no template is filled in and saved by LibreOffice'
fi
if have node && have npm; then
  found NODE "$(command -v node)"
else
  skip node 'node or npm is missing: no comparison with PouchDB'
fi
mv "$env_file.new" "$env_file"
