//! `LinearAllocator`: an arena over one block from any allocator.

use super::Arena;
use super::fixed::Fixed;
use super::source::Window;
use crate::{AllocError, Allocator, traps};
use core::alloc::Layout;
use core::ptr::NonNull;

/// An arena over one block from any `Allocator`. It never asks for more.
///
/// The block goes back to the allocator when the arena is dropped. See [`Arena`] for what all arenas promise.
/// Making and dropping it makes the system calls of the allocator; nothing else makes any, so it is as safe in a
/// signal handler as its owner is alone with it.
///
/// ```
/// use v_alloc::{LinearAllocator, VirtualAllocator};
/// use core::alloc::Layout;
///
/// let arena = LinearAllocator::new_in(Layout::new::<[u64; 512]>(), VirtualAllocator {})?;
/// let numbers = arena.alloc_slice_fill_iter(0..10);
/// assert_eq!(numbers[9], 9);
/// assert!(arena.try_alloc_slice_zeroed::<u8>(1 << 20).is_err());
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
pub type LinearAllocator<A, const MIN_ALIGN: usize = 1> = Arena<Fixed<Allocated<A>>, MIN_ALIGN>;

/// A block from an allocator, to which it returns.
#[derive(Debug)]
pub struct Allocated<A: Allocator> {
    block: NonNull<u8>,
    layout: Layout,
    allocator: A,
}

// SAFETY: the block belongs to this value alone; the allocator is used from the thread that drops it.
unsafe impl<A: Allocator + Send> Send for Allocated<A> {}

impl<A: Allocator> Drop for Allocated<A> {
    fn drop(&mut self) {
        // SAFETY: the block came from this allocator, and fits the layout of its actual size.
        unsafe { self.allocator.deallocate(self.block, self.layout) };
    }
}

impl<A: Allocator> LinearAllocator<A> {
    /// Takes a block of this layout from the allocator. If the block is larger than asked for, all of it is used.
    ///
    /// # Errors
    /// [`AllocError`] if the allocator has no such block.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// use v_alloc::{Global, LinearAllocator};
    /// let arena = LinearAllocator::new_in(Layout::new::<[u8; 100]>(), Global)?; // a block of the heap
    /// assert!(arena.try_alloc([0_u8; 100]).is_ok() && arena.try_alloc(0_u8).is_err());
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub fn new_in(layout: Layout, allocator: A) -> Result<Self, AllocError> {
        Self::with_min_align_in(layout, allocator)
    }
}

impl<A: Allocator, const MIN_ALIGN: usize> LinearAllocator<A, MIN_ALIGN> {
    /// As [`new_in`](LinearAllocator::new_in), with every block aligned to at least `MIN_ALIGN` bytes (1, 2, 4, 8
    /// or 16). What that saves: see [`Arena::with_min_align`]. Sizes are rounded up.
    ///
    /// # Errors
    /// [`AllocError`] if the allocator has no such block.
    ///
    /// ```
    /// use v_alloc::{LinearAllocator, VirtualAllocator};
    /// let layout = core::alloc::Layout::new::<[u64; 512]>();
    /// let arena = LinearAllocator::<_, 8>::with_min_align_in(layout, VirtualAllocator {})?;
    /// arena.alloc(1_u8);
    /// assert_eq!(arena.used_bytes(), 8);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub fn with_min_align_in(layout: Layout, allocator: A) -> Result<Self, AllocError> {
        let layout = layout.align_to(MIN_ALIGN).map_err(|_| AllocError)?;
        let block = allocator.allocate(layout)?;
        let start = block.cast::<u8>();
        let Ok(layout) = Layout::from_size_align(block.len(), layout.align()) else {
            // SAFETY: the block came from there with this layout.
            unsafe { allocator.deallocate(start, layout) };
            return Err(AllocError);
        };
        let owner = Allocated { block: start, layout, allocator };
        // SAFETY: the block is ours until the owner returns it.
        let source = unsafe { Fixed::new(start.as_ptr(), block.len(), owner) };
        let window = Window::over(start.as_ptr(), block.len());
        traps::free(window.cursor, window.remaining());
        Ok(Self::from_parts(window, source))
    }
}
