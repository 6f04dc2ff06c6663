#!/bin/bash
# Runs the unit tests and integration tests under valgrind's memcheck: no access to what malloc did not give or free took
# back, no decision by what was never written, no block of the heap lost. It runs the code as it is compiled, `rustix`'s
# system calls too.
#
# Left out, and why: what valgrind does not have (its own address space leaves no room for limits; traps of single
# instructions), what takes minutes at a thirtieth of the speed, and what leaks on purpose: see ci/left_out.txt. That tests ask
# the system about memory that is not accessible is no error: see ci/valgrind.supp.
#
# Usage: ci/valgrind.sh [options of cargo test]
# Needs: an x86-64 Linux; the package valgrind; rustup's stable toolchain (any cargo in PATH).
. "$(dirname "$0")/common.sh" valgrind rustup
packages valgrind
command -v cargo >/dev/null || not_run "no cargo"

debug_information line-tables-only
export CARGO_PROFILE_DEV_OPT_LEVEL=1 # for time; the assertions stay

# Threads of a test's harness end while it exits: their blocks are reachable or not by chance of time. What is lost for
# sure is an error.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --suppressions=$PWD/ci/valgrind.supp"
sanitizer=leak # by the name that left_out.txt has for what leaks on purpose
checked() {
    cargo test --target x86_64-unknown-linux-gnu "$@"
}
seeded_bug use_after_free "Invalid read of size 8" checked
seeded_bug leak "definitely lost" checked
seeded_bug uninitialised "depends on uninitialised value" checked

if [ $# -gt 0 ]; then
    checked -p v_alloc "$@"
else
    checked -p v_alloc --no-fail-fast $(portable_tests) -- $(skipped)
fi
