//! Elements in the place of others.

use super::{IntoIter, StableVec};
use core::iter::FusedIterator;
use core::ops::RangeBounds;

impl<T> StableVec<T> {
    /// Removes a range of elements, over which the iterator goes; when it is dropped, it drops those that are left, and puts
    /// `with` in their place.
    /// O(number of elements from the range on, and of `with`).
    ///
    /// # Panics
    /// If the range is not within the length, or there is no room for what is removed, which is another vector with the same
    /// options: nothing has changed then. If there is no room for what is put in its place: what there was room for is there.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3, 4]);
    /// assert!(vec.splice(1..3, [20, 25, 30]).eq([2, 3]));
    /// assert_eq!(vec, [1, 20, 25, 30, 4]);
    /// ```
    #[track_caller]
    pub fn splice<I: IntoIterator<Item = T>>(
        &mut self,
        range: impl RangeBounds<usize>,
        with: I,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + FusedIterator {
        let range = self.within(&range);
        let at = range.start;
        let mut removed = self.empty();
        removed.reserve_exact(range.len()); // before anything is removed
        // SAFETY: the range is of the vector, and there is room for it.
        unsafe { self.move_out(at, range.len(), &mut removed) };
        Splice { vec: self, at, with: with.into_iter(), removed: removed.into_iter() }
    }
}

struct Splice<'a, I: Iterator> {
    vec: &'a mut StableVec<I::Item>,
    /// Where the range began.
    at: usize,
    with: I,
    removed: IntoIter<I::Item>,
}

impl<I: Iterator> Iterator for Splice<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.removed.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.removed.size_hint()
    }
}

impl<I: Iterator> DoubleEndedIterator for Splice<'_, I> {
    fn next_back(&mut self) -> Option<I::Item> {
        self.removed.next_back()
    }
}

impl<I: Iterator> ExactSizeIterator for Splice<'_, I> {}
impl<I: Iterator> FusedIterator for Splice<'_, I> {}

impl<I: Iterator> Drop for Splice<'_, I> {
    fn drop(&mut self) {
        self.removed.by_ref().for_each(drop); // before others are made
        let behind = self.vec.len() - self.at;
        let last = Last { vec: self.vec, at: self.at, behind };
        last.vec.extend(&mut self.with);
    }
}

/// Elements that were pushed behind all others, and belong elsewhere; where pushing panics, too.
struct Last<'a, T> {
    vec: &'a mut StableVec<T>,
    at: usize,
    /// How many elements there were from `at` on.
    behind: usize,
}

impl<T> Drop for Last<'_, T> {
    fn drop(&mut self) {
        self.vec[self.at..].rotate_left(self.behind);
    }
}
