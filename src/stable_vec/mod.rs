//! `StableVec`: a vector that grows without moving, so that references to its elements stay good while it grows.
//!
//! All that removes or reorders is `allocator_api2`'s `Vec`, over memory that grows in place; here is only what that
//! cannot do: push through a shared borrow, and grow in steps that fit a reservation.

mod memory;
mod string;
mod traits;

pub use string::StableString;
#[cfg(feature = "map")]
pub(crate) use traits::IntoIter;

use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::stable::StableBlockOptions;
use crate::stable::block::Block;
use allocator_api2::vec::Vec;
use core::cell::{Cell, UnsafeCell};
use core::ffi::CStr;
use core::fmt;
use core::ops::{Bound, Range, RangeBounds};
use memory::Memory;

/// A vector whose elements never move: [`push`](Self::push) takes `&self`, and what it returns stays good.
///
/// ```text
///  base        len              capacity                   reserved
///   |  elements | room, committed  |  addresses, no memory yet |
/// ```
///
/// It dereferences to a slice, and has the methods of `Vec`. Whatever could invalidate an element (to remove, to
/// reorder, to change) takes `&mut self`, as there. An empty vector costs nothing; a small one costs a page of memory.
///
/// A vector can grow to its reservation: by default 1 GiB of addresses on 64-bit Unix, or what
/// [`set_default_reservation`](crate::set_default_reservation) chose. Where short forms meet the limit they panic, as
/// those of `Vec` do; [`try_push`](Self::try_push) gives the element back.
///
/// `Send` if `T` is, never `Sync`.
///
/// ```
/// use v_alloc::StableVec;
/// let names = StableVec::new();
/// let first: &String = names.push("first".to_string());
/// for number in 0..1000 {
///     names.push(format!("number {number}"));
/// }
/// assert_eq!((first.as_str(), names.len()), ("first", 1001));
/// assert!(std::ptr::eq(first, &names[0]));
/// ```
pub struct StableVec<T> {
    /// Never borrowed while code of the caller runs, unless `self` is borrowed exclusively. The cell makes the type
    /// invariant in `T`, as whatever can be written to through a shared borrow must be.
    vec: UnsafeCell<Vec<T, Memory>>,
}

// SAFETY: it owns its elements and its memory, and nothing in it belongs to a thread.
unsafe impl<T: Send> Send for StableVec<T> {}

/// An element that could not be pushed, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PushError<T> {
    /// The element, untouched.
    pub value: T,
    /// What the vector has met.
    pub error: ReserveError,
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PushError").field(&self.error).finish()
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl<T> core::error::Error for PushError<T> {}

/// The options of a [`StableVec`], set one by one.
///
/// ```
/// let samples: v_alloc::StableVec<u64> = v_alloc::StableVec::<u64>::options().reservation(1000).build();
/// samples.push(1);
/// assert_eq!(samples.reserved(), 1024, "whole pages, at least what was asked for");
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until `build`"]
pub struct StableVecOptions<T> {
    block: StableBlockOptions,
    elements: core::marker::PhantomData<fn() -> T>,
}

impl<T> StableVecOptions<T> {
    /// Room for at least so many elements, in address space; see [`StableVec::reserved`].
    pub const fn reservation(mut self, elements: usize) -> Self {
        self.block = self.block.reservation(elements.saturating_mul(size_of::<T>()));
        self
    }

    /// Whether huge pages may back what lies beyond the first 2 MiB. Default: yes. Without them no push takes longer
    /// than it takes to clear a small page.
    pub const fn huge_pages(mut self, allowed: bool) -> Self {
        self.block = self.block.huge_pages(allowed);
        self
    }

    /// A name in the process's memory map; see [`StableBlockOptions::name`].
    pub const fn name(mut self, name: &'static CStr) -> Self {
        self.block = self.block.name(name);
        self
    }

    /// The vector, empty; it has no addresses yet.
    #[must_use]
    pub const fn build(self) -> StableVec<T> {
        let memory = Memory { options: self.block, last_error: Cell::new(None) };
        StableVec { vec: UnsafeCell::new(Vec::new_in(memory)) }
    }
}

/// The least bytes that a vector grows by, and the most.
const STEPS: (usize, usize) = (4 << 10, 2 << 20);

impl<T> StableVec<T> {
    /// An empty vector. O(1), no system call.
    #[must_use]
    pub const fn new() -> Self {
        Self::options().build()
    }

    /// The options of a vector: reservation, huge pages, name.
    pub const fn options() -> StableVecOptions<T> {
        let block = crate::StableBlock::options();
        StableVecOptions { block, elements: core::marker::PhantomData }
    }

    /// An empty vector with room for `capacity` elements, committed now.
    ///
    /// # Panics
    /// If there is no memory.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let vec = Self::new();
        or_panic(vec.try_reserve(capacity));
        vec
    }

    fn vec(&self) -> &Vec<T, Memory> {
        // SAFETY: it is borrowed exclusively only within `push_within_capacity`, `copy_within_capacity` and `commit`,
        // where no code of the caller runs, and through `&mut self`.
        unsafe { &*self.vec.get() }
    }

    /// Adds an element at the end. O(1): no element ever moves.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    #[inline]
    pub fn push(&self, value: T) -> &T {
        if self.vec().len() == self.vec().capacity() {
            or_panic(self.grow());
        }
        // SAFETY: there is room now.
        unsafe { self.push_within_capacity(value) }
    }

    /// As [`push`](Self::push), with an error that gives the element back.
    ///
    /// # Errors
    /// [`PushError`] if the reservation is used up or there is no memory.
    ///
    /// ```
    /// let page = v_alloc::os::page_size()?;
    /// let bytes = v_alloc::StableVec::<u8>::options().reservation(page).build();
    /// for _ in 0..page {
    ///     bytes.try_push(1).unwrap();
    /// }
    /// assert_eq!(bytes.try_push(2).unwrap_err().value, 2);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_push(&self, value: T) -> Result<&T, PushError<T>> {
        if self.vec().len() == self.vec().capacity() {
            if let Err(error) = self.grow() {
                return Err(PushError { value, error });
            }
        }
        // SAFETY: there is room now.
        Ok(unsafe { self.push_within_capacity(value) })
    }

    /// # Safety
    /// The vector has room.
    #[inline]
    unsafe fn push_within_capacity(&self, value: T) -> &T {
        // SAFETY: nobody borrows the vector itself (a slice of elements is another matter), and no code of the caller
        // runs. The place behind the last element is in the vector's memory, and no slice contains it. The element
        // is written before it counts.
        unsafe {
            let vec = &mut *self.vec.get();
            let len = vec.len();
            let place = vec.as_mut_ptr().add(len);
            place.write(value);
            vec.set_len(len + 1);
            &*place
        }
    }

    /// Adds copies of all elements of a slice, and returns them where they are now.
    ///
    /// # Safety
    /// The vector has room.
    unsafe fn copy_within_capacity(&self, slice: &[T]) -> &[T]
    where
        T: Copy,
    {
        // SAFETY: as in `push_within_capacity`. The slice may be one of this vector's: it ends before the place.
        unsafe {
            let vec = &mut *self.vec.get();
            let len = vec.len();
            let place = vec.as_mut_ptr().add(len);
            place.copy_from_nonoverlapping(slice.as_ptr(), slice.len());
            vec.set_len(len + slice.len());
            core::slice::from_raw_parts(place, slice.len())
        }
    }

    /// Makes room for one element more.
    #[cold]
    #[inline(never)]
    fn grow(&self) -> Result<(), ReserveError> {
        self.try_reserve(1)
    }

    /// Makes sure that `additional` elements can be pushed without asking the system. If it must ask, it asks for a
    /// half more than there is, at most 2 MiB, as far as the reservation goes.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; nothing has changed then.
    pub fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        let (len, capacity) = (self.len(), self.capacity());
        if additional <= capacity - len {
            return Ok(());
        }
        let size = size_of::<T>().max(1);
        let (least, most) = STEPS;
        let step = (capacity - len).saturating_add((capacity * size / 2).clamp(least, most) / size);
        let left = self.reserved().saturating_sub(len);
        let more = step.min(left);
        if more > additional && self.commit(more).is_ok() {
            return Ok(());
        }
        self.commit(additional)
    }

    fn commit(&self, additional: usize) -> Result<(), ReserveError> {
        // SAFETY: nobody borrows the vector itself, and no code of the caller runs. The elements stay where they are.
        let vec = unsafe { &mut *self.vec.get() };
        vec.try_reserve_exact(additional).map_err(|_| {
            let bytes = additional.saturating_mul(size_of::<T>());
            let too_large = ReserveError::new(Operation::Commit, bytes, Cause::TooLarge);
            vec.allocator().last_error.take().unwrap_or(too_large)
        })
    }

    /// How many elements can be held without asking the system.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.vec().capacity()
    }

    /// How many elements the vector can grow to: its reservation. Before the first element, what it will ask for;
    /// for elements of no bytes, `usize::MAX`.
    #[must_use]
    pub fn reserved(&self) -> usize {
        let vec = self.vec();
        if size_of::<T>() == 0 {
            return usize::MAX;
        }
        let block = if vec.capacity() == 0 { None } else { Block::at(vec.as_ptr().addr()) };
        block.map_or_else(|| vec.allocator().options.reserved(), Block::reserved) / size_of::<T>()
    }

    /// The elements.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.vec().as_slice()
    }

    /// The elements, to be changed.
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.vec.get_mut().as_mut_slice()
    }

    /// Removes the last element.
    pub fn pop(&mut self) -> Option<T> {
        self.vec.get_mut().pop()
    }

    /// Inserts an element before the one at `index`, which moves with all behind it.
    ///
    /// # Panics
    /// If `index` is beyond the length, or there is no room.
    pub fn insert(&mut self, index: usize, value: T) {
        if self.len() == self.capacity() {
            or_panic(self.grow());
        }
        self.vec.get_mut().insert(index, value);
    }

    /// Removes the element at `index`; those behind it move.
    ///
    /// # Panics
    /// If there is none.
    pub fn remove(&mut self, index: usize) -> T {
        self.vec.get_mut().remove(index)
    }

    /// Removes the element at `index` and puts the last one there.
    ///
    /// # Panics
    /// If there is none.
    pub fn swap_remove(&mut self, index: usize) -> T {
        self.vec.get_mut().swap_remove(index)
    }

    /// Drops all elements from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.vec.get_mut().truncate(len);
    }

    /// Drops all elements. The memory stays.
    pub fn clear(&mut self) {
        self.vec.get_mut().clear();
    }

    /// Removes a range of elements and iterates over them; those behind it move.
    ///
    /// # Panics
    /// If the range is not within the length.
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> impl DoubleEndedIterator<Item = T> + '_ {
        let range = self.within(&range);
        self.vec.get_mut().drain(range)
    }

    /// Keeps the elements for which `keep` is true.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.vec.get_mut().retain(keep);
    }

    /// As [`retain`](Self::retain), with elements that may be changed.
    pub fn retain_mut(&mut self, keep: impl FnMut(&mut T) -> bool) {
        self.vec.get_mut().retain_mut(keep);
    }

    /// Removes all but the first of elements next to each other for which `same` is true.
    pub fn dedup_by(&mut self, same: impl FnMut(&mut T, &mut T) -> bool) {
        self.vec.get_mut().dedup_by(same);
    }

    /// Removes all but the first of elements next to each other with equal keys.
    pub fn dedup_by_key<K: PartialEq>(&mut self, key: impl FnMut(&mut T) -> K) {
        self.vec.get_mut().dedup_by_key(key);
    }

    /// Removes all but the first of equal elements next to each other.
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
    pub fn append(&mut self, other: &mut Self) {
        or_panic(self.try_reserve(other.len()));
        self.vec.get_mut().append(other.vec.get_mut());
    }

    /// Moves the elements from `at` on into a vector of their own, with the same options.
    ///
    /// # Panics
    /// If `at` is beyond the length, or there is no memory.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let mut other = self.empty();
        or_panic(other.try_reserve(self.len().saturating_sub(at)));
        other.vec.get_mut().extend(self.vec.get_mut().drain(at..));
        other
    }

    /// Makes the vector `len` elements long, with clones of `value` if it grows.
    ///
    /// # Panics
    /// If there is no room.
    pub fn resize(&mut self, len: usize, value: T)
    where
        T: Clone,
    {
        or_panic(self.try_reserve(len.saturating_sub(self.len())));
        self.vec.get_mut().resize(len, value);
    }

    /// Makes the vector `len` elements long, with what `make` returns if it grows.
    ///
    /// # Panics
    /// If there is no room.
    pub fn resize_with(&mut self, len: usize, make: impl FnMut() -> T) {
        or_panic(self.try_reserve(len.saturating_sub(self.len())));
        self.vec.get_mut().resize_with(len, make);
    }

    /// Adds clones of all elements of a slice.
    ///
    /// # Panics
    /// If there is no room.
    pub fn extend_from_slice(&mut self, slice: &[T])
    where
        T: Clone,
    {
        or_panic(self.try_reserve(slice.len()));
        self.vec.get_mut().extend_from_slice(slice);
    }

    /// Adds clones of a range of the vector's own elements.
    ///
    /// # Panics
    /// If the range is not within the length, or there is no room.
    pub fn extend_from_within(&mut self, range: impl RangeBounds<usize>)
    where
        T: Clone,
    {
        let range = self.within(&range);
        or_panic(self.try_reserve(range.len()));
        self.vec.get_mut().extend_from_within(range);
    }

    /// The range in numbers, asked for its bounds once: it is the caller's code, and need not say the same twice,
    /// which the inner vector does not expect. Panics if the range is not within the length.
    fn within(&self, range: &impl RangeBounds<usize>) -> Range<usize> {
        let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
        let before = match bounds.0 {
            Bound::Included(start) => start,
            Bound::Excluded(last) => last.saturating_add(1), // no slice is that long
            Bound::Unbounded => 0,
        };
        let len = self.as_slice()[bounds].len();
        before..before + len
    }

    /// Gives back the memory behind the last element, in whole pages; all of it, and the addresses, if there is none.
    pub fn shrink_to_fit(&mut self) {
        if self.is_empty() {
            // `Vec` would shrink to a block of no bytes, and forget that.
            let empty = self.empty();
            *self = empty;
        } else {
            self.vec.get_mut().shrink_to_fit();
        }
    }

    /// An empty vector with the same options.
    fn empty(&self) -> Self {
        StableVecOptions { block: self.vec().allocator().options, ..Self::options() }.build()
    }
}

/// Where the short forms end.
#[inline]
#[track_caller]
fn or_panic(result: Result<(), ReserveError>) {
    if let Err(error) = result {
        give_up(error);
    }
}

#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "as `Vec` does; the `try_` forms do not")]
fn give_up(error: ReserveError) -> ! {
    panic!("StableVec: {error}")
}
