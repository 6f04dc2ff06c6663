#!/bin/bash
# The oldest versions of the dependencies that Cargo.toml allows: the library is built with them, and its unit tests run.
#
# In a copy without what only integration tests, examples and benchmarks need, because their oldest versions are nobody's
# concern.
#
# Usage: ci/minimal-versions.sh
# Needs: a nightly toolchain of rustup's, for choosing the versions; they are compiled by the usual one.
. "$(dirname "$0")/common.sh" minimal-versions rustup
cargo +nightly --version >/dev/null 2>&1 || not_run "no nightly toolchain here"

copy=$platforms/minimal-versions-copy
rm -rf "$copy"
mkdir -p "$copy"
cp -R src docs README.md rustfmt.toml clippy.toml "$copy"
# Sections of examples and of what is for development go; what unit tests use comes back.
awk '/^\[/ { left_out = /dev-dependencies|^\[\[example/ } !left_out' Cargo.toml |
    sed 's/^members = .*/members = ["."]/; /^default-members/d' >"$copy/Cargo.toml"
cat >>"$copy/Cargo.toml" <<'MANIFEST'

[dev-dependencies]
proptest = { version = "1.8", default-features = false, features = ["std"] }
[target.'cfg(unix)'.dev-dependencies]
rustix = { version = "1.1", features = ["mm", "process", "param"] }
[target.'cfg(target_os = "linux")'.dev-dependencies]
libc = "0.2.180"
MANIFEST
cd "$copy"
cargo +nightly generate-lockfile -Z direct-minimal-versions
grep -A 1 -E '^name = "(allocator-api2|foldhash|rustix|serde|windows-sys)"' Cargo.lock | grep -v '^--'
cargo test --lib --features std,serde,allocator-api2-04
