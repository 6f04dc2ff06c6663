//! Iterators that own what they give: all elements, or a range of them.

use super::{Memory, StableVec, StableVecOptions};
use allocator_api2::vec::{self, Vec};
use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use core::slice;

/// The elements of a [`StableVec`], by value. (Not `allocator_api2`'s, which makes references that are not aligned of
/// elements without bytes.)
///
/// ```
/// let mut numbers: v_alloc::VecIntoIter<i32> = v_alloc::StableVec::from([1, 2, 3]).into_iter();
/// assert_eq!((numbers.next(), numbers.next_back(), numbers.len()), (Some(1), Some(3), 1));
/// ```
pub struct IntoIter<T> {
    /// With a length of 0: what is left counts for nothing there.
    vec: Vec<T, Memory>,
    left: Range<usize>,
}

impl<T> IntoIter<T> {
    /// The elements that are left.
    ///
    /// ```
    /// let mut numbers = v_alloc::StableVec::from([1, 2, 3]).into_iter();
    /// numbers.next();
    /// assert_eq!(numbers.as_slice(), [2, 3]);
    /// ```
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: these elements are there, and nobody changes them while the iterator is borrowed.
        unsafe { slice::from_raw_parts(self.vec.as_ptr().add(self.left.start), self.left.len()) }
    }

    /// The elements that are left, to be changed.
    ///
    /// ```
    /// let mut numbers = v_alloc::StableVec::from([1, 2, 3]).into_iter();
    /// numbers.next();
    /// numbers.as_mut_slice().reverse();
    /// assert!(numbers.eq([3, 2]));
    /// ```
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: these elements are there, and nobody else uses them while the iterator is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.vec.as_mut_ptr().add(self.left.start), self.left.len()) }
    }

    /// # Safety
    /// The index is one of those that were left, and is not any more.
    unsafe fn take(&mut self, index: usize) -> T {
        // SAFETY: the element is there, and nobody else will read it.
        unsafe { self.vec.as_mut_ptr().add(index).read() }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        // SAFETY: the index was left, and is not any more.
        self.left.next().map(|index| unsafe { self.take(index) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<T> DoubleEndedIterator for IntoIter<T> {
    fn next_back(&mut self) -> Option<T> {
        // SAFETY: as in `next`.
        self.left.next_back().map(|index| unsafe { self.take(index) })
    }
}

impl<T> Drop for IntoIter<T> {
    fn drop(&mut self) {
        let left = core::mem::take(&mut self.left);
        // SAFETY: these elements are there, and nobody else will read or drop them.
        unsafe {
            let first = self.vec.as_mut_ptr().add(left.start);
            core::ptr::slice_from_raw_parts_mut(first, left.len()).drop_in_place();
        }
    }
}

impl<T> ExactSizeIterator for IntoIter<T> {}
impl<T> FusedIterator for IntoIter<T> {}

/// With the options that the vector had.
impl<T: Clone> Clone for IntoIter<T> {
    fn clone(&self) -> Self {
        let mut left = StableVecOptions::new(self.vec.allocator().options).build();
        left.extend_from_slice(self.as_slice());
        left.into_iter()
    }
}

impl<T> Default for IntoIter<T> {
    fn default() -> Self {
        StableVec::new().into_iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for IntoIter<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("IntoIter").field(&self.as_slice()).finish()
    }
}

impl<T> IntoIterator for StableVec<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        let mut vec = self.vec.into_inner();
        let left = 0..vec.len();
        // SAFETY: no elements are as good as any; the iterator has them.
        unsafe { vec.set_len(0) };
        IntoIter { vec, left }
    }
}

/// The elements of a range of a [`StableVec`], which leave it: see [`StableVec::drain`].
///
/// ```
/// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
/// let leaving: v_alloc::VecDrain<'_, i32> = vec.drain(..2);
/// assert!(leaving.eq([1, 2]));
/// assert_eq!(vec, [3]);
/// ```
pub struct Drain<'a, T>(pub(super) vec::Drain<'a, T, Memory>);

impl<T> Drain<'_, T> {
    /// The elements that are left.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// let mut leaving = vec.drain(..);
    /// leaving.next();
    /// assert_eq!(leaving.as_slice(), [2, 3]);
    /// ```
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.0.as_slice()
    }
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> DoubleEndedIterator for Drain<'_, T> {
    fn next_back(&mut self) -> Option<T> {
        self.0.next_back()
    }
}

impl<T> ExactSizeIterator for Drain<'_, T> {}
impl<T> FusedIterator for Drain<'_, T> {}

impl<T: fmt::Debug> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
