//! What programs do with an arena: they build something large on it, walk it, and drop it. The same code for every
//! contender, which a workload knows only as such. General allocators get back each block by itself.

pub mod binary_tree;
pub mod documents;
pub mod names;
pub mod sources;
pub mod syntax;
mod tokens;

use crate::contenders::Contender;
use std::ptr::NonNull;

/// Copies values into memory of a contender. None at all need no memory.
#[inline(always)]
fn slice<T: Copy + 'static>(contender: &impl Contender, values: &[T]) -> Option<NonNull<[T]>> {
    if values.is_empty() {
        return Some(NonNull::slice_from_raw_parts(NonNull::dangling(), 0));
    }
    contender.slice(values)
}

/// Copies a text into memory of a contender. An empty one needs no memory.
#[inline(always)]
fn text(contender: &impl Contender, text: &str) -> Option<NonNull<str>> {
    if text.is_empty() { Some(NonNull::from("")) } else { contender.text(text) }
}

/// Gives back what `slice` or `text` made.
///
/// # Safety
/// It was made by this contender, and is not used again.
unsafe fn free<T: ?Sized>(contender: &impl Contender, block: NonNull<T>) {
    // SAFETY: the caller promises that it is live.
    let layout = std::alloc::Layout::for_value(unsafe { block.as_ref() });
    if layout.size() > 0 {
        // SAFETY: forwarded from the caller.
        unsafe { contender.free(block.cast(), layout) };
    }
}
