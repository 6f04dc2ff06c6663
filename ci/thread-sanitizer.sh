#!/bin/bash
# Runs the tests of what threads share under the compiler's thread sanitizer, which must first find a data race that was
# put there for it. The standard library is instrumented with it, or its locks would be unknown to it.
#
# System calls go through libc (`rustix/use-libc`), where the sanitizer sees them: or it takes a range that one thread
# released and another reserved for one that both use. What is left out is in left_out.txt.
#
# Usage: ci/thread-sanitizer.sh
# Needs: an x86-64 Linux; rustup, for the sanitizer's runtime.
. "$(dirname "$0")/common.sh" thread-sanitizer rustup
sanitizer_runtime tsan

debug_information line-tables-only
export CARGO_PROFILE_DEV_OPT_LEVEL=1 # for time; the assertions stay
# Its signal handlers would end the process otherwise, before the test that expects the signal sees it.
export TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1:handle_segv=0:handle_sigbus=0:handle_abort=0

# Two threads write to one value of a shared arena, with no order between them.
race=$CARGO_TARGET_DIR/race
mkdir -p "$race/src"
cp Cargo.lock "$race"
cat >"$race/Cargo.toml" <<MANIFEST
[workspace]
[package]
name = "race"
edition = "2024"
[dependencies]
v_alloc = { path = "$PWD" }
MANIFEST
cat >"$race/src/lib.rs" <<'RUST'
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[test]
fn race() {
    let arena = v_alloc::SyncArena::new();
    let address = std::ptr::from_mut(arena.alloc(0_u64)).expose_provenance();
    // Relaxed, so that it orders nothing; and each waits for the other, so that both are alive.
    let arrived = AtomicUsize::new(0);
    let meet = &|all: usize| {
        arrived.fetch_add(1, Relaxed);
        while arrived.load(Relaxed) < all {
            std::hint::spin_loop();
        }
    };
    std::thread::scope(|scope| {
        for thread in 1..3 {
            scope.spawn(move || {
                meet(2);
                for _ in 0..1000 {
                    // SAFETY: there is none; that is the bug.
                    unsafe { black_box(std::ptr::with_exposed_provenance_mut::<u64>(address)).write(thread) };
                }
                meet(4);
            });
        }
    });
}
RUST
if instrumented thread --manifest-path "$race/Cargo.toml" --lib >"$race/log" 2>&1 ||
    ! grep -aqF "ThreadSanitizer: data race" "$race/log"; then
    tail -n 30 "$race/log"
    echo "FAILED: $platform: the seeded race was not found"
    exit 1
fi
echo "the seeded race is found"

instrumented thread -p v_alloc --features std,rustix/use-libc --no-fail-fast --lib --test sync_arena --test sync_arena_global \
    --test local_arena --test sync_vec --test swap_vec --test arena_pool --test scratch --test stable_blocks --test registry \
    --test interner --test send -- $(skipped)
