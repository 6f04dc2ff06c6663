//! The defects of the C library `v_alloc`, by number, are impossible here. Each test does what went wrong there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{AllocError, Arena, Operation, Pages, Reservation, realloc};

fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 1).unwrap()
}

fn pages(count: usize) -> Pages {
    Pages::round_up(count * common::page()).unwrap()
}

/// A block that was filled with a byte of its own.
struct Filled(NonNull<u8>, usize, u8);

impl Filled {
    fn new(arena: &Arena, size: usize, fill: u8) -> Self {
        let start = arena.try_alloc_layout(bytes(size)).unwrap();
        // SAFETY: the block is new and of this size.
        unsafe { start.write_bytes(fill, size) };
        Self(start, size, fill)
    }

    /// It holds what was written, so no other block lies in it.
    fn check(&self) {
        // SAFETY: the tests keep their arenas, and check no block that was taken back.
        let block = unsafe { NonNull::slice_from_raw_parts(self.0, self.1).as_ref() };
        assert!(block.iter().all(|&byte| byte == self.2), "the block filled with {} was overwritten", self.2);
    }
}

/// All sizes of `Layout` that come near to wrapping: rounded up, or added to an address.
fn huge_layouts() -> impl Iterator<Item = Layout> {
    const MAX: usize = isize::MAX as usize;
    [1, 2, 8, 16, 4096, 1 << 21, 1 << 30]
        .into_iter()
        .flat_map(|align| {
            let most = MAX - (align - 1);
            [0, 1, 15, 16, 47, 100, 255, 4095, 4096, 65_535, 1 << 20, 1 << (usize::BITS - 18)]
                .map(|less| (most.saturating_sub(less), align))
        })
        .chain([
            (1, 1 << (usize::BITS - 2)),
            (MAX / 2, 1 << (usize::BITS - 2)),
            (MAX / 2 + 1, 1),
            (MAX / 4, 1),
        ])
        .map(|(size, align)| Layout::from_size_align(size, align).unwrap())
}

/// After `first` bytes, no huge size gets a block, and the arena goes on as if nothing had been asked.
fn huge_sizes_fail_after(first: usize) {
    for reservation in [None, Some(1 << 20)] {
        let arena = reservation.map_or_else(Arena::new, |bytes| Arena::with_reservation(bytes).unwrap());
        let before = Filled::new(&arena, first, 1);
        let used = arena.used_bytes();
        for layout in huge_layouts() {
            assert_eq!(arena.try_alloc_layout(layout), Err(AllocError), "{layout:?}");
            assert_eq!(arena.used_bytes(), used, "the cursor moved for {layout:?}");
            assert!(!arena.has_capacity_for(layout), "{layout:?}");
            if layout.size() > isize::MAX as usize / 8 {
                // SAFETY: the block is alive, and not larger than that.
                let grown = unsafe { arena.try_grow(before.0, first, layout.size()) };
                assert_eq!(grown, Err(AllocError), "growing to {layout:?}");
            }
        }
        for size in [
            usize::MAX,
            usize::MAX - 15,
            usize::MAX - 100,
            usize::MAX / 2,
            usize::MAX - (1 << (usize::BITS - 18)),
        ] {
            assert!(arena.try_alloc_slice_fill_with(size, |_| 0_u8).is_err(), "{size}");
            assert!(arena.try_alloc_slice_zeroed::<u64>(size / 8).is_err(), "{size}");
            // SAFETY: the block is alive, and not larger than that.
            assert_eq!(unsafe { arena.try_grow(before.0, first, size) }, Err(AllocError), "{size}");
        }
        let after = Filled::new(&arena, first, 2);
        assert_eq!(after.0.addr().get(), before.0.addr().get() + first, "the next block follows the last");
        before.check();
        after.check();
    }
}

/// There: a pointer, and a fault at the first use.
#[cfg(target_os = "linux")]
#[test]
fn defect_01_commit_that_fails_behind_a_pointer() {
    common::isolated("defect_01_commit_that_fails_behind_a_pointer", || {
        common::limit(rustix::process::Resource::Data, (common::status("VmData") + (1 << 20)) as u64);
        let arena = Arena::new();
        assert_eq!(arena.try_alloc_layout(bytes(64 << 20)), Err(AllocError));
        let error = arena.last_error().unwrap();
        assert_eq!((error.operation(), error.os_code()), (Operation::Commit, Some(12)));
        Filled::new(&arena, 1000, 1).check();
    });
}

/// There: rounding `SIZE_MAX` up to 16 bytes gave 0, and the next block got the same address.
#[test]
fn defect_02_size_that_wraps_when_rounded_up() {
    huge_sizes_fail_after(16);
}

/// There: rounding up to pages wrapped, the cursor moved back, and blocks overlapped.
#[test]
fn defect_03_size_that_wraps_when_rounded_to_pages() {
    huge_sizes_fail_after(256);
    assert_eq!(Pages::round_up(usize::MAX - 100), None);
}

/// There: the sum of the address and the size wrapped.
#[test]
fn defect_04_size_that_wraps_when_added_to_an_address() {
    huge_sizes_fail_after(1);
    huge_sizes_fail_after(100_000);
}

/// There: after a reset the commit went on from where it was, past the reservation, and the neighbour's pages became
/// writable.
#[test]
fn defect_05_commit_past_the_reservation_after_a_reset() {
    let page = common::page();
    // New mappings are put next to each other, so that some of these adjoin the arena.
    let neighbours = || (0..8).map(|_| Reservation::new(pages(3)).unwrap());
    let mut all: Vec<Reservation> = neighbours().collect();
    let mut arena = Arena::with_reservation(3 * page).unwrap();
    all.extend(neighbours());

    Filled::new(&arena, 2 * page, 1).check();
    arena.reset();
    let block = Filled::new(&arena, 2 * page + 1, 2);
    assert!(arena.committed_bytes() <= arena.reserved_bytes());
    assert!(arena.try_alloc_layout(bytes(page)).is_err(), "only a page less a byte is left");
    Filled::new(&arena, page - 1, 3).check();
    block.check();

    #[cfg(target_os = "linux")]
    for neighbour in &all {
        let base = neighbour.base().addr().get();
        assert!(
            common::mappings(base, 3 * page).iter().all(|mapping| mapping.access.starts_with("---")),
            "the neighbour at {base:#x} is accessible"
        );
    }
}

/// There: a block that fits was refused.
#[test]
fn defect_06_block_that_fits_and_is_refused() {
    let page = common::page();
    let arena = Arena::with_reservation(2 * page).unwrap();
    let first = Filled::new(&arena, 16, 1);
    let second = Filled::new(&arena, 2 * page - 192, 2);
    let rest = Filled::new(&arena, 176, 3);
    assert_eq!(arena.remaining_capacity(), 0);
    [first, second, rest].iter().for_each(Filled::check);
}

/// There: memory that was committed before a reset was committed once more, behind it.
#[test]
fn defect_07_commit_of_twice_the_size_after_a_reset() {
    const SIZE: usize = 100 << 20;
    let mut arena = Arena::with_reservation(256 << 20).unwrap();
    let first = arena.try_alloc_layout(bytes(SIZE)).unwrap();
    let committed = arena.committed_bytes();
    arena.reset();
    assert_eq!(arena.try_alloc_layout(bytes(SIZE + 1)).unwrap(), first);
    assert!(arena.committed_bytes() <= committed.max(SIZE + 1) + (2 << 20), "{arena:?}");
}

/// There: a reservation that is no multiple of the page was of no use.
#[test]
fn defect_08_reservation_below_a_page() {
    for size in [0, 1, 100, common::page() - 1, common::page() + 1] {
        let arena = Arena::with_reservation(size).unwrap();
        assert_eq!(arena.reserved_bytes(), size.max(1).next_multiple_of(common::page()));
        Filled::new(&arena, 16, 1).check();
    }
}

/// There: giving back one byte took the whole page, with what lives in it.
#[test]
fn defect_09_decommit_of_a_live_page() {
    let arena = Arena::new();
    let block = Filled::new(&arena, 16, 1);
    arena.trim(0).unwrap();
    block.check();
    arena.trim(1).unwrap();
    block.check();
    Filled::new(&arena, 3 << 20, 2).check();
    block.check();

    let range = Reservation::new(pages(4)).unwrap();
    range.commit_to(pages(2)).unwrap();
    // SAFETY: two pages are committed, and the range is ours alone; only the first byte is in use.
    unsafe {
        range.base().write(7);
        range.decommit_from(Pages::round_up(1).unwrap()).unwrap();
        assert_eq!((range.base().read(), range.committed()), (7, pages(1)));
    }
}

/// There: it reported success for giving back what was never there.
#[test]
fn defect_10_decommit_of_nothing() {
    let arena = Arena::new();
    assert_eq!((arena.trim(0), arena.trim(usize::MAX)), (Ok(0), Ok(0)), "nothing was given back");
    let block = Filled::new(&arena, 100, 1);
    let committed = arena.committed_bytes();
    assert_eq!((arena.trim(usize::MAX), arena.committed_bytes()), (Ok(0), committed));
    block.check();

    let range = Reservation::new(pages(4)).unwrap();
    // SAFETY: nothing in the range is in use.
    unsafe {
        range.decommit_from(Pages::ZERO).unwrap();
        range.decommit_from(Pages::round_down(usize::MAX)).unwrap();
    }
    assert_eq!((range.committed(), range.size()), (Pages::ZERO, pages(4)));
}

/// There: a freed value still handed out memory. Here `drop` takes the value; a new one starts afresh.
#[test]
fn defect_11_allocation_after_a_free() {
    let arena = Arena::with_reservation(1 << 20).unwrap();
    Filled::new(&arena, 1000, 1).check();
    drop(arena);
    let arena = Arena::with_reservation(1 << 20).unwrap();
    Filled::new(&arena, 1000, 2).check();
}

/// There: the second free unmapped whatever had come to live there. Here each range is released exactly once.
#[cfg(target_os = "linux")]
#[test]
fn defect_12_double_free() {
    common::isolated("defect_12_double_free", || {
        let arena = Arena::with_reservation(1 << 20).unwrap();
        arena.alloc(1);
        drop(arena);
        assert_eq!(v_alloc::process_reserved_bytes(), 0);
        let next: Vec<Arena> = (0..100).map(|_| Arena::with_reservation(1 << 20).unwrap()).collect();
        let blocks: Vec<Filled> = next.iter().map(|arena| Filled::new(arena, 1 << 20, 7)).collect();
        drop((0..100).map(|_| Arena::with_reservation(1 << 20)).collect::<Vec<_>>());
        blocks.iter().for_each(Filled::check);
        assert_eq!(v_alloc::process_reserved_bytes(), 100 << 20);
    });
}

/// There: resizing to nothing freed the base, and the next resize returned it. (The rest is for stable blocks.)
#[test]
fn defect_13_resize_to_nothing_and_up_again() {
    let arena = Arena::new();
    let block = Filled::new(&arena, 1000, 1);
    // SAFETY: the block is alive, of the sizes named; nothing of it is used but what it has.
    unsafe {
        arena.try_shrink(block.0, 1000, 0).unwrap();
        arena.try_grow(block.0, 0, 100).unwrap();
        block.0.write_bytes(2, 100);
    }
    let after = Filled::new(&arena, 100, 3);
    Filled(block.0, 100, 2).check();
    after.check();
}

/// There: it returned the base as if that had worked.
#[test]
fn defect_14_resize_to_more_than_there_is() {
    let arena = Arena::with_reservation(1 << 20).unwrap();
    let block = Filled::new(&arena, 100, 1);
    for size in [usize::MAX, isize::MAX as usize, (1 << 20) + 1] {
        // SAFETY: the block is alive and of 100 bytes.
        assert_eq!(unsafe { arena.try_grow(block.0, 100, size) }, Err(AllocError), "{size}");
        assert_eq!(arena.used_bytes(), 100);
    }
    // SAFETY: as above.
    unsafe { arena.try_grow(block.0, 100, 1 << 20).unwrap() };
    block.check();
}

/// There: a block was handed out inside one that had been resized.
#[test]
fn defect_15_block_inside_a_resized_one() {
    let arena = Arena::new();
    let first = Filled::new(&arena, 16, 1);
    // SAFETY: the block is alive and of 16 bytes.
    unsafe {
        arena.try_grow(first.0, 16, 4000).unwrap();
        first.0.write_bytes(1, 4000);
    }
    let first = Filled(first.0, 4000, 1);
    let second = Filled::new(&arena, 16, 2);
    // SAFETY: the block is alive and of 4000 bytes.
    assert_eq!(unsafe { arena.try_grow(first.0, 4000, 5000) }, Err(AllocError), "another block follows");
    first.check();
    second.check();
}

/// There: reserving again lost the range that was there. Here a range lives and dies with its value.
#[cfg(unix)]
#[test]
fn defect_18_reservation_over_a_live_one() {
    common::isolated("defect_18_reservation_over_a_live_one", || {
        let mut arena = Arena::with_reservation(1 << 20).unwrap();
        Filled::new(&arena, 1000, 1).check();
        for _ in 0..1000 {
            arena = Arena::with_reservation(2 << 20).unwrap();
            arena.prepare(1).unwrap();
            assert_eq!(v_alloc::process_reserved_bytes(), 2 << 20);
        }
        drop(arena);
        assert_eq!((v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes()), (0, 0));
    });
}

/// There: the addresses of an earlier reservation were used after one that failed.
#[cfg(unix)]
#[test]
fn defect_19_use_after_a_reservation_that_failed() {
    common::isolated("defect_19_use_after_a_reservation_that_failed", || {
        assert!(Arena::with_reservation(usize::MAX).is_err(), "no value, so nothing to use");
        common::limit(rustix::process::Resource::As, 0);
        let arena = Arena::new();
        for _ in 0..2 {
            assert_eq!(arena.try_alloc(1_u64), Err(AllocError));
            assert_eq!(arena.last_error().unwrap().operation(), Operation::Reserve);
            assert_eq!((arena.reserved_bytes(), arena.committed_bytes(), arena.used_bytes()), (0, 0, 0));
        }
        arena.try_alloc(()).expect("nothing is needed for that");
    });
}

/// There: a default reservation that is too large for the process was the only one that was tried.
#[cfg(unix)]
#[test]
fn defect_20_no_smaller_reservation_under_a_limit() {
    common::isolated("defect_20_no_smaller_reservation_under_a_limit", || {
        common::limit(rustix::process::Resource::As, 900 << 20);
        let arena = Arena::new();
        Filled::new(&arena, 1 << 20, 1).check();
        assert!((4 << 20..=900 << 17).contains(&arena.reserved_bytes()), "{arena:?}");
    });
}

/// There: nothing was given back.
#[test]
fn defect_22_shrink_that_gives_nothing_back() {
    let arena = Arena::new();
    let block = Filled::new(&arena, 64 << 20, 1);
    // SAFETY: the block is alive and of this size.
    unsafe { arena.try_shrink(block.0, 64 << 20, 4096) }.unwrap();
    assert!(arena.trim(0).unwrap() >= (64 << 20) - common::page());
    assert_eq!(arena.committed_bytes(), common::page().max(4096));
    Filled(block.0, 4096, 1).check();
}

/// There: the memory was gone, but still counted against the limit on what a process may commit.
#[cfg(target_os = "linux")]
#[test]
fn defect_24_decommit_that_keeps_the_commit_charge() {
    common::isolated("defect_24_decommit_that_keeps_the_commit_charge", || {
        let size = Pages::round_up(64 << 20).unwrap();
        let range = Reservation::new(size).unwrap();
        let charged = |address: usize| {
            let mappings = common::mappings(address, 1);
            assert_eq!(mappings.len(), 1);
            mappings[0].flags.iter().any(|flag| flag == "ac")
        };
        let last = range.base().addr().get() + size.bytes() - 1;
        let before = common::status("VmData");
        for _ in 0..3 {
            assert!(!charged(last), "what is only reserved is not charged");
            range.commit_to(size).unwrap();
            assert!(charged(last));
            assert!(common::status("VmData") >= before + size.bytes());
            // Memory that was never touched is not charged for long in any case.
            // SAFETY: all is committed and ours alone, and not used after the decommit.
            unsafe {
                range.base().write_bytes(1, size.bytes());
                range.decommit_from(Pages::ZERO).unwrap();
            }
            assert!(common::status("VmData") < before + (1 << 20), "RLIMIT_DATA counts this");
        }
        assert!(!charged(last));
    });
}

/// There: a size that wraps returned the block as if it had grown, or failed and freed it.
#[test]
fn defect_16_realloc_that_wraps_or_frees_on_failure() {
    // SAFETY: the block is alive until it is freed at the end, and used within its size.
    unsafe {
        let data = realloc(None, 100).unwrap();
        data.unwrap().write_bytes(0x5A, 100);
        for size in [usize::MAX, usize::MAX - 47, usize::MAX - 63, usize::MAX - 64, usize::MAX / 2] {
            let error = realloc(data, size).unwrap_err();
            assert!(matches!(error.operation(), Operation::Resize | Operation::Commit), "{error}");
        }
        assert_eq!(realloc(data, 200).unwrap(), data);
        let block = NonNull::slice_from_raw_parts(data.unwrap(), 100).as_ref();
        assert!(block.iter().all(|&byte| byte == 0x5A));
        assert_eq!(realloc(data, 0), Ok(None));
    }
}

/// There: the reservation of a first `realloc` that fails was lost.
#[test]
#[cfg(target_os = "linux")]
fn defect_17_first_realloc_that_leaks_its_reservation() {
    common::isolated("defect_17_first_realloc_that_leaks_its_reservation", || {
        common::limit(rustix::process::Resource::Data, 64 << 20);
        let failing = || {
            // SAFETY: a new block, which is not made.
            let error = unsafe { realloc(None, 200 << 20) }.unwrap_err();
            assert_eq!((error.operation(), error.os_code()), (Operation::Commit, Some(12)), "{error}");
        };
        failing();
        let reserved = v_alloc::process_reserved_bytes();
        for _ in 0..1000 {
            failing();
        }
        assert_eq!(v_alloc::process_reserved_bytes(), reserved, "the addresses are used again");
        assert!(v_alloc::process_committed_bytes() < 1 << 20);
    });
}

// Elsewhere: 21 (mappings for small blocks) in `stable_blocks`; 13 and 22 of blocks in `src/stable/tests.rs`; 23
// (arguments on Windows) in the tests of `os` there; 25 (C++), and all of them in C, in `capi/tests`.
