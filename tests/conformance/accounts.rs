//! What an arena over another allocator owes to it, call by call.

use crate::ledger::{Ledger, all_are, layout};
use crate::parent::{Call, Parent};
use crate::suite::Mixed;
use crate::versions::plain::Through;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use v_alloc::{Allocator, ChainAllocator, LinearAllocator, VirtualAllocator};

const OVERHEAD: usize = ChainAllocator::<Parent>::CHAIN_NODE_OVERHEAD;

/// Random allocations, resizings and frees.
fn use_it<A: Allocator>(arena: &ChainAllocator<A>, seed: u64, steps: usize, ledger: &mut Ledger) {
    let subject = Through(arena);
    let mut mixed = Mixed(seed);
    for _ in 0..steps {
        let size_bound = 1 << (1 + mixed.below(15));
        let request = layout(mixed.below(size_bound), 1 << mixed.below(8));
        match mixed.below(8) {
            0..4 => _ = ledger.allocate(&subject, request),
            4 if !ledger.blocks.is_empty() => ledger.deallocate(&subject, ledger.blocks.len() - 1),
            5..7 if !ledger.blocks.is_empty() => {
                let recent = ledger.blocks.len() - 1 - mixed.below(ledger.blocks.len().min(2));
                let size = ledger.blocks[recent].layout.size() * 2;
                ledger.resize(&subject, recent, layout(size, request.align().min(16)), size % 3 == 0);
            }
            7 if !ledger.blocks.is_empty() => {
                let index = mixed.below(ledger.blocks.len());
                ledger.deallocate(&subject, index);
            }
            _ => _ = ledger.allocate_zeroed(&subject, request),
        }
        ledger.check_figures(&subject);
    }
    ledger.verify();
}

#[test]
fn everything_is_returned_exactly_once_with_a_layout_that_fits() {
    for hint in [0, 100, 4096, 64 << 10] {
        for excess in [0, 1, 8, 77, 5000] {
            let parent = Parent::with_excess(excess);
            let mut arena = ChainAllocator::new_in(hint, parent.clone());
            let mut ledger = Ledger::default();
            use_it(&arena, (hint + excess) as u64, 300, &mut ledger);
            assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
            arena.reset();
            assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
            use_it(&arena, 77, 50, &mut Ledger::default());
            assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
            drop(arena);
            assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
        }
    }
}

#[test]
fn a_linear_allocator_uses_the_excess_and_returns_its_block() {
    for excess in [0, 1, 100] {
        let parent = Parent::with_excess(excess);
        let arena = LinearAllocator::new_in(layout(1000, 32), parent.clone()).unwrap();
        assert_eq!((arena.reserved_bytes(), arena.remaining_capacity()), (1000 + excess, 1000 + excess));
        assert!(arena.try_alloc_slice_fill_copy(1000 + excess, 1_u8).is_ok());
        assert!(arena.try_alloc(1_u8).is_err());
        drop(arena);
        assert_eq!(parent.accounts.blocks(), 0);
    }
    let refused = LinearAllocator::new_in(layout(1000, 1), Parent::default().failing(|_, _| true));
    assert!(refused.is_err());
}

#[test]
fn a_chain_asks_for_nothing_before_it_is_used() {
    let parent = Parent::default();
    let mut arena = ChainAllocator::new_in(4096, parent.clone());
    arena.reset();
    arena.scoped(|scope| *scope.alloc(()));
    drop(arena.scope());
    arena.alloc_slice_copy::<u64>(&[]);
    let subject = Through(&arena);
    let mut ledger = Ledger::default();
    let index = ledger.allocate(&subject, layout(0, 1)).unwrap();
    let index = ledger.resize(&subject, index, layout(0, 64), true).unwrap();
    ledger.deallocate(&subject, index);
    assert_eq!((parent.accounts.calls.get(), arena.reserved_bytes()), (0, 0));
}

#[test]
fn chunks_grow_from_the_hint_to_a_cap() {
    let cap = 16 << 20;
    for hint in [0, 1 << 10, 64 << 10, 32 << 20] {
        let parent = Parent::default();
        let arena = ChainAllocator::new_in(hint, parent.clone());
        let mut taken = 0;
        while taken < 100 << 20 {
            // Nothing here is large compared with a chunk.
            let size = parent.accounts.asked.borrow().last().map_or(8, |&chunk| chunk / 64);
            let block = arena.try_alloc_layout(layout(size, 1));
            assert!(block.is_ok());
            taken += size;
        }
        let asked = parent.accounts.asked.borrow();
        assert_eq!(asked[0], hint.max(4 * OVERHEAD));
        for pair in asked.windows(2) {
            assert_eq!(pair[1], (pair[0] * 2).min(cap).max(pair[0]), "{asked:?}");
        }
        assert!(asked.len() < 32, "{asked:?}");
    }
}

#[test]
fn tasks_that_are_alike_ask_for_nothing_from_the_third_on() {
    for (hint, refused) in [(1 << 10, usize::MAX), (32 << 20, usize::MAX), (1 << 10, 20 << 20)] {
        let parent = Parent::default().failing(move |_, bytes| bytes > refused);
        let mut arena = ChainAllocator::new_in(hint, parent.clone());
        let asked = |arena: &mut ChainAllocator<Parent>, mebibytes| {
            let before = parent.accounts.asked.borrow().len();
            for _ in 0..mebibytes * 16 {
                assert!(arena.try_alloc_layout(layout(64 << 10, 8)).is_ok());
            }
            arena.reset();
            parent.accounts.asked.borrow()[before..].to_vec()
        };
        let tasks = [(); 4].map(|()| asked(&mut arena, 70));
        if refused == usize::MAX {
            assert!(tasks[1].len() == 1 && tasks[2..].iter().all(Vec::is_empty), "{tasks:?}");
        } else {
            // Never more than the usual chunks then, instead of one for every request.
            assert!(tasks[3].iter().all(|&bytes| bytes > 64 << 10) || tasks[3].len() < 10, "{tasks:?}");
        }
        // What a large one needed is not asked for on behalf of those after it.
        asked(&mut arena, 1);
        assert_eq!(asked(&mut arena, 1), [], "what is kept is large enough");
        if refused < usize::MAX {
            assert!(asked(&mut arena, 20).iter().all(|&bytes| bytes <= 16 << 20));
        }
    }
}

#[test]
fn a_parent_that_refuses_more_is_asked_for_what_is_needed() {
    let parent = Parent::default().failing(|_, bytes| bytes > 1500);
    let arena = ChainAllocator::new_in(1 << 10, parent.clone());
    let mut ledger = Ledger::default();
    let subject = Through(&arena);
    for _ in 0..50 {
        ledger.allocate(&subject, layout(1000, 8)).expect("1000 bytes are to be had");
        ledger.allocate(&subject, layout(100, 64)).expect("100 bytes are to be had");
    }
    assert_eq!(ledger.allocate(&subject, layout(2000, 1)), None);
    ledger.verify();
    let allowed = |&size: &usize| size <= 1500;
    assert!(parent.accounts.asked.borrow().iter().all(allowed));
}

#[test]
fn a_large_request_does_not_strand_the_rest_of_the_chunk() {
    for large in [30_000, 100_000, 3 << 20] {
        let parent = Parent::default();
        let arena = ChainAllocator::new_in(64 << 10, parent.clone());
        arena.alloc([0_u8; 1000]);
        let remaining = arena.remaining_capacity();
        let fits = large <= remaining;
        arena.try_alloc_layout(layout(large, 1)).unwrap();
        assert_eq!(arena.remaining_capacity(), if fits { remaining - large } else { remaining });
        arena.try_alloc_layout(layout(1000, 1)).unwrap();
        assert_eq!(parent.accounts.blocks(), if fits { 1 } else { 2 });
        // Ever again.
        for _ in 0..10 {
            arena.try_alloc_layout(layout(large, 1)).unwrap();
            arena.try_alloc_layout(layout(100, 1)).unwrap();
        }
        let payload = 2000 + 11 * large + 1000;
        assert!(arena.used_bytes() <= payload + payload / 4, "{} for {payload}", arena.used_bytes());
    }
}

/// Large is what fills a chunk; and what takes more than a quarter of one, if the rest of the window is more than an
/// eighth of it.
#[test]
fn a_large_request_gets_a_block_of_its_own_and_a_small_one_a_chunk() {
    let gets_its_own = |rest: usize, bytes: usize| {
        let arena = ChainAllocator::new_in(4096, Parent::default());
        assert!(arena.try_alloc_layout(layout(4096 - OVERHEAD - rest, 1)).is_ok());
        assert_eq!(arena.remaining_capacity(), rest);
        assert!(arena.try_alloc_layout(layout(bytes - OVERHEAD, 1)).is_ok());
        arena.remaining_capacity() == rest
    };
    let next_chunk = 2 * 4096;
    assert!(gets_its_own(2, next_chunk));
    assert!(!gets_its_own(2, next_chunk - 1));
    assert!(gets_its_own(1000, next_chunk / 4 + 1));
    assert!(!gets_its_own(1000, next_chunk / 4));
    assert!(gets_its_own(513, 8 * 512));
    assert!(!gets_its_own(512, 8 * 512));
}

#[test]
fn a_large_block_that_was_freed_goes_back_at_once() {
    let parent = Parent::default();
    let arena = ChainAllocator::new_in(4096, parent.clone());
    arena.alloc(1_u8);
    let before = (arena.used_bytes(), arena.reserved_bytes(), parent.accounts.blocks());
    let subject = Through(&arena);
    let mut ledger = Ledger::default();
    for _ in 0..10 {
        let index = ledger.allocate(&subject, layout(20_000, 16)).unwrap();
        let index = ledger.resize(&subject, index, layout(60_000, 16), false).unwrap();
        ledger.deallocate(&subject, index);
        assert_eq!((arena.used_bytes(), arena.reserved_bytes(), parent.accounts.blocks()), before);
        assert!(arena.peak_bytes() >= 60_000);
    }
}

#[test]
fn large_blocks_that_come_and_go_do_not_drive_up_the_chunks() {
    let parent = Parent::default();
    let arena = ChainAllocator::new_in(4096, parent.clone());
    arena.alloc(1_u8);
    let subject = Through(&arena);
    let mut ledger = Ledger::default();
    for _ in 0..30 {
        let index = ledger.allocate(&subject, layout(20_000, 16)).unwrap();
        ledger.deallocate(&subject, index);
    }
    // The chunk after the first, and the one after that.
    for _ in 0..10_000 {
        arena.alloc(1_u8);
    }
    assert!(arena.reserved_bytes() <= 128 << 10, "{arena:?}");
}

#[test]
fn a_large_block_without_bytes_is_not_freed_before_its_owner_says_so() {
    let parent = Parent::default();
    let arena = ChainAllocator::new_in(4096, parent.clone());
    arena.alloc(1_u8);
    let subject = Through(&arena);
    let mut ledger = Ledger::default();
    let first = ledger.allocate(&subject, layout(20_000, 8)).unwrap();
    let emptied = ledger.resize(&subject, first, layout(0, 8), false).unwrap();
    let emptied = ledger.resize(&subject, emptied, layout(0, 8), false).unwrap();
    // Where the heap puts it is where the first one was, if that is free by now.
    let second = ledger.allocate(&subject, layout(20_000, 8)).unwrap();
    let start = ledger.blocks[second].start.addr().get();
    ledger.deallocate(&subject, emptied);
    assert!(parent.accounts.owns(start, 20_000), "a live block was returned to the parent");
    ledger.verify();
}

#[test]
fn a_large_slice_that_cannot_be_made_goes_back() {
    let parent = Parent::default();
    let arena = ChainAllocator::new_in(4096, parent.clone());
    arena.alloc(1_u8);
    let before = (arena.used_bytes(), parent.accounts.blocks());
    for _ in 0..3 {
        let made =
            arena.alloc_slice_try_fill_with(20_000, |index| if index < 19_999 { Ok(1_u8) } else { Err(7) });
        assert_eq!(made, Err(7));
        assert_eq!((arena.used_bytes(), parent.accounts.blocks()), before);
    }
}

#[test]
fn a_reset_keeps_the_largest_block_and_gives_back_the_others() {
    let parent = Parent::default();
    let mut arena = ChainAllocator::new_in(1024, parent.clone());
    for size in [500, 500, 500, 200_000, 700, 7000] {
        arena.try_alloc_layout(layout(size, 8)).unwrap();
    }
    assert!(parent.accounts.blocks() > 3);
    let largest = parent.accounts.asked.borrow().iter().copied().max().unwrap();
    arena.reset();
    assert_eq!((parent.accounts.blocks(), parent.accounts.outstanding()), (1, largest));
    assert_eq!((arena.used_bytes(), arena.reserved_bytes()), (0, largest));
    assert_eq!(arena.remaining_capacity(), largest - OVERHEAD);
    // All of it is used again before anything is asked for.
    let calls = parent.accounts.calls.get();
    for size in [100_000, 50_000, 40_000, largest - OVERHEAD - 190_000] {
        arena.try_alloc_layout(layout(size, 1)).unwrap();
    }
    assert_eq!((parent.accounts.calls.get(), arena.remaining_capacity()), (calls, 0));
    arena.alloc(1_u8);
    assert_eq!(parent.accounts.calls.get(), calls + 1);
}

#[test]
fn what_has_capacity_needs_no_call_to_the_parent() {
    let parent = Parent::default();
    let mut arena = ChainAllocator::new_in(1024, parent.clone());
    for align in [1, 8, 64, 4096] {
        for _ in 0..2 {
            let calls = parent.accounts.calls.get();
            let largest = (0..5000).rev().find(|&size| arena.has_capacity_for(layout(size, align)));
            if let Some(size) = largest.filter(|&size| size > 0) {
                arena.try_alloc_layout(layout(size, align)).unwrap();
                assert_eq!(parent.accounts.calls.get(), calls, "{size} bytes for {align}");
            }
            arena.alloc([1_u8; 700]);
        }
        arena.reset(); // once more with the block that is kept
        let calls = parent.accounts.calls.get();
        let size = (0..50_000).rev().find(|&size| arena.has_capacity_for(layout(size, align))).unwrap();
        arena.try_alloc_layout(layout(size, align)).unwrap();
        assert_eq!(parent.accounts.calls.get(), calls, "{size} bytes for {align} after a reset");
        arena.reset();
    }
}

#[test]
fn scopes_give_back_the_blocks_that_were_taken_in_them() {
    let parent = Parent::default();
    let mut arena = ChainAllocator::new_in(1024, parent.clone());
    let kept = std::ptr::NonNull::from(arena.alloc([0xC3_u8; 600])).cast::<[u8; 600]>();
    let (used, blocks) = (arena.used_bytes(), parent.accounts.blocks());
    for _ in 0..5 {
        arena.scoped(|outer| {
            let text = outer.alloc_slice_fill_copy(5000, 7_u8);
            for size in [100, 3000, 100_000] {
                outer.scoped(|inner| {
                    inner.alloc_slice_fill_copy(size, 8_u8);
                    inner.alloc_slice_fill_copy(size, 9_u8);
                });
            }
            assert!(all_are(text, 7));
        });
        assert_eq!(arena.used_bytes(), used);
        assert!(parent.accounts.blocks() <= blocks + 1, "one block may be kept for reuse");
        assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
        // The same by a guard, and by a checkpoint.
        {
            let guard = arena.scope();
            guard.alloc_slice_fill_copy(30_000, 1_u8);
            guard.alloc_slice_fill_copy(300, 1_u8);
        }
        assert_eq!(arena.used_bytes(), used);
        let here = arena.checkpoint();
        arena.alloc_slice_fill_copy(700, 1_u8);
        arena.alloc_slice_fill_copy(30_000, 1_u8);
        // SAFETY: nothing made since is used again.
        unsafe { arena.rewind(here) };
        assert_eq!(arena.used_bytes(), used);
        assert!(parent.accounts.blocks() <= blocks + 1);
    }
    // SAFETY: the block is from before all the scopes.
    assert!(all_are(unsafe { kept.as_ref() }, 0xC3));
}

#[test]
fn repeated_scopes_reuse_the_block_that_was_kept() {
    for size in [100, 5000, 100_000] {
        let parent = Parent::default();
        let mut arena = ChainAllocator::new_in(1024, parent.clone());
        arena.alloc([0_u8; 500]);
        let turn = |arena: &mut ChainAllocator<Parent>| {
            arena.scoped(|scope| {
                for _ in 0..3 {
                    scope.alloc_slice_fill_copy(size, 1_u8);
                }
            });
        };
        (0..20).for_each(|_| turn(&mut arena));
        let calls = parent.accounts.calls.get();
        (0..10).for_each(|_| turn(&mut arena));
        let per_turn = (parent.accounts.calls.get() - calls) / 10;
        assert!(per_turn <= 2, "{per_turn} calls in each turn of 3 blocks of {size} bytes");
    }
}

#[test]
fn the_block_that_is_kept_serves_when_the_parent_has_nothing_left() {
    let parent = Parent::default();
    let mut arena = ChainAllocator::new_in(1024, parent.clone());
    arena.alloc(1_u8);
    arena.scoped(|scope| _ = scope.alloc_slice_fill_copy(100_000, 1_u8));
    assert!(arena.reserved_bytes() > 100_000);
    parent.fail_if(|_, _| true);
    for size in [100_000, 50_000, 20_000, 2000] {
        let served = arena.scoped(|scope| scope.try_alloc_slice_fill_copy(size, 2_u8).is_ok());
        assert!(served, "{size} bytes, of {arena:?}");
    }
}

/// An arena whose parent allocates in it, in the middle of each call; what it gets is filled and checked.
fn with_reentrant_parent(excess: usize, fail_every: usize, sizes: &'static [usize]) {
    let parent = Parent::with_excess(excess);
    parent.fail_if(move |call, _| fail_every > 0 && call % fail_every == fail_every - 1);
    let arena = Rc::new(ChainAllocator::new_in(1000, parent.clone()));
    let inner = Rc::new(RefCell::new(Ledger::default()));
    {
        let (arena, inner) = (Rc::downgrade(&arena), Rc::clone(&inner));
        let turn = Cell::new(0);
        parent.during_calls(move |call| {
            // While the arena is dropped there is none to allocate in.
            let Some(arena) = arena.upgrade() else { return };
            turn.set(turn.get() + 1);
            let subject = Through(&*arena);
            let mut inner = inner.borrow_mut();
            let size = sizes[turn.get() % sizes.len()];
            if let Some(index) = inner.allocate(&subject, layout(size, 8)) {
                match turn.get() % 4 {
                    0 => inner.deallocate(&subject, index),
                    1 => _ = inner.resize(&subject, index, layout(size * 3, 8), call == Call::Grow),
                    _ => (),
                }
            }
            inner.check_figures(&subject);
        });
    }
    let subject = Through(&*arena);
    let mut outer = Ledger::default();
    let mut mixed = Mixed(excess as u64);
    for _ in 0..400 {
        let request = layout(mixed.below(6000), 1 << mixed.below(7));
        match mixed.below(4) {
            0 | 1 => _ = outer.allocate_without_accounts(&subject, request),
            2 if !outer.blocks.is_empty() => {
                let last = outer.blocks.len() - 1;
                let size = outer.blocks[last].layout.size() + request.size();
                outer.grow_without_accounts(&subject, last, layout(size, 8));
            }
            _ if !outer.blocks.is_empty() => {
                let index = mixed.below(outer.blocks.len());
                outer.deallocate(&subject, index);
            }
            _ => (),
        }
        for block in &outer.blocks {
            let start = block.start.addr().get();
            assert!(block.len == 0 || parent.accounts.owns(start, block.len), "{block:?} is not the arena's");
        }
        outer.assert_apart_from(&inner.borrow());
        assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
    }
    outer.verify();
    inner.borrow().verify();
    assert!(parent.accounts.calls.get() >= 8, "the parent was hardly called");
    drop(arena);
    assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
}

#[test]
fn a_parent_may_allocate_in_the_arena_it_serves() {
    for excess in [0, 3, 100] {
        for fail_every in [0, 2, 3, 5] {
            with_reentrant_parent(excess, fail_every, &[1]);
            with_reentrant_parent(excess, fail_every, &[30, 300]);
            with_reentrant_parent(excess, fail_every, &[4, 1000, 9000, 40]);
        }
    }
}

/// A block that grows is in no list while the parent works on it, and goes back to where it was.
#[test]
fn a_rewind_frees_what_a_parent_took_while_an_older_block_grew() {
    for taken in 0..4 {
        let parent = Parent::default();
        let arena = Rc::new(ChainAllocator::new_in(1000, parent.clone()));
        arena.alloc(1_u8);
        let old = arena.allocate(layout(5000, 8)).unwrap().cast();
        let checkpoint = arena.checkpoint();
        let (within, left) = (Rc::downgrade(&arena), Cell::new(taken));
        parent.during_calls(move |call| {
            if let (Call::Grow, Some(arena)) = (call, within.upgrade()) {
                (0..left.take()).for_each(|_| assert!(arena.allocate(layout(6000, 8)).is_ok()));
            }
        });
        // SAFETY: the block is live and has that layout.
        let grown = unsafe { arena.grow(old, layout(5000, 8), layout(9000, 8)) }.unwrap();
        assert_eq!(parent.accounts.blocks(), 2 + taken);
        // SAFETY: nothing that was handed out since is in use; what grew is older.
        unsafe { arena.rewind(checkpoint) };
        assert_eq!(parent.accounts.blocks(), 2 + taken.min(1), "all but the one that is kept for reuse");
        assert!(parent.accounts.owns(grown.cast::<u8>().addr().get(), 9000));
        assert_eq!(arena.reserved_bytes(), parent.accounts.outstanding());
    }
}

#[test]
fn over_pages_the_whole_block_is_used() {
    let arena = ChainAllocator::new_in(1, VirtualAllocator {});
    arena.alloc(1_u8);
    let page = v_alloc::os::page_size().unwrap();
    assert_eq!((arena.reserved_bytes(), arena.remaining_capacity()), (page, page - OVERHEAD - 1));
}
