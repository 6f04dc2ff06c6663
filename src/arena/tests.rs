//! The arena with the operating system failing at each call.

use super::reserved::Reserved;
use super::*;
use crate::CommitPolicy;
use crate::os::faults::{Call, INJECTED, alone, fail_each_call};
use crate::{process_committed_bytes, process_reserved_bytes};
use core::cell::Cell;
use std::vec::Vec;

/// Checks what holds at all times, and that the arena goes on working.
fn check<const MIN_ALIGN: usize>(arena: &Arena<Reserved, MIN_ALIGN>) {
    let (used, committed, reserved) = (arena.used_bytes(), arena.committed_bytes(), arena.reserved_bytes());
    assert!(used <= committed && committed <= reserved, "{arena:?}");
    assert!(used <= arena.peak_bytes(), "{arena:?}");
    if reserved > 0 {
        assert_eq!(arena.remaining_capacity(), reserved - used);
    }
    let window = arena.window();
    assert!(window.cursor <= window.limit && window.cursor.addr() % MIN_ALIGN == 0);
}

/// Does a bit of everything that makes system calls, and checks after each step that a failure left all as it
/// was.
fn do_everything<const MIN_ALIGN: usize>(mut arena: Arena<Reserved, MIN_ALIGN>) {
    let kept = arena.try_alloc([0xA5_u8; 100]).ok().map(NonNull::from);
    check(&arena);
    for size in [10, 20_000, 100_000, 3 << 20, 5 << 20] {
        let used = arena.used_bytes();
        if let Ok(slice) = arena.try_alloc_slice_zeroed::<u8>(size) {
            assert!(*slice == *std::vec![0; size], "{size} bytes are not all zero");
            slice.fill(0x5A);
            assert!(arena.used_bytes() >= used + size);
        } else {
            assert_eq!(arena.used_bytes(), used);
            assert_eq!(arena.last_error().and_then(|error| error.os_code()), Some(INJECTED));
        }
        check(&arena);
    }
    // One item at a time, each in its own way at the mercy of the system.
    let _ = arena.try_alloc_slice_fill_iter(0..20_000_u64).map(|numbers| assert_eq!(numbers[19_999], 19_999));
    check(&arena);
    let _ = arena.try_alloc_fmt(format_args!("{:>60000}", 1)).map(|text| assert_eq!(text.len(), 60_000));
    check(&arena);
    let used = arena.used_bytes();
    arena.scoped(|scope| {
        let _ =
            scope.try_alloc_slice_fill_copy(1 << 20, [1_u8; 4]).map(|ones| assert_eq!(ones[12345], [1; 4]));
    });
    assert_eq!(arena.used_bytes(), used);
    if let Err(error) = arena.prepare(6 << 20) {
        assert_eq!(error.os_code(), Some(INJECTED));
    }
    check(&arena);
    if let Some(kept) = kept {
        // SAFETY: the block was allocated above and nothing has taken it back.
        assert_eq!(unsafe { kept.read() }, [0xA5; 100]);
    }
    arena.reset();
    let committed = arena.committed_bytes();
    match arena.trim(40_000) {
        Ok(bytes) => assert_eq!(bytes, committed - arena.committed_bytes()),
        Err(error) => assert_eq!((error.os_code(), arena.committed_bytes()), (Some(INJECTED), committed)),
    }
    check(&arena);
    // By now at most one call has failed, so one of two attempts succeeds.
    assert!((0..2).any(|_| {
        arena.try_alloc_slice_zeroed::<u64>(10_000).is_ok_and(|zeroes| zeroes == std::vec![0; 10_000])
    }));
    check(&arena);
}

#[test]
fn whichever_system_call_fails_the_arena_stays_usable_and_the_account_exact() {
    alone("arena::tests::whichever_system_call_fails_the_arena_stays_usable_and_the_account_exact", || {
        let options = [
            // Exact ones: a default reservation would step down to a smaller tier, and run out for another reason.
            Arena::options().reservation(64 << 20),
            Arena::options().reservation(64 << 20).commit_policy(CommitPolicy::Latency),
            Arena::options().reservation(64 << 20).name(c"fault").core_dumps(false).retain(64 << 10),
        ];
        for options in options {
            let scenarios: [&dyn Fn(); 3] = [
                &|| do_everything(options.build_lazily()),
                &|| options.build().map_or((), do_everything),
                &|| options.build_with_min_align::<16>().map_or((), do_everything),
            ];
            for scenario in scenarios {
                let before = Cell::new((process_reserved_bytes(), process_committed_bytes()));
                let failed: Vec<Call> = fail_each_call(scenario, |call| {
                    let after = (process_reserved_bytes(), process_committed_bytes());
                    if call == Call::Release {
                        before.set(after); // what could not be released is still there, and counted
                    }
                    assert_eq!(before.get(), after, "{call:?}");
                });
                for call in [Call::Reserve, Call::Commit, Call::Decommit, Call::Release] {
                    assert!(failed.contains(&call), "{call:?} was never reached: {failed:?}");
                }
            }
        }
    });
}

#[test]
fn a_lazy_arena_makes_no_system_call_before_its_first_allocation() {
    let failed = fail_each_call(
        || {
            let mut arena = Arena::new();
            arena.reset();
            arena.scoped(|_| ());
            drop(arena.scope());
            assert_eq!(arena.trim(0), Ok(0));
            assert_eq!(arena.try_alloc(()), Ok(&mut ()));
            assert_eq!(arena.alloc_slice_copy::<u64>(&[]), &[]);
            assert_eq!(arena.reserved_bytes(), 0);
        },
        |_| (),
    );
    assert!(failed.is_empty(), "{failed:?}");
}

/// A life that ends with more than what is kept of it.
#[cfg(target_pointer_width = "64")]
fn live_largely() {
    let arena = Arena::new();
    let _ = arena.try_alloc_slice_fill_copy(100_000, 1_u8);
    let _ = arena.try_alloc_slice_fill_copy(5 << 20, 1_u8);
}

#[test]
#[cfg(all(target_pointer_width = "64", not(any(miri, v_alloc_heap_os, feature = "traps"))))]
fn an_arena_in_a_range_that_another_left_makes_no_system_call() {
    alone("arena::tests::an_arena_in_a_range_that_another_left_makes_no_system_call", || {
        live_largely();
        for bytes in [1, 1000, 16 << 10, 100_000, 1 << 20, 3 << 20] {
            let life = || assert!(Arena::new().try_alloc_slice_fill_copy(bytes, 1_u8).is_ok());
            // The larger ones only behind four that were alike.
            (0..if bytes > 16 << 10 { 4 } else { 0 }).for_each(|_| life());
            assert_eq!(crate::os::faults::fail_after(0, life), None, "{bytes} bytes");
        }
    });
}

#[test]
#[cfg(target_pointer_width = "64")]
fn whichever_system_call_fails_a_range_is_kept_or_released() {
    alone("arena::tests::whichever_system_call_fails_a_range_is_kept_or_released", || {
        let mut before = (0, 0);
        live_largely();
        let failed = fail_each_call(live_largely, |call| {
            let after = (process_reserved_bytes(), process_committed_bytes());
            if call == Call::Release {
                before = after; // what could not be released is still there, and counted
            }
            assert_eq!(before, after, "{call:?}");
        });
        // What cannot be shortened is released, and the next life is one of a new range.
        let needed: &[Call] = if cfg!(any(miri, v_alloc_heap_os, feature = "traps")) {
            &[Call::Reserve, Call::Commit]
        } else {
            &[Call::Commit, Call::Commit, Call::Decommit]
        };
        assert!(failed.starts_with(needed), "{failed:?}");
    });
}

/// Then there is a range, and no window in it yet.
#[test]
fn a_reset_after_the_first_allocation_was_refused_leaves_an_arena_as_new() {
    let mut arena = Arena::options().reservation(1 << 20).build_lazily();
    arena.try_alloc_slice_fill_copy(2 << 20, 1_u8).unwrap_err();
    arena.reset();
    drop(arena.scope());
    let window = arena.window();
    assert!(window.cursor <= window.limit, "a window: {window:?}");
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 0));
    assert_eq!(*arena.alloc(2_u64), 2);
    assert_eq!(arena.used_bytes(), 8);
}

/// What the one before left is not zero, however far the arena had come in it.
#[test]
#[cfg(not(any(miri, v_alloc_heap_os, feature = "traps")))]
fn where_a_surplus_is_not_taken_back_what_another_arena_left_is_known_not_to_be_zero() {
    const NAME: &str =
        "arena::tests::where_a_surplus_is_not_taken_back_what_another_arena_left_is_known_not_to_be_zero";
    alone(NAME, || {
        for _ in 0..8 {
            Arena::new().alloc_slice_fill_copy(2 << 20, 0xA5_u8);
        }
        let mut arena = Arena::options().retain(0).build_lazily();
        let mut refused = None;
        // One large task, and small ones until it has more than twice as much as they need.
        for bytes in core::iter::once(512 << 10).chain([100; 30]) {
            arena.alloc_slice_fill_copy(bytes, 0x5A_u8);
            refused = refused.or(crate::os::faults::fail_after(0, || arena.reset()));
        }
        assert_eq!(refused, Some(Call::Decommit), "there was a surplus, and it was to be given back");
        assert!(arena.alloc_slice_zeroed::<u8>(1 << 20).iter().all(|&byte| byte == 0));
    });
}
