//! The arena as an `Allocator`: blocks that may move when they grow.

use super::source::Source;
use super::{Arena, dangling};
use crate::AllocError;
use crate::allocator::RawAllocator;
use crate::typed::Blocks;
use core::alloc::Layout;
use core::ptr::NonNull;

// SAFETY: as for `Blocks`. Scopes and `reset` take memory back only when nothing can borrow from the arena.
unsafe impl<S: Source, const MIN_ALIGN: usize> RawAllocator for Arena<S, MIN_ALIGN> {
    #[inline]
    fn raw_allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Ok(NonNull::slice_from_raw_parts(self.allocate_layout(layout)?, layout.size()))
    }

    #[inline]
    fn raw_allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Ok(NonNull::slice_from_raw_parts(self.allocate_zeroed_block(layout)?, layout.size()))
    }

    #[inline]
    unsafe fn raw_deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { self.free(block, layout.size()) };
    }

    #[inline]
    unsafe fn raw_grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if new.size() == 0 {
            return Ok(NonNull::slice_from_raw_parts(dangling(new), 0));
        }
        // SAFETY: forwarded from the caller.
        let grown = unsafe { self.grow_block(block, old, new) }?;
        Ok(NonNull::slice_from_raw_parts(grown, new.size()))
    }

    unsafe fn raw_grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let cursor = self.window.cursor().addr();
        // SAFETY: forwarded from the caller.
        let grown = unsafe { self.raw_grow(block, old, new) }?;
        let start = grown.cast::<u8>();
        if new.size() > 0 {
            // SAFETY: the block has `new.size()` bytes, of which `old.size()` keep their contents. Below the
            // cursor as it was lies what rounded the old size up; it may have been written before.
            unsafe { self.clear(start.add(old.size()), start.addr().get() + new.size(), cursor) };
        }
        Ok(grown)
    }

    #[inline]
    unsafe fn raw_shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if new.size() == 0 {
            // SAFETY: forwarded from the caller.
            unsafe { self.free(block, old.size()) };
            return Ok(NonNull::slice_from_raw_parts(dangling(new), 0));
        }
        if block.addr().get() & (new.align() - 1) != 0 {
            // SAFETY: forwarded from the caller.
            return unsafe { self.raw_move(block, old, new) };
        }
        // SAFETY: forwarded from the caller.
        unsafe { self.shrink_block(block, old.size(), new.size()) };
        Ok(NonNull::slice_from_raw_parts(block, new.size()))
    }
}
