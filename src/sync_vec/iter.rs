//! The elements of a `SyncVec` that nobody pushes to any more.

use super::SyncVec;
use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

/// The elements of a [`SyncVec`], by value: those of its slice. What a push that was cut off left behind a gap is dropped
/// with the iterator.
///
/// ```
/// let vec: v_alloc::SyncVec<String> = ["a", "b"].map(String::from).into_iter().collect();
/// let mut elements: v_alloc::SyncVecIntoIter<String> = vec.into_iter();
/// assert_eq!((elements.next_back(), elements.len()), (Some("b".to_string()), 1));
/// ```
pub struct SyncVecIntoIter<T> {
    /// Drops the elements whose flags are raised.
    vec: SyncVec<T>,
    left: Range<usize>,
}

impl<T> SyncVecIntoIter<T> {
    /// # Safety
    /// The index is one of those that were left, and is not any more.
    unsafe fn take(&mut self, index: usize) -> T {
        if let Some(flag) = self.vec.flag(index) {
            flag.store(0, Relaxed);
        }
        // SAFETY: the element is there, and nobody else will read it: its flag is not raised any more.
        unsafe { self.vec.element(index).read() }
    }
}

impl<T> Iterator for SyncVecIntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // SAFETY: the index was left, and is not any more.
        self.left.next().map(|index| unsafe { self.take(index) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<T> DoubleEndedIterator for SyncVecIntoIter<T> {
    fn next_back(&mut self) -> Option<T> {
        // SAFETY: as in `next`.
        self.left.next_back().map(|index| unsafe { self.take(index) })
    }
}

impl<T> ExactSizeIterator for SyncVecIntoIter<T> {}
impl<T> FusedIterator for SyncVecIntoIter<T> {}

impl<T: fmt::Debug> fmt::Debug for SyncVecIntoIter<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.left.clone().filter_map(|index| self.vec.get(index))).finish()
    }
}

impl<T> IntoIterator for SyncVec<T> {
    type Item = T;
    type IntoIter = SyncVecIntoIter<T>;

    fn into_iter(self) -> SyncVecIntoIter<T> {
        SyncVecIntoIter { left: 0..self.len(), vec: self }
    }
}
