//! The arena as an `Allocator`: blocks that may move when they grow.

use super::source::{Source, Window};
use super::{Arena, dangling};
use crate::AllocError;
use crate::allocator::RawAllocator;
use crate::typed::Blocks;
use core::alloc::Layout;
use core::ptr::NonNull;

impl<S: Source, const MIN_ALIGN: usize> Arena<S, MIN_ALIGN> {
    /// Grows a block that cannot be grown in place.
    ///
    /// # Safety
    /// As for `raw_grow`.
    unsafe fn grow_elsewhere(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        let last = self.is_last(block, old.size());
        let moved = if S::CONTIGUOUS || !last {
            // SAFETY: forwarded from the caller.
            if let Some(resized) = unsafe { self.source.resize_own_block(block, new) } {
                return resized;
            }
            self.allocate_layout(new)?
        } else {
            // The old block will be free: what is left of the window is worth keeping for its sake.
            let now = Window { cursor: self.cursor.get().with_addr(block.addr().get()), ..self.window() };
            self.fit(new).map_or_else(|| self.refill(now, new), |fit| Ok(self.take(fit)))?
        };
        // SAFETY: the new block has room for the old one's bytes, and they are apart.
        unsafe { moved.copy_from_nonoverlapping(block, old.size()) };
        // Still the last, if the new block is one of its own.
        // SAFETY: the old block is live until now, and not used again.
        unsafe { self.shrink(block, old.size(), 0) };
        Ok(moved)
    }
}

/// The layout of nothing, for freeing.
fn no_bytes(layout: Layout) -> Layout {
    // SAFETY: a size of zero is valid for every alignment.
    unsafe { Layout::from_size_align_unchecked(0, layout.align()) }
}

// SAFETY: as for `Blocks`; memory is taken back only from the last block, whose owner gave it up.
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
        if !unsafe { self.shrink(block, layout.size(), 0) } && !S::CONTIGUOUS {
            self.source.before_lowering(self.cursor.get());
            // SAFETY: as above. Nothing can be done about a block that is not the latest of its kind.
            let _ = unsafe { self.source.resize_own_block(block, no_bytes(layout)) };
        }
    }

    #[inline]
    unsafe fn raw_grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let aligned = block.addr().get() & (new.align() - 1) == 0;
        // SAFETY: forwarded from the caller.
        if aligned && unsafe { self.try_grow(block, old.size(), new.size()) }.is_ok() {
            return Ok(NonNull::slice_from_raw_parts(block, new.size()));
        }
        // SAFETY: forwarded from the caller.
        let moved = unsafe { self.grow_elsewhere(block, old, new) }?;
        Ok(NonNull::slice_from_raw_parts(moved, new.size()))
    }

    unsafe fn raw_grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let cursor = self.cursor.get().addr();
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
        if block.addr().get() & (new.align() - 1) != 0 {
            // A stricter alignment on shrinking is allowed, and rare.
            let moved = if new.size() == 0 { dangling(new) } else { self.allocate_layout(new)? };
            // SAFETY: the new block has room for the new size, which the old one has too.
            unsafe { moved.copy_from_nonoverlapping(block, new.size()) };
            return Ok(NonNull::slice_from_raw_parts(moved, new.size()));
        }
        // SAFETY: forwarded from the caller.
        unsafe { self.shrink(block, old.size(), new.size()) };
        Ok(NonNull::slice_from_raw_parts(block, new.size()))
    }
}
