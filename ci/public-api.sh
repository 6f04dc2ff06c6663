#!/bin/bash
# The public interface: is it the one that docs/public-api.txt lists, and has every item of it an example?
#
# A change of the interface must be seen in the change of that file: `ci/public-api.sh write` writes it anew.
#
# Usage: ci/public-api.sh [write]
# Needs: a nightly toolchain of rustup's, whose rustdoc describes crates as JSON in the form that the crate `public-api`
# of the version below reads.
. "$(dirname "$0")/common.sh" public-api rustup
cargo +nightly --version >/dev/null 2>&1 || not_run "no nightly toolchain here"

crate=$platforms/public-api-program
mkdir -p "$crate"
cat >"$crate/Cargo.toml" <<MANIFEST
[workspace]
[package]
name = "public_api"
edition = "2024"
[[bin]]
name = "public_api"
path = "$PWD/ci/public_api.rs"
[dependencies]
public-api = { version = "=0.52.2", default-features = false }
serde_json = "1"
MANIFEST
retry cargo build --quiet --manifest-path "$crate/Cargo.toml" || not_run "cannot build the crate public-api"

cargo +nightly rustdoc --quiet --lib -p v_alloc --features std,serde,allocator-api2-04 -- \
    -Z unstable-options --output-format json
description=$CARGO_TARGET_DIR/doc/v_alloc.json
"$CARGO_TARGET_DIR/debug/public_api" "$description" >"$crate/public-api.txt" ||
    not_run "this nightly describes crates in a form that public-api does not read"

if [ "${1:-}" = write ]; then
    cp "$crate/public-api.txt" docs/public-api.txt
fi
diff -u docs/public-api.txt "$crate/public-api.txt" ||
    { echo "FAILED: $platform: the interface is not that of docs/public-api.txt; ci/public-api.sh write" && exit 1; }
echo "$(wc -l <docs/public-api.txt) lines of the public interface, all as listed"

without=$("$CARGO_TARGET_DIR/debug/public_api" examples "$description")
[ -z "$without" ] || { echo "$without" && echo "FAILED: $platform: public items without an example" && exit 1; }
echo "every public item has an example"
