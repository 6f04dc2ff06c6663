#!/bin/bash
# Runs the unit and integration tests on aarch64 Linux under qemu's user-mode emulation, with pages of 4 KiB and,
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

[ $# -gt 0 ] || set -- $(portable_tests)
sizes=4096 status=0
case $(qemu-aarch64 -version | head -n 1) in
*" version 7."*) sizes="4096 16384 65536" ;;
*) echo "NOT RUN: aarch64 with pages of 16 and 64 KiB: this qemu does not emulate them" ;;
esac
for size in $sizes; do
    echo "### pages of $size bytes"
    QEMU_PAGESIZE=$size $cargo test $build_std --target aarch64-unknown-linux-gnu --no-fail-fast "$@" || status=1
done
exit $status
