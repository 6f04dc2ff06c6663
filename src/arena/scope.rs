//! Taking memory back: reset, scopes, and raw checkpoints.

use super::Arena;
use super::source::{DefaultSource, Rewind};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

/// A handle for allocating inside [`Arena::scoped`]: all of it is taken back when the closure returns.
///
/// What it hands out lives for `'s`, not for a borrow of the handle. So values from an outer scope stay usable
/// in an inner one, while values of the inner one cannot leave it. The handle is invariant in `'s`, and never
/// gives out the arena itself: a container from outside that grew inside would lose its memory.
///
/// ```
/// use v_alloc::{Arena, Scope};
/// fn sum_of_squares(scope: &mut Scope<'_>, numbers: &[u64]) -> u64 {
///     scope.alloc_slice_fill_iter(numbers.iter().map(|number| number * number)).iter().sum()
/// }
/// let mut arena = Arena::new();
/// assert_eq!(arena.scoped(|scope| sum_of_squares(scope, &[1, 2, 3])), 14);
/// assert_eq!(arena.used_bytes(), 0);
/// ```
pub struct Scope<'s, S: Rewind = DefaultSource, const MIN_ALIGN: usize = 1> {
    arena: &'s Arena<S, MIN_ALIGN>,
    /// `&mut` handles of two arenas must not be swapped.
    invariant: PhantomData<Cell<&'s ()>>,
}

/// A guard that takes back, when it is dropped, all that was allocated through it: see [`Arena::scope`].
///
/// It dereferences to the arena. If it is leaked, the memory stays in use until an earlier point is reached.
///
/// ```
/// let mut arena = v_alloc::Arena::new();
/// let guard: v_alloc::ScopeGuard<'_> = arena.scope();
/// guard.alloc_str("temporary");
/// drop(guard);
/// assert_eq!(arena.used_bytes(), 0);
/// ```
pub struct ScopeGuard<'a, S: Rewind = DefaultSource, const MIN_ALIGN: usize = 1> {
    arena: &'a mut Arena<S, MIN_ALIGN>,
    mark: S::Mark,
}

/// A point to come back to: see [`Arena::checkpoint`].
///
/// ```
/// let arena = v_alloc::Arena::new();
/// let before: v_alloc::Checkpoint = arena.checkpoint();
/// arena.alloc_str("tried, and given up");
/// // SAFETY: the string is not used again.
/// unsafe { arena.rewind(before) };
/// assert_eq!(arena.used_bytes(), 0);
/// ```
pub struct Checkpoint<S: Rewind = DefaultSource>(S::Mark);

impl<S: Rewind, const MIN_ALIGN: usize> Arena<S, MIN_ALIGN> {
    /// Takes back all memory and keeps it for reuse. Values are not dropped.
    ///
    /// Nothing can be borrowed from the arena then, so no reference is left behind. (A pointer may be: with the feature
    /// `traps`, debug builds let it fault.) O(1), no system call; a chain
    /// keeps its largest block and gives the others back, one by one. To give memory back to the operating system,
    /// see [`trim`](Arena::trim), and [`ArenaOptions::retain`](crate::ArenaOptions::retain) for an arena that does so by
    /// itself.
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// arena.alloc_slice_fill_copy(1000, 1_u64);
    /// let committed = arena.committed_bytes();
    /// arena.reset();
    /// assert_eq!((arena.used_bytes(), arena.committed_bytes()), (0, committed));
    /// ```
    #[inline]
    pub fn reset(&mut self) {
        let start = self.source().start();
        // SAFETY: the exclusive borrow shows that nothing handed out is in use.
        unsafe { self.rewind_to_mark(start) };
    }

    /// Runs `work` with a [`Scope`], then takes back what it allocated, also when it panics.
    ///
    /// O(1), no system call of its own but at the end of an outermost scope, if there is more than the option
    /// [`retain`](crate::ArenaOptions::retain) has the arena keep; a chain gives back the blocks that it took since, but for
    /// the largest. A block from outside the scope that is grown inside it loses what it gained.
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// let total: u64 = arena.scoped(|scope| {
    ///     let numbers = scope.alloc_slice_fill_iter(1..=10_u64);
    ///     scope.scoped(|inner| inner.alloc_slice_copy(numbers).iter().sum())
    /// });
    /// assert_eq!((total, arena.used_bytes()), (55, 0));
    /// ```
    #[inline]
    pub fn scoped<R>(&mut self, work: impl for<'s> FnOnce(&mut Scope<'s, S, MIN_ALIGN>) -> R) -> R {
        // SAFETY: the exclusive borrow lasts as long as the call.
        unsafe { self.run_scope(work) }
    }

    /// A guard that takes back, when dropped, what was allocated through it.
    ///
    /// Values from before the guard cannot be used while it lives; [`scoped`](Self::scoped) lifts that. Costs as
    /// much as [`scoped`](Self::scoped).
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// arena.alloc(1_u8);
    /// {
    ///     let scope = arena.scope();
    ///     scope.alloc_str("temporary");
    ///     assert_eq!(scope.used_bytes(), 10);
    /// }
    /// assert_eq!(arena.used_bytes(), 1);
    /// ```
    #[inline]
    #[must_use = "the guard takes memory back when it is dropped: at once, if it is not kept"]
    pub fn scope(&mut self) -> ScopeGuard<'_, S, MIN_ALIGN> {
        let mark = self.mark();
        ScopeGuard { arena: self, mark }
    }

    /// The present point, for [`rewind`](Self::rewind). O(1), no system call.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// arena.alloc_str("kept");
    /// let here = arena.checkpoint();
    /// arena.alloc_str("not kept");
    /// // SAFETY: the second string is not used again.
    /// unsafe { arena.rewind(here) };
    /// assert_eq!(arena.used_bytes(), 4);
    /// ```
    #[inline]
    #[must_use = "a checkpoint does nothing until the arena is rewound to it"]
    pub fn checkpoint(&self) -> Checkpoint<S> {
        Checkpoint(self.mark())
    }

    #[inline]
    fn mark(&self) -> S::Mark {
        crate::traps::in_force! {
            self.set_window(self.source().part(self.window()));
        }
        self.source().mark(self.window())
    }

    /// Takes back all that was allocated since the checkpoint. Values are not dropped.
    ///
    /// If the arena is already at or below the checkpoint, nothing happens. O(1) for an arena over one range, no
    /// system call there but when an arena with the option [`retain`](crate::ArenaOptions::retain) is emptied.
    ///
    /// # Safety
    /// The checkpoint is this arena's, made since it was last reset, and nothing allocated after it is used
    /// again. If a block from before it has been grown since, nothing beyond the block's size at the checkpoint.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// let kept = arena.alloc(1_u8);
    /// let here = arena.checkpoint();
    /// arena.alloc_str("temporary");
    /// // SAFETY: the string is not used again.
    /// unsafe { arena.rewind(here) };
    /// assert_eq!((*kept, arena.used_bytes()), (1, 1));
    /// ```
    #[inline]
    pub unsafe fn rewind(&self, checkpoint: Checkpoint<S>) {
        // SAFETY: forwarded from the caller.
        unsafe { self.rewind_to_mark(checkpoint.0) };
    }

    /// # Safety
    /// As for [`rewind`](Self::rewind).
    #[inline]
    unsafe fn rewind_to_mark(&self, mark: S::Mark) {
        let now = self.window();
        self.source().before_lowering(now.cursor);
        // SAFETY: forwarded from the caller.
        let window = unsafe { self.source().rewind(now, mark) };
        if window.limit == now.limit && window.cursor <= now.cursor {
            super::mark_uninitialised(window.cursor, now.cursor.addr() - window.cursor.addr());
        }
        self.update_window(window);
        self.source().give_back();
    }

    /// # Safety
    /// Until `work` returns, only it allocates from this arena, through the scope.
    #[inline]
    unsafe fn run_scope<R>(&self, work: impl for<'s> FnOnce(&mut Scope<'s, S, MIN_ALIGN>) -> R) -> R {
        struct RewindOnDrop<'a, S: Rewind, const MIN_ALIGN: usize>(&'a Arena<S, MIN_ALIGN>, S::Mark);
        impl<S: Rewind, const MIN_ALIGN: usize> Drop for RewindOnDrop<'_, S, MIN_ALIGN> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: what the closure allocated lived for its `'s`, which is over.
                unsafe { self.0.rewind_to_mark(self.1) };
            }
        }
        let rewind = RewindOnDrop(self, self.mark());
        work(&mut Scope { arena: rewind.0, invariant: PhantomData })
    }
}

impl<'s, S: Rewind, const MIN_ALIGN: usize> Scope<'s, S, MIN_ALIGN> {
    /// An inner scope: see [`Arena::scoped`]. Values of this scope stay usable in it.
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// let length = arena.scoped(|outer| {
    ///     let word = outer.alloc_str("word");
    ///     outer.scoped(|inner| inner.alloc_fmt(format_args!("{word}s")).len())
    /// });
    /// assert_eq!(length, 5);
    /// ```
    #[inline]
    pub fn scoped<R>(&mut self, work: impl for<'t> FnOnce(&mut Scope<'t, S, MIN_ALIGN>) -> R) -> R {
        // SAFETY: the arena can be reached only through its scopes while they last, and this one is borrowed
        // exclusively.
        unsafe { self.arena.run_scope(work) }
    }

    /// The arena, for allocating what lives for `'s`. Never to be handed out: see the type.
    pub(crate) fn arena(&self) -> &'s Arena<S, MIN_ALIGN> {
        self.arena
    }
}

impl<S: Rewind, const MIN_ALIGN: usize> fmt::Debug for Scope<'_, S, MIN_ALIGN> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Scope").field(self.arena).finish()
    }
}

impl<S: Rewind, const MIN_ALIGN: usize> ScopeGuard<'_, S, MIN_ALIGN> {
    /// A guard inside this one: see [`Arena::scope`].
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// let mut outer = arena.scope();
    /// outer.alloc_str("outer");
    /// outer.scope().alloc_str("inner"); // taken back at once
    /// assert_eq!(outer.used_bytes(), 5);
    /// ```
    #[inline]
    #[must_use = "the guard takes memory back when it is dropped: at once, if it is not kept"]
    pub fn scope(&mut self) -> ScopeGuard<'_, S, MIN_ALIGN> {
        self.arena.scope()
    }

    /// A scope inside this one: see [`Arena::scoped`].
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// let mut outer = arena.scope();
    /// assert_eq!(outer.scoped(|inner| inner.alloc_str("inner").len()), 5);
    /// assert_eq!(outer.used_bytes(), 0);
    /// ```
    #[inline]
    pub fn scoped<R>(&mut self, work: impl for<'s> FnOnce(&mut Scope<'s, S, MIN_ALIGN>) -> R) -> R {
        self.arena.scoped(work)
    }
}

// Not `DerefMut`: swapping the arenas of two guards would rewind the wrong one.
impl<S: Rewind, const MIN_ALIGN: usize> Deref for ScopeGuard<'_, S, MIN_ALIGN> {
    type Target = Arena<S, MIN_ALIGN>;

    fn deref(&self) -> &Self::Target {
        self.arena
    }
}

impl<S: Rewind, const MIN_ALIGN: usize> Drop for ScopeGuard<'_, S, MIN_ALIGN> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: what was handed out since borrowed from this guard, and such a borrow cannot outlive it.
        unsafe { self.arena.rewind_to_mark(self.mark) };
    }
}

impl<S: Rewind, const MIN_ALIGN: usize> fmt::Debug for ScopeGuard<'_, S, MIN_ALIGN> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ScopeGuard").field(self.arena).finish()
    }
}

impl<S: Rewind> Clone for Checkpoint<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Rewind> Copy for Checkpoint<S> {}

impl<S: Rewind> fmt::Debug for Checkpoint<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Checkpoint")
    }
}
