//! Where an arena's windows come from: the traits between the one arena and its sources.

use crate::AllocError;
use core::alloc::Layout;

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub use super::reserved::Reserved as DefaultSource;

/// The source of an `Arena` whose type names none. Without an operating system there is nothing to reserve, so
/// this one has no values.
#[cfg(not(any(unix, windows, miri, v_alloc_heap_os)))]
#[derive(Debug)]
pub enum DefaultSource {}

/// Free memory: `cursor .. limit`.
///
/// The pointers carry the provenance of the whole block they point into. No window ends above
/// `bump::HIGHEST_LIMIT`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub(crate) cursor: *mut u8,
    pub(crate) limit: *mut u8,
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
pub unsafe trait Source: sealed::Sealed {
    /// Every window ends at or below `bump::LOW_ADDRESSES_END`, so that plain sums cannot wrap.
    #[doc(hidden)]
    const LOW_ADDRESSES: bool;

    /// `refill` moves the limit and leaves the cursor, so the last block can grow across it.
    #[doc(hidden)]
    const CONTIGUOUS: bool;

    /// Supplies a window in which `need` fits. May run user code that allocates in the same arena: nothing the
    /// arena knew before the call holds after it.
    #[doc(hidden)]
    fn refill(&self, now: Window, need: Layout) -> Result<Window, AllocError>;

    /// Hears of the cursor before it is lowered: whatever lies below was handed out.
    #[doc(hidden)]
    fn before_lowering(&self, cursor: *mut u8);

    /// At and above this address, memory that was never handed out reads zero.
    #[doc(hidden)]
    fn zero_from(&self) -> usize;

    /// The figures, given the window.
    #[doc(hidden)]
    fn statistics(&self, now: Window) -> Statistics;

    /// How many bytes the next allocations can take in all, before alignment.
    #[doc(hidden)]
    fn remaining(&self, now: Window) -> usize;
}

/// A source that can take memory back from a point on.
///
/// # Safety
/// Rewinding to a mark gives a window that contains no memory handed out before the mark was made.
pub unsafe trait Rewind: Source {
    #[doc(hidden)]
    type Mark: Copy;

    /// The state to come back to.
    #[doc(hidden)]
    fn mark(&self, now: Window) -> Self::Mark;

    /// The state of an arena without allocations.
    #[doc(hidden)]
    fn start(&self) -> Self::Mark;

    /// The window as it was at the mark. A mark above the present cursor changes nothing.
    ///
    /// # Safety
    /// The mark came from this source, and nothing that was handed out since is in use.
    #[doc(hidden)]
    unsafe fn rewind(&self, now: Window, mark: Self::Mark) -> Window;
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
