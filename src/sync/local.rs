//! `LocalArena`: a thread's own window of a `SyncArena`.

use super::SyncArena;
use crate::arena::source::{Refill, Source, Statistics, Window, sealed};
use crate::typed::Blocks;
use crate::{AllocError, Arena, Bulk};
use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

/// A thread's own part of a [`SyncArena`]: allocating costs what it costs in an [`Arena`], and one atomic operation for
/// each 64 KiB.
///
/// What it hands out lives as long as the borrow of the `SyncArena`, not of the handle: other threads may have it when
/// this one has ended. It is `Send`, not `Sync`; each thread takes one of its own. What is left of its window when it is
/// dropped goes back if nothing was allocated since; else it is lost until the arena is reset.
///
/// **Signal handlers** must not use one whose method they may have interrupted: it is a window in plain memory. They may use the
/// `SyncArena`, or take a local arena of their own, whose windows cost the system calls of an allocation there. `errno` is kept.
/// After `fork` the child has a copy.
///
/// ```
/// use v_alloc::SyncArena;
/// let arena = SyncArena::new();
/// let squares: Vec<&u64> = std::thread::scope(|scope| {
///     let work = |thread: u64| {
///         let local = arena.local();
///         (0..1000).map(|number| &*local.alloc((1000 * thread + number).pow(2))).collect::<Vec<_>>()
///     };
///     let threads = [0, 1].map(|thread| scope.spawn(move || work(thread)));
///     threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
/// });
/// assert_eq!(*squares[1999], 1999 * 1999);
/// ```
pub struct LocalArena<'a> {
    arena: Arena<Carved<'a>>,
}

/// Bytes of a window; a request for more than a quarter of that gets a block of its own.
const WINDOW: usize = 64 << 10;

/// The source of a [`LocalArena`]: windows that are cut from a `SyncArena`.
#[derive(Debug)]
pub struct Carved<'a> {
    from: &'a SyncArena,
    /// What was cut off, without what is left of the window.
    cut: Cell<usize>,
}

impl<'a> LocalArena<'a> {
    pub(super) const fn new(from: &'a SyncArena) -> Self {
        let cut = Cell::new(0);
        Self { arena: Arena::from_parts(Window::nowhere(), Carved { from, cut }) }
    }

    /// For the typed methods, whose results live as long as what they allocate in.
    pub(crate) fn arena(&self) -> &'a Arena<Carved<'a>> {
        // SAFETY: only methods of this type use it, and only while they run; what they hand out lies in the shared
        // arena, which lives for `'a`. The local one never takes back what it handed out.
        unsafe { &*core::ptr::from_ref(&self.arena) }
    }

    /// Holds the window in registers, for building much at once: see [`Arena::bulk`]. What is handed out lives as long as
    /// that of this handle.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// let mut local = arena.local();
    /// let bulk = local.bulk();
    /// let numbers = [1, 2, 3].map(|number| &*bulk.alloc(number));
    /// drop(bulk);
    /// drop(local);
    /// assert_eq!(numbers, [&1, &2, &3]);
    /// ```
    #[must_use = "the handle does nothing by itself"]
    pub fn bulk(&mut self) -> Bulk<'_, 'a, Carved<'a>> {
        Bulk::new(self.arena())
    }

    /// The arena that it is a part of.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// let local = arena.local();
    /// assert!(std::ptr::eq(local.shared(), &arena));
    /// ```
    #[must_use]
    pub fn shared(&self) -> &'a SyncArena {
        self.arena.source().from
    }

    /// What is handed out, in bytes, with alignment padding and what was left of earlier windows.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// let local = arena.local();
    /// local.alloc([0_u8; 100]);
    /// assert_eq!(local.used_bytes(), 100);
    /// assert!(arena.used_bytes() > 100, "with what the local arena keeps ready");
    /// ```
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.arena.used_bytes()
    }

    /// Makes the next `bytes` the arena's own, so that allocating them needs no atomic operation; with
    /// [`SyncArena::prepare`] before, no system call and no page fault either.
    ///
    /// # Errors
    /// [`AllocError`] if there is no memory; all stays as it was.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// let local = arena.local();
    /// local.reserve(1 << 20)?;
    /// let before = arena.used_bytes();
    /// local.alloc_slice_fill_copy(1 << 20, 0_u8);
    /// assert_eq!(arena.used_bytes(), before);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub fn reserve(&self, bytes: usize) -> Result<(), AllocError> {
        let window = self.arena.window();
        if window.remaining() < bytes {
            self.arena.set_window(self.arena.source().cut(window, bytes)?);
        }
        Ok(())
    }
}

impl Carved<'_> {
    /// A window of so many bytes, behind the present one if that is where it ends.
    fn cut(&self, now: Window, bytes: usize) -> Result<Window, AllocError> {
        let layout = Layout::from_size_align(bytes, 16).map_err(|_| AllocError)?;
        let start = self.from.allocate_block(layout)?.as_ptr();
        self.cut.set(self.cut.get() + bytes);
        let limit = start.wrapping_add(bytes);
        let cursor = if now.limit == start { now.cursor.addr() } else { start.addr() };
        Ok(Window { cursor: start.with_addr(cursor), limit })
    }
}

impl sealed::Sealed for Carved<'_> {}

// SAFETY: windows are blocks of the shared arena, which hands them out once, and keeps them while it is borrowed.
unsafe impl Source for Carved<'_> {
    const LOW_ADDRESSES: bool = crate::os::ADDRESSES_ARE_LOW;
    const CONTIGUOUS: bool = false;

    fn refill(&self, _now: Window, need: Layout) -> Result<Refill, AllocError> {
        if need.size().saturating_add(need.align()) <= WINDOW / 4 {
            // Not joined to the present window: in what is free there may lie a block that grows, still to be copied.
            if let Ok(window) = self.cut(Window::nowhere(), WINDOW) {
                return Ok(Refill::Window(window));
            }
        }
        // A large one; or less than a window may still be had.
        let block = self.from.allocate_block(need)?;
        self.cut.set(self.cut.get() + need.size());
        Ok(Refill::Block(block))
    }

    fn before_lowering(&self, _cursor: *mut u8) {}

    /// A block of its own is the shared arena's, which resizes it in place if nobody allocated there meanwhile.
    unsafe fn resize_own_block(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new: Layout,
    ) -> Option<Result<NonNull<u8>, AllocError>> {
        let is_aligned = block.addr().get() & (new.align() - 1) == 0;
        // SAFETY: forwarded from the caller. A block of its own was handed out by the shared arena. One that lies in a window, and is
        // not the last there, ends before the window does, and so not where the shared arena goes on: that refuses it.
        let resized = is_aligned
            && unsafe {
                if new.size() > old_size {
                    self.from.try_grow(block, old_size, new.size()).is_ok()
                } else {
                    self.from.try_shrink(block, old_size, new.size()).is_ok()
                }
            };
        resized.then(|| {
            self.cut.set(self.cut.get().saturating_sub(old_size).saturating_add(new.size()));
            Ok(self.from.at(block)) // not `block`, which may be good for no more than the old size
        })
    }

    fn zero_from(&self) -> usize {
        usize::MAX
    }

    fn statistics(&self, now: Window) -> Statistics {
        let used = self.cut.get().saturating_sub(now.remaining());
        Statistics { reserved: self.cut.get(), committed: self.cut.get(), used, peak: used }
    }

    fn free(&self, now: Window) -> (usize, usize) {
        (now.cursor.addr(), now.remaining())
    }
}

impl Drop for LocalArena<'_> {
    fn drop(&mut self) {
        let Window { cursor, limit } = self.arena.window();
        let left = limit.addr() - cursor.addr();
        if let (Some(rest), true) = (NonNull::new(cursor), left > 0) {
            // SAFETY: the rest of the window is a block of the shared arena, this one's own.
            unsafe { self.shared().shrink_block(rest, left, 0) };
        }
    }
}

impl fmt::Debug for LocalArena<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LocalArena").field("used", &self.used_bytes()).finish()
    }
}
