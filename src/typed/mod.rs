//! The typed methods, written once for everything that hands out blocks.
//!
//! [`Blocks`] is what they need, `values` and `building` have the code, and the macro in `methods` gives every
//! handle the same methods, each with its `try_` form.

pub(crate) mod behind;
mod building;
pub(crate) mod copying;
mod methods;
mod values;

use crate::AllocError;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Hands out blocks of memory through a shared borrow.
///
/// # Safety
/// A block is valid for reads and writes of its layout, disjoint from all other blocks in use, and stays so
/// until the handle is dropped, rewound or reset.
pub(crate) unsafe trait Blocks {
    /// Whether [`allocate_for`](Self::allocate_for) asks for memory by itself, so that its `None` is final.
    const ASKS_BY_ITSELF: bool = false;

    /// The fast path for one value: `None` if the window is too small, never a reason to give up.
    fn allocate_for<T>(&self) -> Option<NonNull<T>>;

    /// A block of this layout, uninitialised; an aligned dangling pointer for no bytes.
    fn allocate_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;

    /// A block of this layout that reads zero.
    fn allocate_zeroed_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;

    /// Grows a block, in place if that is possible; the new bytes are uninitialised. On failure the block stays as
    /// it was.
    ///
    /// # Safety
    /// `block` is a live block of layout `old`, and `new` has a larger size.
    unsafe fn grow_block(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError>;

    /// Shrinks a block in place, and takes the bytes back if that is possible. A new size of 0 frees it.
    ///
    /// # Safety
    /// `block` is a live block of `old_size` bytes, and `new_size` is not larger.
    unsafe fn shrink_block(&self, block: NonNull<u8>, old_size: usize, new_size: usize);
}
