//! The contracts of the module, on whatever platform the tests run. They go to the platform's functions directly:
//! the counter of `faults` is a thread-local, and looking at one sets the last error on Windows.

use super::{Advice, OsError, Pages, Placement, allocation_granularity, page_bytes, platform};
use core::ops::Range;
use core::ptr::NonNull;
use core::slice;
use std::vec;
use std::vec::Vec;

/// What memory costs, when it is refused, and that what is not committed faults.
#[cfg(not(any(miri, v_alloc_heap_os)))]
mod costs;

/// What the tests ask the system besides what the library does.
#[cfg_attr(unix, path = "tests/system_unix.rs")]
#[cfg_attr(windows, path = "tests/system_windows.rs")]
#[cfg_attr(any(miri, v_alloc_heap_os), allow(dead_code, reason = "the heap has no such things"))]
mod system;

const HEAP: bool = cfg!(any(miri, v_alloc_heap_os));

const MIB: usize = 1 << 20;

/// A reserved range, and which of its pages are committed.
struct Reserved {
    start: NonNull<u8>,
    committed: Vec<bool>,
}

impl Reserved {
    fn new(pages: usize, placement: Placement) -> Self {
        let start = platform::reserve(pages_of(pages), placement).unwrap();
        Self { start, committed: vec![false; pages] }
    }

    /// The address of a page, which may be the one after the last.
    fn page(&self, index: usize) -> NonNull<u8> {
        assert!(index <= self.committed.len());
        // SAFETY: in or just behind the range.
        unsafe { self.start.add(index * page_bytes()) }
    }

    fn is_committed(&self, pages: &Range<usize>) -> bool {
        self.committed[pages.clone()].iter().all(|&committed| committed)
    }

    fn commit(&mut self, pages: Range<usize>) {
        // SAFETY: the pages are ours.
        unsafe { platform::commit(self.page(pages.start), pages_of(pages.len())) }.unwrap();
        self.committed[pages].fill(true);
    }

    fn decommit(&mut self, pages: Range<usize>) {
        // SAFETY: the pages are ours, and the borrows that `bytes` hands out have ended.
        unsafe { platform::decommit(self.page(pages.start), pages_of(pages.len())) }.unwrap();
        self.committed[pages].fill(false);
    }

    fn discard(&mut self, pages: Range<usize>) {
        assert!(self.is_committed(&pages));
        // SAFETY: the pages are committed, and the borrows that `bytes` hands out have ended.
        unsafe { platform::discard(self.page(pages.start), pages_of(pages.len())) }.unwrap();
    }

    fn populate(&mut self, pages: Range<usize>) {
        assert!(self.is_committed(&pages));
        // SAFETY: the pages are committed, and this thread has the only handle to them.
        unsafe { platform::populate(self.page(pages.start), pages_of(pages.len())) };
    }

    fn advise(&mut self, pages: Range<usize>, advice: Advice) {
        assert!(self.is_committed(&pages));
        // SAFETY: the pages are committed, and the borrows that `bytes` hands out have ended.
        unsafe { platform::advise(self.page(pages.start), pages_of(pages.len()), advice) };
    }

    fn bytes(&mut self, pages: Range<usize>) -> &mut [u8] {
        assert!(self.is_committed(&pages));
        // SAFETY: committed, hence initialised, and borrowed as `self` is.
        unsafe { slice::from_raw_parts_mut(self.page(pages.start).as_ptr(), pages.len() * page_bytes()) }
    }

    fn release(self) {
        // SAFETY: the range is whole, and its only handle ends here.
        unsafe { platform::release(self.start, pages_of(self.committed.len())) }.unwrap();
    }

    /// Asserts that exactly the committed pages can be accessed. Blocks of the heap always can.
    fn assert_access(&self) {
        if HEAP {
            return;
        }
        for (index, &committed) in self.committed.iter().enumerate() {
            for byte in [0, page_bytes() - 1] {
                let address = self.page(index).as_ptr().wrapping_add(byte);
                assert_eq!(system::is_accessible(address), committed, "byte {byte} of page {index}");
            }
        }
    }
}

fn pages_of(count: usize) -> Pages {
    Pages::round_up(count * page_bytes()).unwrap()
}

fn all_are(bytes: &[u8], value: u8) -> bool {
    bytes.iter().all(|&byte| byte == value)
}

#[test]
fn sizes_are_powers_of_two() {
    assert!(page_bytes().is_power_of_two() && page_bytes() >= 4096);
    assert!(allocation_granularity().is_power_of_two() && allocation_granularity() >= page_bytes());
}

#[test]
fn reserve_keeps_the_placement() {
    let page = page_bytes();
    let at = |align, offset| Placement { align, offset };
    let placements = [
        Placement::ANYWHERE,
        at(page, 0),
        at(4 * page, page),
        at(64 << 10, 0),
        at(64 << 10, page),
        at(2 * MIB, 0),
        at(2 * MIB, page),
        at(2 * MIB, MIB),
        at(2 * MIB, 3 * MIB),
        at(16 * MIB, 16 * MIB - page),
    ];
    for placement in placements {
        // Several at once, so that one cannot be right by accident.
        let mut ranges: Vec<_> = (1..=4).map(|pages| Reserved::new(pages, placement)).collect();
        for range in &mut ranges {
            assert_eq!(range.start.addr().get() % page, 0, "{placement:?}");
            assert_eq!((range.start.addr().get() + placement.offset) % placement.align, 0, "{placement:?}");
            range.assert_access();
            let all = 0..range.committed.len();
            range.commit(all.clone());
            range.bytes(all).fill(1);
            range.assert_access();
        }
        for range in &mut ranges {
            assert!(all_are(range.bytes(0..range.committed.len()), 1), "ranges overlap");
        }
        ranges.into_iter().for_each(Reserved::release);
    }
}

#[test]
fn ranges_lie_where_the_arithmetic_is_told_that_they_do() {
    if !platform::ADDRESSES_ARE_LOW {
        return; // it supposes nothing
    }
    for placement in [Placement::ANYWHERE, Placement { align: 2 * MIB, offset: MIB }] {
        let range = Reserved::new(4, placement);
        let end = range.page(4).addr().get();
        assert!(end <= crate::bump::LOW_ADDRESSES_END, "{end:#x}: sums of addresses could wrap");
        range.release();
    }
}

#[test]
fn commit_gives_zeroes_and_keeps_contents() {
    let mut range = Reserved::new(4, Placement::ANYWHERE);
    range.commit(1..3);
    range.assert_access();
    assert!(all_are(range.bytes(1..3), 0));
    range.bytes(1..3).fill(7);
    range.commit(0..4);
    range.assert_access();
    assert!(all_are(range.bytes(0..1), 0));
    assert!(all_are(range.bytes(1..3), 7), "already committed");
    assert!(all_are(range.bytes(3..4), 0));
    range.release();
}

#[test]
fn decommit_forgets_exactly_its_pages() {
    let mut range = Reserved::new(4, Placement::ANYWHERE);
    range.commit(0..4);
    range.bytes(0..4).fill(7);
    range.decommit(1..3);
    range.assert_access();
    assert!(all_are(range.bytes(0..1), 7));
    assert!(all_are(range.bytes(3..4), 7));
    range.commit(1..3);
    range.assert_access();
    assert!(all_are(range.bytes(1..3), 0));
    range.bytes(1..3).fill(8);
    range.decommit(0..4);
    range.assert_access();
    range.decommit(0..4);
    range.commit(0..4);
    assert!(all_are(range.bytes(0..4), 0));
    range.release();
}

#[test]
fn discard_gives_zeroes_and_stays_accessible() {
    let mut range = Reserved::new(4, Placement::ANYWHERE);
    range.commit(0..3);
    range.bytes(0..3).fill(7);
    range.discard(1..3);
    range.assert_access();
    assert!(all_are(range.bytes(0..1), 7));
    assert!(all_are(range.bytes(1..3), 0));
    range.bytes(1..3).fill(8);
    assert!(all_are(range.bytes(1..3), 8));
    range.release();
}

#[test]
fn populate_and_advise_change_no_contents() {
    let advices = [
        Advice::HugePages,
        Advice::SmallPages,
        Advice::ExcludeFromCoreDumps,
        Advice::Name(Some(c"v_alloc test")),
    ];
    let mut range = Reserved::new(4, Placement::ANYWHERE);
    range.commit(0..3);
    range.bytes(0..1).fill(7);
    range.populate(0..3);
    for advice in advices {
        range.advise(0..3, advice);
        range.populate(0..3);
        range.assert_access();
        assert!(all_are(range.bytes(0..1), 7), "{advice:?}");
        assert!(all_are(range.bytes(1..3), 0), "{advice:?}");
        // Advice does not outlive the memory: what is committed anew is as good as ever.
        range.discard(1..2);
        range.decommit(2..3);
        range.commit(2..3);
        assert!(all_are(range.bytes(1..3), 0), "{advice:?}");
    }
    range.release();
}

#[cfg(unix)]
#[cfg(not(any(miri, v_alloc_heap_os)))]
#[test]
fn huge_pages_are_found_that_lie_in_a_range_as_a_whole() {
    let ends = |start, size| platform::ends_of_huge_pages(start, size, 2 * MIB).collect::<Vec<_>>();
    assert_eq!(ends(4 * MIB, 2 * MIB), [2 * MIB]);
    assert_eq!(ends(5 * MIB, 3 * MIB), [3 * MIB]);
    assert_eq!(ends(4 * MIB + 4096, 6 * MIB), [4 * MIB - 4096, 6 * MIB - 4096]);
    for (start, size) in [(4 * MIB, 2 * MIB - 4096), (5 * MIB, 3 * MIB - 4096), (4 * MIB - 4096, 4096)] {
        assert!(ends(start, size).is_empty(), "{start} {size}");
    }
}

#[test]
fn release_gives_the_whole_range_back() {
    if HEAP {
        return; // Miri reports leaks itself
    }
    for placement in [Placement::ANYWHERE, Placement { align: 2 * MIB, offset: MIB }] {
        // Another thread may reserve the same addresses right after; it will not do so each time.
        let gone = (0..1000).any(|_| {
            let mut range = Reserved::new(8, placement);
            let (base, end) = system::mapping(range.page(0).as_ptr(), range.page(8).as_ptr());
            range.commit(2..5);
            range.bytes(2..5).fill(7);
            assert!((base..end).step_by(page_bytes()).all(system::is_mapped), "{placement:?}");
            range.release();
            (base..end).step_by(page_bytes()).all(|address| !system::is_mapped(address))
        });
        assert!(gone, "{placement:?}");
    }
}

#[test]
fn impossible_reservations_have_a_code() {
    let over_aligned = Placement { align: 2 * MIB, offset: MIB };
    for placement in [Placement::ANYWHERE, over_aligned] {
        for less in [0, page_bytes(), MIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 4 * MIB] {
            let size = Pages::round_down(usize::MAX - less);
            let OsError(code) = platform::reserve(size, placement).unwrap_err();
            assert_ne!(code, 0, "{size:?} {placement:?}");
        }
    }
}

#[test]
fn the_error_code_of_the_thread_is_kept() {
    let kept = system::set_error_code();
    let now = || std::io::Error::last_os_error().raw_os_error();
    assert_eq!(now(), Some(kept));

    let failed = platform::reserve(Pages::round_down(usize::MAX - 4 * MIB), Placement::ANYWHERE);
    assert_eq!(now(), Some(kept), "after a failure");
    assert!(failed.is_err());

    let mut range = Reserved::new(4, Placement { align: 2 * MIB, offset: MIB });
    assert_eq!(now(), Some(kept), "after reserve");
    range.commit(0..4);
    assert_eq!(now(), Some(kept), "after commit");
    range.populate(0..4);
    range.advise(0..4, Advice::HugePages);
    range.advise(0..4, Advice::Name(Some(c"v_alloc test")));
    range.discard(0..4);
    assert_eq!(now(), Some(kept), "after discard");
    range.decommit(0..2);
    assert_eq!(now(), Some(kept), "after decommit");
    range.release();
    assert_eq!(now(), Some(kept), "after release");
}
