//! An allocator that takes whole pages from the operating system for every block.

#[cfg(any(feature = "allocator-api2", feature = "allocator-api2-04", feature = "nightly"))]
mod allocator;

use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::os::{self, Pages, Placement};
use crate::reservation::Reservation;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Whole pages for every allocation, straight from the operating system: for large blocks, and as the parent of
/// other allocators.
///
/// A block's size is rounded up to whole pages, and all of it may be used. Any alignment is honoured. Fresh
/// memory reads zero, at no cost, and blocks of 2 MiB or more may lie on huge pages. Freeing gives the pages and the addresses back
/// at once, and so does shrinking, in place, where the system allows for it (not on Windows, where the block moves). Growing moves a
/// block unless its last page has room. A call makes one to five system calls (`mmap`, `munmap`, `mprotect`, `madvise`;
/// `VirtualAlloc`, `VirtualQuery` and `VirtualFree` on Windows), keeps `errno`, and takes no lock: it may be used in a signal
/// handler.
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
    Pages::round_up(layout.size().max(1))
}

impl VirtualAllocator {
    /// As `allocate`, with the reason if it fails. The block has at least a page, also for a size of 0; give it
    /// to `deallocate_pages`.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range or no memory for it.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let (pages, layout) = (v_alloc::VirtualAllocator {}, Layout::new::<[u8; 10_000]>());
    /// let block = pages.allocate_pages(layout)?;
    /// assert!(block.len() >= 10_000 && block.len() % 4096 == 0);
    /// // SAFETY: the block came from there, with this layout.
    /// unsafe { pages.deallocate_pages(block.cast(), layout) };
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn allocate_pages(&self, layout: Layout) -> Result<NonNull<[u8]>, ReserveError> {
        let error = ReserveError::new(Operation::Reserve, layout.size(), Cause::TooLarge);
        let size = pages(layout).ok_or(error)?;
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

    /// Gives a block back.
    ///
    /// # Safety
    /// `block` came from a `VirtualAllocator` and is not used any more; `layout` has its alignment, and a size from
    /// the one that was asked for (at least 1) to its length.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let (pages, layout) = (v_alloc::VirtualAllocator {}, Layout::new::<[u8; 10_000]>());
    /// let block = pages.allocate_pages(layout)?.cast::<u8>();
    /// // SAFETY: the block has 10,000 bytes; it came from there, and is not used any more.
    /// unsafe {
    ///     block.write(7);
    ///     pages.deallocate_pages(block, layout);
    /// }
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub unsafe fn deallocate_pages(&self, block: NonNull<u8>, layout: Layout) {
        if let Some(size) = pages(layout) {
            // SAFETY: `allocate_pages` gave this range away, all of it committed; every size that is allowed
            // rounds up to the same pages.
            drop(unsafe { Reservation::from_base(block, size) });
        }
    }
}
