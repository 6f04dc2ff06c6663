//! `scratch()`: a temporary arena, warm from earlier ones of this thread. The only thread-local of the library.

use crate::pool::guard::{RETAIN, lends_an_arena, put_to_rest};
use crate::{Arena, Scope, ScopeGuard};
use core::cell::RefCell;
use core::mem::ManuallyDrop;
use std::boxed::Box;
use std::vec::Vec;

/// Idle arenas of a thread, at most. More are alive at once in deep recursions only, whose memory should not stay.
const KEPT: usize = 8;

std::thread_local! {
    #[allow(clippy::vec_box, reason = "lending one moves a pointer, not 150 bytes")]
    static IDLE: RefCell<Vec<Box<Arena>>> = const { RefCell::new(Vec::new()) };
}

/// An empty arena for temporary values, which goes back to the thread when the guard is dropped.
///
/// Any number may be alive at once, dropped in any order. Where a thread has just two scratch arenas, a function must
/// be told which of them its caller uses; here each guard has an arena to itself, so there is nothing to tell.
///
/// A thread keeps up to 8 idle arenas, of each at most 3 MiB of memory, for its next calls: O(1), a few instructions,
/// no system call. Only the first takes a block of the heap, and reserves a range when it is allocated from.
///
/// ```
/// fn shout(text: &str) -> usize {
///     let scratch = v_alloc::scratch();
///     let loud = scratch.alloc_str(text);
///     loud.make_ascii_uppercase();
///     count(loud)
/// }
///
/// fn count(text: &str) -> usize {
///     let scratch = v_alloc::scratch(); // another one than its caller's
///     scratch.alloc_slice_fill_iter(text.split(' ').map(str::len)).iter().sum()
/// }
/// assert_eq!(shout("to be or not"), 9);
/// ```
#[inline]
pub fn scratch() -> Scratch {
    // While a thread ends, it has no list any more.
    let idle = IDLE.try_with(|list| list.try_borrow_mut().ok()?.pop()).ok().flatten();
    let arena = idle.unwrap_or_else(|| Box::new(Arena::new()));
    Scratch { arena: ManuallyDrop::new(arena) }
}

/// A temporary arena of this thread: see [`scratch`].
///
/// It dereferences to the [`Arena`], which is empty at first; [`peak_bytes`](Arena::peak_bytes) and
/// [`last_error`](Arena::last_error) tell of earlier users, too. What is allocated cannot outlive the guard. The guard
/// may go to another thread, which then keeps the arena, but not be shared between threads.
///
/// * **Thread exit**: a thread that ends releases its idle arenas. In destructors of thread-locals that run after that,
///   arenas are fresh, and released with their guard. A leaked guard ([`mem::forget`](core::mem::forget)) leaks its
///   arena.
/// * **System calls**: those of [`Arena`]; and in the drop of a guard `mmap`, if there is more than the arena may keep,
///   or `munmap`, if the thread has enough arenas. `errno` is kept by them, but perhaps not by the program's heap.
/// * **Signal handlers** must not use it: thread-locals and the heap are not safe there. They have
///   [`ArenaPool`](crate::ArenaPool).
/// * **After a fork**, the child's one thread has the arenas of the thread that it comes from. Those of other threads
///   stay as they were, unused.
///
/// ```
/// let mut scratch: v_alloc::Scratch = v_alloc::scratch();
/// let words = scratch.alloc_slice_fill_iter("to be or not".split(' '));
/// words.sort();
/// assert_eq!(words, &["be", "not", "or", "to"]);
/// scratch.reset();
/// assert_eq!(scratch.used_bytes(), 0);
/// ```
#[must_use = "the arena goes back when the guard is dropped: at once, if it is not kept"]
pub struct Scratch {
    arena: ManuallyDrop<Box<Arena>>,
}

impl Scratch {
    #[inline]
    fn arena(&self) -> &Arena {
        &self.arena
    }

    fn arena_mut(&mut self) -> &mut Arena {
        &mut self.arena
    }
}

lends_an_arena!(Scratch);

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: the guard is not used again.
        let mut arena = unsafe { ManuallyDrop::take(&mut self.arena) };
        put_to_rest(&mut arena, RETAIN);
        // Who cannot be put there is released.
        let _ = IDLE.try_with(|list| {
            if let Some(mut list) = list.try_borrow_mut().ok().filter(|list| list.len() < KEPT) {
                list.push(arena);
            }
        });
    }
}
