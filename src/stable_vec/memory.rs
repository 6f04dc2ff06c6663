//! Blocks that never move, as an allocator for the `Vec` inside a `StableVec`: `grow` and `shrink` return the pointer
//! that they were given.

use crate::error::{Cause, Operation};
use crate::stable::StableBlockOptions;
use crate::stable::block::Block;
use crate::{AllocError, ReserveError};
use allocator_api2::alloc::Allocator;
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

/// What a vector's memory is to be, and why it last was not.
pub(super) struct Memory {
    pub(super) options: StableBlockOptions,
    pub(super) last_error: Cell<Option<ReserveError>>,
}

impl Memory {
    fn remember<T>(&self, result: Result<T, ReserveError>) -> Result<T, AllocError> {
        result.map_err(|error| {
            self.last_error.set(Some(error));
            AllocError
        })
    }
}

/// The block of a vector.
fn block_at(pointer: NonNull<u8>) -> Result<Block, AllocError> {
    Block::at(pointer.addr().get()).ok_or(AllocError)
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
        Ok(NonNull::slice_from_raw_parts(block.base(), layout.size()))
    }

    unsafe fn deallocate(&self, pointer: NonNull<u8>, _: Layout) {
        // SAFETY: forwarded from the caller. What the system does not take back stays on the account.
        let _ = block_at(pointer).map(|block| unsafe { block.free() });
    }

    unsafe fn grow(&self, pointer: NonNull<u8>, _: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = block_at(pointer)?;
        self.remember(block.commit_to(new.size(), new.size()))?;
        Ok(NonNull::slice_from_raw_parts(block.base(), new.size()))
    }

    unsafe fn shrink(
        &self,
        pointer: NonNull<u8>,
        _: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let block = block_at(pointer)?;
        // SAFETY: forwarded from the caller. A block that keeps more is as good.
        let _ = unsafe { block.give_back_from(new.size()) };
        Ok(NonNull::slice_from_raw_parts(block.base(), new.size()))
    }
}
