//! The allocators under test, behind one pair of traits. Every method is inlined into the measured loop, so a
//! trait costs nothing; each allocator is used by the methods that its own users would call. `libdd-alloc` has
//! only those of `Allocator`.

use crate::Result;
use allocator_api2::alloc::{Allocator, Global};
use bump_scope::traits::BumpAllocatorTyped;
use libdd_alloc::{ChainAllocator, LinearAllocator};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::ptr::NonNull;
use v_alloc::{Arena, Reserved, Source};

/// Hands out memory. `None` when there is none, where the allocator can say so.
pub trait Contender {
    /// Moves a value into memory of the allocator.
    fn value<T>(&self, value: T) -> Option<NonNull<T>>;

    /// A block of a layout that is known only at run time.
    fn block(&self, layout: Layout) -> Option<NonNull<u8>>;
}

/// A contender that can be filled again and again without a slow path.
pub trait Reusable: Contender + Sized {
    /// With at least `bytes` of memory at hand.
    fn with_room(bytes: usize) -> Result<Self>;

    /// Takes back all that was handed out, in the fastest way that the contender has.
    fn empty(&mut self) -> Result<()>;
}

impl<C: Contender> Contender for &C {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        C::value(self, value)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        C::block(self, layout)
    }
}

impl<S: Source, const MIN_ALIGN: usize> Contender for Arena<S, MIN_ALIGN> {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }
}

impl<const MIN_ALIGN: usize> Reusable for Arena<Reserved, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        let arena = Self::with_min_align();
        arena.prepare(bytes)?;
        Ok(arena)
    }

    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.reset();
        Ok(())
    }
}

impl<const MIN_ALIGN: usize> Reusable for v_alloc::LinearAllocator<Global, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        Self::with_min_align_in(Layout::from_size_align(bytes, 16)?, Global).map_err(|_| "no memory".into())
    }

    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.reset();
        Ok(())
    }
}

impl<const MIN_ALIGN: usize> Reusable for v_alloc::ChainAllocator<Global, MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        let bookkeeping = v_alloc::ChainAllocator::<Global>::CHAIN_NODE_OVERHEAD;
        Ok(Self::with_min_align_in(bytes + bookkeeping, Global))
    }

    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.reset();
        Ok(())
    }
}

impl<const MIN_ALIGN: usize> Contender for bumpalo::Bump<MIN_ALIGN> {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }
}

impl<const MIN_ALIGN: usize> Reusable for bumpalo::Bump<MIN_ALIGN> {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_min_align_and_capacity(bytes))
    }

    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.reset();
        Ok(())
    }
}

impl Contender for bump_scope::Bump {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        Some(bump_scope::BumpBox::into_raw(self.alloc(value)))
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.allocate_layout(layout))
    }
}

impl Reusable for bump_scope::Bump {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_size(bytes))
    }

    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.reset();
        Ok(())
    }
}

/// What a user of an `Allocator` writes for one value.
#[inline(always)]
fn value_by_trait<T>(allocator: &impl Allocator, value: T) -> Option<NonNull<T>> {
    let place = allocator.allocate(Layout::new::<T>()).ok()?.cast::<T>();
    // SAFETY: the block was just handed out for a `T`.
    unsafe { place.write(value) };
    Some(place)
}

#[inline(always)]
fn block_by_trait(allocator: &impl Allocator, layout: Layout) -> Option<NonNull<u8>> {
    Some(allocator.allocate(layout).ok()?.cast())
}

impl Contender for LinearAllocator<Global> {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        value_by_trait(self, value)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        block_by_trait(self, layout)
    }
}

impl Reusable for LinearAllocator<Global> {
    fn with_room(bytes: usize) -> Result<Self> {
        Self::new_in(Layout::from_size_align(bytes, 16)?, Global).map_err(|_| "no memory".into())
    }

    /// It has no reset: it is made anew, after its block was freed, so that it gets the same.
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        let bytes = self.reserved_bytes();
        *self = Self::with_room(0)?;
        *self = Self::with_room(bytes)?;
        Ok(())
    }
}

impl<A: Allocator + Clone> Contender for ChainAllocator<A> {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        value_by_trait(self, value)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        block_by_trait(self, layout)
    }
}

impl Reusable for ChainAllocator<Global> {
    /// The first allocation takes the one chunk, of which the chain keeps a little for itself.
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::new_in(bytes + Self::CHAIN_NODE_OVERHEAD, Global))
    }

    /// It has no reset: it is made anew, and takes its chunk with the next allocation.
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        *self = Self::new_in(self.reserved_bytes(), Global);
        Ok(())
    }
}

/// The system's `malloc`, whose blocks are never freed: for filling memory once.
pub struct Malloc;

impl Contender for Malloc {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        let place = self.block(Layout::new::<T>())?.cast::<T>();
        // SAFETY: the block was just handed out for a `T`.
        unsafe { place.write(value) };
        Some(place)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: no loop of this program asks for zero bytes.
        NonNull::new(unsafe { System.alloc(layout) })
    }
}

/// The system's `malloc` and `free`: it keeps its blocks in a list, as whoever must free them has to.
pub struct MallocAndFree {
    live: RefCell<Vec<(NonNull<u8>, Layout)>>,
}

impl MallocAndFree {
    /// With room for so many blocks in its list.
    pub fn with_list(blocks: usize) -> Self {
        Self { live: RefCell::new(Vec::with_capacity(blocks)) }
    }
}

impl Contender for MallocAndFree {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
        let place = Malloc.value(value)?;
        self.live.borrow_mut().push((place.cast(), Layout::new::<T>()));
        Some(place)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        let block = Malloc.block(layout)?;
        self.live.borrow_mut().push((block, layout));
        Some(block)
    }
}

impl Reusable for MallocAndFree {
    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::with_list(bytes / size_of::<u64>()))
    }

    fn empty(&mut self) -> Result<()> {
        for (block, layout) in self.live.get_mut().drain(..) {
            // SAFETY: the block came from there with this layout, and is forgotten here.
            unsafe { System.dealloc(block.as_ptr(), layout) };
        }
        Ok(())
    }
}

/// Hands out the same memory again and again: a loop with it is the loop and its stores, and nothing else.
pub struct NoAllocator {
    memory: NonNull<u8>,
}

impl Contender for NoAllocator {
    #[inline(always)]
    fn value<T>(&self, value: T) -> Option<NonNull<T>> {
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

impl Reusable for NoAllocator {
    fn with_room(bytes: usize) -> Result<Self> {
        let memory = Malloc.block(Layout::from_size_align(bytes, 16)?).ok_or("no memory")?;
        Ok(Self { memory })
    }

    fn empty(&mut self) -> Result<()> {
        Ok(())
    }
}
