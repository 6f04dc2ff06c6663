#!/bin/bash
# Runs the tests on 32-bit Linux, natively: an x86-64 kernel runs such programs as they are.
#
# Usage: ci/i686.sh [options of cargo test]; without any, unit, integration and doc tests, and a C program.
# Needs: an x86-64 Linux; the packages libc6-dev-i386 and lib32gcc-*-dev. (Not gcc-multilib: it conflicts with
# the cross compilers that other scripts here install.)
. "$(dirname "$0")/common.sh" i686
packages gcc libc6-dev-i386 "lib32gcc-$(gcc -dumpversion 2>/dev/null || echo 12)-dev"

target=i686-unknown-linux-gnu
if [ $# -gt 0 ]; then
    $cargo test -p v_alloc $build_std --target $target "$@"
else
    status=0 # all, whatever the first finds
    $cargo test -p v_alloc $build_std --target $target --no-fail-fast $(portable_tests) || status=1
    $cargo test -p v_alloc $build_std --target $target --doc || status=1
    # The kernel's headers are the same for both, and lie where `-m32` does not look.
    c_library $target "gcc -m32 -idirafter /usr/include/x86_64-linux-gnu" env || status=1
    exit $status
fi
