//! Elements that leave a `StableVec` one by one, if the caller says so.

use super::{Memory, StableVec};
use allocator_api2::vec::Vec;
use core::ops::RangeBounds;

impl<T> StableVec<T> {
    /// Removes the elements of a range for which `remove` is true, one with each step of the iterator. What it does not come
    /// to stays. What stays moves up: in the range step by step, behind it when the iterator is dropped. O(number of
    /// elements) in all.
    ///
    /// If `remove` panics, the element it was asked about and all behind that stay.
    ///
    /// # Panics
    /// If the range is not within the length.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3, 4, 5, 6]);
    /// let even: Vec<i32> = vec.extract_if(..5, |number| *number % 2 == 0).collect();
    /// assert_eq!((even, &vec[..]), (vec![2, 4], &[1, 3, 5, 6][..]));
    /// ```
    #[track_caller]
    pub fn extract_if(
        &mut self,
        range: impl RangeBounds<usize>,
        remove: impl FnMut(&mut T) -> bool,
    ) -> impl Iterator<Item = T> {
        let range = self.within(&range);
        let vec = self.vec.get_mut();
        let len = vec.len();
        // SAFETY: no elements are as good as any; the iterator has them, and if it is leaked they are.
        unsafe { vec.set_len(0) };
        Extract { vec, kept: range.start, next: range.start, end: range.end, len, remove }
    }
}

/// ```text
///  | stay  |  gone   | not asked about yet |  stay  |
///  0 ..   kept ..   next       ..         end ..   len
/// ```
struct Extract<'a, T, F> {
    /// With a length of 0 until the end.
    vec: &'a mut Vec<T, Memory>,
    kept: usize,
    next: usize,
    end: usize,
    len: usize,
    remove: F,
}

impl<T, F: FnMut(&mut T) -> bool> Iterator for Extract<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while self.next < self.end {
            let base = self.vec.as_mut_ptr();
            // SAFETY: the element is there, and nobody else borrows it.
            let element = unsafe { &mut *base.add(self.next) };
            let remove = (self.remove)(element);
            self.next += 1;
            if remove {
                // SAFETY: from here on it is among those that are gone.
                return Some(unsafe { core::ptr::read(element) });
            }
            // SAFETY: `kept` is the first of those that are gone, or the element itself.
            unsafe { core::ptr::copy(element, base.add(self.kept), 1) };
            self.kept += 1;
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.end - self.next))
    }
}

impl<T, F> Drop for Extract<'_, T, F> {
    fn drop(&mut self) {
        let base = self.vec.as_mut_ptr();
        let behind = self.len - self.next;
        // SAFETY: what was not asked about is there, and goes to where those that are gone were; so many elements are left.
        unsafe {
            core::ptr::copy(base.add(self.next), base.add(self.kept), behind);
            self.vec.set_len(self.kept + behind);
        }
    }
}
