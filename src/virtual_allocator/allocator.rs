//! Whole pages as an `Allocator`.

use super::{VirtualAllocator, pages};
use crate::allocator::RawAllocator;
use crate::os::Pages;
use crate::reservation::Reservation;
use crate::{AllocError, bump};
use core::alloc::Layout;
use core::ptr::NonNull;

// SAFETY: every block is a range of its own, which stays where it is until it is deallocated.
unsafe impl RawAllocator for VirtualAllocator {
    fn raw_allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            let dangling =
                NonNull::new(core::ptr::without_provenance_mut(layout.align())).ok_or(AllocError)?;
            return Ok(NonNull::slice_from_raw_parts(dangling, 0));
        }
        self.allocate_pages(layout).map_err(|_| AllocError)
    }

    fn raw_allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.raw_allocate(layout)
    }

    unsafe fn raw_deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: forwarded from the caller.
            unsafe { self.deallocate_pages(block, layout) };
        }
    }

    unsafe fn raw_grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: forwarded from the caller.
        unsafe { self.resize(block, old, new) }
    }

    unsafe fn raw_grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: forwarded from the caller.
        let grown = unsafe { self.resize(block, old, new) }?;
        // The rest of the old block's last page may have been written; what follows it is fresh.
        let old_pages = if old.size() == 0 { 0 } else { pages(old).map_or(0, Pages::bytes) };
        let dirty = old_pages.min(grown.len()).saturating_sub(old.size());
        // SAFETY: the block has `old_pages` bytes at least, unless it is smaller as a whole.
        unsafe { grown.cast::<u8>().add(old.size()).write_bytes(0, dirty) };
        Ok(grown)
    }

    unsafe fn raw_shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: forwarded from the caller.
        unsafe { self.resize(block, old, new) }
    }
}

impl VirtualAllocator {
    /// # Safety
    /// `block` is a live block that fits `old`.
    unsafe fn resize(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let aligned = block.addr().get() == bump::round_down(block.addr().get(), new.align());
        if let (Some(old_pages), Some(pages), true, true, true) =
            (pages(old), pages(new), aligned, old.size() > 0, new.size() > 0)
        {
            // SAFETY: the block is a range of so many pages, all of them committed, and what is cut off is not used any more.
            if pages == old_pages || pages < old_pages && unsafe { cut_off(block, old_pages, pages) } {
                return Ok(NonNull::slice_from_raw_parts(block, pages.bytes()));
            }
        }
        // SAFETY: forwarded from the caller.
        unsafe { self.raw_move(block, old, new) }
    }
}

/// Gives back all but the first pages of a block, in place; tells whether that could be done.
///
/// # Safety
/// The block has `size`, and nothing from `rest` on is in use.
unsafe fn cut_off(block: NonNull<u8>, size: Pages, rest: Pages) -> bool {
    // SAFETY: forwarded from the caller; the block is given away again.
    unsafe {
        let mut range = Reservation::from_base(block, size);
        let is_cut = range.cut_off_from(rest);
        range.into_base();
        is_cut
    }
}
