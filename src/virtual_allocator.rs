//! An allocator that takes whole pages from the operating system for every block.

use crate::allocator::RawAllocator;
use crate::error::{Cause, Operation};
use crate::os::{self, Pages, Placement};
use crate::reservation::Reservation;
use crate::{AllocError, ReserveError, bump};
use core::alloc::Layout;
use core::ptr::NonNull;

/// Whole pages for every allocation, straight from the operating system: for large blocks, and as the parent of
/// other allocators.
///
/// A block's size is rounded up to whole pages, and all of it may be used. Any alignment is honoured. Fresh
/// memory reads zero, at no cost, and blocks of 2 MiB or more may lie on huge pages. Freeing gives the pages and the addresses back at once. Each call makes two
/// to four system calls (`mmap`, `mprotect`, `munmap`; `VirtualAlloc`, `VirtualQuery` and `VirtualFree` on
/// Windows), keeps `errno`, and takes no lock: it may be used in a signal handler.
///
/// A request for no bytes succeeds with a dangling pointer and takes nothing.
///
/// ```
/// # #[cfg(feature = "allocator-api2")] {
/// use v_alloc::{Allocator, VirtualAllocator};
/// use core::alloc::Layout;
///
/// let layout = Layout::from_size_align(100_000, 1 << 21)?;
/// let block = VirtualAllocator::default().allocate(layout)?;
/// assert_eq!(block.cast::<u8>().addr().get() % (1 << 21), 0);
/// // SAFETY: the block came from there, with this layout.
/// unsafe { VirtualAllocator::default().deallocate(block.cast(), layout) };
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct VirtualAllocator {}

/// The pages behind a block of this layout.
fn pages(layout: Layout) -> Option<Pages> {
    Pages::round_up(layout.size())
}

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
        if let (Some(size), true) = (pages(layout), layout.size() > 0) {
            // SAFETY: `raw_allocate` gave this range away, all of it committed; every layout that fits the block
            // rounds up to the same pages.
            drop(unsafe { Reservation::from_base(block, size) });
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
    /// As `allocate`, with the reason if it fails. The block has at least a page, also for a size of 0; give it
    /// to `deallocate` with a size from 1 to its length.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range or no memory for it.
    pub fn allocate_pages(&self, layout: Layout) -> Result<NonNull<[u8]>, ReserveError> {
        let error = ReserveError::new(Operation::Reserve, layout.size(), Cause::TooLarge);
        let size = Pages::round_up(layout.size().max(1)).ok_or(error)?;
        let huge_page = os::huge_page_size().filter(|&huge_page| size >= huge_page);
        let align = layout.align().max(huge_page.map_or(1, Pages::bytes));
        let range = Reservation::placed(size, Placement { align, offset: 0 })?;
        range.commit_to(size)?;
        if huge_page.is_some() {
            // SAFETY: nobody knows of the range yet.
            unsafe { range.advise_huge_pages(Pages::ZERO) };
        }
        Ok(NonNull::slice_from_raw_parts(range.into_base(), size.bytes()))
    }

    /// # Safety
    /// `block` is a live block that fits `old`.
    unsafe fn resize(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let aligned = block.addr().get() == bump::round_down(block.addr().get(), new.align());
        if let (Some(pages), true, true) = (pages(new), aligned, new.size() > 0) {
            if old.size() > 0 && self::pages(old) == Some(pages) {
                return Ok(NonNull::slice_from_raw_parts(block, pages.bytes()));
            }
        }
        let moved = self.raw_allocate(new)?;
        // SAFETY: both blocks have that many bytes, and they are apart; then the old one is not used again.
        unsafe {
            moved.cast::<u8>().copy_from_nonoverlapping(block, old.size().min(new.size()));
            self.raw_deallocate(block, old);
        }
        Ok(moved)
    }
}
