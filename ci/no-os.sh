#!/bin/bash
# Type-checks the library for targets that this machine cannot link for or run: with `core` and `alloc` only,
# warnings denied. First where there is no operating system at all (and with it no `os` and no reservations),
# then a selection of the systems that `src/os/unix.rs` and `src/os/windows.rs` serve, with the C face too.
#
# What takes time is `core`, once for each target: as many targets as there are processors are checked at once.
#
# Usage: ci/no-os.sh
# Needs: nothing besides common.sh; no linker, no emulator.
. "$(dirname "$0")/common.sh" no-os
export cargo

# check TARGET: all that is to be checked for it, whatever the first finds. What it says comes in one piece.
check() {
    local target=$1 features status=0
    local combinations=("--no-default-features --features capi" "")
    case $target in
    *-none | *-none-* | wasm32-*) combinations=("--no-default-features" "--no-default-features --features allocator-api2") ;;
    esac
    for features in "${combinations[@]}"; do
        echo "### $target $features"
        # `rustc`, not `check`, because it gives the flag to this crate alone, not to the standard library.
        CARGO_TARGET_DIR=$CARGO_TARGET_DIR/$target $cargo rustc --quiet --lib --profile check \
            -Zbuild-std=core,alloc --target "$target" $features -- -D warnings ||
            { echo "FAILED: $target $features" && status=1; }
    done
    return $status
}
checked() {
    local said status=0
    said=$(check "$1" 2>&1) || status=1
    echo "$said"
    return $status
}
export -f check checked

printf '%s\n' x86_64-unknown-none thumbv7em-none-eabi wasm32-unknown-unknown \
    x86_64-unknown-openbsd x86_64-unknown-netbsd x86_64-unknown-freebsd aarch64-linux-android \
    aarch64-apple-ios aarch64-apple-darwin x86_64-unknown-illumos powerpc64le-unknown-linux-gnu \
    i686-unknown-linux-gnu powerpc-unknown-linux-gnu sparc64-unknown-linux-gnu x86_64-pc-windows-msvc |
    xargs --max-procs="$(nproc)" -I{} bash -c 'checked {}'
