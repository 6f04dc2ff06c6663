#!/bin/bash
# Runs the unit and integration tests and a C program on aarch64 Linux under qemu's user-mode emulation, with pages of 4 KiB and,
# where qemu lets a variable choose the size, of 16 and 64 KiB. Only qemu 7 does: later ones take the size of
# the host. The emulated pages lie over the host's, so what a kernel with large pages really does (huge pages,
# commit charge) is not shown here; that every computation takes the size that was read, is.
#
# Usage: ci/aarch64.sh [options of cargo test]
# Needs: the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user.
. "$(dirname "$0")/common.sh" aarch64
packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
# For tests that start their own executable again: the kernel would not know what to do with it.
export V_ALLOC_TEST_RUNNER=$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER

# Left out, for what the emulator is: it ignores limits (`limits`, parts of `defects_of_the_c_original`), has its own
# memory resident (`resident_memory`), gives no advice to the kernel, and takes a minute for the thousands of default
# reservations (it notes each page of one) that fail at each system call, `model` and `collections` make.
unit_tests=(--lib -- --skip arena::tests::whichever_system_call_fails)
integration_tests=(--test bugs_of_peers --test defects_of_libdd_alloc --test uncommitted_memory_faults --
    --skip core_dump_and_huge_page_advice --skip preparing_makes_pages_present)

sizes=4096 status=0
case $(qemu-aarch64 -version | head -n 1) in
*" version 7."*) sizes="4096 16384 65536" ;;
*) echo "NOT RUN: aarch64 with pages of 16 and 64 KiB: this qemu does not emulate them" ;;
esac
emulated() {
    $cargo test -p v_alloc $build_std --target aarch64-unknown-linux-gnu "$@" || status=1
}
for size in $sizes; do
    echo "### pages of $size bytes"
    export QEMU_PAGESIZE=$size
    if [ $# -gt 0 ]; then
        emulated "$@"
    else
        emulated "${unit_tests[@]}"
        emulated --no-fail-fast "${integration_tests[@]}"
        c_library aarch64-unknown-linux-gnu aarch64-linux-gnu-gcc $CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER ||
            status=1
    fi
done
exit $status
