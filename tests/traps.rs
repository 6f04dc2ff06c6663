//! With the feature `traps`, in a build with debug assertions: who uses what was taken back dies at once, at the address
//! that was used; and nothing else is different.
//!
//! Each mistake is made in a process of its own, which says where it will be made; a handler says where the processor
//! met it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "traps", debug_assertions, target_os = "linux", not(v_alloc_heap_os)))]

mod common;
#[path = "traps/fault.rs"]
mod fault;

use common::{isolated, mappings, page, status};
use fault::faults_there;
use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use v_alloc::{Arena, ArenaPool, BufferArena, CommitPolicy, process_committed_bytes, process_reserved_bytes};

fn read(address: *mut u8) {
    // SAFETY: there is nothing to read any more, which the process does not survive: that is the test.
    let byte = unsafe { address.read_volatile() };
    println!("read {byte}");
}

fn write(address: *mut u8) {
    // SAFETY: as above.
    unsafe { address.write_volatile(1) };
}

/// An arena that nothing gives back while the process lives, with some values in it.
fn arena() -> &'static mut Arena {
    let arena = Box::leak(Box::new(Arena::new()));
    arena.alloc_str("from the start");
    arena
}

fn access(start: *mut u8) -> String {
    let mapping = mappings(start.addr(), 1);
    mapping.first().map_or("none".to_owned(), |mapping| mapping.access.clone())
}

#[test]
fn reading_after_reset() {
    faults_there("reading_after_reset", read, || {
        let arena = arena();
        let value: *mut u64 = arena.alloc(7);
        arena.reset();
        assert_eq!(access(value.cast()), "---p");
        value.cast()
    });
}

#[test]
fn writing_after_reset_when_the_arena_is_in_use_again() {
    faults_there("writing_after_reset_when_the_arena_is_in_use_again", write, || {
        let arena = arena();
        let text = arena.alloc_str("let").as_mut_ptr();
        arena.reset();
        for _ in 0..1000 {
            arena.alloc_slice_fill_copy(1000, 1_u8);
        }
        text
    });
}

#[test]
fn reading_the_last_byte_of_much_after_reset() {
    faults_there("reading_the_last_byte_of_much_after_reset", read, || {
        let arena = arena();
        let much = arena.alloc_slice_fill_copy(10 << 20, 1_u8);
        let last: *mut u8 = much.last_mut().unwrap();
        arena.reset();
        last
    });
}

#[test]
fn reading_after_a_scope() {
    faults_there("reading_after_a_scope", read, || {
        let arena = arena();
        let stale: *mut u64 = arena.scoped(|scope| std::ptr::from_mut(scope.alloc(7)));
        arena.alloc(8_u64);
        stale.cast()
    });
}

#[test]
fn reading_after_an_inner_scope() {
    faults_there("reading_after_an_inner_scope", read, || {
        arena().scoped(|scope| {
            scope.alloc(1_u8);
            let stale: *mut u8 = scope.scoped(|inner| std::ptr::from_mut(inner.alloc(2)));
            scope.alloc(3_u8);
            stale
        })
    });
}

#[test]
fn writing_after_a_guard() {
    faults_there("writing_after_a_guard", write, || {
        let guard = arena().scope();
        let stale: *mut u8 = guard.alloc(7);
        drop(guard);
        stale
    });
}

#[test]
fn reading_after_a_rewind() {
    faults_there("reading_after_a_rewind", read, || {
        let arena = arena();
        let here = arena.checkpoint();
        let stale: *mut u8 = arena.alloc(7);
        // SAFETY: this is the mistake.
        unsafe { arena.rewind(here) };
        stale
    });
}

#[test]
fn reading_what_an_arena_of_a_pool_held() {
    faults_there("reading_what_an_arena_of_a_pool_held", read, || {
        static POOL: ArenaPool = ArenaPool::new();
        let stale: *mut u8 = POOL.get().alloc(7);
        POOL.get().alloc(8_u8);
        stale
    });
}

#[test]
fn reading_what_an_arena_of_one_page_held() {
    faults_there("reading_what_an_arena_of_one_page_held", read, || {
        let arena = Box::leak(Box::new(Arena::with_reservation(1).unwrap()));
        let stale: *mut u8 = arena.alloc(7);
        arena.reset();
        arena.alloc(8_u8);
        stale
    });
}

#[test]
fn what_was_there_before_a_mark_stays() {
    let mut arena = Arena::new();
    let checkpoint = {
        let kept: &u64 = arena.alloc(7);
        let here = arena.checkpoint();
        for _ in 0..10 {
            arena.alloc_slice_fill_copy(10_000, 1_u8);
            // SAFETY: nothing since is used again.
            unsafe { arena.rewind(here) };
            assert_eq!((*kept, arena.used_bytes()), (7, 8));
        }
        here
    };
    arena.scoped(|scope| {
        let mut outer = Vec::new();
        for number in 0..100_u64 {
            outer.push((number, scope.alloc(number)));
            scope.scoped(|inner| inner.alloc_slice_fill_copy(1000, number).len());
        }
        assert!(outer.iter().all(|(number, value)| *number == **value));
    });
    // SAFETY: the arena has not been reset, and nothing since is in use.
    unsafe { arena.rewind(checkpoint) };
    assert_eq!(arena.used_bytes(), 8);
}

#[test]
fn addresses_are_fresh_after_each_reset_as_long_as_there_are_any() {
    let mut arena = Arena::new();
    let mut last = 0;
    for _ in 0..1000 {
        let next = std::ptr::from_mut(arena.alloc_slice_fill_copy(5000, 1_u8)).addr();
        assert!(next > last, "{next:#x} after {last:#x}");
        last = next;
        arena.reset();
    }
}

#[test]
fn zeroed_memory_is_zero_at_every_place() {
    for bytes in [4096, 1 << 20, 64 << 20] {
        let mut arena = Arena::with_reservation(bytes).unwrap();
        for round in 0..500_usize {
            arena.alloc_slice_fill_copy(round % 70, 0xFF_u8);
            arena.scoped(|scope| {
                let zeroed = scope.try_alloc_slice_zeroed::<u8>(round * 7 % 4000);
                assert!(zeroed.is_err() || zeroed.is_ok_and(|zeroed| zeroed.iter().all(|&byte| byte == 0)));
                let _ = scope.try_alloc_slice_fill_copy(round * 11 % 4000, 0xFF_u8);
            });
            if round % 5 == 0 {
                arena.reset();
            }
        }
    }
}

/// The same requests to an arena that has no other addresses.
#[test]
fn the_figures_are_those_of_an_arena_that_stays_where_it_is() {
    const SIZE: usize = 1 << 20;
    let mut memory = vec![MaybeUninit::<u8>::uninit(); SIZE + page()];
    let start = memory.as_ptr().align_offset(page());
    let mut fixed = BufferArena::from_buffer(&mut memory[start..start + SIZE]);
    let mut arena = Arena::with_reservation(SIZE).unwrap();
    macro_rules! both {
        ($arena:ident => $work:expr) => {{
            {
                let $arena = &mut fixed;
                $work
            }
            {
                let $arena = &mut arena;
                $work
            }
            let figures = (fixed.used_bytes(), fixed.peak_bytes(), fixed.remaining_capacity());
            assert_eq!((arena.used_bytes(), arena.peak_bytes(), arena.remaining_capacity()), figures);
            assert_eq!(arena.reserved_bytes(), fixed.reserved_bytes());
            assert!(arena.committed_bytes() >= arena.used_bytes());
        }};
    }
    let mut number = 1_usize;
    for _ in 0..3000 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = (number >> 33) % 5000;
        let layout = Layout::from_size_align(size, 1 << ((number >> 50) % 8)).unwrap();
        match (number >> 40) % 8 {
            0..3 => both!(arena => { let _ = arena.try_alloc_layout(layout); }),
            3 => both!(arena => arena.scoped(|scope| {
                let _ = scope.try_alloc_layout(layout);
                scope.scoped(|inner| drop(inner.try_alloc_str("inner")));
                let _ = scope.try_alloc_layout(layout);
            })),
            4 => both!(arena => {
                let here = arena.checkpoint();
                let block = arena.try_alloc_layout(layout);
                let again = arena.checkpoint();
                let _ = arena.try_alloc(1_u64);
                // SAFETY: nothing since is used again.
                unsafe { arena.rewind(again) };
                if let Ok(block) = block {
                    // SAFETY: the block is live, and has that size; it is the last one, and nobody uses it after.
                    unsafe {
                        let grown = arena.try_grow(block, size, size + 100);
                        assert!(grown.is_ok() || size == 0 || arena.remaining_capacity() < 100);
                        arena.rewind(here);
                    }
                }
            }),
            5 => both!(arena => { let _ = arena.scope().try_alloc_layout(layout); }),
            6 if number >> 60 == 0 => both!(arena => arena.reset()),
            _ => both!(arena => drop(arena.try_alloc(number))),
        }
    }
}

#[test]
fn the_last_block_grows_in_place_after_what_came_behind_it_is_taken_back() {
    let arena = Arena::new();
    let block = arena.alloc_layout(Layout::from_size_align(100, 1).unwrap());
    // SAFETY: the block is live, has these sizes, and nothing of the rewound is used again.
    unsafe {
        block.write_bytes(7, 100);
        let mut size = 100;
        for _ in 0..100 {
            let here = arena.checkpoint();
            arena.alloc_slice_fill_copy(20_000, 1_u8);
            arena.rewind(here);
            arena.try_grow(block, size, size + 1000).unwrap();
            block.add(size).write_bytes(7, 1000);
            size += 1000;
            assert_eq!(arena.used_bytes(), size);
        }
        assert!(NonNull::slice_from_raw_parts(block, size).as_ref().iter().all(|&byte| byte == 7));
        let _ = arena.checkpoint();
        arena.try_shrink(block, size, 10).unwrap();
        assert_eq!(arena.used_bytes(), 10);
    }
}

#[test]
fn an_arena_keeps_the_capacity_that_was_asked_for() {
    for pages in [1, 2, 100] {
        let bytes = pages * page();
        let mut arena = Arena::with_reservation(bytes).unwrap();
        assert_eq!(arena.reserved_bytes(), bytes);
        // Far more than there are addresses for.
        for round in 0..5_000 / pages {
            arena.scoped(|scope| scope.alloc_slice_fill_copy(bytes, 1_u8).len());
            assert_eq!(arena.remaining_capacity(), bytes);
            if round % 2 == 0 {
                arena.alloc_slice_fill_copy(bytes - 10, 1_u8);
                assert!(arena.try_alloc_slice_zeroed::<u8>(11).is_err());
                arena.scoped(|scope| scope.alloc_slice_zeroed::<u8>(10).len());
                arena.reset();
            }
        }
    }
}

#[test]
fn scopes_without_end_over_live_values_find_room() {
    let mut arena = Arena::with_reservation(16 * page()).unwrap();
    arena.alloc(1_u8);
    for _ in 0..1_000 {
        arena.scoped(|scope| {
            scope.alloc_slice_fill_copy(page(), 1_u8);
            scope.scoped(|inner| inner.alloc_slice_fill_copy(14 * page(), 1_u8).len())
        });
    }
    assert_eq!(arena.used_bytes(), 1);
}

#[test]
fn a_million_scopes_and_resets_keep_memory_and_mappings_few() {
    isolated("a_million_scopes_and_resets_keep_memory_and_mappings_few", || {
        let mut arena = Arena::new();
        let count = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
        let mut work = |rounds: usize| {
            for round in 0..rounds {
                arena.scoped(|scope| {
                    scope.alloc(round);
                    scope.scoped(|inner| inner.alloc_slice_fill_copy(100, 1_u8).len());
                });
                arena.alloc(round);
                if round % 100 == 99 {
                    arena.reset();
                }
            }
        };
        work(1000);
        let (mappings, memory, tables) = (count(), status("VmRSS"), status("VmPTE"));
        work(500_000); // of two scopes each
        assert!(count() < mappings + 100, "{mappings} mappings, then {}", count());
        assert!(status("VmRSS") < memory + (2 << 20), "{memory} bytes resident, then {}", status("VmRSS"));
        assert!(status("VmPTE") < tables + (1 << 20), "{tables} bytes of tables, then {}", status("VmPTE"));
    });
}

#[test]
fn much_in_each_round_keeps_memory_and_tables_small() {
    isolated("much_in_each_round_keeps_memory_and_tables_small", || {
        let mut arena = Arena::options().commit_policy(CommitPolicy::Latency).build().unwrap();
        let (memory, tables) = (status("VmRSS"), status("VmPTE"));
        for _ in 0..10_000 {
            // A page of each 64 KiB: 5 GiB of addresses in all, more than there are to spare.
            arena.alloc_layout(Layout::from_size_align(8 * 65_536, 65_536).unwrap());
            arena.alloc(1_u8);
            arena.reset();
        }
        assert!(status("VmRSS") < memory + (4 << 20), "{memory} bytes resident, then {}", status("VmRSS"));
        assert!(status("VmPTE") < tables + (1 << 20), "{tables} bytes of tables, then {}", status("VmPTE"));
    });
}

#[test]
fn the_account_of_the_process_is_exact() {
    isolated("the_account_of_the_process_is_exact", || {
        let before = (process_reserved_bytes(), process_committed_bytes());
        let mut arena = Arena::with_reservation(1 << 20).unwrap();
        let first = std::ptr::from_mut(arena.alloc(1_u8)).addr();
        for round in 0..1000_usize {
            arena.alloc_slice_fill_copy(round * 17 % 9000, 1_u8);
            let here = arena.checkpoint();
            arena.alloc_slice_fill_copy(round * 31 % 9000, 1_u8);
            arena.scoped(|scope| scope.alloc_slice_fill_copy(5000, 1_u8).len());
            // SAFETY: nothing since is used again.
            unsafe { arena.rewind(here) };
            assert_eq!(process_reserved_bytes() - before.0, 1 << 20);
            if round % 10 == 0 {
                let accessible =
                    mappings(first, 16 << 20).into_iter().filter(|mapping| mapping.access == "rw-p");
                let overlaps =
                    accessible.map(|mapping| mapping.end.min(first + (16 << 20)) - mapping.start.max(first));
                assert_eq!(process_committed_bytes() - before.1, overlaps.sum(), "round {round}");
            }
            if arena.used_bytes() > 500_000 || round % 97 == 0 {
                arena.reset();
                arena.trim(0).unwrap();
                assert_eq!(process_committed_bytes(), before.1, "round {round}");
            }
        }
        drop(arena);
        assert_eq!((process_reserved_bytes(), process_committed_bytes()), before);
    });
}

#[test]
fn ten_thousand_arenas_can_be_made_and_used() {
    isolated("ten_thousand_arenas_can_be_made_and_used", || {
        let mut arenas: Vec<Arena> = (0..10_000).map(|_| Arena::new()).collect();
        for round in 0..3 {
            for arena in &mut arenas {
                arena.alloc(round);
                arena.scoped(|scope| *scope.alloc(round));
                arena.reset();
                arena.alloc(round);
            }
        }
        let small: Vec<Arena> = (0..10_000).map(|_| Arena::with_reservation(1).unwrap()).collect();
        assert!(small.iter().all(|arena| arena.reserved_bytes() == page()));
    });
}

#[test]
fn a_process_short_of_addresses_has_no_traps_and_no_failures() {
    isolated("a_process_short_of_addresses_has_no_traps_and_no_failures", || {
        common::limit(rustix::process::Resource::As, 256 << 20);
        let mut arena = Arena::with_reservation(128 << 20).unwrap();
        for _ in 0..100 {
            arena.alloc_slice_fill_copy(100_000, 1_u8);
            arena.reset();
        }
        assert_eq!(arena.remaining_capacity(), 128 << 20);
    });
}
