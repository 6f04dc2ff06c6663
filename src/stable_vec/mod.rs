//! `StableVec`: a vector that grows without moving, so that references to its elements stay good while it grows.
//!
//! Nearly all that removes or reorders is `allocator_api2`'s `Vec`, over memory that grows in place; here is what that cannot do
//! (push through a shared borrow, and grow in steps that fit a reservation), or does element by element (`copying`).

mod copying;
mod editing;
mod extracting;
mod iter;
mod memory;
mod options;
mod splicing;
mod string;
mod traits;

pub use iter::{Drain, IntoIter};
pub use options::StableVecOptions;
pub use string::{FromUtf8Error, StableString};

use crate::error::{Cause, Operation};
use crate::stable::block::Block;
use crate::{PushError, ReserveError};
use allocator_api2::vec::Vec;
use core::cell::UnsafeCell;
use core::panic::RefUnwindSafe;
use memory::Memory;

/// A vector whose elements never move: [`push`](Self::push) takes `&self`, and what it returns stays good.
///
/// ```text
///  base        len              capacity                   reserved
///   |  elements | room, committed  |  addresses, no memory yet |
/// ```
///
/// It dereferences to a slice, and has the methods of `Vec`, but for those that hand its memory to the heap. Whatever could
/// invalidate an element (to remove, to reorder, to change) takes `&mut self`, as there. An empty vector costs nothing; a
/// small one costs a page of memory.
///
/// A vector can grow to its reservation: by default 1 GiB of addresses on 64-bit Unix, or what
/// [`set_default_reservation`](crate::set_default_reservation) chose. Where short forms meet the limit they panic, as
/// those of `Vec` do; [`try_push`](Self::try_push) gives the element back.
///
/// `Send` if `T` is, never `Sync`. It drops its elements, so what they refer to must have been there before it: they cannot refer to
/// each other, as values in an [`Arena`](crate::Arena) can.
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

/// It is whole whenever code of the caller runs.
impl<T: RefUnwindSafe> RefUnwindSafe for StableVec<T> {}

impl<T> StableVec<T> {
    /// An empty vector. O(1), no system call.
    ///
    /// ```
    /// static EMPTY: std::sync::Mutex<v_alloc::StableVec<u32>> = std::sync::Mutex::new(v_alloc::StableVec::new());
    /// assert_eq!(*EMPTY.lock().unwrap().push(1), 1);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::options().build()
    }

    /// The options of a vector: reservation, huge pages, name.
    ///
    /// ```
    /// let samples = v_alloc::StableVec::<f64>::options().reservation(1 << 20).name(c"samples").build();
    /// assert_eq!(samples.reserved(), 1 << 20);
    /// ```
    pub const fn options() -> StableVecOptions<T> {
        StableVecOptions::new(crate::StableBlock::options().zeroed(false)).tight(true)
    }

    /// An empty vector with room for `capacity` elements, committed now.
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// assert!(v_alloc::StableVec::<u64>::with_capacity(1000).capacity() >= 1000);
    /// ```
    #[must_use]
    #[track_caller]
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

    /// Adds an element at the end, and returns it where it stays. O(1): no element ever moves.
    ///
    /// `Vec`'s `push` returns nothing: where code was written for that, a push that ends a block needs a `;`.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::new();
    /// let (first, second) = (vec.push(1), vec.push(2)); // both at once, and more may come
    /// assert_eq!(first + second, 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn push(&self, value: T) -> &T {
        if self.vec().len() == self.vec().capacity() {
            or_panic(self.grow(1));
        }
        // SAFETY: there is room now.
        unsafe { self.push_within_capacity(value) }
    }

    /// As [`push`](Self::push), with an element that may be changed.
    ///
    /// # Panics
    /// As for [`push`](Self::push).
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::new();
    /// *vec.push_mut(1) += 10;
    /// assert_eq!(vec, [11]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn push_mut(&mut self, value: T) -> &mut T {
        self.push(value);
        let last = self.len() - 1;
        &mut self.as_mut_slice()[last]
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
            if let Err(error) = self.grow(1) {
                return Err(PushError { value, error });
            }
        }
        // SAFETY: there is room now.
        Ok(unsafe { self.push_within_capacity(value) })
    }

    /// # Safety
    /// The vector has room.
    #[inline]
    pub(crate) unsafe fn push_within_capacity(&self, value: T) -> &T {
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

    /// Makes sure that `additional` elements can be pushed without asking the system. It makes room up to the end of what is
    /// committed already; if it must ask, it asks for a half more than there is, at most 2 MiB, as far as the reservation goes; or,
    /// of what is made present at once, for an eighth and at most 128 KiB.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; nothing has changed then.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::new();
    /// assert!(vec.try_reserve(usize::MAX).is_err());
    /// assert!(vec.try_reserve(1000).is_ok() && vec.capacity() >= 1000);
    /// ```
    #[inline]
    pub fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.capacity() - self.len() { Ok(()) } else { self.grow(additional) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, additional: usize) -> Result<(), ReserveError> {
        let (len, capacity) = (self.len(), self.capacity());
        // First what is committed already: so a vector on huge pages takes them one at a time.
        let step = match self.of_block(Block::committed).map_or(0, |room| room.saturating_sub(capacity)) {
            0 => self.vec().allocator().step(capacity * size_of::<T>()) / size_of::<T>().max(1),
            room => room,
        };
        let left = self.reserved().saturating_sub(len);
        let more = (capacity - len).saturating_add(step).min(left);
        if more > additional && self.commit(more).is_ok() {
            return Ok(());
        }
        self.commit(additional)
    }

    /// As [`try_reserve`](Self::try_reserve), and asks for no more than it must: the memory grows to whole pages.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::new();
    /// vec.try_reserve_exact(1_000_000)?;
    /// assert_eq!(vec.capacity(), 1_000_000);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn try_reserve_exact(&self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.capacity() - self.len() { Ok(()) } else { self.commit(additional) }
    }

    /// As [`try_reserve`](Self::try_reserve), for whoever has no use for an error.
    ///
    /// # Panics
    /// If the reservation or the memory does not suffice.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::new();
    /// vec.reserve(1000);
    /// assert!(vec.capacity() >= 1000);
    /// ```
    #[inline]
    #[track_caller]
    pub fn reserve(&self, additional: usize) {
        or_panic(self.try_reserve(additional));
    }

    /// As [`try_reserve_exact`](Self::try_reserve_exact), for whoever has no use for an error.
    ///
    /// # Panics
    /// If the reservation or the memory does not suffice.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::new();
    /// vec.reserve_exact(1_000_000);
    /// assert_eq!(vec.capacity(), 1_000_000);
    /// ```
    #[track_caller]
    pub fn reserve_exact(&self, additional: usize) {
        or_panic(self.try_reserve_exact(additional));
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
    ///
    /// ```
    /// let vec = v_alloc::StableVec::new();
    /// assert_eq!(vec.capacity(), 0);
    /// vec.push(1_u64);
    /// assert!(vec.capacity() >= 512, "a page of elements");
    /// ```
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.vec().capacity()
    }

    /// How many elements the vector can grow to: its reservation. Before the first element, what it will ask for;
    /// for elements of no bytes, `usize::MAX`.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::options().reservation(1 << 20).build();
    /// assert_eq!(vec.reserved(), 1 << 20);
    /// ```
    #[must_use]
    pub fn reserved(&self) -> usize {
        if size_of::<T>() == 0 {
            return usize::MAX;
        }
        let asked_for = || self.vec().allocator().options.reserved() / size_of::<T>();
        self.of_block(Block::reserved).unwrap_or_else(asked_for)
    }

    /// A figure of the block, in elements; `None` without one.
    fn of_block(&self, bytes: impl FnOnce(Block) -> usize) -> Option<usize> {
        self.vec().allocator().block().map(|block| bytes(block) / size_of::<T>().max(1))
    }

    /// The elements.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::from([1, 2, 3]);
    /// assert_eq!(vec.as_slice().iter().sum::<i32>(), 6);
    /// ```
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.vec().as_slice()
    }

    /// The elements, to be changed.
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::from([3, 1, 2]);
    /// vec.as_mut_slice().sort();
    /// assert_eq!(vec, [1, 2, 3]);
    /// ```
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.vec.get_mut().as_mut_slice()
    }

    /// The address of the first element, good for all that the [capacity](Self::capacity) has room for; dangling before there
    /// is any. No element is borrowed by it. O(1), no system call.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::from([1, 2]);
    /// let first = vec.as_ptr();
    /// vec.push(3);
    /// // SAFETY: there are three elements, which stay where they are.
    /// assert_eq!(unsafe { first.add(2).read() }, 3);
    /// ```
    #[inline]
    #[must_use]
    pub fn as_ptr(&self) -> *const T {
        self.vec().as_ptr()
    }

    /// As [`as_ptr`](Self::as_ptr), for whoever changes elements, or writes them before they [count](Self::set_len).
    ///
    /// ```
    /// let mut vec = v_alloc::StableVec::<u32>::with_capacity(2);
    /// // SAFETY: there is room for two, and both are written before they count.
    /// unsafe {
    ///     vec.as_mut_ptr().write(1);
    ///     vec.as_mut_ptr().add(1).write(2);
    ///     vec.set_len(2);
    /// }
    /// assert_eq!(vec, [1, 2]);
    /// ```
    #[inline]
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.vec.get_mut().as_mut_ptr()
    }

    /// An empty vector with the same options.
    pub(crate) fn empty(&self) -> Self {
        StableVecOptions::new(self.vec().allocator().options).build()
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
