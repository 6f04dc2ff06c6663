//! Blocks that never move, as an allocator for the `Vec` inside a `StableVec`: `grow` and `shrink` return the pointer
//! that they were given.

use crate::error::{Cause, Operation};
use crate::reservation::growth::{LARGEST_STEP, SMALLEST_STEP};
use crate::stable::StableBlockOptions;
use crate::stable::block::{Block, HugePages, POPULATED_FROM};
use crate::{AllocError, ReserveError};
use allocator_api2::alloc::Allocator;
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

/// The least bytes that a vector grows by, and the most, where nothing is populated.
const STEPS: (usize, usize) = (4 << 10, 2 << 20);

/// The memory of one vector, which asks for no second block while it has one.
pub(super) struct Memory {
    /// What the block is to be.
    pub(super) options: StableBlockOptions,
    block: Cell<Option<Block>>,
    /// Why memory last was refused.
    pub(super) last_error: Cell<Option<ReserveError>>,
}

// SAFETY: the block is its own, and any thread may do with it what the one that has it may.
unsafe impl Send for Memory {}

impl Memory {
    pub(super) const fn new(options: StableBlockOptions) -> Self {
        Self { options, block: Cell::new(None), last_error: Cell::new(None) }
    }

    /// How many bytes it is to grow by, if it has so many and all are in use.
    pub(super) fn step(&self, bytes: usize) -> usize {
        let (least, most) = STEPS;
        if bytes >= POPULATED_FROM && self.options.wanted().huge_pages != HugePages::Never {
            (bytes / 8).clamp(SMALLEST_STEP, LARGEST_STEP)
        } else {
            (bytes / 2).clamp(least, most)
        }
    }

    /// The block, if there is one.
    pub(super) fn block(&self) -> Option<Block> {
        self.block.get()
    }

    fn remember<T>(&self, result: Result<T, ReserveError>) -> Result<T, AllocError> {
        result.map_err(|error| {
            self.last_error.set(Some(error));
            AllocError
        })
    }
}

// SAFETY: a block is valid until it is freed, wherever this value is moved; it has no clones.
unsafe impl Allocator for Memory {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = self.remember(Block::new(layout.size(), self.options.wanted()))?;
        if block.base().addr().get() & (layout.align() - 1) != 0 {
            // SAFETY: nobody knows of it.
            let _ = unsafe { block.free() };
            let error = ReserveError::new(Operation::Reserve, layout.size(), Cause::TooAligned);
            return self.remember(Err(error));
        }
        self.block.set(Some(block));
        Ok(NonNull::slice_from_raw_parts(block.base(), layout.size()))
    }

    unsafe fn deallocate(&self, _: NonNull<u8>, _: Layout) {
        // SAFETY: forwarded from the caller. What the system does not take back stays on the account.
        let _ = self.block.take().map(|block| unsafe { block.free() });
    }

    unsafe fn grow(&self, _: NonNull<u8>, _: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = self.block().ok_or(AllocError)?;
        self.remember(block.commit_to(new.size(), new.size()))?;
        Ok(NonNull::slice_from_raw_parts(block.base(), new.size()))
    }

    unsafe fn shrink(&self, _: NonNull<u8>, _: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = self.block().ok_or(AllocError)?;
        // SAFETY: forwarded from the caller. A block that keeps more is as good.
        let _ = unsafe { block.give_back_from(new.size()) };
        Ok(NonNull::slice_from_raw_parts(block.base(), new.size()))
    }
}
