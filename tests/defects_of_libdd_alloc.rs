//! The defects of `libdd-alloc` are impossible here, in the types that took its names and in the arena that
//! stands in for them.
//!
//! That an arena over somebody else's memory is `Send` only when that memory may be is for the compiler: see
//! `compile_fail`. That a handler may interrupt an allocation in the same arena is the promise of an arena for
//! several threads, and tested with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]

use allocator_api2::vec::Vec as ArenaVec;
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;
use v_alloc::{AllocError, Allocator, Arena, ChainAllocator, LinearAllocator, Reserved, VirtualAllocator};

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// Whole pages, counted.
#[derive(Default)]
struct Counting {
    live: Cell<usize>,
    live_bytes: Cell<usize>,
    calls: Cell<usize>,
}

// SAFETY: all blocks come from and go back to another allocator, with the same layouts.
unsafe impl Allocator for &Counting {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = VirtualAllocator::default().allocate(layout)?;
        self.live.set(self.live.get() + 1);
        self.live_bytes.set(self.live_bytes.get() + block.len());
        self.calls.set(self.calls.get() + 1);
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        self.live.set(self.live.get() - 1);
        self.live_bytes.set(self.live_bytes.get() - layout.size().next_multiple_of(4096));
        // SAFETY: forwarded from the caller.
        unsafe { VirtualAllocator::default().deallocate(block, layout) };
    }
}

/// `check` with each kind of allocator.
fn with_each(check: impl Fn(&str, &dyn Allocator)) {
    check("Arena", &Arena::new());
    check("Arena<_, 16>", &Arena::<Reserved, 16>::with_min_align());
    check("VirtualAllocator", &VirtualAllocator::default());
    check("ChainAllocator", &ChainAllocator::new_in(65_536, VirtualAllocator::default()));
    let linear = LinearAllocator::new_in(layout(32 << 20, 4096), VirtualAllocator::default()).unwrap();
    check("LinearAllocator", &linear);
    let mut arena = Arena::new();
    arena.scoped(|scope| check("Scope", scope));
}

/// There: an error.
#[test]
fn no_bytes_are_an_aligned_block() {
    with_each(|name, allocator| {
        for align in (0..=21_u32).chain([usize::BITS - 24, usize::BITS - 2]).map(|shift| 1 << shift) {
            let empty = layout(0, align);
            let block = allocator.allocate(empty).expect(name);
            assert_eq!(block.addr().get() % align, 0, "{name}");
            allocator.allocate_zeroed(empty).expect(name);
            // SAFETY: the block is alive, with this layout, until it is freed.
            unsafe {
                let same = allocator.grow(block.cast(), empty, empty).expect(name);
                let grown = allocator.grow_zeroed(same.cast(), empty, layout(100, 1)).expect(name);
                assert!(grown.as_ref()[..100].iter().all(|&byte| byte == 0), "{name}");
                let shrunk = allocator.shrink(grown.cast(), layout(100, 1), empty).expect(name);
                assert_eq!(shrunk.addr().get() % align, 0, "{name}");
                allocator.deallocate(shrunk.cast(), empty);
            }
        }
    });
}

/// There: an error.
#[test]
fn alignments_above_the_page_are_honoured() {
    with_each(|name, allocator| {
        for align in (12..=21).map(|shift| 1 << shift) {
            for size in [1, 100, 5000] {
                let block = allocator.allocate(layout(size, align)).expect(name);
                assert_eq!(block.addr().get() % align, 0, "{name}: {size} bytes aligned to {align}");
                // SAFETY: the block has this size at least.
                unsafe { block.cast::<u8>().write_bytes(7, size) };
            }
        }
    });
    let arena = Arena::new();
    let align = if cfg!(target_pointer_width = "64") { 1 << 30 } else { 1 << 24 };
    let block = arena.alloc_layout(layout(1, align));
    assert_eq!(block.addr().get() % align, 0);
}

/// There: each block was as large as its alignment at least.
#[test]
fn sizes_are_not_padded_to_the_alignment() {
    let arena = Arena::new();
    arena.alloc_layout(layout(1, 1));
    let used = arena.used_bytes();
    let block = arena.alloc_layout(layout(3, 64));
    let next = arena.alloc_layout(layout(1, 1));
    assert_eq!(next.addr().get(), block.addr().get() + 3);
    assert!(arena.used_bytes() <= used + 63 + 3 + 1);
}

/// There: each time the vector grew it was copied, and it took 8.5 MB in all.
#[test]
fn a_vector_that_is_pushed_to_takes_no_more_than_its_own_size() {
    fn push<A: Allocator>(vector: &mut ArenaVec<u64, A>) {
        let start = vector.as_ptr();
        (0..(4 << 20) / 8).for_each(|value| vector.push(value));
        assert_eq!(vector.as_ptr(), start, "it grew in place");
    }
    const MOST: usize = (4 << 20) + (100 << 10);

    let arena = Arena::new();
    arena.alloc(1_u8);
    let mut vector = ArenaVec::with_capacity_in(1, &arena);
    push(&mut vector);
    assert!(arena.used_bytes() <= MOST && arena.peak_bytes() <= MOST, "{arena:?}");

    let linear = LinearAllocator::new_in(layout(5 << 20, 8), VirtualAllocator::default()).unwrap();
    let mut vector = ArenaVec::with_capacity_in(1, &linear);
    push(&mut vector);
    assert!(linear.peak_bytes() <= MOST, "{linear:?}");

    let mut arena = Arena::new();
    arena.scoped(|scope| push(&mut ArenaVec::with_capacity_in(1, &*scope)));
    assert!(arena.peak_bytes() <= MOST, "{arena:?}");
}

#[test]
fn the_last_block_shrinks_in_place_and_gives_back() {
    let arena = Arena::new();
    let mut vector: ArenaVec<u64, &Arena> = ArenaVec::with_capacity_in(100_000, &arena);
    vector.extend(0..1000);
    let start = vector.as_ptr();
    vector.shrink_to_fit();
    assert_eq!((vector.as_ptr(), arena.used_bytes()), (start, 8000));
    drop(vector);
    assert_eq!(arena.used_bytes(), 0);
}

/// There: a walk along the chain, for every question.
#[test]
fn the_figures_are_exact_at_any_time() {
    let arena = Arena::with_reservation(16 << 20).unwrap();
    let mut expected = 0_usize;
    for (size, align) in (1..2000).map(|round: usize| (round * 37 % 5000, 1 << (round % 8))) {
        let block = arena.alloc_layout(layout(size, align));
        if size > 0 {
            expected = expected.next_multiple_of(align) + size;
            assert_eq!(block.addr().get() % align, 0);
            assert_eq!((arena.used_bytes(), arena.peak_bytes()), (expected, expected));
        }
        expected = arena.used_bytes();
        assert_eq!(arena.remaining_capacity(), (16 << 20) - expected);
        assert!((expected..=16 << 20).contains(&arena.committed_bytes()));
    }
    assert_eq!(arena.reserved_bytes(), 16 << 20);

    let pages = Counting::default();
    let chain = ChainAllocator::new_in(4096, &pages);
    for round in 0..3000 {
        chain.alloc_slice_fill_copy(round, 7_u8);
        assert_eq!(chain.reserved_bytes(), pages.live_bytes.get(), "after {round} blocks");
        assert!(chain.used_bytes() <= chain.reserved_bytes() && chain.peak_bytes() >= chain.used_bytes());
    }
    drop(chain);
    assert_eq!((pages.live.get(), pages.live_bytes.get()), (0, 0));
}

/// There: a large request began a new chunk, and the rest of the current one was lost.
#[test]
fn a_large_request_does_not_strand_the_current_chunk() {
    let pages = Counting::default();
    let chain = ChainAllocator::new_in(65_536, &pages);
    let first = std::ptr::from_mut(chain.alloc(1_u64));
    let room = chain.remaining_capacity();
    let large = chain.alloc_layout(layout(1 << 20, 8));
    // SAFETY: the block is new and of this size.
    unsafe { large.write_bytes(0xFF, 1 << 20) };
    assert_eq!(chain.remaining_capacity(), room);
    let second = std::ptr::from_mut(chain.alloc(2_u64));
    assert_eq!(second.addr(), first.addr() + 8, "right behind the block before the large one");
    assert_eq!(pages.live.get(), 2);
}

/// There: 800 MB of a 64 KiB hint were 13,300 mappings.
#[test]
fn chunks_grow() {
    let pages = Counting::default();
    let chain = ChainAllocator::new_in(65_536, &pages);
    while chain.used_bytes() < 800 << 20 {
        chain.alloc_layout(layout(1000, 8));
    }
    assert!(pages.calls.get() < 100, "{} chunks", pages.calls.get());
    assert!(chain.reserved_bytes() < chain.used_bytes() / 8 * 9, "{chain:?}");
}

/// There: none of these.
#[test]
fn memory_can_be_taken_back_without_dropping_the_allocator() {
    let pages = Counting::default();
    let mut chain = ChainAllocator::new_in(4096, &pages);
    let kept = chain.alloc([7_u8; 100]).as_ptr();
    let used = chain.used_bytes();
    for _ in 0..10 {
        chain.scoped(|scope| {
            scope.alloc_slice_fill_copy(100_000, 1_u8);
            scope.scoped(|inner| inner.alloc_slice_fill_copy(300_000, 2_u8).len());
        });
        assert_eq!(chain.used_bytes(), used);
        let checkpoint = chain.checkpoint();
        (0..1000).for_each(|_| {
            chain.alloc([3_u8; 100]);
        });
        // SAFETY: what was allocated since is not used again.
        unsafe { chain.rewind(checkpoint) };
        assert_eq!(chain.used_bytes(), used);
    }
    // SAFETY: the block was allocated before all that was taken back.
    assert_eq!(unsafe { kept.cast::<[u8; 100]>().read() }, [7; 100]);
    chain.reset();
    assert!(pages.live.get() <= 1, "{} blocks are kept for reuse", pages.live.get());
}
