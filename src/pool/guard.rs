//! What the guards of borrowed arenas have in common: what can be done with the arena, and how it is put to rest.

use crate::os::Pages;
use crate::reservation::growth::WORTH_KEEPING;
use crate::{Arena, ReserveError};

/// Bytes that an idle arena keeps committed unless told otherwise. Most tasks need less, and so make no system call when they
/// repeat.
pub(crate) const RETAIN: usize = WORTH_KEEPING;

/// Takes back all that was allocated, and what is committed beyond `limit`. Returns what stays committed.
#[inline]
pub(crate) fn put_to_rest(arena: &mut Arena, limit: usize) -> usize {
    arena.reset();
    // If the system refuses, the arena keeps it, and the figures say so.
    let _ = trim_to(arena, limit);
    arena.committed_bytes()
}

/// Gives back what is committed beyond `limit`, and not in use. Returns how much that was.
#[inline]
pub(crate) fn trim_to(arena: &Arena, limit: usize) -> Result<usize, ReserveError> {
    // Rounded down, because `Arena::trim` rounds up.
    if arena.committed_bytes() <= limit { Ok(0) } else { arena.trim(Pages::round_down(limit).bytes()) }
}

/// The methods of a guard with the private methods `arena` and `arena_mut`.
macro_rules! lends_an_arena {
    ($(<$lifetime:lifetime>)? $name:ident) => {
        impl$(<$lifetime>)? $name$(<$lifetime>)? {
            /// Takes back all memory and keeps it for reuse: see [`Arena::reset`].
            ///
            /// ```
            /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
            /// let mut arena = pool.get();
            /// arena.alloc_str("one part of the work");
            /// arena.reset();
            /// assert_eq!(arena.used_bytes(), 0);
            /// ```
            pub fn reset(&mut self) {
                self.arena_mut().reset();
            }

            /// Runs `work` with a [`Scope`], then takes back what it allocated: see [`Arena::scoped`].
            ///
            /// ```
            /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
            /// let mut arena = pool.get();
            /// assert_eq!(arena.scoped(|scope| scope.alloc_str("temporary").len()), 9);
            /// assert_eq!(arena.used_bytes(), 0);
            /// ```
            pub fn scoped<R>(&mut self, work: impl for<'s> FnOnce(&mut Scope<'s>) -> R) -> R {
                self.arena_mut().scoped(work)
            }

            /// A guard that takes back, when dropped, what was allocated through it: see [`Arena::scope`].
            ///
            /// ```
            /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
            /// let mut arena = pool.get();
            /// arena.scope().alloc_str("taken back at once");
            /// assert_eq!(arena.used_bytes(), 0);
            /// ```
            #[must_use = "the guard takes memory back when it is dropped: at once, if it is not kept"]
            pub fn scope(&mut self) -> ScopeGuard<'_> {
                self.arena_mut().scope()
            }
        }

        // Not `DerefMut`: a swap would leave an arena with other options where the next user expects these.
        impl$(<$lifetime>)? core::ops::Deref for $name$(<$lifetime>)? {
            type Target = Arena;

            #[inline]
            fn deref(&self) -> &Arena {
                self.arena()
            }
        }

        impl$(<$lifetime>)? core::fmt::Debug for $name$(<$lifetime>)? {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.debug_tuple(stringify!($name)).field(self.arena()).finish()
            }
        }
    };
}
pub(crate) use lends_an_arena;
