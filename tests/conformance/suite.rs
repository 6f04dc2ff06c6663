//! The suite: what every allocator promises, through any version of the trait.
//!
//! Each check gets a fresh allocator that has `room` bytes for sure, beyond which it may refuse.

use crate::ledger::{Ledger, layout};
use crate::subject::Subject;
use std::alloc::Layout;

/// Sizes around everything that an allocator could round to.
fn sizes() -> impl Iterator<Item = usize> {
    let powers = (5..21_u32).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]);
    (0..32).chain(powers)
}

fn alignments() -> impl DoubleEndedIterator<Item = usize> + Clone {
    (0..22_u32).map(|power| 1 << power)
}

/// Layouts that no allocator has memory for.
fn huge_layouts() -> impl Iterator<Item = Layout> {
    let largest = isize::MAX as usize;
    // Of 32 bits of addresses a half may be had; but not in whole pages that are more than an object may have.
    let least = if cfg!(target_pointer_width = "64") { largest / 4 - 64 } else { largest - 4000 };
    [1, 2, 8, 16, 4096, 1 << 21, 1 << (usize::BITS - 24), 1 << (usize::BITS - 2)].into_iter().flat_map(
        move |align| {
            [largest - (align - 1), largest - (align - 1) - 1, largest / 2, largest / 4]
                .into_iter()
                .filter_map(move |size| Layout::from_size_align(size.max(1), align).ok())
                .filter(move |layout| layout.size() >= least)
        },
    )
}

/// Numbers without pattern, the same in every run.
pub struct Mixed(pub u64);

impl Mixed {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) % bound as u64) as usize
    }
}

/// A ledger that knows how many bytes the subject must still have.
struct Test<S> {
    subject: S,
    ledger: Ledger,
    room: usize,
}

impl<S: Subject> Test<S> {
    fn new(subject: S, room: usize) -> Self {
        Self { subject, ledger: Ledger::default(), room }
    }

    /// Counts a request, alignment and an allowance for bookkeeping included; tells whether it must succeed.
    fn must_succeed(&mut self, layout: Layout) -> bool {
        let cost = layout.size().saturating_add(layout.align()).saturating_add(256);
        self.room = self.room.saturating_sub(cost);
        self.room > 0
    }

    fn allocate(&mut self, layout: Layout, zeroed: bool) -> Option<usize> {
        let must = self.must_succeed(layout);
        let promised = self.subject.promises(layout) == Some(true);
        let index = if zeroed {
            self.ledger.allocate_zeroed(&self.subject, layout)
        } else {
            self.ledger.allocate(&self.subject, layout)
        };
        assert!(index.is_some() || !must, "{layout:?} was refused");
        // An arena over virtual memory promises addresses, which are enough in these tests.
        assert!(index.is_some() || !promised, "{layout:?} was promised and refused");
        self.ledger.check_figures(&self.subject);
        index
    }

    fn resize(&mut self, index: usize, new: Layout, zeroed: bool) -> Option<usize> {
        let must = self.must_succeed(new);
        let resized = self.ledger.resize(&self.subject, index, new, zeroed);
        assert!(resized.is_some() || !must, "{new:?} was refused");
        self.ledger.check_figures(&self.subject);
        resized
    }

    fn finish(mut self) {
        self.ledger.verify();
        self.ledger.deallocate_all(&self.subject, self.room % 2 == 0);
    }
}

pub fn any_alignment_is_honoured(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for align in alignments().chain(alignments().rev()) {
        for size in [1, 3, 100] {
            test.allocate(layout(size, align), false);
            test.allocate(layout(1, 1), false); // knocks the cursor off the alignment
        }
    }
    test.finish();
}

pub fn any_size_is_served(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for size in sizes() {
        test.allocate(layout(size, 1), false);
        test.allocate(layout(size, 16), true);
    }
    test.finish();
}

pub fn no_bytes_succeed_whatever_the_alignment(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for used in [false, true] {
        if used {
            test.allocate(layout(100, 1), false);
        }
        for align in alignments().chain([1 << 30, 1 << (usize::BITS - 2)]) {
            for zeroed in [false, true] {
                let index = test.allocate(layout(0, align), zeroed).unwrap();
                // To nothing again, with another alignment, then to something and back.
                let index = test.resize(index, layout(0, (align / 2).max(1)), zeroed).unwrap();
                let index = test.resize(index, layout(0, align), zeroed).unwrap();
                let Some(index) = test.resize(index, layout(40, 8), zeroed) else { continue };
                let index = test.resize(index, layout(0, 1), zeroed).unwrap();
                test.ledger.deallocate(&test.subject, index);
            }
        }
    }
    test.finish();
}

pub fn a_block_of_no_bytes_owns_nothing(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    test.allocate(layout(10, 1), false);
    // Large enough that a chain gives it a block of its own.
    for size in [100, 40_000] {
        let Some(first) = test.allocate(layout(size, 8), false) else { continue };
        let emptied = test.resize(first, layout(0, 8), false).unwrap();
        let emptied = test.resize(emptied, layout(0, 1), true).unwrap();
        let Some(_second) = test.allocate(layout(size, 8), false) else { continue };
        test.ledger.deallocate(&test.subject, emptied.min(test.ledger.blocks.len() - 2));
        test.allocate(layout(size, 8), false);
        test.ledger.verify();
    }
    test.finish();
}

pub fn blocks_lie_apart_and_keep_their_contents(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    let mut mixed = Mixed(7);
    for round in 0..600 {
        let power = mixed.below(13);
        let size = mixed.below(1 << power);
        let align = 1 << mixed.below(8);
        test.allocate(layout(size, align), round % 3 == 0);
        if round % 4 == 3 {
            let index = mixed.below(test.ledger.blocks.len());
            test.ledger.deallocate(&test.subject, index);
        }
        if round % 50 == 0 {
            test.ledger.verify();
        }
    }
    test.finish();
}

pub fn growing_keeps_and_zeroes(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    let mut mixed = Mixed(8);
    // Memory that was used before: zeroes do not come by themselves then.
    let dirty = test.allocate(layout(20_000, 1), false);
    if let Some(dirty) = dirty {
        test.ledger.deallocate(&test.subject, dirty);
    }
    for zeroed in [false, true] {
        // The last block, which can grow in place ...
        for first in [0, 1, 7, 64, 5000] {
            let Some(mut index) = test.allocate(layout(first, 4), false) else { continue };
            let mut size = first;
            while size < 20_000 {
                size = size * 2 + mixed.below(9);
                match test.resize(index, layout(size, 4), zeroed) {
                    Some(resized) => index = resized,
                    None => break,
                }
            }
        }
        // ... and ones with another behind them.
        for size in [1, 9, 100, 3000] {
            test.allocate(layout(size, 1), false);
            let index = test.ledger.blocks.len() - 1;
            test.allocate(layout(1, 1), false);
            test.resize(index, layout(size + size / 2, 1), zeroed);
        }
        test.ledger.verify();
    }
    test.finish();
}

pub fn shrinking_keeps(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for followed in [false, true] {
        for size in [1, 2, 17, 1000, 4096, 9000] {
            let Some(mut index) = test.allocate(layout(size, 8), false) else { continue };
            if followed {
                test.allocate(layout(3, 1), false);
                index = test.ledger.blocks.len() - 2;
            }
            let mut size = size;
            while size > 0 {
                size /= 2;
                index = test.resize(index, layout(size, 8), false).unwrap();
            }
            // Back to what was given up, and beyond: none of it is known to be zero.
            test.resize(index, layout(10_000, 8), true);
        }
        test.ledger.verify();
    }
    test.finish();
}

pub fn resizing_changes_the_alignment(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for (from, to) in [(1, 2), (1, 64), (16, 4096), (8, 1 << 16), (1, 1 << 21), (1 << 21, 1), (4096, 16)] {
        for followed in [false, true] {
            for (old, new) in [(24, 100), (24, 24), (100, 24), (3000, 9000), (9000, 3000), (5, 0), (0, 5)] {
                test.allocate(layout(1, 1), false);
                let Some(mut index) = test.allocate(layout(old, from), false) else { continue };
                if followed && test.allocate(layout(1, 1), false).is_some() {
                    index = test.ledger.blocks.len() - 2;
                }
                let Some(index) = test.resize(index, layout(new, to), old % 2 == 0) else { continue };
                test.resize(index, layout(new + 50, from), true);
            }
        }
    }
    test.finish();
}

pub fn a_failure_leaves_the_allocator_usable(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    for fresh in [true, false] {
        for huge in huge_layouts() {
            assert_eq!(test.ledger.allocate(&test.subject, huge), None, "{huge:?}");
            assert_eq!(test.ledger.allocate_zeroed(&test.subject, huge), None, "{huge:?}");
            if fresh {
                continue;
            }
            let index = test.ledger.blocks.len() - 1;
            assert_eq!(test.ledger.resize(&test.subject, index, huge, false), None, "{huge:?}");
            assert_eq!(test.ledger.resize(&test.subject, 0, huge, true), None, "{huge:?}");
        }
        for size in [1, 100, 5000] {
            test.allocate(layout(size, 8), true).unwrap();
        }
    }
    test.finish();
}

pub fn an_exhausted_allocator_serves_what_is_given_back(subject: impl Subject, _room: usize) {
    let mut test = Test::new(subject, 0);
    // Ever smaller blocks until nothing fits any more; what has no end is not filled.
    for size in [1 << 20, 1 << 16, 1 << 10, 64, 8, 1] {
        let mut blocks = 0;
        while test.allocate(layout(size, 1), false).is_some() {
            blocks += 1;
            if blocks > 100 {
                return test.finish();
            }
        }
    }
    assert!(test.ledger.allocate(&test.subject, layout(1, 1)).is_none());
    for align in alignments() {
        let index = test.ledger.allocate(&test.subject, layout(0, align)).expect("no bytes always fit");
        let index = test.ledger.resize(&test.subject, index, layout(0, align), true).unwrap();
        let index = test.ledger.resize(&test.subject, index, layout(0, 1 << 21), true).unwrap();
        test.ledger.deallocate(&test.subject, index);
    }
    let last = test.ledger.blocks.len() - 1;
    assert_eq!(test.ledger.resize(&test.subject, last, layout(1 << 21, 1), false), None);
    // The newest block's place can be had again, and again.
    for _ in 0..3 {
        let last = test.ledger.blocks.len() - 1;
        let newest = test.ledger.blocks[last].layout;
        test.ledger.deallocate(&test.subject, last);
        test.ledger.allocate(&test.subject, newest).expect("what was just given back");
    }
    test.ledger.verify();
    test.finish();
}

pub fn moving_the_allocator_moves_no_block(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    let mut mixed = Mixed(9);
    for _ in 0..5 {
        for _ in 0..40 {
            test.allocate(layout(mixed.below(900), 1 << mixed.below(6)), false);
        }
        // Into another place, in the heap; the old place is overwritten.
        let mut boxed = Box::new(test);
        boxed.ledger.verify();
        let last = boxed.ledger.blocks.len() - 1;
        boxed.resize(last, layout(1200, 8), true);
        test = *boxed;
        test.ledger.verify();
    }
    test.finish();
}

pub fn giving_back_what_came_last_makes_room(subject: impl Subject, room: usize) {
    let mut test = Test::new(subject, room);
    let size = room / 3;
    // Far more in all than there is room for.
    for _ in 0..20 {
        let index = test.ledger.allocate(&test.subject, layout(size, 8)).expect("room for one");
        let index = test.ledger.resize(&test.subject, index, layout(size + 100, 8), false).unwrap();
        let index = test.ledger.resize(&test.subject, index, layout(size / 2, 8), false).unwrap();
        test.ledger.deallocate(&test.subject, index);
        test.ledger.check_figures(&test.subject);
    }
    test.finish();
}
