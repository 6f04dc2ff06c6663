//! Whichever call to the parent fails: nothing is lost or leaked, the contents stay, and the arena goes on.

use crate::ledger::{Ledger, layout};
use crate::parent::Parent;
use crate::subject::Figures;
use crate::versions::plain::Through;
use v_alloc::{ChainAllocator, LinearAllocator};

/// A bit of everything that makes a chain call its parent.
fn do_everything(parent: &Parent, hint: usize) {
    let mut arena = ChainAllocator::new_in(hint, parent.clone());
    let mut ledger = Ledger::default();
    {
        let subject = Through(&arena);
        for size in [1, 100, 5000, 100, 20_000, 3] {
            ledger.allocate(&subject, layout(size, 1));
            ledger.allocate_zeroed(&subject, layout(size, 64));
            if let Some(last) = ledger.blocks.len().checked_sub(1) {
                if let Some(grown) = ledger.resize(&subject, last, layout(size * 4 + 64, 8), false) {
                    ledger.resize(&subject, grown, layout(size * 9 + 64, 16), true);
                }
            }
            assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
        }
        if !ledger.blocks.is_empty() {
            ledger.resize(&subject, 0, layout(100_000, 8), true);
            ledger.deallocate(&subject, ledger.blocks.len() - 1);
        }
        ledger.check_figures(&subject);
        ledger.verify();
    }
    let used = arena.used_bytes();
    arena.scoped(|scope| {
        for size in [10, 3000, 70_000] {
            let filled = scope.try_alloc_slice_fill_copy(size, 6_u8).map(|slice| slice.len());
            assert!(filled.is_err() || filled == Ok(size));
            let collected = scope.try_alloc_slice_fill_iter(0..size as u32).map(|slice| slice.to_vec());
            assert!(collected.is_err() || collected.unwrap().into_iter().eq(0..size as u32));
        }
    });
    assert_eq!(arena.used_bytes(), used);
    let _ = arena.try_alloc_fmt(format_args!("{:>9000}", 1)).map(|text| assert_eq!(text.len(), 9000));
    ledger.verify();
    assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
    arena.reset();
    assert_eq!(arena.figures().unwrap().used, 0);
    // By now at most one call has failed, or the parent gives nothing at all.
    let mut ledger = Ledger::default();
    let subject = Through(&arena);
    let served = (0..2).any(|_| ledger.allocate(&subject, layout(3000, 8)).is_some());
    assert!(served || parent.accounts.failures.get() > 1);
    ledger.verify();
    drop(arena);
    assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
}

#[test]
fn whichever_single_call_fails() {
    for hint in [0, 1000, 64 << 10] {
        for excess in [0, 40] {
            let mut failing = 0;
            loop {
                let parent = Parent::with_excess(excess).failing(move |call, _| call == failing);
                do_everything(&parent, hint);
                if parent.accounts.failures.get() == 0 {
                    break;
                }
                failing += 1;
            }
            assert!(failing > 2, "only {failing} calls");
        }
    }
}

#[test]
fn from_whichever_call_on_everything_fails() {
    for hint in [0, 1000, 64 << 10] {
        let mut first = 0;
        loop {
            let parent = Parent::default().failing(move |call, _| call >= first);
            do_everything(&parent, hint);
            if parent.accounts.failures.get() == 0 {
                break;
            }
            first += 1;
        }
    }
}

#[test]
fn whichever_two_calls_in_a_row_fail() {
    for first in 0..40 {
        let parent = Parent::default().failing(move |call, _| call == first || call == first + 1);
        do_everything(&parent, 1000);
    }
}

#[test]
fn a_parent_with_little_memory_is_used_to_the_end() {
    let block = layout(100_000, 16);
    let mut buffer = LinearAllocator::new_in(block, v_alloc::Global).unwrap();
    for _ in 0..3 {
        let arena = ChainAllocator::new_in(1024, &buffer);
        let mut ledger = Ledger::default();
        let subject = Through(&arena);
        let mut taken = 0;
        while ledger.allocate(&subject, layout(64, 8)).is_some() {
            taken += 64;
        }
        ledger.verify();
        assert!(taken >= 60_000, "{taken} bytes of 100000");
        drop(arena);
        buffer.reset();
    }
}
