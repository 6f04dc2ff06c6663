//! Many elements at once, from a slice: cloned, or moved.

use super::{Memory, StableVec};
use crate::typed::behind::Behind;
use allocator_api2::vec::Vec;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;

/// Elements that a compiler may write one by one.
const FEW: usize = 64;

impl<T> StableVec<T> {
    /// Adds clones of all elements of a slice.
    ///
    /// # Panics
    /// If there is no room.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1]);
    /// vec.extend_from_slice(&[2, 3]);
    /// assert_eq!(vec, [1, 2, 3]);
    /// ```
    #[track_caller]
    pub fn extend_from_slice(&mut self, slice: &[T])
    where
        T: Clone,
    {
        self.reserve(slice.len());
        // SAFETY: room was made for as many.
        unsafe { push_clones(behind(self.vec.get_mut()), slice) };
    }

    /// Adds clones of a range of its own elements.
    ///
    /// # Safety
    /// The range is within the length, and there is room for as many.
    pub(super) unsafe fn clone_behind(&mut self, range: Range<usize>)
    where
        T: Clone,
    {
        // SAFETY: forwarded from the caller. What is written lies behind these elements; and a `Clone` of the caller cannot reach the
        // vector, which is borrowed exclusively.
        let slice = unsafe { slice::from_raw_parts(self.as_ptr().add(range.start), range.len()) };
        // SAFETY: forwarded from the caller.
        unsafe { push_clones(behind(self.vec.get_mut()), slice) };
    }

    /// Adds what an iterator gives, as far as there is room; tells whether there is none left.
    pub(super) fn extend_within_capacity(&mut self, values: &mut impl Iterator<Item = T>) -> bool {
        let room = self.capacity() - self.len();
        let mut behind = behind(self.vec.get_mut());
        values.take(room).for_each(|value| {
            // An iterator may have code of its own behind this, which need not stop where it should.
            assert!(behind.count < room, "an iterator goes on behind its end");
            // SAFETY: there is room.
            unsafe { behind.push(value) };
        });
        behind.count == room
    }

    /// Adds what an iterator promises, if that is little and there is room, and one more; tells whether it may have others. Of few
    /// elements, which are often counted when compiling, a compiler makes as many stores.
    #[inline(always)]
    #[track_caller]
    pub(super) fn extend_by_few(&mut self, values: &mut impl Iterator<Item = T>) -> bool {
        let promised = values.size_hint().0;
        if promised > FEW || promised > self.capacity() - self.len() {
            return true;
        }
        let mut behind = behind(self.vec.get_mut());
        for _ in 0..promised {
            let Some(value) = values.next() else { return false };
            // SAFETY: there is room.
            unsafe { behind.push(value) };
        }
        drop(behind);
        values.next().map(|value| self.push(value)).is_some()
    }

    /// Moves elements to the end.
    ///
    /// # Safety
    /// There is room for `count`, and so many are at `first`, elsewhere, and not used there any more.
    pub(super) unsafe fn move_in(&mut self, first: *const T, count: usize) {
        let vec = self.vec.get_mut();
        // SAFETY: forwarded from the caller.
        unsafe {
            vec.as_mut_ptr().add(vec.len()).copy_from_nonoverlapping(first, count);
            vec.set_len(vec.len() + count);
        }
    }

    /// Moves so many elements from `at` on into another vector.
    ///
    /// # Safety
    /// There are so many, and the other vector has room for them.
    pub(super) unsafe fn move_out(&mut self, at: usize, count: usize, other: &mut Self) {
        let vec = self.vec.get_mut();
        // SAFETY: forwarded from the caller. What is moved away is covered by what lies behind it, or does not count any more.
        unsafe {
            let first = vec.as_mut_ptr().add(at);
            other.move_in(first, count);
            ptr::copy(first.add(count), first, vec.len() - at - count);
            vec.set_len(vec.len() - count);
        }
    }
}

impl StableVec<u8> {
    /// Puts bytes in the place of others.
    ///
    /// # Safety
    /// There are `count` bytes from `at` on, and there is room for those that are more.
    pub(super) unsafe fn replace(&mut self, at: usize, count: usize, with: &[u8]) {
        let vec = self.vec.get_mut();
        // SAFETY: forwarded from the caller; `with` is not of this vector, which is borrowed exclusively.
        unsafe {
            let first = vec.as_mut_ptr().add(at);
            ptr::copy(first.add(count), first.add(with.len()), vec.len() - at - count);
            first.copy_from_nonoverlapping(with.as_ptr(), with.len());
            vec.set_len(vec.len() - count + with.len());
        }
    }
}

/// For elements that are written behind those of a vector.
fn behind<T>(vec: &mut Vec<T, Memory>) -> Behind<T, impl FnMut(usize)> {
    let room = NonNull::from(vec.spare_capacity_mut());
    // SAFETY: so many were written there.
    Behind::new(room.cast(), move |count| unsafe { vec.set_len(vec.len() + count) })
}

/// # Safety
/// There is room for as many.
#[inline(always)]
unsafe fn push_clones<T: Clone>(mut behind: Behind<T, impl FnMut(usize)>, slice: &[T]) {
    for value in slice {
        // SAFETY: forwarded from the caller.
        unsafe { behind.push(value.clone()) };
    }
}
