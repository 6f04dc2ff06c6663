#!/bin/bash
# Licences, sources and versions of all dependencies, by cargo-deny and deny.toml; known vulnerabilities too, where the
# database of them can be fetched.
#
# Usage: ci/deny.sh
# Needs: cargo-deny; installs it, which takes minutes.
. "$(dirname "$0")/common.sh" deny rustup

deny=$(command -v cargo-deny) || {
    deny=$platforms/tools/bin/cargo-deny
    [ -x "$deny" ] || retry cargo install --locked --root "$platforms/tools" cargo-deny || not_run "cannot install cargo-deny"
}
"$deny" --workspace check licenses bans sources
if "$deny" fetch db >"$platforms/deny.fetch.log" 2>&1; then
    "$deny" --workspace check advisories
else
    echo "NOT RUN: $platform: known vulnerabilities: the database cannot be fetched here"
fi
