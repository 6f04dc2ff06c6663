//! The blocks of a `SyncArena`: what its typed methods are built on, and what makes it an allocator.

use super::SyncArena;
use crate::AllocError;
use crate::arena::dangling;
use crate::typed::Blocks;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

// SAFETY: a block is claimed by one atomic step, from what is committed, and given up only by its owner.
unsafe impl Blocks for SyncArena {
    #[inline(always)]
    fn allocate_for<T>(&self) -> Option<NonNull<T>> {
        self.take_committed(Layout::new::<T>()).map(NonNull::cast)
    }

    #[inline]
    fn allocate_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        if layout.size() == 0 {
            return Ok(dangling(layout));
        }
        match self.take_committed(layout) {
            Some(block) => Ok(block),
            None => self.take(layout).map_err(|_| AllocError),
        }
    }

    fn allocate_zeroed_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let block = self.allocate_block(layout)?;
        let written = self.zero_from().saturating_sub(block.addr().get()).min(layout.size());
        // SAFETY: the block was just handed out, and has so many bytes.
        unsafe { block.write_bytes(0, written) };
        crate::traps::initialised(block, layout.size());
        Ok(block)
    }

    unsafe fn grow_block(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        let aligned = block.addr().get() & (new.align() - 1) == 0;
        // SAFETY: forwarded from the caller. A block of no bytes is nobody's, not even if its address is the cursor.
        if aligned && old.size() > 0 && unsafe { self.try_grow(block, old.size(), new.size()) }.is_ok() {
            // Not `block`: the caller's pointer may be good for no more than the old size.
            return Ok(self.at(block));
        }
        let moved = self.allocate_block(new)?;
        // SAFETY: the new block has room for the old one's bytes, and they are apart; the old one is not used again.
        unsafe {
            moved.copy_from_nonoverlapping(block, old.size());
            self.shrink_block(block, old.size(), 0);
        }
        Ok(moved)
    }

    unsafe fn shrink_block(&self, block: NonNull<u8>, old_size: usize, new_size: usize) {
        if old_size > 0 {
            // SAFETY: forwarded from the caller. A block that is not the last one keeps its bytes.
            let _ = unsafe { self.try_shrink(block, old_size, new_size) };
        }
    }
}

// SAFETY: as for `GlobalAlloc` below and `Blocks` above.
#[cfg(any(feature = "allocator-api2", feature = "allocator-api2-04", feature = "nightly"))]
unsafe impl crate::allocator::RawAllocator for SyncArena {
    #[inline]
    fn raw_allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Ok(NonNull::slice_from_raw_parts(self.allocate_block(layout)?, layout.size()))
    }

    fn raw_allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Ok(NonNull::slice_from_raw_parts(self.allocate_zeroed_block(layout)?, layout.size()))
    }

    unsafe fn raw_deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { self.shrink_block(block, layout.size(), 0) };
    }

    unsafe fn raw_grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: forwarded from the caller.
        let grown = unsafe { self.grow_block(block, old, new) }?;
        Ok(NonNull::slice_from_raw_parts(grown, new.size()))
    }

    unsafe fn raw_grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: forwarded from the caller; the block has the new size, of which the old one keeps its contents.
        unsafe {
            let grown = self.raw_grow(block, old, new)?;
            grown.cast::<u8>().add(old.size()).write_bytes(0, new.size() - old.size());
            Ok(grown)
        }
    }

    unsafe fn raw_shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if block.addr().get() & (new.align() - 1) == 0 {
            // SAFETY: forwarded from the caller.
            unsafe { self.shrink_block(block, old.size(), new.size()) };
            return Ok(NonNull::slice_from_raw_parts(block, new.size()));
        }
        // SAFETY: forwarded from the caller.
        unsafe { self.raw_move(block, old, new) }
    }
}

/// For a `static` that is the program's `#[global_allocator]`, or the memory of a part of it. Only the last block comes
/// back when it is freed.
// SAFETY: blocks are the caller's own until it gives them up; nothing here panics or allocates elsewhere.
unsafe impl GlobalAlloc for SyncArena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate_block(layout).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.allocate_zeroed_block(layout).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: forwarded from the caller.
            unsafe { self.shrink_block(block, layout.size(), 0) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(old) = NonNull::new(block) else { return ptr::null_mut() };
        if new_size <= layout.size() {
            // SAFETY: forwarded from the caller.
            unsafe { self.shrink_block(old, layout.size(), new_size) };
            return block;
        }
        let Ok(new) = Layout::from_size_align(new_size, layout.align()) else { return ptr::null_mut() };
        // SAFETY: forwarded from the caller.
        unsafe { self.grow_block(old, layout, new) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}
