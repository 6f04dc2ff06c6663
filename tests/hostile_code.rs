//! The caller's code may do its worst: a parent that panics, or calls back into the arena that it serves; a formatter
//! that hides a failure. No memory is handed out twice, and the figures stay exact.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use v_alloc::{AllocError, Allocator, Arena, BufferArena, ChainAllocator, Global, LinearAllocator};

/// A parent that returns a block and then panics, at the `calls`th deallocation or growth from now.
#[derive(Clone, Default)]
struct Panicking {
    calls: Rc<Cell<Option<usize>>>,
}

impl Panicking {
    fn count(&self) {
        let left = self.calls.get();
        self.calls.set(left.and_then(|calls| calls.checked_sub(1)));
        assert_ne!(left, Some(0), "the parent gives up");
    }
}

// SAFETY: all blocks are `Global`'s.
unsafe impl Allocator for Panicking {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) };
        self.count();
    }

    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.count();
        // SAFETY: forwarded from the caller.
        unsafe { Global.grow(block, old, new) }
    }
}

/// Allocates, and checks that no two blocks overlap and each can be written.
fn use_arena(arena: &ChainAllocator<Panicking>) {
    let blocks: Vec<&mut [u8; 24]> = (0..400_u32).map(|n| arena.alloc([n.to_le_bytes()[0]; 24])).collect();
    let mut starts: Vec<usize> = blocks.iter().map(|block| block.as_ptr().addr()).collect();
    starts.sort_unstable();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 24), "two blocks overlap");
    assert!(blocks.iter().zip(0..400_u32).all(|(block, n)| block[23] == n.to_le_bytes()[0]));
}

#[test]
fn a_parent_that_panics_when_blocks_return_leaves_a_sound_arena() {
    for calls in 0..8 {
        let parent = Panicking::default();
        let mut arena = ChainAllocator::new_in(128, parent.clone());
        for _ in 0..200 {
            arena.alloc([0_u8; 24]);
        }
        parent.calls.set(Some(calls));
        let _ = catch_unwind(AssertUnwindSafe(|| arena.reset()));
        parent.calls.set(None);
        assert_eq!(arena.used_bytes(), 0, "call {calls}");
        use_arena(&arena);
    }
}

#[test]
fn a_parent_that_panics_at_the_end_of_a_scope_leaves_a_sound_arena() {
    for calls in 0..8 {
        let parent = Panicking::default();
        let mut arena = ChainAllocator::new_in(256, parent.clone());
        arena.alloc(1_u8);
        let used = arena.used_bytes();
        parent.calls.set(Some(calls));
        let _ = catch_unwind(AssertUnwindSafe(|| {
            arena.scoped(|scope| {
                for _ in 0..20 {
                    scope.alloc([0_u8; 60]);
                }
                scope.alloc([0_u8; 10_000]);
            });
        }));
        parent.calls.set(None);
        assert_eq!(arena.used_bytes(), used, "call {calls}");
        use_arena(&arena);
    }
}

#[test]
fn a_parent_that_panics_while_a_block_grows_is_off_the_account() {
    let parent = Panicking::default();
    let mut arena = ChainAllocator::new_in(256, parent.clone());
    arena.alloc(1_u8);
    let (old, new) = (Layout::new::<[u8; 10_000]>(), Layout::new::<[u8; 100_000]>());
    let block = arena.allocate(old).unwrap();
    parent.calls.set(Some(0));
    // SAFETY: the block is live and has the old layout.
    let grown = catch_unwind(AssertUnwindSafe(|| unsafe { arena.grow(block.cast(), old, new) }));
    assert!(grown.is_err());
    parent.calls.set(None);
    arena.reset();
    assert_eq!(arena.used_bytes(), 0);
    use_arena(&arena);
}

/// A parent that allocates in the arena it serves whenever a block returns.
#[derive(Default)]
struct CallingBack {
    arena: Rc<Cell<Option<&'static ChainAllocator<CallingBack>>>>,
}

// SAFETY: all blocks are `Global`'s.
unsafe impl Allocator for CallingBack {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) };
        if let Some(arena) = self.arena.get() {
            assert!(arena.used_bytes() <= arena.reserved_bytes());
            assert_eq!(arena.alloc_str("a block has returned"), "a block has returned");
        }
    }
}

#[test]
fn a_parent_may_call_back_while_an_arena_is_rewound() {
    let back = Rc::new(Cell::new(None));
    let arena: &'static ChainAllocator<CallingBack> =
        Box::leak(Box::new(ChainAllocator::new_in(256, CallingBack { arena: Rc::clone(&back) })));
    let kept = arena.alloc([7_u8; 20]);
    let checkpoint = arena.checkpoint();
    for _ in 0..20 {
        arena.alloc([0_u8; 60]);
    }
    arena.alloc([0_u8; 10_000]);
    back.set(Some(arena));
    // SAFETY: nothing that was allocated since is used again.
    unsafe { arena.rewind(checkpoint) };
    back.set(None);
    let after = arena.alloc([9_u8; 20]);
    assert_eq!((*kept, *after), ([7; 20], [9; 20]));
}

/// A parent that calls back once, before it returns a block.
#[derive(Default)]
struct Asking {
    back: Rc<Cell<Option<CallBack>>>,
}

type CallBack = Box<dyn Fn()>;

// SAFETY: all blocks are `Global`'s.
unsafe impl Allocator for Asking {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if let Some(call) = self.back.take() {
            call();
        }
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) };
    }
}

/// Only a handle that lives as long as its arena, because both are leaked, is in reach of a parent.
#[test]
fn what_a_parent_takes_through_a_bulk_handle_in_the_middle_of_a_call_is_handed_out_once() {
    let large: [fn(&v_alloc::Bulk<'_, '_, _>); 3] = [
        |bulk| _ = bulk.alloc([1_u8; 10_000]),
        |bulk| _ = bulk.alloc_slice_zeroed::<u8>(10_000),
        |bulk| _ = bulk.alloc_slice_fill_iter((0..10_000).filter(|number| number % 2 == 0)),
    ];
    for ask_for in large {
        let (back, taken) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
        let parent = Asking { back: Rc::clone(&back) };
        let arena: &'static mut ChainAllocator<Asking> =
            Box::leak(Box::new(ChainAllocator::new_in(1000, parent)));
        arena.alloc(0_u64);
        let bulk: &'static _ = Box::leak(Box::new(arena.bulk()));
        let theirs = Rc::clone(&taken);
        back.set(Some(Box::new(move || theirs.set(Some(bulk.alloc(0xAAAA_u64)))) as CallBack));
        ask_for(bulk);
        let theirs: &mut u64 = taken.take().expect("the parent was asked");
        let mine: Vec<&mut u64> = (0..100).map(|number| bulk.alloc(number)).collect();
        assert_eq!(*theirs, 0xAAAA);
        assert!(mine.iter().zip(0..).all(|(place, number)| **place == number));
    }
}

/// An own block is the latest when it grows, whatever the new one becomes.
#[test]
fn a_large_block_that_must_move_within_the_arena_leaves_nothing_behind() {
    let arena = ChainAllocator::new_in(4096, Global);
    arena.alloc(1_u8);
    let layout = |size| Layout::from_size_align(size, 64).unwrap();
    let mut block = arena.allocate(layout(10_000)).unwrap();
    for shift in 0..7 {
        let (old, new) = (layout(10_000 << shift), layout(10_000 << (shift + 1)));
        // SAFETY: the block is live and has the old layout.
        block = unsafe { arena.grow(block.cast(), old, new) }.unwrap();
    }
    assert!(arena.used_bytes() < block.len() + 4096, "{arena:?}");
}

/// An iterator that promises everything and yields little.
struct Promising(std::ops::Range<u64>);

impl Iterator for Promising {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// Yields a range, and says each time what it was told to say.
struct Saying(std::ops::Range<u64>, [usize; 3]);

impl Iterator for Saying {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.1.rotate_left(1);
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1[0], None)
    }
}

#[test]
fn whatever_an_iterator_says_of_its_length_its_values_are_there() {
    for says in [[0, 0, 0], [1, 0, 3], [0, 5, 0], [usize::MAX, 0, 1], [100, 50, 70_000], [3, usize::MAX, 2]] {
        for len in [0, 1, 2, 5, 8000, 8192, 8193, 50_000] {
            let arena = Arena::new();
            let slice = arena.alloc_slice_fill_iter(Saying(0..len, says));
            assert!(slice.iter().copied().eq(0..len), "{len} {says:?}");
            let units = arena.alloc_slice_fill_iter(Saying(0..len, says).map(|_| ()));
            assert_eq!(units.len() as u64, len, "{says:?}");
        }
    }
}

/// An empty slice owns nothing, so its address may be that of a block which came later.
#[test]
fn an_empty_slice_that_grows_takes_nobody_elses_block() {
    let arena = ChainAllocator::new_in(256, Global);
    arena.alloc(1_u8);
    let empty = NonNull::from(arena.alloc_slice_fill_iter(Promising(0..0))).cast::<u8>();
    let live = arena.alloc_slice_fill_iter(Promising(7..8));
    let (old, new) = (Layout::new::<[u64; 0]>(), Layout::new::<u64>());
    // SAFETY: the block is live, with no bytes.
    let grown = unsafe { arena.grow(empty, old, new) }.unwrap();
    // SAFETY: the block is new, and has eight bytes.
    unsafe { grown.cast::<u64>().write(9) };
    assert_eq!(live, [7], "two owners of {grown:p}");
}

struct HidesFailure;

impl fmt::Display for HidesFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = formatter.write_str(&"x".repeat(100_000));
        let _ = formatter.write_str("tail");
        Ok(())
    }
}

#[test]
fn a_formatter_that_hides_a_failure_gets_no_text_with_a_hole() {
    let arena = Arena::with_reservation(4096).unwrap();
    assert_eq!(arena.try_alloc_fmt(format_args!("head{HidesFailure}")), Err(AllocError));
    assert_eq!(arena.try_alloc_fmt(format_args!("{}", 42)).unwrap(), "42");
}

#[test]
fn capacity_counts_the_minimum_alignment() {
    let layout = Layout::from_size_align(24, 1).unwrap();
    let arena = LinearAllocator::<_, 16>::with_min_align_in(layout, Global).unwrap();
    arena.alloc(1_u8);
    let more = Layout::new::<u64>();
    assert_eq!(arena.has_capacity_for(more), arena.try_alloc_layout(more).is_ok());
}

#[test]
fn capacity_is_right_after_the_first_allocation_failed() {
    let arena = Arena::options().reservation(1 << 20).build_lazily();
    let whole = Layout::from_size_align(1 << 20, 4096).unwrap();
    assert!(arena.has_capacity_for(whole));
    assert!(arena.try_alloc_layout(Layout::from_size_align(2 << 20, 1).unwrap()).is_err());
    assert!(arena.has_capacity_for(whole));
    assert!(arena.try_alloc_layout(whole).is_ok());
}

/// Addresses only: nothing there is ever accessed.
#[test]
fn memory_at_the_end_of_the_address_space_is_not_used() {
    let start = std::ptr::without_provenance_mut::<u8>(usize::MAX - 0x2FFF);
    // SAFETY: the arena hands nothing of it out, which is what this test is about.
    let arena = unsafe { BufferArena::from_raw_parts(start, 0x1000) };
    assert_eq!(arena.remaining_capacity(), 0);
    assert_eq!(arena.try_alloc_layout(Layout::new::<u8>()), Err(AllocError));
    assert!(arena.try_alloc_with(|| -> [u8; 0x4000] { panic!("16 KiB of a buffer of 4 KiB") }).is_err());
}

/// Nobody knows yet how well the range will be aligned.
#[test]
fn what_an_arena_says_to_have_room_for_before_it_has_a_range_it_has() {
    for huge_pages in [true, false] {
        for bits in 0..27 {
            let align = 1 << bits;
            for size in [1, 64 << 20, (64 << 20) - 4096, (63 << 20) + 1, (62 << 20) - 1] {
                let layout = Layout::from_size_align(size, align).unwrap();
                let arena = Arena::options().reservation(64 << 20).huge_pages(huge_pages).build_lazily();
                let promised = arena.has_capacity_for(layout);
                let kept = arena.try_alloc_layout(layout).is_ok();
                assert!(kept || !promised, "{layout:?}, huge pages: {huge_pages}");
                assert!(promised || align > 4096 || size > 64 << 20, "{layout:?}");
            }
        }
    }
}
