//! The allocators under test, behind one pair of traits. Every method is inlined into the measured loop, so a
//! trait costs nothing; each allocator is used by the methods that its own users would call. What has no typed methods
//! is used as its users must: a block, and the value written to it.

mod arenas;
mod one_by_one;
mod typed;

use crate::Result;
use std::alloc::Layout;
use std::ptr::{self, NonNull};

pub use arenas::chain_of_pages;
#[cfg(test)]
pub use one_by_one::OneByOne;
pub use one_by_one::{Freed, JEMALLOC, MALLOC, MIMALLOC};
pub use typed::{TypedArenas, VirtualVecs};

/// Hands out memory. `None` when there is none, where the allocator can say so.
pub trait Contender {
    /// Whether each block is given back by itself.
    const ONE_BY_ONE: bool = false;

    /// A block of a layout that is known only at run time, and has bytes.
    fn block(&self, layout: Layout) -> Option<NonNull<u8>>;

    /// Moves a value into memory of the allocator.
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        let place = self.block(Layout::new::<T>())?.cast::<T>();
        // SAFETY: the block was just handed out for a `T`.
        unsafe { place.write(value) };
        Some(place)
    }

    /// Copies values, at least one, into memory of the allocator.
    #[inline(always)]
    fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
        let place = self.block(Layout::for_value(values))?.cast::<T>();
        // SAFETY: the block was just handed out for as many.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), place.as_ptr(), values.len()) };
        Some(NonNull::slice_from_raw_parts(place, values.len()))
    }

    /// Copies a text, of at least one byte, into memory of the allocator.
    #[inline(always)]
    fn text(&self, text: &str) -> Option<NonNull<str>> {
        let bytes = self.slice(text.as_bytes())?;
        NonNull::new(bytes.as_ptr() as *mut str)
    }

    /// Gives a block back, where each is given back by itself.
    ///
    /// # Safety
    /// It was handed out here with this layout, and is not used again.
    #[inline(always)]
    unsafe fn free(&self, _: NonNull<u8>, _: Layout) {}
}

/// A contender that can be used again.
pub trait Emptied: Contender {
    /// Takes back all that was handed out, in the fastest way that the contender has.
    fn empty(&mut self) -> Result<()>;
}

/// A contender that can be filled again and again without a slow path.
pub trait Reusable: Emptied + Sized {
    /// With at least `bytes` of memory at hand.
    fn with_room(bytes: usize) -> Result<Self>;
}

impl<C: Contender> Contender for &C {
    const ONE_BY_ONE: bool = C::ONE_BY_ONE;

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        C::block(self, layout)
    }

    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        C::value(self, value)
    }

    #[inline(always)]
    fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
        C::slice(self, values)
    }

    #[inline(always)]
    fn text(&self, text: &str) -> Option<NonNull<str>> {
        C::text(self, text)
    }

    #[inline(always)]
    unsafe fn free(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { C::free(self, block, layout) };
    }
}

/// Hands out the same memory again and again: a loop with it is the loop and its stores, and nothing else.
pub struct NoAllocator {
    memory: NonNull<u8>,
}

impl Contender for NoAllocator {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        let place = self.memory.cast::<T>();
        // SAFETY: the memory was made for more than one value of any loop, and is aligned for them all.
        unsafe { place.write(value) };
        Some(place)
    }

    #[inline(always)]
    fn block(&self, _: Layout) -> Option<NonNull<u8>> {
        Some(self.memory)
    }
}

impl Emptied for NoAllocator {
    fn empty(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Reusable for NoAllocator {
    fn with_room(bytes: usize) -> Result<Self> {
        let memory = MALLOC.block(Layout::from_size_align(bytes, 16)?).ok_or("no memory")?;
        Ok(Self { memory })
    }
}
