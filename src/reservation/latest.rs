//! What the latest few had in common: how much memory is worth keeping for the next.
//!
//! With a mean or the most of them, what stays small would hold what a large one needed; with what *all* of them had, only after
//! none was small.

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

    /// Bytes that all of them had; 0 before there were eight.
    pub(crate) fn all_had(&self) -> usize {
        self.had.iter().map(|bytes| bytes.load(Relaxed)).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_had_is_what_the_least_of_the_latest_eight_had() {
        let latest = Latest::new();
        for bytes in 1..8 {
            latest.tell(10 * bytes);
            assert_eq!(latest.all_had(), 0);
        }
        for (bytes, all_had) in [(90, 10), (5, 5), (100, 5)] {
            latest.tell(bytes);
            assert_eq!(latest.all_had(), all_had);
        }
        (0..8).for_each(|_| latest.tell(70));
        assert_eq!(latest.all_had(), 70);
    }
}
