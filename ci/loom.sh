#!/bin/bash
# Every order of two threads, and most of three, in the steps that threads and signal handlers share: the models beside the code,
# under loom, which stands in for the processor's atomics.
#
# Usage: ci/loom.sh [name of a model...]; without one, all.
# Needs: nothing besides a Rust toolchain.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A directory of its own: the flag changes how everything is built.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom RUSTFLAGS="--cfg loom"
[ $# -gt 0 ] || set -- lock_free::models lock_free::state::model
cargo test --release -p v_alloc --lib -- "$@"
