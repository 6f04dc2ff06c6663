//! Arenas: what they hand out is taken back as a whole.

use super::{Contender, Emptied, Reusable};
use crate::Result;
use allocator_api2::alloc::{Allocator, Global};
use blink_alloc::BlinkAlloc;
use bump_scope::traits::BumpAllocatorTyped;
use libdd_alloc::{ChainAllocator, LinearAllocator, VirtualAllocator};
use linalloc::BumpArena;
use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{Arena, Reserved, Source};

impl<S: Source, const MIN_ALIGN: usize> Contender for Arena<S, MIN_ALIGN> {
    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }

    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
        Some(NonNull::from(self.alloc_slice_copy(values)))
    }

    #[inline(always)]
    fn text(&self, text: &str) -> Option<NonNull<str>> {
        Some(NonNull::from(self.alloc_str(text)))
    }
}

impl<const MIN_ALIGN: usize> Contender for bumpalo::Bump<MIN_ALIGN> {
    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }

    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
        Some(NonNull::from(self.alloc_slice_copy(values)))
    }

    #[inline(always)]
    fn text(&self, text: &str) -> Option<NonNull<str>> {
        Some(NonNull::from(self.alloc_str(text)))
    }
}

impl Contender for bump_scope::Bump {
    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.allocate_layout(layout))
    }

    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        Some(bump_scope::BumpBox::into_raw(self.alloc(value)))
    }

    #[inline(always)]
    fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
        Some(bump_scope::BumpBox::into_raw(self.alloc_slice_copy(values)))
    }

    #[inline(always)]
    fn text(&self, text: &str) -> Option<NonNull<str>> {
        Some(bump_scope::BumpBox::into_raw(self.alloc_str(text)))
    }
}

/// Those that only have a method for blocks.
macro_rules! blocks {
    ($([$($parameter:tt)*] $arena:ty, $method:ident;)*) => {$(
        impl<$($parameter)*> Contender for $arena {
            #[inline(always)]
            fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
                Some(NonNull::from(self.$method(layout).ok()?).cast())
            }
        }
    )*};
}

blocks! {
    [] BlinkAlloc, allocate;
    [] LinearAllocator<Global>, allocate;
    [A: Allocator + Clone] ChainAllocator<A>, allocate;
}

impl Contender for BumpArena {
    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(NonNull::from(self.try_alloc_uninit(layout)?).cast())
    }
}

/// Those that have a method to empty them.
macro_rules! reset {
    ($([$($parameter:tt)*] $arena:ty;)*) => {$(
        impl<$($parameter)*> Emptied for $arena {
            #[inline(always)]
            fn empty(&mut self) -> Result<()> {
                self.reset();
                Ok(())
            }
        }
    )*};
}

reset! {
    [const MIN_ALIGN: usize] Arena<Reserved, MIN_ALIGN>;
    [const MIN_ALIGN: usize] v_alloc::LinearAllocator<Global, MIN_ALIGN>;
    [const MIN_ALIGN: usize] v_alloc::ChainAllocator<Global, MIN_ALIGN>;
    [const MIN_ALIGN: usize] bumpalo::Bump<MIN_ALIGN>;
    [] bump_scope::Bump;
    [] BlinkAlloc;
}

/// It has no reset: it is made anew, after its block was freed, so that it gets the same.
impl Emptied for LinearAllocator<Global> {
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        let bytes = self.reserved_bytes();
        *self = Self::with_room(0)?;
        *self = Self::with_room(bytes)?;
        Ok(())
    }
}

/// It has no reset: it is made anew, and takes its chunk with the next allocation.
impl Emptied for ChainAllocator<Global> {
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        *self = Self::new_in(self.reserved_bytes(), Global);
        Ok(())
    }
}

impl Emptied for ChainAllocator<VirtualAllocator> {
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        *self = chain_of_pages();
        Ok(())
    }
}

/// `libdd-alloc`'s chain as its documentation has it: 64 KiB of pages at a time.
pub fn chain_of_pages() -> ChainAllocator<VirtualAllocator> {
    ChainAllocator::new_in(64 << 10, VirtualAllocator {})
}

impl<const MIN_ALIGN: usize> Reusable for Arena<Reserved, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        let arena = Self::with_min_align();
        arena.prepare(bytes)?;
        Ok(arena)
    }
}

impl<const MIN_ALIGN: usize> Reusable for v_alloc::LinearAllocator<Global, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        Self::with_min_align_in(Layout::from_size_align(bytes, 16)?, Global).map_err(|_| "no memory".into())
    }
}

impl<const MIN_ALIGN: usize> Reusable for v_alloc::ChainAllocator<Global, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        let bookkeeping = v_alloc::ChainAllocator::<Global>::CHAIN_NODE_OVERHEAD;
        Ok(Self::with_min_align_in(bytes + bookkeeping, Global))
    }
}

impl<const MIN_ALIGN: usize> Reusable for bumpalo::Bump<MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_min_align_and_capacity(bytes))
    }
}

impl Reusable for bump_scope::Bump {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_size(bytes))
    }
}

/// Its chunk is the largest that was needed before, and a little is kept for itself.
impl Reusable for BlinkAlloc {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_chunk_size(bytes + 1024))
    }
}

impl Reusable for LinearAllocator<Global> {
    fn with_room(bytes: usize) -> Result<Self> {
        Self::new_in(Layout::from_size_align(bytes, 16)?, Global).map_err(|_| "no memory".into())
    }
}

impl Reusable for ChainAllocator<Global> {
    /// The first allocation takes the one chunk, of which the chain keeps a little for itself.
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::new_in(bytes + Self::CHAIN_NODE_OVERHEAD, Global))
    }
}
