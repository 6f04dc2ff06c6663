//! `SyncVec`: a vector that threads and signal handlers push to at the same time. `swap` makes a buffer of two.

mod iter;
mod swap;

pub use iter::SyncVecIntoIter;
pub use swap::{Drained, SwapVec};

use crate::CommitPolicy;
use crate::arena::options::ArenaOptions;
use crate::error::{Cause, Operation};
use crate::lock_free::{claim, raise, ready_prefix};
use crate::os::{self, Pages};
use crate::reservation::{Reservation, growth::FIRST, lazy::LazyReservation, recycled};
use crate::{PushError, ReserveError};
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Index, Range};
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{
    AtomicU8, AtomicUsize,
    Ordering::{Acquire, Release},
};

/// A vector that many threads, and the signal handlers that interrupt them, push to through `&self`, without a lock.
///
/// ```text
///  elements:  | 0 | 1 | 2 | 3 | 4 |  room, committed  |   addresses, no memory yet   |
///  flags:     | x | x |   | x |   |                   a byte each, in a range of their own
///                      ^ published: readers see 0 and 1 as one slice; 3 by its index
/// ```
///
/// A push claims an index, writes the element, and raises its flag. Readers count the raised flags: what they have
/// counted without a gap is [one slice](Self::as_slice), which only grows. An element never moves, and the reference that
/// `push` returns holds as long as the vector is borrowed.
///
/// * **Signal handlers: reentrant**, as [`SyncArena`](crate::SyncArena): a handler may push to the vector whose `push` it
///   interrupts. The element under way then has a lower index, and the slice ends before it until its push is finished.
///   After [`prepare`](Self::prepare) a push makes no system call. Without: those of a `SyncArena`. `errno` is kept; no
///   `malloc`, no thread-local, no panic in the `try_` forms.
/// * **`fork`**: the child has a copy. What another thread was about to push in the parent is never published there.
/// * **Cost**: O(1), one compare-and-swap and two stores, in order of memory.
/// * The default reservation holds as many elements as 64 GiB do on 64-bit Unix (8 GiB on Windows, 64 MiB on 32-bit
///   machines), and 4 billion at most.
///
/// ```
/// use v_alloc::SyncVec;
/// static EVENTS: SyncVec<&str> = SyncVec::new();
///
/// std::thread::scope(|scope| {
///     for name in ["parse", "check"] {
///         scope.spawn(move || EVENTS.push(name));
///     }
/// });
/// assert_eq!(EVENTS.as_slice().len(), 2);
/// assert!(EVENTS.iter().any(|event| *event == "check"));
/// ```
pub struct SyncVec<T> {
    /// The index of the next push.
    next: AtomicUsize,
    /// Elements for which both ranges are committed.
    room: AtomicUsize,
    elements: LazyReservation,
    flags: LazyReservation,
    /// Elements that readers have found published, without a gap.
    counted: AtomicUsize,
    /// The most elements, if chosen, and then [`MOST`] at most; else [`AS_MANY_AS_FIT`].
    most: usize,
    /// Invariant in `T`: who pushes through a shared borrow must push what the owner expects.
    elements_are: PhantomData<*mut T>,
}

// SAFETY: what one thread pushed another may drop.
unsafe impl<T: Send> Send for SyncVec<T> {}
// SAFETY: threads push elements for others to read, and to drop in the end.
unsafe impl<T: Send + Sync> Sync for SyncVec<T> {}

/// Flags have a byte each, so this many take 4 GiB of addresses at most.
const MOST: usize = if usize::BITS < 64 { 1 << 24 } else { 1 << 32 };

/// Not `Option`, of which a compiler may look at the number before it looks whether there is one: valgrind reports that.
const AS_MANY_AS_FIT: usize = usize::MAX;

const PUBLISHED: u8 = 1;

impl<T> SyncVec<T> {
    /// An empty vector, which reserves its ranges on the first push. Fit for a `static`; costs nothing by itself.
    ///
    /// ```
    /// static EVENTS: v_alloc::SyncVec<u32> = v_alloc::SyncVec::new();
    /// EVENTS.push(7);
    /// assert_eq!(EVENTS.as_slice(), [7]);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limit(AS_MANY_AS_FIT)
    }

    /// As [`new`](Self::new), for at most so many elements (4 billion; 16 million on 32-bit machines): it reserves no more
    /// addresses than they take.
    ///
    /// ```
    /// static SAMPLES: v_alloc::SyncVec<u64> = v_alloc::SyncVec::with_capacity_limit(1000);
    /// SAMPLES.push(7);
    /// assert_eq!(SAMPLES.limit(), 1000);
    /// ```
    #[must_use]
    pub const fn with_capacity_limit(elements: usize) -> Self {
        Self::with_limit(if elements < MOST { elements } else { MOST })
    }

    const fn with_limit(most: usize) -> Self {
        Self {
            next: AtomicUsize::new(0),
            room: AtomicUsize::new(0),
            elements: Self::options_of_elements(most).lazily(),
            flags: Self::options_of_flags(most).lazily(),
            counted: AtomicUsize::new(0),
            most,
            elements_are: PhantomData,
        }
    }

    /// Elements that have no bytes take a page all the same.
    const fn options_of_elements(most: usize) -> ArenaOptions {
        const {
            assert!(align_of::<T>() <= 4096, "elements are aligned to a page at most");
        }
        match most {
            _ if size_of::<T>() == 0 => ArenaOptions::new().reservation(0),
            AS_MANY_AS_FIT => ArenaOptions::new(),
            most => ArenaOptions::new().reservation(most.saturating_mul(size_of::<T>())),
        }
    }

    /// A byte each.
    const fn options_of_flags(most: usize) -> ArenaOptions {
        match most {
            AS_MANY_AS_FIT => ArenaOptions::new(),
            most => ArenaOptions::new().reservation(most),
        }
    }

    /// The most elements: of what is reserved, once it is.
    ///
    /// ```
    /// assert_eq!(v_alloc::SyncVec::<u64>::with_capacity_limit(1000).limit(), 1000);
    /// ```
    #[must_use]
    pub fn limit(&self) -> usize {
        let most = self.most.min(MOST);
        let fit = |range: &LazyReservation, size: usize| match range.size() {
            0 => most,
            bytes => bytes.checked_div(size).unwrap_or(most),
        };
        most.min(fit(&self.elements, size_of::<T>())).min(fit(&self.flags, 1))
    }

    #[inline(always)]
    fn element(&self, index: usize) -> *mut T {
        self.elements.base().map_or(ptr::null_mut(), |base| base.as_ptr().cast::<T>().wrapping_add(index))
    }

    #[inline(always)]
    fn flag(&self, index: usize) -> Option<&AtomicU8> {
        let base = self.flags.base()?;
        // SAFETY: the callers' indices are below `room`, so the flag is committed; nobody accesses it otherwise.
        Some(unsafe { AtomicU8::from_ptr(base.add(index).as_ptr()) })
    }

    /// Adds an element. Returns its index, and the element in its place.
    ///
    /// # Panics
    /// If there is no room or no memory; [`try_push`](Self::try_push) gives the element back.
    ///
    /// ```
    /// let vec = v_alloc::SyncVec::new();
    /// let (index, element) = vec.push("first");
    /// assert_eq!((index, *element, vec[0]), (0, "first", "first"));
    /// ```
    #[inline]
    #[track_caller]
    pub fn push(&self, value: T) -> (usize, &T) {
        match self.try_push(value) {
            Ok(pushed) => pushed,
            Err(PushError { error, .. }) => give_up(error),
        }
    }

    /// As [`push`](Self::push), with an error that gives the element back.
    ///
    /// # Errors
    /// [`PushError`] if there is no room or no memory; nothing has changed then.
    ///
    /// ```
    /// let vec = v_alloc::SyncVec::with_capacity_limit(1);
    /// assert_eq!(vec.try_push(1).map(|(index, _)| index), Ok(0));
    /// assert_eq!(vec.try_push(2).unwrap_err().value, 2);
    /// ```
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(usize, &T), PushError<T>> {
        let fit = |index: usize| Ok((index, index + 1));
        match claim(&self.next, &self.room, fit, |_, end| self.make_room(end)) {
            // SAFETY: the index was claimed, by this call alone.
            Ok(index) => Ok((index, unsafe { self.publish(index, value) })),
            Err(error) => Err(PushError { value, error }),
        }
    }

    /// # Safety
    /// The index is claimed by the caller, and not yet published.
    #[inline(always)]
    unsafe fn publish(&self, index: usize, value: T) -> &T {
        let element = self.element(index);
        // SAFETY: the place of a claimed index is committed, and the claimer's alone until it is published.
        unsafe { element.write(value) };
        if let Some(flag) = self.flag(index) {
            flag.store(PUBLISHED, Release);
        }
        // SAFETY: just written; it stays until the vector is borrowed exclusively.
        unsafe { &*element }
    }

    /// Where addresses are few the flags take only what they need, a part of what the elements have; else their range is like
    /// every other, so that an earlier one will do. (So it is, too, where it is the only one: elements of no bytes have none.)
    fn options_of_new_flags(&self, flags: ArenaOptions) -> ArenaOptions {
        let held = self.elements.size();
        match held.checked_div(size_of::<T>()) {
            Some(elements) if self.most == AS_MANY_AS_FIT && !recycled::may_have_another(held) => {
                // A power of two, as a size that is not known in advance must be.
                let bytes = elements.min(MOST).checked_next_power_of_two().unwrap_or(MOST);
                flags.reservation(bytes.max(os::page_bytes()))
            }
            _ => flags,
        }
    }

    /// Commits room for so many elements, and some more.
    #[cold]
    #[inline(never)]
    fn make_room(&self, count: usize) -> Result<(), ReserveError> {
        let (elements, flags) = (Self::options_of_elements(self.most), Self::options_of_flags(self.most));
        self.elements.get_or_reserve(|| elements.recycle_or_reserve(Reservation::placed), |_, _| {})?;
        let reserve = || {
            let range = self.options_of_new_flags(flags).recycle_or_reserve(Reservation::placed)?;
            // What is ready is lowered here: not more than a first commit.
            // SAFETY: nothing of it is in use.
            unsafe { range.decommit_from(Pages::round_up(FIRST).unwrap_or(Pages::ZERO)) }?;
            Ok(range)
        };
        let lower = |base: NonNull<u8>, ready| {
            // SAFETY: so much is ready, and nobody else has it yet.
            unsafe { base.write_bytes(0, ready) };
        };
        self.flags.get_or_reserve(reserve, lower)?;
        // They are gone through in order, so that huge pages would help nobody.
        let flags = flags.commit_policy(CommitPolicy::Latency);
        let bytes = count.checked_mul(size_of::<T>());
        let beyond =
            ReserveError::new(Operation::Commit, bytes.unwrap_or(usize::MAX), Cause::BeyondReservation);
        let bytes = bytes.filter(|_| count <= self.limit()).ok_or(beyond)?;
        Self::commit(&self.elements, bytes, |range, end| elements.commit(range, end))?;
        Self::commit(&self.flags, count, |range, end| flags.commit(range, end))?;
        let elements = self.elements.committed().load(Acquire).checked_div(size_of::<T>());
        let room = elements.unwrap_or(usize::MAX).min(self.flags.committed().load(Acquire));
        raise(&self.room, room.min(self.limit()));
        Ok(())
    }

    fn commit(
        range: &LazyReservation,
        end: usize,
        commit: impl Fn(&Reservation, usize) -> Result<(), ReserveError>,
    ) -> Result<(), ReserveError> {
        loop {
            let seen = range.committed().load(Acquire);
            if end <= seen {
                return Ok(());
            }
            range.commit(seen, |range| commit(range, end))?;
        }
    }

    /// Commits and populates room for so many elements more, so that pushing them makes no system call and no page
    /// fault. Populating is best effort; committing is not.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no room or no memory; the vector stays as it was.
    ///
    /// ```
    /// static SAMPLES: v_alloc::SyncVec<u64> = v_alloc::SyncVec::new();
    /// SAMPLES.prepare(1000)?; // when the program starts; then, in the handler:
    /// assert!(SAMPLES.try_push(7).is_ok());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn prepare(&self, additional: usize) -> Result<(), ReserveError> {
        let next = self.next.load(Acquire);
        let end = next.saturating_add(additional);
        if end > self.room.load(Acquire) {
            self.make_room(end)?;
        }
        let populate = |range: &LazyReservation, size: usize| {
            let end = Pages::round_up(end.saturating_mul(size)).unwrap_or(Pages::ZERO);
            range.populate(Pages::round_down(next.saturating_mul(size)), end);
        };
        populate(&self.elements, size_of::<T>());
        populate(&self.flags, 1);
        Ok(())
    }

    fn is_published(&self, index: usize) -> bool {
        index < self.room.load(Acquire)
            && self.flag(index).is_some_and(|flag| flag.load(Acquire) == PUBLISHED)
    }

    /// How many elements are published without a gap: the length of [`as_slice`](Self::as_slice). O(1), and as much as
    /// was pushed since somebody last asked.
    ///
    /// ```
    /// let vec: v_alloc::SyncVec<_> = (0..10).collect();
    /// assert_eq!(vec.len(), 10);
    /// ```
    pub fn len(&self) -> usize {
        ready_prefix(&self.counted, |index| self.is_published(index))
    }

    /// Whether the slice is empty.
    ///
    /// ```
    /// assert!(v_alloc::SyncVec::<u8>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many pushes have begun; each has an element, or will.
    ///
    /// ```
    /// let vec: v_alloc::SyncVec<_> = (0..10).collect();
    /// assert_eq!(vec.claimed(), vec.len()); // while nobody is in the middle of a push
    /// ```
    #[must_use]
    pub fn claimed(&self) -> usize {
        self.next.load(Acquire)
    }

    /// The elements from the first up to the first that is not yet published. As for [`len`](Self::len).
    ///
    /// ```
    /// let vec: v_alloc::SyncVec<_> = (0..3).collect();
    /// assert_eq!(vec.as_slice(), [0, 1, 2]);
    /// ```
    pub fn as_slice(&self) -> &[T] {
        let len = self.len();
        let Some(base) = self.elements.base().filter(|_| len > 0) else { return &[] };
        // SAFETY: so many elements are written, and nobody changes them while the vector is shared.
        unsafe { slice::from_raw_parts(base.as_ptr().cast(), len) }
    }

    /// The element with this index, if it is published. O(1).
    ///
    /// ```
    /// let vec: v_alloc::SyncVec<_> = (0..3).collect();
    /// assert_eq!((vec.get(2), vec.get(3)), (Some(&2), None));
    /// ```
    pub fn get(&self, index: usize) -> Option<&T> {
        // SAFETY: it is written, and nobody changes it while the vector is shared.
        self.is_published(index).then(|| unsafe { &*self.element(index) })
    }

    /// Iterates over the slice.
    ///
    /// ```
    /// let vec: v_alloc::SyncVec<_> = (0..3).collect();
    /// assert_eq!(vec.iter().sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// The elements, to be changed.
    ///
    /// ```
    /// let mut vec: v_alloc::SyncVec<_> = [3, 1, 2].into_iter().collect();
    /// vec.as_mut_slice().sort();
    /// assert_eq!(vec.as_slice(), [1, 2, 3]);
    /// ```
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len();
        let Some(base) = self.elements.base().filter(|_| len > 0) else { return &mut [] };
        // SAFETY: so many elements are written, and the vector is borrowed exclusively. (A push that a panic or a `fork`
        // cut off leaves a gap, and what is behind it stays out of the slice.)
        unsafe { slice::from_raw_parts_mut(base.as_ptr().cast(), len) }
    }

    /// Drops all elements. The memory stays. O(number of elements).
    ///
    /// ```
    /// let mut vec: v_alloc::SyncVec<_> = (0..3).collect();
    /// vec.clear();
    /// assert!(vec.is_empty() && vec.committed_bytes() > 0);
    /// ```
    pub fn clear(&mut self) {
        let claimed = core::mem::take(self.next.get_mut());
        *self.counted.get_mut() = 0;
        Rest { vec: self, left: 0..claimed }.drop_elements();
    }

    /// Gives back all memory of a vector without elements, in whole pages.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses.
    ///
    /// ```
    /// let mut vec: v_alloc::SyncVec<_> = (0..3).collect();
    /// vec.clear();
    /// vec.shrink_to_fit()?;
    /// assert_eq!(vec.committed_bytes(), 0);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn shrink_to_fit(&mut self) -> Result<(), ReserveError> {
        if *self.next.get_mut() == 0 {
            *self.room.get_mut() = 0;
            // SAFETY: there are no elements, and no flags are raised.
            unsafe {
                self.elements.decommit_from(Pages::ZERO)?;
                self.flags.decommit_from(Pages::ZERO)?;
            }
        }
        Ok(())
    }

    /// Memory that can be used without asking the operating system, in bytes, for elements and their flags.
    ///
    /// ```
    /// let vec = v_alloc::SyncVec::new();
    /// assert_eq!(vec.committed_bytes(), 0);
    /// vec.push(1_u64);
    /// assert!(vec.committed_bytes() > 0);
    /// ```
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.elements.committed().load(Acquire) + self.flags.committed().load(Acquire)
    }
}

/// Elements that are being dropped. Goes on with the next where one panics.
struct Rest<'a, T> {
    vec: &'a mut SyncVec<T>,
    left: Range<usize>,
}

impl<T> Rest<'_, T> {
    fn drop_elements(&mut self) {
        if !core::mem::needs_drop::<T>() {
            self.take_flags_back();
        }
        for index in self.left.by_ref() {
            // A flag that was never raised belongs to a push that was cut off: there is nothing to drop.
            let published = self.vec.flag(index).is_some_and(|flag| flag.swap(0, Acquire) == PUBLISHED);
            if published {
                // SAFETY: it was written, and from now on it is not there.
                unsafe { self.vec.element(index).drop_in_place() };
            }
        }
    }

    /// All flags at once, where there is nothing to drop.
    fn take_flags_back(&mut self) {
        let room = *self.vec.room.get_mut();
        if let Some(base) = self.vec.flags.base() {
            // SAFETY: the flags below `room` are committed, and borrowed exclusively.
            unsafe { base.as_ptr().write_bytes(0, room.min(self.left.end)) };
        }
        self.left = 0..0;
    }
}

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        self.drop_elements();
    }
}

impl<T> Drop for SyncVec<T> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<T>() {
            self.clear();
        }
    }
}

impl<T> Default for SyncVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for SyncVec<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(formatter)
    }
}

/// As [`get`](SyncVec::get): what `push` returned an index for is there, also while others push before it.
impl<T> Index<usize> for SyncVec<T> {
    type Output = T;

    #[track_caller]
    #[allow(clippy::panic, reason = "as a slice does; `get` does not")]
    fn index(&self, index: usize) -> &T {
        self.get(index).unwrap_or_else(|| panic!("index {index} is of no element that is published"))
    }
}

impl<'a, T> IntoIterator for &'a SyncVec<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<T> Extend<T> for SyncVec<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            self.push(value);
        }
    }
}

impl<T> FromIterator<T> for SyncVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut vec = Self::new();
        vec.extend(values);
        vec
    }
}

#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "as `Vec` does; the `try_` form does not")]
fn give_up(error: ReserveError) -> ! {
    panic!("SyncVec: {error}")
}

#[cfg(test)]
mod tests;
