#!/bin/bash
# Runs the unit and integration tests and a C program on aarch64 Linux under qemu's user-mode emulation, with pages of 4 KiB and,
# where qemu lets a variable choose the size, of 16 and 64 KiB. Only qemu 7 does: later ones take the size of
# the host. The emulated pages lie over the host's, so what a kernel with large pages really does (huge pages,
# commit charge) is not shown here; that every computation takes the size that was read, is. With the larger sizes only the unit
# tests, the faults and the C program run: all else runs in ci/page-sizes.sh, on kernels that have them.
#
# Left out, for what the emulator is: see ci/left_out.txt.
#
# Usage: ci/aarch64.sh [options of cargo test]
# Needs: 3 GiB of memory; the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user.
. "$(dirname "$0")/common.sh" aarch64
packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

# As in page-sizes.sh, which builds the same: emulation is slow. The assertions stay.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# The emulator notes each page that was ever reserved, and forgets none: with reservations of 64 GiB at ever new addresses that
# filled the machine. So the guest gets 128 GiB of addresses (-R), where default reservations step down to 4 GiB: the suite that
# reserves most takes half a minute and 1.5 GiB. With 512 GiB it would be nearly three times as much; with 64 GiB a default block
# would be larger than what blocks share.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu -R 128G"
# For tests that start their own executable again: the kernel would not know what to do with it.
export V_ALLOC_TEST_RUNNER=$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER

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
        continue
    fi
    if [ "$size" = 4096 ]; then
        emulated --no-fail-fast $(portable_tests) -- $(skipped)
    else
        emulated --features std,serde,capi --lib --test uncommitted_memory_faults -- $(skipped)
    fi
    c_library aarch64-unknown-linux-gnu aarch64-linux-gnu-gcc $CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER ||
        status=1
done
exit $status
