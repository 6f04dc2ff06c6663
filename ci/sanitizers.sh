#!/bin/bash
# Runs the unit tests and integration tests under the compiler's sanitizers, each of which must first find a bug that was
# put there for it: accesses to what is not there (address), blocks of the heap that nobody knows of any more (leak),
# decisions by what was never written (memory; the standard library is instrumented with it).
#
# Threads have a script of their own, thread-sanitizer.sh.
#
# Usage: ci/sanitizers.sh [address] [leak] [memory]; without any, all.
# Needs: an x86-64 Linux; rustup, whose nightly toolchain is installed if it is missing.
. "$(dirname "$0")/common.sh" sanitizers rustup

command -v rustup >/dev/null || not_run "no rustup"
rustc +nightly --version >/dev/null 2>&1 || retry rustup toolchain install nightly --profile minimal ||
    not_run "cannot install a nightly toolchain"
sanitizer_runtime msan

debug_information line-tables-only
export CARGO_PROFILE_DEV_OPT_LEVEL=1 # for time; the assertions stay
target=x86_64-unknown-linux-gnu
# Its signal handler would end the process otherwise, before the test that expects the signal sees it; and so would a request
# that is too large, which is an error to return.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_segv=0:handle_sigbus=0:handle_abort=0
export MSAN_OPTIONS=allocator_may_return_null=1:handle_segv=0:handle_sigbus=0:handle_abort=0
export LSAN_OPTIONS=$MSAN_OPTIONS

# sanitized SANITIZER OPTION...
sanitized() {
    local sanitizer=$1
    shift
    export CARGO_TARGET_DIR=$platforms/$platform/$sanitizer
    if [ $sanitizer = memory ]; then
        instrumented memory "$@"
    else
        RUSTFLAGS="-Zsanitizer=$sanitizer" cargo +nightly test --target $target "$@"
    fi
}

[ $# -gt 0 ] || set -- address leak memory
status=0 # all, whatever the first finds
for sanitizer in "$@"; do
    echo "### $sanitizer"
    case $sanitizer in
    address) seeded_bug use_after_free heap-use-after-free sanitized $sanitizer ;;
    leak) seeded_bug leak "detected memory leaks" sanitized $sanitizer ;;
    memory) seeded_bug uninitialised use-of-uninitialized-value sanitized $sanitizer ;;
    *) echo "address, leak or memory, not $sanitizer" && exit 2 ;;
    esac || { status=1 && continue; }
    # The memory sanitizer learns from libc what a system call has written.
    libc=
    [ $sanitizer != memory ] || libc="--features rustix/use-libc"
    sanitized $sanitizer -p v_alloc --no-fail-fast $(portable_tests) $libc -- $(skipped) || status=1
done
exit $status
