//! The shadow of an allocator: which blocks are alive, where they lie, and what they hold.
//!
//! Every block is filled with a mark of its own, all of the length that was returned, and read again before it
//! is resized or freed and at the end. Whatever the allocator does is checked here, once for all tests.

use crate::subject::{Snapshot, Subject};
use std::alloc::Layout;
use std::ptr::NonNull;

/// A live block.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub start: NonNull<u8>,
    pub layout: Layout,
    /// Bytes as returned: at least the layout's.
    pub len: usize,
    mark: u8,
}

impl Block {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the block is alive as long as the ledger has it, and all of it was written when it was made.
        unsafe { NonNull::slice_from_raw_parts(self.start, self.len).as_ref() }
    }

    fn verify(&self) {
        assert!(all_are(self.bytes(), self.mark), "the contents of {self:?} changed");
    }

    /// A layout that fits: sizes from the requested to the returned one do, and blocks take turns.
    fn fitting(&self) -> Layout {
        let size = if self.mark % 2 == 0 { self.layout.size() } else { self.len };
        layout(size, self.layout.align())
    }
}

/// The layout of these sizes, which are valid.
pub fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// Compares by `memcmp`, which is quick without optimisation too.
pub fn all_are(bytes: &[u8], value: u8) -> bool {
    bytes.first().is_none_or(|&first| first == value && bytes[1..] == bytes[..bytes.len() - 1])
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub blocks: Vec<Block>,
    marks: u8,
    peak: usize,
}

impl Ledger {
    /// Takes a new block, checks where it lies and fills it.
    pub fn add(&mut self, block: NonNull<[u8]>, layout: Layout) -> usize {
        self.marks = self.marks.wrapping_add(1);
        let new = Block { start: block.cast(), layout, len: block.len(), mark: self.marks };
        assert!(new.len >= layout.size(), "returned length of {new:?}");
        assert_eq!(new.start.addr().get() % layout.align(), 0, "alignment of {new:?}");
        let (start, end) = (new.start.addr().get(), new.start.addr().get() + new.len);
        for old in self.blocks.iter().filter(|old| old.len > 0 && new.len > 0) {
            let old_start = old.start.addr().get();
            assert!(end <= old_start || old_start + old.len <= start, "{new:?} overlaps {old:?}");
        }
        // SAFETY: the block was just handed out with this length.
        unsafe { new.start.write_bytes(new.mark, new.len) };
        self.blocks.push(new);
        self.blocks.len() - 1
    }

    /// Allocates; `None` if the subject refused, which changes nothing.
    pub fn allocate(&mut self, subject: &impl Subject, layout: Layout) -> Option<usize> {
        let before = subject.figures();
        let Ok(block) = subject.allocate(layout) else { return self.refused(subject, layout, before) };
        Some(self.add(block, layout))
    }

    /// As [`allocate`](Self::allocate), and the bytes are zero.
    pub fn allocate_zeroed(&mut self, subject: &impl Subject, layout: Layout) -> Option<usize> {
        let before = subject.figures();
        let Ok(block) = subject.allocate_zeroed(layout) else {
            return self.refused(subject, layout, before);
        };
        // SAFETY: the block is ours, and said to be initialised.
        assert!(all_are(unsafe { block.as_ref() }, 0), "allocate_zeroed of {layout:?} is not zero");
        Some(self.add(block, layout))
    }

    /// Gives a block the size and alignment of `new`, by the method that is meant for it. `None` if the subject
    /// refused, which changes nothing.
    pub fn resize(
        &mut self,
        subject: &impl Subject,
        index: usize,
        new: Layout,
        zeroed: bool,
    ) -> Option<usize> {
        let block = self.blocks[index];
        block.verify();
        let fitting = block.fitting();
        let (old, grows) = if new.size() >= fitting.size() {
            (fitting, true)
        } else {
            (block.layout, new.size() >= block.layout.size())
        };
        let before = subject.figures();
        // SAFETY: the block is alive and fits `old`, and the sizes are compared above.
        let resized = unsafe {
            match (grows, zeroed) {
                (true, false) => subject.grow(block.start, old, new),
                (true, true) => subject.grow_zeroed(block.start, old, new),
                (false, _) => subject.shrink(block.start, old, new),
            }
        };
        let Ok(resized) = resized else {
            block.verify();
            return self.refused(subject, new, before);
        };
        self.blocks.swap_remove(index);
        let kept = NonNull::slice_from_raw_parts(resized.cast::<u8>(), old.size().min(new.size()));
        // SAFETY: the block is ours, and its first bytes keep what was written.
        assert!(all_are(unsafe { kept.as_ref() }, block.mark), "{block:?} changed when it became {new:?}");
        if grows && zeroed {
            // SAFETY: the block has `new.size()` bytes, of which those beyond the old size are initialised.
            let added = unsafe {
                NonNull::slice_from_raw_parts(resized.cast::<u8>().add(old.size()), new.size() - old.size())
            };
            // SAFETY: as above.
            assert!(all_are(unsafe { added.as_ref() }, 0), "grow_zeroed of {block:?} to {new:?} is not zero");
        }
        Some(self.add(resized, new))
    }

    /// Frees a block.
    pub fn deallocate(&mut self, subject: &impl Subject, index: usize) {
        let block = self.blocks.swap_remove(index);
        block.verify();
        // SAFETY: the block is alive and fits the layout; the ledger has forgotten it.
        unsafe { subject.deallocate(block.start, block.fitting()) };
    }

    /// Frees all blocks, newest first or oldest first.
    pub fn deallocate_all(&mut self, subject: &impl Subject, newest_first: bool) {
        while !self.blocks.is_empty() {
            let index = if newest_first { self.blocks.len() - 1 } else { 0 };
            self.deallocate(subject, index);
            self.check_figures(subject);
        }
    }

    /// As [`allocate`](Self::allocate), for a subject in which others allocate at the same time.
    pub fn allocate_without_accounts(&mut self, subject: &impl Subject, layout: Layout) -> Option<usize> {
        let block = subject.allocate(layout).ok()?;
        Some(self.add(block, layout))
    }

    /// Grows, for a subject in which others allocate at the same time.
    pub fn grow_without_accounts(&mut self, subject: &impl Subject, index: usize, new: Layout) {
        let block = self.blocks[index];
        block.verify();
        // SAFETY: the block is alive and has this layout, and the new size is not smaller.
        let Ok(grown) = (unsafe { subject.grow(block.start, block.layout, new) }) else {
            return block.verify();
        };
        self.blocks.swap_remove(index);
        let kept = Block { start: grown.cast(), len: block.layout.size(), ..block };
        kept.verify();
        self.add(grown, new);
    }

    /// Two owners share a subject, not blocks.
    pub fn assert_apart_from(&self, others: &Self) {
        for block in self.blocks.iter().filter(|block| block.len > 0) {
            let start = block.start.addr().get();
            for other in others.blocks.iter().filter(|other| other.len > 0) {
                let other_start = other.start.addr().get();
                let apart = start + block.len <= other_start || other_start + other.len <= start;
                assert!(apart, "{block:?} overlaps {other:?}");
            }
        }
    }

    fn refused(&self, subject: &impl Subject, layout: Layout, before: Option<Snapshot>) -> Option<usize> {
        assert!(layout.size() > 0, "no bytes always fit: {layout:?}");
        let used = |figures: Option<Snapshot>| figures.map(|figures| figures.used);
        assert_eq!(used(subject.figures()), used(before), "a refusal of {layout:?} took memory");
        self.check_figures_only(subject);
        None
    }

    /// Reads every block again.
    pub fn verify(&self) {
        for block in &self.blocks {
            block.verify();
        }
    }

    /// Checks that the figures agree with each other, with the live blocks and with what they were.
    pub fn check_figures(&mut self, subject: &impl Subject) {
        self.check_figures_only(subject);
        if let Some(figures) = subject.figures() {
            assert!(figures.peak >= self.peak, "the peak fell from {} to {figures:?}", self.peak);
            self.peak = figures.peak;
        }
    }

    fn check_figures_only(&self, subject: &impl Subject) {
        let Some(figures) = subject.figures() else { return };
        assert!(figures.used <= figures.committed && figures.committed <= figures.reserved, "{figures:?}");
        assert!(figures.used <= figures.peak, "{figures:?}");
        let live: usize = self.blocks.iter().map(|block| block.len).sum();
        assert!(live <= figures.used, "{live} bytes are alive, but {figures:?}");
    }
}
