#!/bin/bash
# Type-checks the library for targets that this machine cannot link for or run: with `core` and `alloc` only,
# warnings denied. First where there is no operating system at all (and with it no `os` and no reservations),
# then a selection of the systems that `src/os/unix.rs` and `src/os/windows.rs` serve, with the C face too.
#
# Usage: ci/no-os.sh
# Needs: nothing besides common.sh; no linker, no emulator.
. "$(dirname "$0")/common.sh" no-os

failed=()

# check TARGET OPTION...: remembers a failure, so that all targets are seen in one run
check() {
    local target=$1
    shift
    echo "### $target $*"
    # `rustc`, not `check`, because it gives the flag to this crate alone, not to the standard library.
    $cargo rustc --quiet --lib --profile check -Zbuild-std=core,alloc --target "$target" "$@" -- -D warnings ||
        failed+=("$target")
}

for target in x86_64-unknown-none thumbv7em-none-eabi wasm32-unknown-unknown; do
    check $target --no-default-features
    check $target --no-default-features --features allocator-api2
done

for target in x86_64-unknown-openbsd x86_64-unknown-netbsd x86_64-unknown-freebsd aarch64-linux-android \
    aarch64-apple-ios aarch64-apple-darwin x86_64-unknown-illumos powerpc64le-unknown-linux-gnu \
    i686-unknown-linux-gnu \
    x86_64-pc-windows-msvc; do
    check $target --no-default-features
    check $target --no-default-features --features capi
    check $target # with the default features
done

[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" && exit 1; }
