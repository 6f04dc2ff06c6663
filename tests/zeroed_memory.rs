//! Zeroed memory is zero: on fresh pages, where nobody has to clear it, and wherever memory is used again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "allocator-api2")]

mod common;

use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{Allocator, Arena, Reserved, VirtualAllocator, Zeroable};

/// Sizes around pages, first steps and huge pages.
const SIZES: [usize; 9] = [1, 100, 4095, 4096, 4097, 70_000, 1 << 20, (1 << 20) + 1, 5 << 20];

fn is_zero(bytes: &[u8]) -> bool {
    // By `memcmp`, which is quick without optimisation too.
    bytes.first().is_none_or(|&first| first == 0 && bytes[1..] == bytes[..bytes.len() - 1])
}

fn dirty(arena: &Arena, bytes: usize) {
    let layout = Layout::from_size_align(bytes, 1).unwrap();
    // SAFETY: the block is new and of this size.
    unsafe { arena.alloc_layout(layout).write_bytes(0xFF, bytes) };
}

/// Zeroed slices that follow each other, each made dirty after it was found zero.
fn check_zeroed(arena: &Arena) {
    for size in SIZES {
        let slice = arena.alloc_slice_zeroed::<u8>(size);
        assert!(is_zero(slice), "{size} bytes in {arena:?}");
        slice.fill(0xFF);
        arena.alloc(0xFF_u8);
    }
}

#[test]
fn fresh_memory_is_zero() {
    check_zeroed(&Arena::new());
    check_zeroed(&Arena::options().huge_pages(false).build().unwrap());
    check_zeroed(&Arena::options().commit_policy(v_alloc::CommitPolicy::Latency).build().unwrap());
}

#[test]
fn memory_is_zero_again_after_a_reset() {
    for used_before in SIZES {
        let mut arena = Arena::new();
        dirty(&arena, used_before);
        arena.reset();
        check_zeroed(&arena);
        arena.reset();
        check_zeroed(&arena);
    }
}

#[test]
fn memory_is_zero_again_after_a_trim() {
    for (used_before, keep) in SIZES.into_iter().flat_map(|size| [(size, 0), (size, size / 2), (size, 5000)])
    {
        let mut arena = Arena::new();
        dirty(&arena, used_before);
        arena.reset();
        arena.trim(keep).unwrap();
        check_zeroed(&arena);
        arena.reset();
        dirty(&arena, 10_000);
        arena.trim(keep).unwrap();
        check_zeroed(&arena);
    }
}

/// A trim that keeps more than is in use keeps dirty pages, too.
#[test]
fn memory_that_a_trim_keeps_is_still_known_to_be_dirty() {
    let mut arena = Arena::new();
    dirty(&arena, 100_000);
    arena.reset();
    arena.trim(50_000).unwrap();
    assert!(is_zero(arena.alloc_slice_zeroed(100_000)));
}

#[test]
fn memory_is_zero_again_after_scopes_and_checkpoints() {
    let mut arena = Arena::new();
    arena.alloc(0xFF_u8);
    for size in SIZES {
        arena.scoped(|scope| {
            assert!(is_zero(scope.alloc_slice_zeroed(size)));
            scope.scoped(|inner| inner.alloc_slice_fill_copy(size, 0xFF_u8).len());
            let slice = scope.alloc_slice_zeroed(size);
            assert!(is_zero(slice), "{size} bytes after an inner scope");
            slice.fill(0xFF);
        });
        dirty(&arena.scope(), 2 * size);
        let checkpoint = arena.checkpoint();
        let slice = arena.alloc_slice_zeroed(2 * size);
        assert!(is_zero(slice), "{size} bytes after a guard");
        slice.fill(0xFF);
        // SAFETY: the slice is not used again.
        unsafe { arena.rewind(checkpoint) };
        assert!(is_zero(arena.alloc_slice_zeroed(3 * size)), "{size} bytes after a checkpoint");
    }
}

/// Given back by a shrink, a failed closure or a free, not by anything with the name of a rewind.
#[test]
fn memory_that_single_blocks_gave_back_is_zero_again() {
    let arena = Arena::new();
    let layout = Layout::new::<[u8; 1000]>();
    let block = arena.alloc_layout(layout);
    // SAFETY: the block is alive and of 1000 bytes, of which 600 are given back.
    unsafe {
        block.write_bytes(0xFF, 1000);
        arena.try_shrink(block, 1000, 400).unwrap();
    }
    assert!(is_zero(arena.alloc_slice_zeroed(1000)), "after a shrink");

    let used = arena.used_bytes();
    let result =
        arena.alloc_slice_try_fill_with(1000, |index| if index < 900 { Ok(0xFF_u8) } else { Err(()) });
    assert_eq!((result, arena.used_bytes()), (Err(()), used));
    assert!(is_zero(arena.alloc_slice_zeroed(2000)), "after a slice that was not finished");

    let block = arena.alloc_layout(layout);
    // SAFETY: the block is alive and of 1000 bytes; then it is freed.
    unsafe {
        block.write_bytes(0xFF, 1000);
        arena.deallocate(block, layout);
    }
    assert!(is_zero(arena.alloc_slice_zeroed(2000)), "after a free");

    let items = (0..1000).map(|_| 0xFF_u8).filter(|_| true);
    let collected = arena.alloc_slice_fill_iter(items); // grows to more than it keeps
    assert_eq!(collected.len(), 1000);
    assert!(is_zero(arena.alloc_slice_zeroed(5000)), "after a slice of unknown length");
}

fn check_grow_zeroed<const M: usize>(arena: &Arena<Reserved, M>) {
    let layout = |size| Layout::from_size_align(size, 1).unwrap();
    for (old, new, in_between) in SIZES.into_iter().flat_map(|size| {
        [
            (size, size, false),
            (size, size + 1, false),
            (size, 3 * size, false),
            (size, 2 * size, true),
            (0, size, true),
        ]
    }) {
        let block = arena.alloc_layout(layout(old));
        // SAFETY: the block is alive and grows from its size.
        let grown = unsafe {
            block.write_bytes(0xAA, old);
            if in_between {
                arena.alloc(0xFF_u8);
            }
            arena.grow_zeroed(block, layout(old), layout(new)).unwrap()
        };
        // SAFETY: all of the block is initialised.
        let bytes = unsafe { grown.as_ref() };
        assert!(bytes[..old].iter().all(|&byte| byte == 0xAA), "{old} bytes grown to {new}");
        assert!(is_zero(&bytes[old..new]), "{old} bytes grown to {new}");
        // SAFETY: the block is ours.
        unsafe { grown.cast::<u8>().write_bytes(0xFF, new) };
    }
}

#[test]
fn growing_a_block_zeroed_clears_all_that_is_new() {
    fn check<const M: usize>() {
        let mut arena = Arena::<Reserved, M>::with_min_align();
        check_grow_zeroed(&arena);
        arena.reset();
        check_grow_zeroed(&arena);
        arena.reset();
        arena.trim(0).unwrap();
        check_grow_zeroed(&arena);
    }
    check::<1>();
    check::<8>();
    check::<16>();
}

/// The bytes that round a size up to the minimum alignment belong to the block, and a shrunk block has old ones.
#[test]
fn what_a_shrink_left_in_the_rounding_is_cleared_when_the_block_grows_again() {
    let arena = Arena::<Reserved, 16>::with_min_align();
    let layout = |size| Layout::from_size_align(size, 1).unwrap();
    let block = arena.alloc_layout(layout(16));
    // SAFETY: the block is alive and has the sizes that are named.
    let bytes = unsafe {
        block.write_bytes(0xAA, 16);
        arena.try_shrink(block, 16, 3).unwrap();
        arena.grow_zeroed(block, layout(3), layout(40)).unwrap().as_ref()
    };
    assert_eq!(bytes[..3], [0xAA; 3]);
    assert!(is_zero(&bytes[3..40]), "{bytes:?}");
}

#[test]
fn whole_pages_from_the_system_are_zero_and_stay_so_when_they_grow() {
    let pages = VirtualAllocator::default();
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    for (old, new) in [(1, 2), (100, 4096), (100, 5000), (4096, 4097), (5000, 100_000), (0, 100)] {
        let block = pages.allocate_zeroed(layout(old)).unwrap();
        // SAFETY: the block is new, all of it may be used, and it is freed once.
        unsafe {
            assert!(is_zero(block.as_ref()), "{old} bytes");
            block.cast::<u8>().write_bytes(0xAA, block.len());
            let grown = pages.grow_zeroed(block.cast(), layout(old), layout(new)).unwrap();
            assert!(grown.as_ref()[..old].iter().all(|&byte| byte == 0xAA), "{old} bytes grown to {new}");
            assert!(is_zero(&grown.as_ref()[old..new]), "{old} bytes grown to {new}");
            pages.deallocate(grown.cast(), layout(new));
        }
    }
}

#[test]
fn values_of_all_kinds_are_zero() {
    #[derive(Debug, PartialEq)]
    struct Row {
        key: u32,
        next: Option<&'static Row>,
        end: Option<NonNull<u8>>,
    }
    // SAFETY: zero is a number, and optional pointers are `None` when zero.
    unsafe impl Zeroable for Row {}

    let mut arena = Arena::new();
    dirty(&arena, 100_000);
    arena.reset();
    assert!(
        arena.alloc_slice_zeroed::<Row>(500).iter().all(|row| *row == Row { key: 0, next: None, end: None })
    );
    assert!(
        arena.alloc_slice_zeroed::<[f64; 3]>(500).as_flattened().iter().all(|float| float.to_bits() == 0)
    );
    assert!(arena.alloc_slice_zeroed::<bool>(500).iter().all(|flag| !flag));
    assert!(arena.alloc_slice_zeroed::<char>(500).iter().all(|letter| *letter == '\0'));
    assert_eq!(arena.alloc_slice_zeroed::<u64>(0), &[]);
    assert_eq!(arena.alloc_slice_zeroed::<()>(7).len(), 7);
    assert!(arena.try_alloc_slice_zeroed::<u64>(usize::MAX / 4).is_err());
}

/// Clearing fresh pages would make them resident.
#[cfg(target_os = "linux")]
#[test]
fn fresh_pages_are_not_cleared_once_more() {
    const BYTES: usize = 64 << 20;
    let mut arena = Arena::options().huge_pages(false).build().unwrap();
    let resident = |slice: &mut [u64]| common::resident_bytes(slice.as_mut_ptr().expose_provenance(), BYTES);
    let slice = arena.alloc_slice_zeroed::<u64>(BYTES / 8);
    assert!(resident(slice) <= 16 * common::page(), "{} bytes", resident(slice));
    slice[BYTES / 16] = 1;
    assert!(resident(slice) <= 17 * common::page(), "{} bytes", resident(slice));

    // Only what was ever in use is dirty, also in the middle of a slice.
    arena.reset();
    arena.trim(0).unwrap();
    dirty(&arena, 1 << 20);
    arena.reset();
    let slice = arena.alloc_slice_zeroed::<u64>(BYTES / 8);
    assert!(resident(slice) <= (1 << 20) + 16 * common::page(), "{} bytes", resident(slice));
    assert_eq!((slice[0], slice[(1 << 17) - 1], slice[1 << 17]), (0, 0, 0));
}
