//! Blocks of memory by layout, grown and shrunk in place: what the typed methods are built on.

use super::Arena;
use super::source::{Refill, Source, Window};
use crate::typed::Blocks;
use crate::{AllocError, bump, traps};
use core::alloc::Layout;
use core::ptr::NonNull;

impl<S: Source, const MIN_ALIGN: usize> Arena<S, MIN_ALIGN> {
    /// Whether the block `start .. start + size` is the last one, so that the cursor lies at its end.
    fn is_last(&self, start: NonNull<u8>, size: usize) -> bool {
        let end = start.addr().get().wrapping_add(bump::round_up_wrapping(size, MIN_ALIGN));
        end == self.window.cursor().addr()
    }

    traps::in_force! {
        /// A block that is the last one, but for a mark or a rewind that set the window apart from it, is so again.
        fn join(&self, block: NonNull<u8>, old_size: usize, new_size: usize) {
            let round_up = |size| bump::round_up_wrapping(size, MIN_ALIGN);
            let end = block.addr().get().wrapping_add(round_up(old_size));
            let more = round_up(new_size).saturating_sub(round_up(old_size));
            if let Some(window) = self.source.join(self.window(), end, more) {
                self.set_window(window);
            }
        }
    }

    /// Grows a block in place, if it is the last one and the memory suffices: the block never moves.
    ///
    /// `old_size` and `new_size` are in bytes. On success the new bytes beyond `old_size` are uninitialised.
    /// O(1), and the system calls of an allocation if the arena must commit more.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `old_size` bytes, and `new_size` is not smaller. If the block is from
    /// outside the innermost scope, what it gains is taken back at the end of that scope.
    ///
    /// # Errors
    /// [`AllocError`] if another block follows or there is no memory; the block stays as it was.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let arena = v_alloc::Arena::new();
    /// let block = arena.alloc_layout(Layout::new::<[u64; 4]>());
    /// // SAFETY: the block is live, and has 32 bytes.
    /// unsafe { arena.try_grow(block, 32, 1 << 20)? };
    /// assert_eq!(arena.used_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub unsafe fn try_grow(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new_size: usize,
    ) -> Result<(), AllocError> {
        traps::in_force! {
            self.join(block, old_size, new_size);
        }
        if !self.is_last(block, old_size) {
            return Err(AllocError);
        }
        let grown = bump::round_up(new_size, MIN_ALIGN).and_then(|size| block.addr().get().checked_add(size));
        let end = grown.ok_or(AllocError)?;
        if end > self.window.limit().addr() {
            let cursor = self.window.cursor();
            if !S::CONTIGUOUS || end < cursor.addr() {
                return Err(AllocError);
            }
            let more = Layout::from_size_align(end - cursor.addr(), 1).map_err(|_| AllocError)?;
            let Refill::Window(window) = self.source.refill(self.window(), more)? else {
                return Err(AllocError);
            };
            self.set_window(window);
            if window.cursor != cursor {
                return Err(AllocError); // the first window of a lazy arena: `block` was a dangling one
            }
        }
        let cursor = self.window.cursor();
        self.window.set_cursor(cursor.with_addr(end));
        traps::handed_out(cursor, end.saturating_sub(cursor.addr()));
        Ok(())
    }

    /// Shrinks a block in place, if it is the last one, so that its bytes go back to the arena.
    ///
    /// Sizes are in bytes; a new size of 0 frees the block. O(1), no system call.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `old_size` bytes, and `new_size` is not larger.
    ///
    /// # Errors
    /// [`AllocError`] if another block follows; nothing has happened then, and the block may be used as a smaller
    /// one all the same.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let arena = v_alloc::Arena::new();
    /// let block = arena.alloc_layout(Layout::new::<[u64; 4]>());
    /// // SAFETY: the block is live, and has 32 bytes.
    /// unsafe { arena.try_shrink(block, 32, 8)? };
    /// assert_eq!(arena.used_bytes(), 8);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub unsafe fn try_shrink(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new_size: usize,
    ) -> Result<(), AllocError> {
        traps::in_force! {
            self.join(block, old_size, new_size);
        }
        if !self.is_last(block, old_size) {
            return Err(AllocError);
        }
        let end = block.addr().get().wrapping_add(bump::round_up_wrapping(new_size, MIN_ALIGN));
        self.lower_cursor(end);
        Ok(())
    }

    /// Grows a block that cannot be grown in place.
    ///
    /// # Safety
    /// As for [`Blocks::grow_block`].
    unsafe fn grow_elsewhere(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        let last = self.is_last(block, old.size());
        let moved = if S::CONTIGUOUS || !last {
            // A block of no bytes may have the address of a live one.
            if !S::CONTIGUOUS && old.size() > 0 {
                self.source.before_lowering(self.window.cursor()); // the block is off the account while it is resized
                // SAFETY: forwarded from the caller.
                if let Some(resized) = unsafe { self.source.resize_own_block(block, old.size(), new) } {
                    return resized;
                }
            }
            self.allocate_layout(new)?
        } else {
            // The old block will be free: what is left of the window is worth keeping for its sake.
            let now = Window { cursor: self.window.cursor().with_addr(block.addr().get()), ..self.window() };
            self.window.allocate::<S>(new).map_or_else(|| self.refill(now, new), Ok)?
        };
        // SAFETY: the new block has room for the old one's bytes, and they are apart.
        unsafe { moved.copy_from_nonoverlapping(block, old.size()) };
        // Still the last, if the new block is one of its own.
        // SAFETY: the old block is live until now, and not used again.
        unsafe { self.free(block, old.size()) };
        Ok(moved)
    }

    /// Frees a block, if it is the last one or the latest with memory of its own. A block of no bytes has none, so
    /// that there is never more than one owner.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `size` bytes.
    pub(super) unsafe fn free(&self, block: NonNull<u8>, size: usize) {
        // SAFETY: forwarded from the caller.
        unsafe { self.shrink(block, size, 0) };
    }

    /// Shrinks a block in place, or frees it for a new size of 0, if it is the last one or the latest with memory of its own.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `size` bytes, which is not less than `new_size`.
    pub(super) unsafe fn shrink(&self, block: NonNull<u8>, size: usize, new_size: usize) {
        // SAFETY: forwarded from the caller.
        if size > 0 && unsafe { self.try_shrink(block, size, new_size) }.is_err() && !S::CONTIGUOUS {
            self.source.before_lowering(self.window.cursor());
            // SAFETY: a size that a block has is one of a layout; else as above. Nothing can be done about a block that is not the
            // latest of its kind.
            let _ = unsafe {
                self.source.resize_own_block(block, size, Layout::from_size_align_unchecked(new_size, 1))
            };
        }
    }

    /// Clears what is not known to be zero of `start .. end`, where `fresh` is the cursor before the range was
    /// handed out: at and above the greater of it and the source's mark, nothing was ever written.
    ///
    /// # Safety
    /// The range lies in a block that was just handed out.
    pub(super) unsafe fn clear(&self, start: NonNull<u8>, end: usize, fresh: usize) {
        let dirty_end = self.source.zero_from().max(fresh).min(end);
        let bytes = dirty_end.saturating_sub(start.addr().get());
        // SAFETY: `start .. dirty_end` lies in the range.
        unsafe { start.write_bytes(0, bytes) };
        traps::initialised(start, end.saturating_sub(start.addr().get()));
    }
}

// SAFETY: a block lies in the window, which moves past it, or is one of its own; either is taken back only when its
// owner gives it up.
unsafe impl<S: Source, const MIN_ALIGN: usize> Blocks for Arena<S, MIN_ALIGN> {
    #[inline(always)]
    fn allocate_for<T>(&self) -> Option<NonNull<T>> {
        self.window.allocate_for::<S, T>()
    }

    #[inline(always)]
    fn allocate_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.allocate_layout(layout)
    }

    fn allocate_zeroed_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let block = self.allocate_layout(layout)?;
        if layout.size() > 0 {
            // SAFETY: the block was just handed out.
            unsafe { self.clear(block, block.addr().get() + layout.size(), 0) };
        }
        Ok(block)
    }

    #[inline]
    unsafe fn grow_block(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        let aligned = block.addr().get() & (new.align() - 1) == 0;
        // SAFETY: forwarded from the caller.
        if aligned && unsafe { self.try_grow(block, old.size(), new.size()) }.is_ok() {
            // Not `block`: the caller's pointer may be good for no more than the old size.
            let grown = self.window.cursor().with_addr(block.addr().get());
            // SAFETY: the address of a block is not null.
            return Ok(unsafe { NonNull::new_unchecked(grown) });
        }
        // SAFETY: forwarded from the caller.
        unsafe { self.grow_elsewhere(block, old, new) }
    }

    unsafe fn shrink_block(&self, block: NonNull<u8>, old_size: usize, new_size: usize) {
        // SAFETY: forwarded from the caller.
        unsafe { self.shrink(block, old_size, new_size) };
    }
}
