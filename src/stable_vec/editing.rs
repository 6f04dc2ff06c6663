//! What removes, reorders or adds in the middle: it has the vector to itself, and after room was made is `Vec`'s own code, or
//! that of `copying`.

use super::{Drain, StableVec};
use core::iter;
use core::mem::MaybeUninit;
use core::ops::{Bound, Range, RangeBounds};

impl<T> StableVec<T> {
    /// Removes the last element.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2]);
    /// assert_eq!((vec.pop(), vec.pop(), vec.pop()), (Some(2), Some(1), None));
    /// ```
    pub fn pop(&mut self) -> Option<T> {
        self.vec.get_mut().pop()
    }

    /// Removes the last element if there is one and `remove` is true for it.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2]);
    /// assert_eq!((vec.pop_if(|last| *last == 2), vec.pop_if(|last| *last == 2)), (Some(2), None));
    /// ```
    pub fn pop_if(&mut self, remove: impl FnOnce(&mut T) -> bool) -> Option<T> {
        if remove(self.last_mut()?) { self.pop() } else { None }
    }

    /// Inserts an element before the one at `index`, which moves with all behind it.
    ///
    /// # Panics
    /// If `index` is beyond the length, or there is no room.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 3]);
    /// vec.insert(1, 2);
    /// assert_eq!(vec, [1, 2, 3]);
    /// ```
    #[track_caller]
    pub fn insert(&mut self, index: usize, value: T) {
        let len = self.len();
        assert!(index <= len, "insertion index (is {index}) should be <= len (is {len})");
        self.reserve(1);
        self.vec.get_mut().insert(index, value);
    }

    /// As [`insert`](Self::insert), and returns the element, to be changed.
    ///
    /// # Panics
    /// As there.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 3]);
    /// *vec.insert_mut(1, 2) += 10;
    /// assert_eq!(vec, [1, 12, 3]);
    /// ```
    #[must_use = "`insert` does without the reference"]
    #[track_caller]
    pub fn insert_mut(&mut self, index: usize, value: T) -> &mut T {
        self.insert(index, value);
        &mut self.as_mut_slice()[index]
    }

    /// Removes the element at `index`; those behind it move.
    ///
    /// # Panics
    /// If there is none.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// assert_eq!(vec.remove(0), 1);
    /// assert_eq!(vec, [2, 3]);
    /// ```
    #[track_caller]
    pub fn remove(&mut self, index: usize) -> T {
        self.vec.get_mut().remove(index)
    }

    /// Removes the element at `index` and puts the last one there.
    ///
    /// # Panics
    /// If there is none.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// assert_eq!(vec.swap_remove(0), 1);
    /// assert_eq!(vec, [3, 2]);
    /// ```
    #[track_caller]
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.len();
        assert!(index < len, "swap_remove index (is {index}) should be < len (is {len})");
        self.vec.get_mut().swap_remove(index)
    }

    /// Drops all elements from `len` on.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// vec.truncate(2);
    /// assert_eq!(vec, [1, 2]);
    /// ```
    pub fn truncate(&mut self, len: usize) {
        self.vec.get_mut().truncate(len);
    }

    /// Drops all elements. The memory stays.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// vec.clear();
    /// assert!(vec.is_empty() && vec.capacity() >= 3);
    /// ```
    pub fn clear(&mut self) {
        self.vec.get_mut().clear();
    }

    /// Removes a range of elements and iterates over them; those behind it move.
    ///
    /// # Panics
    /// If the range is not within the length.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3, 4]);
    /// assert_eq!(vec.drain(1..3).sum::<i32>(), 5);
    /// assert_eq!(vec, [1, 4]);
    /// ```
    #[track_caller]
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> Drain<'_, T> {
        let range = self.within(&range);
        Drain(self.vec.get_mut().drain(range))
    }

    /// Keeps the elements for which `keep` is true.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3, 4]);
    /// vec.retain(|number| number % 2 == 0);
    /// assert_eq!(vec, [2, 4]);
    /// ```
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.vec.get_mut().retain(keep);
    }

    /// As [`retain`](Self::retain), with elements that may be changed.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// vec.retain_mut(|number| {
    ///     *number -= 1;
    ///     *number > 0
    /// });
    /// assert_eq!(vec, [1, 2]);
    /// ```
    pub fn retain_mut(&mut self, keep: impl FnMut(&mut T) -> bool) {
        self.vec.get_mut().retain_mut(keep);
    }

    /// Removes all but the first of elements next to each other for which `same` is true.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from(["a", "A", "b"]);
    /// vec.dedup_by(|later, first| later.eq_ignore_ascii_case(first));
    /// assert_eq!(vec, ["a", "b"]);
    /// ```
    pub fn dedup_by(&mut self, same: impl FnMut(&mut T, &mut T) -> bool) {
        self.vec.get_mut().dedup_by(same);
    }

    /// Removes all but the first of elements next to each other with equal keys.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([10, 11, 20]);
    /// vec.dedup_by_key(|number| *number / 10);
    /// assert_eq!(vec, [10, 20]);
    /// ```
    pub fn dedup_by_key<K: PartialEq>(&mut self, key: impl FnMut(&mut T) -> K) {
        self.vec.get_mut().dedup_by_key(key);
    }

    /// Removes all but the first of equal elements next to each other.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 1, 2, 1]);
    /// vec.dedup();
    /// assert_eq!(vec, [1, 2, 1]);
    /// ```
    pub fn dedup(&mut self)
    where
        T: PartialEq,
    {
        self.vec.get_mut().dedup();
    }

    /// Moves all elements of `other` to the end.
    ///
    /// # Panics
    /// If there is no room.
    ///
    /// ```
    /// let (mut vec, mut other) = (v_alloc::StableVec::from([1]), v_alloc::StableVec::from([2, 3]));
    /// vec.append(&mut other);
    /// assert_eq!((&vec[..], other.len()), (&[1, 2, 3][..], 0));
    /// ```
    #[track_caller]
    pub fn append(&mut self, other: &mut Self) {
        self.reserve(other.len());
        self.vec.get_mut().append(other.vec.get_mut());
    }

    /// Moves the elements from `at` on into a vector of their own, with the same options.
    ///
    /// # Panics
    /// If `at` is beyond the length, or there is no memory.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// assert_eq!(vec.split_off(1), [2, 3]);
    /// assert_eq!(vec, [1]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split_off(&mut self, at: usize) -> Self {
        let range = self.within(&(at..));
        let mut other = self.empty();
        other.reserve(range.len());
        // SAFETY: the range is of the vector, and there is room for it.
        unsafe { self.move_out(range.start, range.len(), &mut other) };
        other
    }

    /// Makes the vector `len` elements long, with clones of `value` if it grows.
    ///
    /// # Panics
    /// If there is no room.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1]);
    /// vec.resize(3, 7);
    /// assert_eq!(vec, [1, 7, 7]);
    /// ```
    #[track_caller]
    pub fn resize(&mut self, len: usize, value: T)
    where
        T: Clone,
    {
        self.reserve(len.saturating_sub(self.len()));
        self.vec.get_mut().resize(len, value);
    }

    /// Makes the vector `len` elements long, with what `make` returns if it grows.
    ///
    /// # Panics
    /// If there is no room.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1]);
    /// let mut next = 1;
    /// vec.resize_with(3, || {
    ///     next += 1;
    ///     next
    /// });
    /// assert_eq!(vec, [1, 2, 3]);
    /// ```
    #[track_caller]
    pub fn resize_with(&mut self, len: usize, make: impl FnMut() -> T) {
        let more = len.saturating_sub(self.len());
        self.reserve(more);
        self.truncate(len);
        self.extend(iter::repeat_with(make).take(more));
    }

    /// Adds clones of a range of the vector's own elements.
    ///
    /// # Panics
    /// If the range is not within the length, or there is no room.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([1, 2, 3]);
    /// vec.extend_from_within(1..);
    /// assert_eq!(vec, [1, 2, 3, 2, 3]);
    /// ```
    #[track_caller]
    pub fn extend_from_within(&mut self, range: impl RangeBounds<usize>)
    where
        T: Clone,
    {
        let range = self.within(&range);
        self.reserve(range.len());
        // SAFETY: room was made for as many, behind all that this reads.
        unsafe { self.clone_behind(range) };
    }

    /// Gives back the memory behind the last element, in whole pages; all of it, and the addresses, if there is none.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::<u64>::with_capacity(1 << 20);
    /// vec.push(1);
    /// vec.shrink_to_fit();
    /// assert!(vec.capacity() < 1 << 20);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        if self.is_empty() {
            // `Vec` would shrink to a block of no bytes, and forget that.
            let empty = self.empty();
            *self = empty;
        } else {
            self.vec.get_mut().shrink_to_fit();
        }
    }

    /// As [`shrink_to_fit`](Self::shrink_to_fit), but keeps room for so many elements, if there is.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::<u64>::with_capacity(1 << 20);
    /// vec.shrink_to(1000);
    /// assert!((1000..1 << 20).contains(&vec.capacity()));
    /// ```
    pub fn shrink_to(&mut self, capacity: usize) {
        if capacity <= self.len() {
            self.shrink_to_fit();
        } else {
            self.vec.get_mut().shrink_to(capacity);
        }
    }

    /// The room behind the last element, for whoever writes elements there and then says [how many](Self::set_len): up to the
    /// [capacity](Self::capacity). What is there before may be anything. O(1), no system call.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::<u32>::with_capacity(3);
    /// vec.spare_capacity_mut()[0].write(7);
    /// // SAFETY: the first element was written.
    /// unsafe { vec.set_len(1) };
    /// assert_eq!(vec, [7]);
    /// ```
    pub fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<T>] {
        self.vec.get_mut().spare_capacity_mut()
    }

    /// Says how many elements there are. Drops none. O(1), no system call.
    ///
    /// # Safety
    /// `len` is at most the [capacity](Self::capacity), and all elements below it are initialised.
    ///
    /// ```
    /// let mut squares = v_alloc::StableVec::with_capacity(100);
    /// for (number, place) in squares.spare_capacity_mut()[..100].iter_mut().enumerate() {
    ///     place.write(number * number);
    /// }
    /// // SAFETY: all hundred were written.
    /// unsafe { squares.set_len(100) };
    /// assert_eq!(squares[99], 9801);
    /// ```
    pub unsafe fn set_len(&mut self, len: usize) {
        // SAFETY: forwarded from the caller.
        unsafe { self.vec.get_mut().set_len(len) };
    }

    /// The elements, never to be dropped, nor their memory given back. O(1), no system call.
    ///
    /// ```
    /// let primes: &'static [u32] = v_alloc::StableVec::from([2, 3, 5]).leak();
    /// assert_eq!(primes, [2, 3, 5]);
    /// ```
    #[must_use]
    pub fn leak<'a>(self) -> &'a mut [T]
    where
        T: 'a,
    {
        self.vec.into_inner().leak()
    }

    /// The range in numbers, asked for its bounds once: it is the caller's code, and need not say the same twice,
    /// which the inner vector does not expect. Panics if the range is not within the length.
    #[track_caller]
    pub(super) fn within(&self, range: &impl RangeBounds<usize>) -> Range<usize> {
        // No slice is so long that the sums matter.
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&last) => last.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len(),
        };
        start..start + self.as_slice()[start..end].len()
    }
}
