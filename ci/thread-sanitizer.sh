#!/bin/bash
# Runs the tests of what threads share under the compiler's thread sanitizer, which must first find a data race that was
# put there for it. The standard library is instrumented with it, or its locks would be unknown to it.
#
# The backend on the Rust allocator stands in for the system: the sanitizer does not see system calls that the library
# makes by itself, and takes a range that one thread released and another reserved for one that both use. So the suite
# whose global allocator is a `SyncArena` is empty here: the backend would ask that allocator for its memory.
#
# Usage: ci/thread-sanitizer.sh
# Needs: an x86-64 Linux; rustup, for the sanitizer's runtime.
. "$(dirname "$0")/common.sh" thread-sanitizer rustup
sanitizer_runtime tsan

debug_information line-tables-only
export CARGO_PROFILE_DEV_OPT_LEVEL=1 # for time; the assertions stay
export RUSTFLAGS="--cfg v_alloc_heap_os" TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1

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

# Left out: what counts system calls, of which the backend makes none; limits on the memory of the process, and a handler
# that must come at an exact time: the sanitizer itself needs memory, and delivers signals late.
status=0 # both, whatever the first finds
instrumented thread -p v_alloc --lib -- sync:: sync_vec:: reservation:: lock_free:: pool:: || status=1
instrumented thread -p v_alloc --no-fail-fast --test sync_arena --test local_arena --test sync_vec --test swap_vec \
    --test arena_pool -- --skip makes_no_system_call --skip a_limit_on_memory --skip a_handler_may || status=1
exit $status
