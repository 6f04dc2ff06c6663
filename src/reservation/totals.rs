//! The process-wide account: bytes reserved and committed by this library.

use crate::os::Pages;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A number of bytes that many threads add to. It orders nothing, so relaxed operations do.
pub(crate) struct Total(AtomicUsize);

pub(crate) static RESERVED: Total = Total(AtomicUsize::new(0));
pub(crate) static COMMITTED: Total = Total(AtomicUsize::new(0));

impl Total {
    pub(super) fn add(&self, size: Pages) {
        self.0.fetch_add(size.bytes(), Relaxed);
    }

    pub(super) fn subtract(&self, size: Pages) {
        self.0.fetch_sub(size.bytes(), Relaxed);
    }

    fn bytes(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Bytes of address space that this library holds in this process for all that lives. Two things do not count: what Windows keeps
/// around a range that had to be aligned, and up to eight default ranges that dropped arenas leave to the next. O(1); safe in a
/// signal handler.
///
/// ```
/// let before = v_alloc::process_reserved_bytes();
/// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
/// assert_eq!(v_alloc::process_reserved_bytes() - before, 1 << 20);
/// # drop(arena);
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[must_use]
pub fn process_reserved_bytes() -> usize {
    RESERVED.bytes()
}

/// Bytes of memory that this library has committed in this process, for all that lives. O(1); safe in a signal handler.
///
/// What is kept for the next does not count, but does against a commit limit, and may be resident: of the freed blocks of each size
/// of reservation 1 MiB together (and 1 MiB each of two more, if half of the latest eight had as much), and of up to eight dropped
/// arenas 16 KiB each (up to 3 MiB, if half of the latest eight had as much).
///
/// ```
/// let before = v_alloc::process_committed_bytes();
/// let arena = v_alloc::Arena::new();
/// arena.alloc_slice_zeroed::<u8>(1 << 20);
/// assert!(v_alloc::process_committed_bytes() - before >= 1 << 20);
/// ```
#[must_use]
pub fn process_committed_bytes() -> usize {
    COMMITTED.bytes()
}
