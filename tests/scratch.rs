//! Temporary arenas of a thread: any number at once, dropped in any order and anywhere, warm the next time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "std")]

mod common;

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use v_alloc::{Scratch, scratch};

const fn send<T: Send>() {}
const _: () = send::<Scratch>();

/// Idle arenas that a thread keeps, at most, and the bytes that each may keep.
const KEPT: usize = 8;
const RETAIN: usize = 3 << 20;

/// Runs in a thread that has no arenas yet, and waits until all that the thread had is destroyed.
fn in_a_new_thread(work: impl FnOnce() + Send) {
    thread::scope(|threads| threads.spawn(work).join().unwrap());
}

/// Where an empty arena puts its first byte.
fn first_address(arena: &Scratch) -> usize {
    assert_eq!(arena.used_bytes(), 0, "an arena is lent empty");
    std::ptr::from_mut(arena.alloc(0_u8)).addr()
}

#[test]
fn the_next_arena_is_the_one_that_came_back_last_and_warm() {
    in_a_new_thread(|| {
        let first = scratch();
        let (address, committed) = (first_address(&first), first.committed_bytes());
        drop(first);
        for _ in 0..100 {
            let again = scratch();
            assert_eq!((again.committed_bytes(), first_address(&again)), (committed, address));
        }
    });
}

#[test]
fn any_number_may_be_alive_and_dropped_in_any_order() {
    // A third stays alive. The eighth of 32 bits of addresses that default reservations may take holds some 400.
    const ROUNDS: usize = if cfg!(target_pointer_width = "32") { 900 } else { 2000 };
    in_a_new_thread(|| {
        let mut arenas: Vec<(Scratch, usize)> = Vec::new();
        for round in 0..ROUNDS {
            let arena = scratch();
            arena.alloc_slice_fill_copy(10, round as u64);
            arenas.push((arena, round));
            if round % 3 > 0 {
                let (arena, mark) = arenas.swap_remove(round * 7 % arenas.len());
                // A second owner would have moved the cursor, and written elsewhere from the start on.
                assert_eq!(arena.used_bytes(), 80, "of round {mark}");
            }
        }
        let mut addresses: Vec<_> = arenas
            .drain(..)
            .map(|(mut arena, _)| {
                arena.reset();
                (first_address(&arena), arena)
            })
            .collect();
        let all = addresses.len();
        addresses.sort_by_key(|&(address, _)| address);
        addresses.dedup_by_key(|&mut (address, _)| address);
        assert_eq!(addresses.len(), all);
    });
}

#[test]
fn an_inner_arena_leaves_what_is_in_the_outer_one() {
    fn depth(left: u32) -> u32 {
        let arena = scratch();
        let mine = arena.alloc(left);
        if left > 0 {
            assert_eq!(depth(left - 1), left - 1);
            assert_eq!(depth(left / 2), left / 2);
        }
        *mine
    }
    in_a_new_thread(|| assert_eq!(depth(12), 12));
}

#[test]
fn a_thread_keeps_eight_arenas_of_3_mib() {
    common::isolated("a_thread_keeps_eight_arenas_of_3_mib", || {
        let figures = || (v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes());
        let before = figures();
        in_a_new_thread(move || {
            let fill = |arena: &Scratch| {
                arena.alloc_slice_fill_copy(RETAIN + 1, 1_u8)[0] = 2;
                arena.reserved_bytes()
            };
            let kept = |reserved: &[usize]| {
                (before.0 + reserved.iter().sum::<usize>(), before.1 + reserved.len() * RETAIN)
            };
            let of_one = fill(&scratch());
            assert_eq!(figures(), kept(&[of_one]), "just as much as it may keep");
            let arenas = [(); KEPT + 3].map(|()| scratch());
            // Where addresses are few, the later ones reserve less. They come back in this order.
            let reserved = arenas.each_ref().map(fill);
            drop(arenas);
            assert_eq!(figures(), kept(&reserved[..KEPT]));
        });
        assert_eq!(figures(), before, "a thread that ends releases them");
    });
}

#[test]
fn an_arena_stays_with_the_thread_that_drops_it() {
    in_a_new_thread(|| {
        let arena = scratch();
        let address = first_address(&arena);
        let value = arena.alloc_str("made here");
        assert_eq!(value, "made here");
        thread::scope(|threads| {
            threads.spawn(move || {
                arena.alloc_str("and there");
                drop(arena);
                assert_eq!(first_address(&scratch()), address);
            });
        });
    });
}

#[test]
fn a_leaked_guard_takes_its_arena_along() {
    in_a_new_thread(|| {
        let leaked = scratch();
        let address = first_address(&leaked);
        std::mem::forget(leaked);
        assert!([scratch(), scratch()].iter().all(|arena| first_address(arena) != address));
    });
}

/// Has an arena until its thread ends, and uses others then.
struct UntilTheEnd(Scratch);

impl Drop for UntilTheEnd {
    fn drop(&mut self) {
        assert_eq!(self.0.used_bytes(), 5);
        let [first, second] = [scratch(), scratch()];
        first.alloc_slice_fill_copy(100_000, 1_u8);
        assert_eq!(second.alloc_str("at exit"), "at exit");
        drop(first);
        assert_eq!(scratch().used_bytes(), 0);
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
}

static ENDED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static EARLY: RefCell<Option<UntilTheEnd>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<UntilTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_may_use_it_before_and_after_its_own_list_is_destroyed() {
    common::isolated("a_thread_may_use_it_before_and_after_its_own_list_is_destroyed", || {
        let figures = || (v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes());
        let before = figures();
        // In a new thread, the first use of a thread-local decides when it is destroyed: one of the two is when the
        // list of arenas is still there, the other when it is gone.
        in_a_new_thread(|| {
            EARLY.with(|_| ());
            drop(scratch());
            for place in [&EARLY, &LATE] {
                let arena = scratch();
                arena.alloc_str("early");
                place.set(Some(UntilTheEnd(arena)));
            }
        });
        assert_eq!(ENDED.load(Ordering::Relaxed), 2);
        assert_eq!(figures(), before);
    });
}
