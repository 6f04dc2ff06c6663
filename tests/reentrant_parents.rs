//! A parent does as it likes in the middle of a call: takes, resizes and gives back blocks of the very chain that it serves, as an
//! allocator or through a bulk handle that was leaked; refuses; panics. Each block stays its owner's all the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use v_alloc::{AllocError, Allocator, Arena, Bulk, ChainAllocator, Global, Source};

/// How deep a parent is asked while it is asked.
const DEEPEST: usize = 3;

/// The panic of a parent, which is caught.
struct Thrown;

/// What parent and test have in hand.
trait Handle {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>>;
    fn take_zeroed(&self, bytes: usize) -> Option<NonNull<[u8]>>;
    fn collect(&self, items: &mut dyn Iterator<Item = Result<u8, ()>>) -> Option<NonNull<[u8]>>;

    /// The block with another layout, if it can be had; of no bytes: given back.
    fn resize(&self, _block: &Block, _layout: Layout) -> Option<NonNull<u8>> {
        None
    }
}

impl<S: Source, const MIN_ALIGN: usize> Handle for Bulk<'_, '_, S, MIN_ALIGN> {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.try_alloc_layout(layout).ok()
    }

    fn take_zeroed(&self, bytes: usize) -> Option<NonNull<[u8]>> {
        self.try_alloc_slice_zeroed(bytes).ok().map(NonNull::from)
    }

    fn collect(&self, items: &mut dyn Iterator<Item = Result<u8, ()>>) -> Option<NonNull<[u8]>> {
        self.try_alloc_slice_try_fill_iter(items).ok().map(NonNull::from)
    }
}

impl<S: Source, const MIN_ALIGN: usize> Handle for Arena<S, MIN_ALIGN> {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.allocate(layout).ok()?.cast())
    }

    fn take_zeroed(&self, bytes: usize) -> Option<NonNull<[u8]>> {
        self.try_alloc_slice_zeroed(bytes).ok().map(NonNull::from)
    }

    fn collect(&self, items: &mut dyn Iterator<Item = Result<u8, ()>>) -> Option<NonNull<[u8]>> {
        self.try_alloc_slice_try_fill_iter(items).ok().map(NonNull::from)
    }

    fn resize(&self, block: &Block, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the block is this arena's, and the list has it no more; each is called for what it is for.
        unsafe {
            if layout.size() == 0 {
                self.deallocate(block.start, block.layout);
                return Some(NonNull::dangling());
            }
            let resize =
                if layout.size() < block.layout.size() { Allocator::shrink } else { Allocator::grow };
            Some(resize(self, block.start, block.layout, layout).ok()?.cast())
        }
    }
}

/// A block and the byte of which it is full.
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    mark: u8,
}

impl Block {
    fn is_whole(&self, bytes: usize) -> bool {
        // SAFETY: it has as many bytes, and all were written.
        let bytes = unsafe { NonNull::slice_from_raw_parts(self.start, bytes).as_ref() };
        bytes.iter().all(|&byte| byte == self.mark)
    }
}

/// One chain, what is allocated from it, and the numbers by which all is chosen.
struct Game {
    handle: Cell<Option<&'static dyn Handle>>,
    random: Cell<u64>,
    depth: Cell<usize>,
    panics: bool,
    least_align: usize,
    blocks: RefCell<Vec<Block>>,
}

impl Game {
    fn below(&self, end: usize) -> usize {
        let next = self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random.set(next);
        usize::try_from(next >> 40).unwrap() % end
    }

    fn any_layout(&self) -> Layout {
        // Mostly what fits into the window that there is.
        let (most, alignments) = [(40, 4), (40, 4), (40, 4), (600, 6), (5000, 11)][self.below(5)];
        Layout::from_size_align(self.below(most), 1 << self.below(alignments)).unwrap()
    }

    fn keep(&self, start: Option<NonNull<u8>>, layout: Layout) {
        if let Some(start) = start {
            let align =
                if layout.size() == 0 { layout.align() } else { layout.align().max(self.least_align) };
            assert_eq!(start.addr().get() % align, 0);
            let mark = u8::try_from(self.below(255)).unwrap() + 1;
            // SAFETY: it was handed out with this size, and is nobody else's: which is what all this is to show.
            unsafe { start.write_bytes(mark, layout.size()) };
            self.blocks.borrow_mut().push(Block { start, layout, mark });
        }
    }

    fn step(&self) {
        let Some(handle) = self.handle.get() else { return };
        let layout = self.any_layout();
        match self.below(6) {
            0 | 1 => self.keep(handle.take(layout), layout),
            2 => {
                if let Some(zeroed) = handle.take_zeroed(layout.size()) {
                    // SAFETY: a slice that was just handed out.
                    assert!(unsafe { zeroed.as_ref() }.iter().all(|&byte| byte == 0));
                    self.keep(Some(zeroed.cast()), Layout::array::<u8>(zeroed.len()).unwrap());
                }
            }
            3 => {
                let failing = self.below(600);
                let mut items = (0..self.below(400)).filter(|number| number % 3 > 0).map(|number| {
                    if number % 97 == 1 {
                        self.interfere();
                    }
                    if number == failing { Err(()) } else { Ok(7) }
                });
                if let Some(slice) = handle.collect(&mut items) {
                    // SAFETY: a slice that was just handed out.
                    assert!(unsafe { slice.as_ref() }.iter().all(|&byte| byte == 7));
                    self.keep(Some(slice.cast()), Layout::array::<u8>(slice.len()).unwrap());
                }
            }
            _ => {
                let count = self.blocks.borrow().len();
                if count > 0 {
                    // Mostly the latest, which may be resized in its place. If the parent panics, it is lost.
                    let index = if self.below(3) == 0 { self.below(count) } else { count - 1 };
                    let block = self.blocks.borrow_mut().remove(index);
                    match handle.resize(&block, layout) {
                        Some(start) => {
                            let kept = block.layout.size().min(layout.size());
                            assert!(Block { start, ..block }.is_whole(kept), "it was not moved as it was");
                            self.keep(Some(start).filter(|_| layout.size() > 0), layout);
                        }
                        None => self.blocks.borrow_mut().push(block),
                    }
                }
            }
        }
    }

    /// What a parent does whenever it is asked.
    fn interfere(&self) {
        struct Depth<'a>(&'a Cell<usize>, usize);
        impl Drop for Depth<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let depth = Depth(&self.depth, self.depth.get());
        if depth.1 < DEEPEST {
            self.depth.set(depth.1 + 1);
            (0..self.below(4)).for_each(|_| self.step());
        }
        if self.panics && !std::thread::panicking() && self.below(25) == 0 {
            resume_unwind(Box::new(Thrown)); // without a message
        }
    }

    fn play<const MIN_ALIGN: usize>(seed: u64, panics: bool, in_bulk: bool) {
        let game: &'static Self = Box::leak(Box::new(Self {
            handle: Cell::new(None),
            random: Cell::new(seed),
            depth: Cell::new(0),
            panics,
            least_align: MIN_ALIGN,
            blocks: RefCell::new(Vec::new()),
        }));
        let chain = ChainAllocator::<_, MIN_ALIGN>::with_min_align_in(game.below(2000), Parent(game));
        let chain = Box::leak(Box::new(chain));
        game.handle.set(Some(if in_bulk { Box::leak(Box::new(chain.bulk())) } else { chain }));
        for step in 0..15 {
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| game.step())) {
                if !thrown.is::<Thrown>() {
                    resume_unwind(thrown);
                }
            }
            for block in &*game.blocks.borrow() {
                let case = (seed, panics, in_bulk, step);
                assert!(block.is_whole(block.layout.size()), "{case:?}: {:?}", block.layout);
            }
        }
    }
}

/// The heap, but for what it does besides. What it gives is dirty, and more than was asked for.
struct Parent(&'static Game);

// SAFETY: all blocks are `Global`'s, of the size that they are said to have.
unsafe impl Allocator for Parent {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.0.interfere();
        if self.0.below(3) == 0 {
            return Err(AllocError);
        }
        let generous = Layout::from_size_align(layout.size() + self.0.below(100), layout.align()).unwrap();
        let block = Global.allocate(generous)?;
        // SAFETY: the block is new.
        unsafe { block.cast::<u8>().write_bytes(0xEE, block.len()) };
        self.0.interfere();
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        self.0.interfere();
        // SAFETY: forwarded from the caller; before it is freed, so that who still uses it sees that.
        unsafe {
            block.write_bytes(0xDD, layout.size());
            Global.deallocate(block, layout);
        }
        self.0.interfere();
    }
}

#[test]
fn no_byte_is_handed_out_twice_whatever_a_parent_does_in_the_middle_of_a_call() {
    for seed in 1..=60 {
        for (panics, in_bulk) in [(false, false), (false, true), (true, false), (true, true)] {
            Game::play::<1>(seed, panics, in_bulk);
            Game::play::<16>(seed, panics, in_bulk);
        }
    }
}
