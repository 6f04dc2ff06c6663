//! The source of an arena over one block that never grows: an allocator's (`linear`) or the caller's (`buffer`).

use super::source::{Refill, Rewind, Source, Statistics, Window, sealed};
use crate::AllocError;
use crate::traps::Watched;
use core::alloc::Layout;
use core::cell::Cell;

/// One block of memory, which `O` owns or borrows. When it is full, it is full.
///
/// ```text
///  start          cursor             limit
///   |  handed out   |      free        |
/// ```
#[derive(Debug)]
pub struct Fixed<O> {
    start: *mut u8,
    bytes: usize,
    /// The most bytes ever in use, as far as the cursor has been lowered since.
    peak: Cell<usize>,
    /// Dropped before the owner, who may return the block then.
    _watched: Watched,
    /// Returns the block when the arena is dropped.
    _owner: O,
}

// SAFETY: the block belongs to the source alone, so only its owner can be bound to a thread.
unsafe impl<O: Send> Send for Fixed<O> {}

impl<O> sealed::Sealed for Fixed<O> {}

impl<O> Fixed<O> {
    /// # Safety
    /// The memory is valid for reads and writes, not null, and only the arena's while the owner lives.
    pub(super) const unsafe fn new(start: *mut u8, bytes: usize, owner: O) -> Self {
        Self { start, bytes, peak: Cell::new(0), _watched: Watched::new(start, bytes), _owner: owner }
    }

    /// The window, which is opened by the first use: in a constant, an address is not known yet.
    fn open(&self, now: Window) -> Window {
        let whole = Window::over(self.start, self.bytes);
        if now.limit == whole.limit { now } else { whole } // the limit never moves
    }

    fn used(&self, now: Window) -> usize {
        self.open(now).cursor.addr().saturating_sub(self.start.addr())
    }
}

// SAFETY: the window lies in the block, which the owner keeps for as long as the source lives.
unsafe impl<O> Source for Fixed<O> {
    const LOW_ADDRESSES: bool = false;
    const CONTIGUOUS: bool = true;

    fn refill(&self, now: Window, _need: Layout) -> Result<Refill, AllocError> {
        let window = self.open(now);
        let first_use = window.limit != now.limit;
        if first_use { Ok(Refill::Window(window)) } else { Err(AllocError) }
    }

    fn before_lowering(&self, cursor: *mut u8) {
        let used = cursor.addr().saturating_sub(self.start.addr());
        self.peak.set(self.peak.get().max(used));
    }

    fn zero_from(&self) -> usize {
        usize::MAX
    }

    fn statistics(&self, now: Window) -> Statistics {
        let used = self.used(now);
        let peak = self.peak.get().max(used);
        Statistics { reserved: self.bytes, committed: self.bytes, used, peak }
    }

    fn free(&self, now: Window) -> (usize, usize) {
        let window = self.open(now);
        (window.cursor.addr(), window.remaining())
    }
}

// SAFETY: a mark is a number of bytes in use, so the memory beyond it was handed out after it was made.
unsafe impl<O> Rewind for Fixed<O> {
    type Mark = usize;

    fn mark(&self, now: Window) -> usize {
        self.used(now)
    }

    fn start(&self) -> usize {
        0
    }

    unsafe fn rewind(&self, now: Window, mark: usize) -> Window {
        let window = self.open(now);
        if mark < self.used(window) {
            Window { cursor: self.start.wrapping_add(mark), ..window }
        } else {
            window
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::BufferArena;
    use core::mem::MaybeUninit;

    #[test]
    fn an_arena_that_was_reset_is_empty_and_begins_where_it_began() {
        let mut buffer = [MaybeUninit::uninit(); 64];
        let mut arena = BufferArena::from_buffer(&mut buffer);
        let first = core::ptr::from_ref(arena.alloc(1_u8));
        arena.alloc([2_u8; 40]);
        arena.reset();
        assert_eq!((arena.used_bytes(), arena.remaining_capacity()), (0, 64));
        assert_eq!(core::ptr::from_ref(arena.alloc(3_u8)), first);
    }
}
