//! The arena: a window of free memory, and a source that supplies the next window.
//!
//! Allocating is arithmetic on the window (`bump`); only when it does not fit is the source asked, out of line.
//! This file has the window and the two paths. The typed methods are built on `blocks`, the `Allocator` traits on
//! `allocator`; `scope` takes memory back.

#[cfg(any(feature = "allocator-api2", feature = "allocator-api2-04", feature = "nightly"))]
mod allocator;
mod blocks;
pub(crate) mod buffer;
mod bulk;
#[cfg(feature = "allocator-api2")]
pub(crate) mod chain;
mod fixed;
#[cfg(feature = "allocator-api2")]
pub(crate) mod linear;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub(crate) mod options;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod range;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub(crate) mod reserved;
mod scope;
pub(crate) mod source;
mod statistics;
mod window;

pub use bulk::Bulk;
pub use scope::{Checkpoint, Scope, ScopeGuard};

use crate::{AllocError, bump, traps};
use core::alloc::Layout;
use core::ptr::NonNull;
use source::{DefaultSource, LARGEST_MIN_ALIGN, Refill, Source, Window};
use window::WindowCell;

/// A bump allocator: it hands out memory from a window of free memory, and frees all of it at once.
///
/// `Arena` without parameters owns one reserved range of addresses, of which it commits pages as it grows:
/// nothing ever moves, and there is no list of chunks. `S` is the [source](Source) of its windows, `MIN_ALIGN`
/// the least alignment of every block (1, 2, 4, 8 or 16).
///
/// * **Values are not dropped** with the arena. What must be dropped goes into an `allocator_api2`
///   `Box` or `Vec` *in* the arena.
/// * **Cost**: O(1) without a system call while the window lasts; else a few system calls that commit more.
/// * **Failure**: `try_` methods return [`AllocError`]; the short forms write a line to standard error and
///   abort the process. Either way the arena stays as it was.
/// * **Dropping it** gives its memory back to the system. But an arena with the usual options leaves its range to the next one, with
///   16 KiB of its memory, or as much as half of the latest eight had committed, up to 3 MiB: so lives that are alike make no system
///   call. (So do `SyncArena` and `SyncVec`.) Up to eight ranges are kept so; when the system refuses anything, they are given back first.
/// * **Zero-sized** requests succeed with an aligned pointer, and take padding at most. Any alignment is honoured.
/// * **Stale pointers**, of C or `unsafe` code: with the feature `traps`, builds with debug assertions let them fault
///   (`docs/traps.md`).
/// * **Threads**: `Send` exactly when the source is; never `Sync`.
/// * **Signal handlers** may use an arena that only the handler touches. System calls it can make, all of them
///   outside the window: `mmap`, `munmap`, `mprotect`, `madvise`, `prlimit64` and, for a name, `prctl`; none of
///   them while what [`prepare`](Arena::prepare) committed lasts. `errno` is kept.
///
/// ```
/// use v_alloc::Arena;
///
/// let arena = Arena::new();
/// let point = arena.alloc((1, 2));
/// let name = arena.alloc_str("point");
/// let squares = arena.alloc_slice_fill_iter((0..4).map(|n| n * n));
/// point.0 = squares[3];
/// assert_eq!((point.0, &*name), (9, "point"));
/// ```
#[repr(C)]
pub struct Arena<S: Source = DefaultSource, const MIN_ALIGN: usize = 1> {
    // First, so that the fast path touches one cache line.
    window: WindowCell<MIN_ALIGN>,
    source: S,
}

// SAFETY: the window points into memory that the source owns, and whoever uses the arena may use the source.
unsafe impl<S: Source + Send, const MIN_ALIGN: usize> Send for Arena<S, MIN_ALIGN> {}

impl<S: Source, const MIN_ALIGN: usize> Arena<S, MIN_ALIGN> {
    /// An arena whose first window is `window`: the cursor is a multiple of `MIN_ALIGN`.
    pub(crate) const fn from_parts(window: Window, source: S) -> Self {
        const {
            assert!(
                MIN_ALIGN.is_power_of_two() && MIN_ALIGN <= LARGEST_MIN_ALIGN,
                "the minimum alignment must be 1, 2, 4, 8 or 16"
            );
        }
        Self { window: WindowCell::new(window), source }
    }

    #[inline(always)]
    pub(crate) fn window(&self) -> Window {
        self.window.get()
    }

    pub(crate) fn set_window(&self, window: Window) {
        traps::in_force! {
            self.tell_what_is_free(window);
        }
        self.window.set(window);
    }

    /// As [`set_window`](Self::set_window), where the limit is mostly the same.
    #[inline(always)]
    fn update_window(&self, window: Window) {
        traps::in_force! {
            self.tell_what_is_free(window);
        }
        self.window.update(window);
    }

    traps::in_force! {
        /// Before the window becomes this one.
        fn tell_what_is_free(&self, window: Window) {
            // What is free already is known to be so.
            let known = self.window();
            let start = if known.cursor <= window.cursor && window.cursor <= known.limit {
                known.limit.max(window.cursor)
            } else {
                window.cursor
            };
            traps::free(start, window.limit.addr().saturating_sub(start.addr()));
        }
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    #[inline(always)]
    fn allocate_layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match self.window.allocate::<S>(layout) {
            Some(block) => Ok(block),
            None => self.allocate_layout_slowly(layout),
        }
    }

    /// The window is too small: asks the source.
    #[cold]
    #[inline(never)]
    fn allocate_layout_slowly(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        if layout.size() == 0 {
            return Ok(dangling(layout));
        }
        self.refill(self.window(), layout)
    }

    /// A block from the source, which is told that `now` is free.
    fn refill(&self, now: Window, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let align = layout.align().max(MIN_ALIGN);
        let size = bump::round_up(layout.size(), MIN_ALIGN).ok_or(AllocError)?;
        let need = Layout::from_size_align(size, align).map_err(|_| AllocError)?;
        match self.source.refill(now, need)? {
            Refill::Block(block) => Ok(block),
            Refill::Window(window) => {
                self.set_window(window);
                self.window.allocate::<S>(layout).ok_or(AllocError)
            }
        }
    }

    /// Moves the cursor down to `address`, which lies in the window's block, at or below the cursor.
    fn lower_cursor(&self, address: usize) {
        let cursor = self.window.cursor();
        self.source.before_lowering(cursor);
        let lowered = cursor.with_addr(address);
        mark_uninitialised(lowered, cursor.addr() - address);
        traps::free(lowered, cursor.addr() - address);
        self.window.set_cursor(lowered);
    }
}

/// A pointer for a block of no bytes: aligned, never null, never to be accessed.
pub(crate) fn dangling(layout: Layout) -> NonNull<u8> {
    // SAFETY: an alignment is never zero.
    unsafe { NonNull::new_unchecked(core::ptr::without_provenance_mut(layout.align())) }
}

/// Makes Miri report reads of memory that has been taken back. Does nothing elsewhere.
fn mark_uninitialised(start: *mut u8, bytes: usize) {
    #[cfg(miri)]
    {
        let nothing = core::mem::MaybeUninit::<u8>::uninit();
        for offset in 0..bytes {
            // SAFETY: the range lies in the arena's memory, above the new cursor.
            unsafe { start.cast::<core::mem::MaybeUninit<u8>>().add(offset).write(nothing) };
        }
    }
    #[cfg(not(miri))]
    let _ = (start, bytes);
}

#[cfg(all(test, any(unix, windows, miri, v_alloc_heap_os)))]
mod tests;
