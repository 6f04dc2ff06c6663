//! General allocators, whose blocks are freed one by one. None of them is this program's global allocator: they are
//! called as such by their methods.

use super::{Contender, Emptied, Reusable};
use crate::Result;
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::ptr::NonNull;
use tikv_jemallocator::Jemalloc;

/// Blocks that whoever wants to gives back.
pub struct OneByOne<G>(pub G);

pub const MALLOC: OneByOne<System> = OneByOne(System);
pub const MIMALLOC: OneByOne<MiMalloc> = OneByOne(MiMalloc);
pub const JEMALLOC: OneByOne<Jemalloc> = OneByOne(Jemalloc);

impl<G: GlobalAlloc> Contender for OneByOne<G> {
    const ONE_BY_ONE: bool = true;

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: nobody asks a contender for zero bytes.
        NonNull::new(unsafe { self.0.alloc(layout) })
    }

    #[inline(always)]
    unsafe fn free(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { self.0.dealloc(block.as_ptr(), layout) };
    }
}

/// There is nothing that could be emptied: all was given back before.
impl<G: GlobalAlloc> Emptied for OneByOne<G> {
    fn empty(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Keeps its blocks in a list, as whoever must free them has to.
pub struct Freed<G> {
    allocator: OneByOne<G>,
    live: RefCell<Vec<(NonNull<u8>, Layout)>>,
}

impl<G: Known> Freed<G> {
    /// With room for so many blocks in its list.
    pub fn with_list(blocks: usize) -> Self {
        Self { allocator: G::BLOCKS, live: RefCell::new(Vec::with_capacity(blocks)) }
    }
}

/// An allocator that is known by its type.
pub trait Known: GlobalAlloc + Sized {
    const BLOCKS: OneByOne<Self>;
}

impl Known for System {
    const BLOCKS: OneByOne<Self> = MALLOC;
}

impl Known for MiMalloc {
    const BLOCKS: OneByOne<Self> = MIMALLOC;
}

impl Known for Jemalloc {
    const BLOCKS: OneByOne<Self> = JEMALLOC;
}

impl<G: Known> Contender for Freed<G> {
    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        let block = self.allocator.block(layout)?;
        self.live.borrow_mut().push((block, layout));
        Some(block)
    }
}

impl<G: Known> Emptied for Freed<G> {
    fn empty(&mut self) -> Result<()> {
        for (block, layout) in self.live.get_mut().drain(..) {
            // SAFETY: the block came from there with this layout, and is forgotten here.
            unsafe { self.allocator.free(block, layout) };
        }
        Ok(())
    }
}

impl<G: Known> Reusable for Freed<G> {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_list(bytes / size_of::<u64>()))
    }
}
