//! The shared arena with the operating system failing at each call.

use super::*;
use crate::CommitPolicy;
use crate::arena::options::ArenaOptions;
use crate::os::faults::{Call, INJECTED, alone, fail_after, fail_each_call};
use crate::{process_committed_bytes, process_reserved_bytes};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::vec::Vec;

fn totals() -> (usize, usize) {
    (process_reserved_bytes(), process_committed_bytes())
}

/// Checks what holds at all times.
fn check(arena: &SyncArena) {
    let (used, committed, reserved) = (arena.used_bytes(), arena.committed_bytes(), arena.reserved_bytes());
    assert!(used <= committed && committed <= reserved, "{arena:?}");
    assert!(used <= arena.peak_bytes(), "{arena:?}");
    assert_eq!(arena.remaining_capacity(), reserved - used);
}

/// Does a bit of everything that makes system calls, and checks after each step that a failure left all as it was.
fn do_everything(mut arena: SyncArena) {
    let kept = arena.try_alloc([0xA5_u8; 100]).ok().map(core::ptr::NonNull::from);
    check(&arena);
    for size in [10, 20_000, 100_000, 3 << 20, 5 << 20] {
        let used = arena.used_bytes();
        match arena.try_alloc_slice_zeroed::<u8>(size) {
            Ok(slice) => {
                assert!(*slice == *std::vec![0; size], "{size} bytes are not all zero");
                slice.fill(0x5A);
                assert_eq!(arena.used_bytes(), used + size);
            }
            Err(_) => assert_eq!(arena.used_bytes(), used),
        }
        check(&arena);
    }
    // One item at a time, in a block that grows.
    let _ = arena.try_alloc_slice_fill_iter(0..20_000_u64).map(|numbers| assert_eq!(numbers[19_999], 19_999));
    check(&arena);
    let layout = Layout::new::<[u64; 100]>();
    // SAFETY: the blocks are used as what they were allocated as, or grown to.
    unsafe {
        let block = GlobalAlloc::alloc(&arena, layout);
        if !block.is_null() {
            block.write_bytes(0xC3, layout.size());
            let grown = arena.realloc(block, layout, 2 << 20);
            let there = if grown.is_null() { block } else { grown };
            assert_eq!(there.add(layout.size() - 1).read(), 0xC3, "a failure leaves the block as it was");
        }
    }
    check(&arena);
    let local = arena.local();
    let of_local = local.used_bytes();
    match local.try_alloc_slice_fill_with(40, |number| [number; 100]) {
        Ok(slice) => assert_eq!(slice[39], [39; 100]),
        Err(_) => assert_eq!(local.used_bytes(), of_local),
    }
    drop(local);
    check(&arena);
    let before = (arena.used_bytes(), arena.committed_bytes());
    if let Err(error) = arena.prepare(6 << 20) {
        assert_eq!(error.os_code(), Some(INJECTED));
        assert_eq!((arena.used_bytes(), arena.committed_bytes()), before);
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
    alone("sync::tests::whichever_system_call_fails_the_arena_stays_usable_and_the_account_exact", || {
        // Exact ones: a default reservation would step down to a smaller tier, and run out for another reason.
        let exact = ArenaOptions::new().reservation(64 << 20);
        for options in [
            exact,
            exact.commit_policy(CommitPolicy::Latency),
            exact.name(c"fault").core_dumps(false).huge_pages(false),
        ] {
            let before = Cell::new(totals());
            let failed: Vec<Call> = fail_each_call(
                || do_everything(options.build_sync()),
                |call| {
                    if call == Call::Release {
                        before.set(totals()); // what could not be released is still there, and counted
                    }
                    assert_eq!(before.get(), totals(), "{call:?}");
                },
            );
            for call in [Call::Reserve, Call::Commit, Call::Decommit, Call::Release] {
                assert!(failed.contains(&call), "{call:?} was never reached: {failed:?}");
            }
        }
    });
}

#[test]
fn a_shared_arena_makes_no_system_call_before_its_first_allocation() {
    let failed = fail_each_call(
        || {
            let mut arena = SyncArena::new();
            arena.reset();
            assert_eq!(arena.trim(0), Ok(0));
            assert_eq!(arena.try_alloc(()), Ok(&mut ()));
            assert_eq!(arena.alloc_slice_copy::<u64>(&[]), &[]);
            drop(arena.local());
            assert!(arena.try_claim().is_some());
            assert_eq!((arena.reserved_bytes(), arena.remaining_capacity()), (0, 0));
        },
        |_| (),
    );
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_first_allocation_that_fails_may_be_tried_again() {
    alone("sync::tests::a_first_allocation_that_fails_may_be_tried_again", || {
        let arena = SyncArena::options().reservation(1 << 20).build_sync();
        for call in [Call::Reserve, Call::Commit] {
            // The first attempt to commit asks for more than it needs, the second for the least.
            let failed = fail_after(usize::from(call == Call::Commit), || drop(arena.try_alloc(1)));
            assert_eq!(failed, Some(call));
            assert_eq!(arena.used_bytes(), if call == Call::Reserve { 0 } else { 4 });
        }
        assert_eq!(arena.try_alloc(7), Ok(&mut 7));
    });
}

#[test]
fn what_was_prepared_needs_no_system_call() {
    let arena = SyncArena::options().reservation(16 << 20).build_sync();
    arena.prepare(2 << 20).unwrap();
    let failed = fail_after(0, || {
        let local = arena.local();
        (0..1000).for_each(|number| assert_eq!(arena.try_alloc([number; 25]), Ok(&mut [number; 25])));
        (0..1000).for_each(|number| assert_eq!(local.try_alloc([number; 25]), Ok(&mut [number; 25])));
        assert!(arena.try_alloc_slice_zeroed::<u8>(1 << 20).is_ok());
    });
    assert_eq!(failed, None);
}

#[test]
#[cfg(not(any(miri, v_alloc_heap_os, feature = "traps")))]
fn short_lives_in_turn_make_no_system_call_and_what_is_zeroed_reads_zero() {
    alone("sync::tests::short_lives_in_turn_make_no_system_call_and_what_is_zeroed_reads_zero", || {
        let life = || {
            let mut arena = SyncArena::new();
            assert_eq!(*arena.alloc_slice_zeroed::<u8>(15_000), [0; 15_000]);
            arena.alloc_slice_fill_copy(1000, 0xA5_u8);
            arena.reset();
            assert_eq!(*arena.alloc_slice_zeroed::<u8>(16_000), [0; 16_000]);
            arena.alloc_slice_fill_copy(100, 0xA5_u8);
        };
        life();
        for _ in 0..3 {
            assert_eq!(fail_after(0, life), None);
            assert_eq!(totals(), (0, 0));
        }
        // What is taken back reads zero, whether it was committed or only ready.
        for committed in [false, true] {
            let mut arena = SyncArena::new();
            if committed {
                arena.alloc_slice_fill_copy(16_000, 0x5A_u8);
                arena.reset();
            } else {
                arena.prepare(0).unwrap();
            }
            let before = arena.committed_bytes();
            assert_eq!((before > 0, arena.trim(0)), (committed, Ok(before)));
            assert_eq!(fail_after(0, || drop(arena.try_alloc(1))), Some(Call::Commit));
            assert!(arena.alloc_slice_zeroed::<u8>(10_000).iter().all(|&byte| byte == 0));
        }
    });
}

/// And no huge page is cut in two, which would come back as small ones.
#[test]
#[cfg(all(target_pointer_width = "64", not(any(miri, v_alloc_heap_os, feature = "traps"))))]
fn lives_of_three_mebibytes_in_turn_make_no_system_call_that_may_fail() {
    alone("sync::tests::lives_of_three_mebibytes_in_turn_make_no_system_call_that_may_fail", || {
        let life = || _ = SyncArena::new().alloc_slice_fill_copy(3 << 20, 0xA5_u8);
        (0..8).for_each(|_| life());
        for _ in 0..3 {
            assert_eq!(fail_after(0, life), None);
        }
        assert!(SyncArena::new().alloc_slice_zeroed::<u8>(4 << 20).iter().all(|&byte| byte == 0));
    });
}
