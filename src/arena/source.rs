//! Where an arena's windows come from: the traits between the one arena and its sources.

use crate::{AllocError, bump};
use core::alloc::Layout;
use core::ptr::{self, NonNull};

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub use super::reserved::Reserved as DefaultSource;

/// The source of an `Arena` whose type names none. Without an operating system there is nothing to reserve, so it
/// is memory that the program brings.
#[cfg(not(any(unix, windows, miri, v_alloc_heap_os)))]
pub type DefaultSource = super::fixed::Fixed<super::buffer::Borrowed<'static>>;

/// No arena has a larger minimum alignment.
pub(crate) const LARGEST_MIN_ALIGN: usize = 16;

/// Free memory: `cursor .. limit`.
///
/// The pointers carry the provenance of the whole block they point into. No window ends above
/// `bump::HIGHEST_LIMIT`: memory in the last 64 KiB of the address space is not used.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub(crate) cursor: *mut u8,
    pub(crate) limit: *mut u8,
}

impl Window {
    /// A window with no room, for an arena that has none yet. The cursor is aligned and not null.
    pub(crate) const fn nowhere() -> Self {
        let nowhere = ptr::without_provenance_mut(LARGEST_MIN_ALIGN);
        Self { cursor: nowhere, limit: nowhere }
    }

    /// The part of `start .. start + bytes` that may be a window.
    pub(crate) fn over(start: *mut u8, bytes: usize) -> Self {
        let highest = bump::HIGHEST_LIMIT.saturating_sub(start.addr());
        if highest == 0 {
            return Self::nowhere();
        }
        Self { cursor: start, limit: start.wrapping_add(bytes.min(highest)) }
    }

    /// Bytes between the cursor and the limit.
    pub(crate) fn remaining(self) -> usize {
        self.limit.addr() - self.cursor.addr()
    }
}

/// What a source supplies.
#[derive(Clone, Copy, Debug)]
pub enum Refill {
    /// The next window; the request fits in it.
    Window(Window),
    /// A block of its own for the request; the window stays.
    Block(NonNull<u8>),
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Supplies an [`Arena`](crate::Arena) with windows of free memory.
///
/// The sources are [`Reserved`](DefaultSource) and those behind the other arena types; the trait is sealed.
///
/// # Safety
/// A window's memory is valid for reads and writes, belongs to the arena alone until the source is dropped or
/// rewound, and stays where it is when the source is moved.
///
/// ```
/// use v_alloc::{Arena, BufferArena, Source};
/// fn greet<S: Source>(arena: &Arena<S>) -> &str {
///     arena.alloc_str("hello") // from whatever memory the arena has
/// }
/// let mut buffer = [core::mem::MaybeUninit::uninit(); 100];
/// assert_eq!(greet(&BufferArena::from_buffer(&mut buffer)), greet(&Arena::new()));
/// ```
pub unsafe trait Source: sealed::Sealed {
    /// Every window ends at or below `bump::LOW_ADDRESSES_END`, so that plain sums cannot wrap.
    #[doc(hidden)]
    const LOW_ADDRESSES: bool;

    /// `refill` moves the limit and leaves the cursor, so the last block can grow across it.
    #[doc(hidden)]
    const CONTIGUOUS: bool;

    /// Supplies memory for `need`. May run user code that allocates in the same arena: nothing the arena knew
    /// before the call holds after it.
    #[doc(hidden)]
    fn refill(&self, now: Window, need: Layout) -> Result<Refill, AllocError>;

    /// Hears of the cursor before it is lowered: whatever lies below was handed out.
    #[doc(hidden)]
    fn before_lowering(&self, cursor: *mut u8);

    /// At and above this address, memory that was never handed out reads zero.
    #[doc(hidden)]
    fn zero_from(&self) -> usize;

    /// The figures, given the window.
    #[doc(hidden)]
    fn statistics(&self, now: Window) -> Statistics;

    /// The address where the next block would start, and how many bytes are free from there.
    #[doc(hidden)]
    fn free(&self, now: Window) -> (usize, usize);

    /// With traps: the window as it was before a mark or a rewind set it apart from the block that ends at `end`, if that
    /// is the last one, and has room to grow by `more`.
    #[doc(hidden)]
    fn join(&self, now: Window, end: usize, more: usize) -> Option<Window> {
        let _ = (now, end, more);
        None
    }

    /// Resizes a block that [`Refill::Block`] supplied, or frees it for a new size of 0, if it is the latest of
    /// its kind. `None` if it is not, or the source does not know, and nothing has happened then.
    ///
    /// # Safety
    /// `block` is live; on success it is the returned one that is.
    #[doc(hidden)]
    unsafe fn resize_own_block(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new: Layout,
    ) -> Option<Result<NonNull<u8>, AllocError>> {
        let _ = (block, old_size, new);
        None
    }
}

/// A source that can take memory back from a point on.
///
/// # Safety
/// Rewinding to a mark gives a window that contains no memory handed out before the mark was made.
///
/// ```
/// use v_alloc::{Arena, Rewind};
/// fn is_palindrome<S: Rewind>(text: &str, arena: &mut Arena<S>) -> bool {
///     arena.scoped(|scope| {
///         let backwards = scope.alloc_slice_fill_iter(text.chars().rev());
///         text.chars().eq(backwards.iter().copied())
///     })
/// }
/// assert!(is_palindrome("level", &mut Arena::new()));
/// ```
pub unsafe trait Rewind: Source {
    #[doc(hidden)]
    type Mark: Copy;

    /// The state to come back to.
    #[doc(hidden)]
    fn mark(&self, now: Window) -> Self::Mark;

    /// With traps: the window set apart from what is handed out, before a mark is made.
    #[doc(hidden)]
    fn part(&self, now: Window) -> Window {
        now
    }

    /// The state of an arena without allocations.
    #[doc(hidden)]
    fn start(&self) -> Self::Mark;

    /// The window as it was at the mark. A mark that is not below the present cursor changes nothing.
    ///
    /// # Safety
    /// The mark came from this source, and nothing that was handed out since is in use.
    #[doc(hidden)]
    unsafe fn rewind(&self, now: Window, mark: Self::Mark) -> Window;

    /// Gives away what a rewind left over, once the arena has its window. May run user code that allocates in the
    /// same arena, or panics.
    #[doc(hidden)]
    fn give_back(&self) {}
}

/// The figures of an arena, in bytes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub(crate) reserved: usize,
    pub(crate) committed: usize,
    pub(crate) used: usize,
    pub(crate) peak: usize,
}
