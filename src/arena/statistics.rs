//! The figures of an arena.

use super::Arena;
use super::source::Source;
use crate::bump;
use core::alloc::Layout;
use core::fmt;

/// # The five figures
///
/// All are in bytes, exact, and O(1).
///
/// | figure | what it counts |
/// |---|---|
/// | [`reserved_bytes`](Self::reserved_bytes) | addresses that belong to the arena; they cost no memory |
/// | [`committed_bytes`](Self::committed_bytes) | memory that can be used without asking the system; resident at most |
/// | [`used_bytes`](Self::used_bytes) | what is handed out, with alignment padding |
/// | [`peak_bytes`](Self::peak_bytes) | the most that was ever in use |
/// | [`remaining_capacity`](Self::remaining_capacity) | what can still be handed out, with alignment padding |
///
/// ```
/// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
/// arena.alloc([0_u8; 1000]);
/// assert_eq!(arena.reserved_bytes(), 1 << 20);
/// assert_eq!((arena.used_bytes(), arena.peak_bytes()), (1000, 1000));
/// assert!(arena.committed_bytes() >= 1000);
/// assert_eq!(arena.remaining_capacity(), (1 << 20) - 1000);
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
impl<S: Source, const MIN_ALIGN: usize> Arena<S, MIN_ALIGN> {
    /// Addresses that belong to the arena, in bytes; 0 before a lazy reservation.
    ///
    /// ```
    /// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn reserved_bytes(&self) -> usize {
        self.source.statistics(self.window()).reserved
    }

    /// Memory that can be used without asking the operating system, in bytes. The resident memory is at most this, or what an
    /// earlier arena left.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// assert_eq!(arena.committed_bytes(), 0);
    /// arena.alloc(1_u8);
    /// assert!(arena.committed_bytes() >= v_alloc::os::page_size()?);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub fn committed_bytes(&self) -> usize {
        self.source.statistics(self.window()).committed
    }

    /// What is handed out, with alignment padding, in bytes.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// arena.alloc(1_u8);
    /// arena.alloc(1_u32); // behind three bytes of padding
    /// assert_eq!(arena.used_bytes(), 8);
    /// ```
    pub fn used_bytes(&self) -> usize {
        self.source.statistics(self.window()).used
    }

    /// The most that was ever in use, in bytes.
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// arena.alloc([0_u8; 1000]);
    /// arena.reset();
    /// assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 1000));
    /// ```
    pub fn peak_bytes(&self) -> usize {
        self.source.statistics(self.window()).peak
    }

    /// What can still be handed out, with alignment padding, in bytes.
    ///
    /// ```
    /// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
    /// arena.alloc([0_u8; 1000]);
    /// assert_eq!(arena.remaining_capacity(), (1 << 20) - 1000);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn remaining_capacity(&self) -> usize {
        self.source.free(self.window()).1
    }

    /// Whether a block of this layout fits into [`remaining_capacity`](Self::remaining_capacity) as things are.
    /// There may be no memory for it all the same. Before the range is reserved its address is not known, and counts as aligned to
    /// no more than it will surely be.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
    /// assert!(arena.has_capacity_for(Layout::new::<[u8; 1 << 20]>()));
    /// assert!(!arena.has_capacity_for(Layout::new::<[u8; 2 << 20]>()));
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn has_capacity_for(&self, layout: Layout) -> bool {
        let (address, bytes) = self.source.free(self.window());
        let limit = address.saturating_add(bytes);
        layout.size() == 0
            || bump::fit_any::<MIN_ALIGN>(address, limit, layout.size(), layout.align()).is_some()
    }
}

impl<S: Source, const MIN_ALIGN: usize> fmt::Debug for Arena<S, MIN_ALIGN> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.source.statistics(self.window());
        formatter
            .debug_struct("Arena")
            .field("reserved", &figures.reserved)
            .field("committed", &figures.committed)
            .field("used", &figures.used)
            .field("peak", &figures.peak)
            .field("remaining", &self.remaining_capacity())
            .finish()
    }
}
