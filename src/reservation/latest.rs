//! What is usual of late: how much memory is worth keeping for the next.
//!
//! What half of the latest few had serves half of those to come, whatever their sizes. A large one by itself is no reason to
//! keep as much for small ones, as it would be for a mean.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How much each of the latest eight had, in bytes. Threads that tell at the same time may cover each other's figure, which is
/// good enough.
pub(crate) struct Latest {
    had: [AtomicUsize; 8],
    count: AtomicUsize,
}

impl Latest {
    pub(crate) const fn new() -> Self {
        Self { had: [const { AtomicUsize::new(0) }; 8], count: AtomicUsize::new(0) }
    }

    #[inline]
    pub(crate) fn tell(&self, bytes: usize) {
        let count = self.count.load(Relaxed);
        self.count.store(count.wrapping_add(1), Relaxed);
        if let Some(place) = self.had.get(count % self.had.len()) {
            place.store(bytes, Relaxed);
        }
    }

    /// The most bytes that half of them had; 0 before there were four.
    pub(crate) fn half_had(&self) -> usize {
        let had = || self.had.iter().map(|bytes| bytes.load(Relaxed));
        let half_had = |bytes: &usize| 2 * had().filter(|other| other >= bytes).count() >= self.had.len();
        had().filter(half_had).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_the_latest_eight_had_what_half_had() {
        let latest = Latest::new();
        for (bytes, half_had) in [(10, 0), (40, 0), (20, 0), (30, 10), (9, 10), (35, 20), (1, 20), (50, 30)] {
            latest.tell(bytes);
            assert_eq!(latest.half_had(), half_had, "{bytes}");
        }
        latest.tell(60); // and the 10 is forgotten
        assert_eq!(latest.half_had(), 35);
        latest.tell(0);
        assert_eq!(latest.half_had(), 30);
        (0..8).for_each(|_| latest.tell(70));
        assert_eq!(latest.half_had(), 70);
        (0..4).for_each(|_| latest.tell(3));
        assert_eq!(latest.half_had(), 70);
        latest.tell(3);
        assert_eq!(latest.half_had(), 3);
    }
}
