//! A thread's part of a shared arena: what it hands out outlives it, belongs to nobody else, and what is left over
//! goes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "allocator-api2")]

mod common;

use allocator_api2::vec::Vec as ArenaVec;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::alloc::Layout;
use std::thread;
use v_alloc::{AllocError, LocalArena, SyncArena};

const WINDOW: usize = 64 << 10;

/// Numbers that tell where they belong.
fn numbers(count: u16) -> impl Iterator<Item = u16> {
    (0..count).map(|number| number.wrapping_mul(40_503))
}

#[test]
fn a_block_that_grows_at_the_end_of_its_window_keeps_its_contents() {
    for at_end in (1000..4000).step_by(61) {
        let arena = SyncArena::new();
        let local = arena.local();
        for _ in 0..WINDOW - at_end {
            local.alloc(0xEE_u8);
        }
        let mut grows = ArenaVec::with_capacity_in(at_end / 2 - 1, &local);
        grows.extend(numbers(6000));
        assert!(grows.iter().copied().eq(numbers(6000)), "{at_end}");
    }
}

#[test]
fn a_text_that_grows_at_the_end_of_its_window_is_whole() {
    let arena = SyncArena::new();
    let local = arena.local();
    for length in (1..3000).step_by(97) {
        let text = local.alloc_fmt(format_args!("{:>length$}{:<length$}", "left", "right"));
        assert_eq!(text.trim_matches(' '), "leftright");
        assert_eq!(text.len(), length.max(4) + length.max(5));
    }
}

#[test]
fn what_a_thread_has_made_outlives_its_arena_and_itself() {
    let arena = SyncArena::new();
    let texts = thread::scope(|scope| {
        let work = |thread: usize| {
            let local = arena.local();
            (0..1000).map(|number| &*local.alloc_fmt(format_args!("{thread}:{number}"))).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (thread, texts) in texts.iter().enumerate() {
        assert!(texts.iter().enumerate().all(|(number, text)| **text == format!("{thread}:{number}")));
    }
}

#[test]
fn what_is_left_of_a_window_goes_back_if_nothing_follows_it() {
    let arena = SyncArena::with_reservation(1 << 20).unwrap();
    drop(arena.local());
    assert_eq!((arena.used_bytes(), arena.committed_bytes()), (0, 0), "it takes nothing before it is used");
    let local = arena.local();
    let number = local.alloc(7_u64);
    assert_eq!((local.used_bytes(), arena.used_bytes()), (8, WINDOW));
    drop(local);
    assert_eq!(arena.used_bytes(), 8);
    let local = arena.local();
    local.alloc(8_u64);
    arena.alloc(9_u64);
    let used = arena.used_bytes();
    drop(local);
    assert_eq!(arena.used_bytes(), used, "another block follows, so the rest is lost");
    assert!(arena.alloc_slice_zeroed::<u8>(WINDOW).iter().all(|&byte| byte == 0));
    assert_eq!(*number, 7);
}

#[test]
fn a_large_request_gets_a_block_of_its_own_and_the_window_stays() {
    let arena = SyncArena::new();
    let local = arena.local();
    let first: *const u8 = local.alloc(1_u8);
    let large = local.alloc_slice_fill_copy(1 << 20, 2_u8);
    let second: *const u8 = local.alloc(3_u8);
    assert_eq!(second.addr(), first.addr() + 1);
    assert!(large.iter().all(|&byte| byte == 2));
    assert_eq!(arena.used_bytes(), WINDOW + (1 << 20));
    let aligned = local.alloc_layout(Layout::from_size_align(8, 1 << 16).unwrap());
    assert_eq!(aligned.addr().get() % (1 << 16), 0);
    let list: &[u8] = local.alloc_slice_fill_iter((0..100_000_u32).filter(|_| true).map(|_| 4_u8));
    assert!(list.iter().all(|&byte| byte == 4) && list.len() == 100_000);
}

#[test]
fn what_is_reserved_needs_nothing_of_the_shared_arena() {
    let arena = SyncArena::new();
    let local = arena.local();
    local.reserve(100_000).unwrap();
    let used = arena.used_bytes();
    local.reserve(100_000).unwrap();
    let bytes: Vec<&mut [u8]> = (0..100).map(|mark| local.alloc_slice_fill_copy(1000, mark)).collect();
    assert_eq!(arena.used_bytes(), used);
    assert!(bytes.iter().zip(0..).all(|(slice, mark)| slice.iter().all(|&byte| byte == mark)));
    assert_eq!(local.reserve(usize::MAX), Err(AllocError));
    assert_eq!(local.reserve(isize::MAX as usize), Err(AllocError));
    assert_eq!((arena.used_bytes(), local.used_bytes()), (used, 100_000));
}

#[test]
fn the_last_bytes_of_a_reservation_can_be_had_in_small_pieces() {
    let arena = SyncArena::with_reservation(100_000).unwrap();
    let local = arena.local();
    let mut blocks: Vec<&mut [u8; 100]> = Vec::new();
    while let Ok(block) = local.try_alloc([0x5A; 100]) {
        blocks.push(block);
    }
    assert!(blocks.iter().all(|block| **block == [0x5A; 100]));
    let lost = arena.reserved_bytes() - 100 * blocks.len();
    assert!(lost < 400, "{lost} bytes of {arena:?} are not used");
    let used = local.used_bytes();
    assert_eq!(local.try_alloc([0; 500]), Err(AllocError));
    assert_eq!(local.used_bytes(), used);
}

#[test]
fn every_typed_method_works_on_a_local_arena() {
    let arena = SyncArena::new();
    every_typed_method!(arena.local());
    every_typed_method!(arena.local());
}

#[test]
fn containers_of_the_ecosystem_live_in_a_local_arena() {
    let arena = SyncArena::new();
    let lists = thread::scope(|scope| {
        let work = |thread: usize| {
            let local = arena.local();
            let mut map = HashMap::with_hasher_in(DefaultHashBuilder::default(), &local);
            for number in 0..1000 {
                map.insert(number, number * thread);
            }
            map.retain(|number, _| number % 2 == 0);
            assert_eq!(map.len(), 500);
            assert!(map.iter().all(|(number, product)| *product == number * thread));
            drop(map);
            // A container that owns the handle goes to another thread with it.
            let mut list = ArenaVec::new_in(local);
            list.extend(0..1000);
            list
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<ArenaVec<_, LocalArena<'_>>>>()
    });
    for mut list in lists {
        list.extend(1000..9000);
        assert!(list.iter().copied().eq(0..9000));
        list.shrink_to_fit();
    }
}

#[test]
fn zeroed_memory_is_zero_in_a_window_that_was_used_before() {
    let mut arena = SyncArena::new();
    for _ in 0..3 {
        let local = arena.local();
        assert!(local.alloc_slice_zeroed::<u64>(1000).iter().all(|&number| number == 0));
        local.alloc_slice_fill_copy(5000, u64::MAX);
        local.alloc_slice_fill_copy(1000, u64::MAX);
        assert!(local.alloc_slice_zeroed::<u64>(500).iter().all(|&number| number == 0));
        drop(local);
        arena.reset();
    }
}

/// More than a window is a block of the shared arena, and has what its blocks have.
#[test]
fn a_large_block_grows_in_place_and_goes_back() {
    let arena = SyncArena::new();
    let local = arena.local();
    local.alloc(1_u64); // a window, which stays
    let before = (arena.used_bytes(), local.used_bytes());
    for _ in 0..20 {
        let mut vec = allocator_api2::vec::Vec::with_capacity_in(10_000, &local);
        vec.push(0_u64);
        let address = vec.as_ptr();
        vec.extend(1..100_000);
        assert_eq!(vec.as_ptr(), address, "it grew in place");
        vec.truncate(30_000);
        vec.shrink_to_fit();
        assert_eq!((vec.as_ptr(), arena.used_bytes() - before.0), (address, 240_000));
        assert_eq!(local.used_bytes() - before.1, 240_000);
        assert!(vec.iter().copied().eq(0..30_000));
        drop(vec);
        assert_eq!((arena.used_bytes(), local.used_bytes()), before);
    }
    // What others have behind it stays theirs.
    let mut vec = allocator_api2::vec::Vec::with_capacity_in(10_000, &local);
    vec.extend(0..10_000_u64);
    let theirs = arena.alloc([7_u64; 100]);
    vec.extend(10_000..50_000);
    assert!(vec.iter().copied().eq(0..50_000) && *theirs == [7; 100]);
    drop(vec);
    assert_eq!(*theirs, [7; 100]);
    assert_eq!(*local.alloc(2_u64), 2);
}
