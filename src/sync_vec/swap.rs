//! `SwapVec`: two `SyncVec`s, one that is pushed to and one that is read and emptied.

use super::SyncVec;
use crate::error::{Cause, Operation};
use crate::lock_free::sides;
use crate::{PushError, ReserveError};
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// A buffer that threads and signal handlers push to while somebody else reads and empties it: a profiler's samples.
///
/// ```text
///   push ->  | side in use:  a b c |       drain: swaps the two,      | in use:          |  <- push
///            | other side: (empty) |       hands out a slice -------> | other:  a b c    |, then empties it
/// ```
///
/// * **Signal handlers: reentrant** for [`try_push`](Self::try_push), as [`SyncVec`]; a handler may interrupt a push or a
///   drain. [`try_drain`](Self::try_drain) does not wait either. `errno` is kept.
/// * **`fork`**: if another thread was pushing, the child waits in vain for the end of that push: `try_drain` gives it no
///   elements any more. Pushes go on, until the other side is full.
/// * **Cost**: a push is three atomic operations and two stores; a drain, besides dropping the elements, a byte to clear
///   for each.
///
/// ```
/// use v_alloc::SwapVec;
/// static SAMPLES: SwapVec<usize> = SwapVec::new();
/// SAMPLES.prepare(1000)?; // so that pushing needs no system call
///
/// SAMPLES.try_push(0x1234)?; // in the handler
///
/// let mut seen = Vec::new(); // in a thread that writes them down, now and then
/// seen.extend_from_slice(&SAMPLES.drain());
/// assert_eq!(seen, [0x1234]);
/// assert!(SAMPLES.drain().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SwapVec<T> {
    /// Which side is pushed to, and how many pushes are under way on each.
    sides: AtomicU64,
    buffers: [UnsafeCell<SyncVec<T>>; 2],
    /// Whether somebody drains.
    draining: AtomicBool,
    /// The side that was swapped away and waits for its last pushes, plus 1; 0 if there is none. Only for who drains.
    waiting: AtomicU8,
}

// SAFETY: what one thread pushed, another may read alone, and drop.
unsafe impl<T: Send> Send for SwapVec<T> {}
// SAFETY: as above; only one at a time drains, and those who push see no elements.
unsafe impl<T: Send> Sync for SwapVec<T> {}

impl<T> SwapVec<T> {
    /// An empty buffer; its sides reserve their ranges on their first push. Fit for a `static`.
    ///
    /// ```
    /// static SAMPLES: v_alloc::SwapVec<u64> = v_alloc::SwapVec::new();
    /// assert!(SAMPLES.try_push(7).is_ok());
    /// assert_eq!(*SAMPLES.drain(), [7]);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::of(SyncVec::new(), SyncVec::new())
    }

    /// As [`new`](Self::new), for at most so many elements between two drains.
    ///
    /// ```
    /// let samples = v_alloc::SwapVec::with_capacity_limit(1);
    /// assert!(samples.try_push(1).is_ok() && samples.try_push(2).is_err());
    /// drop(samples.drain());
    /// assert!(samples.try_push(3).is_ok());
    /// ```
    #[must_use]
    pub const fn with_capacity_limit(elements: usize) -> Self {
        Self::of(SyncVec::with_capacity_limit(elements), SyncVec::with_capacity_limit(elements))
    }

    const fn of(first: SyncVec<T>, second: SyncVec<T>) -> Self {
        Self {
            sides: AtomicU64::new(0),
            buffers: [UnsafeCell::new(first), UnsafeCell::new(second)],
            draining: AtomicBool::new(false),
            waiting: AtomicU8::new(0),
        }
    }

    /// # Safety
    /// The side is in use, or was entered, or this is who drains it.
    unsafe fn buffer(&self, side: usize) -> &SyncVec<T> {
        // SAFETY: it is borrowed exclusively only by who drains it, when nobody else uses it.
        unsafe { &*self.buffers[side & 1].get() }
    }

    /// Adds an element to the side in use.
    ///
    /// # Errors
    /// [`PushError`], with the element, if there is no room or no memory.
    ///
    /// ```
    /// let samples = v_alloc::SwapVec::with_capacity_limit(1);
    /// samples.try_push("first")?;
    /// assert_eq!(samples.try_push("second").unwrap_err().value, "second");
    /// # Ok::<(), v_alloc::PushError<&str>>(())
    /// ```
    pub fn try_push(&self, value: T) -> Result<(), PushError<T>> {
        let side = sides::enter(&self.sides);
        // SAFETY: it was entered.
        let pushed = unsafe { self.buffer(side) }.try_push(value).map(|_| ());
        sides::leave(&self.sides, side);
        pushed
    }

    /// Commits and populates room for so many elements more on each side, so that pushing them makes no system call and
    /// no page fault.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no room or no memory, or while somebody drains, or prepares: then the other side is his, and
    /// only the one in use was prepared.
    ///
    /// ```
    /// static SAMPLES: v_alloc::SwapVec<u64> = v_alloc::SwapVec::new();
    /// SAMPLES.prepare(1000)?; // when the program starts; then, in the handler:
    /// assert!(SAMPLES.try_push(7).is_ok());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn prepare(&self, additional: usize) -> Result<(), ReserveError> {
        let side = sides::enter(&self.sides);
        // SAFETY: it was entered.
        let prepared = unsafe { self.buffer(side) }.prepare(additional);
        sides::leave(&self.sides, side);
        prepared?;
        if self.draining.compare_exchange(false, true, AcqRel, Relaxed).is_err() {
            let bytes = additional.saturating_mul(size_of::<T>());
            return Err(ReserveError::new(Operation::Commit, bytes, Cause::Busy));
        }
        // SAFETY: this is who drains: no side is emptied meanwhile.
        let prepared = [0, 1].map(|side| unsafe { self.buffer(side) }.prepare(additional));
        self.draining.store(false, Release);
        let [first, second] = prepared;
        first.and(second)
    }

    /// Takes all elements away from those who push, for the caller to read; they are dropped with what this returns.
    /// Waits for pushes that are under way, so it is not for a handler that may have interrupted one: there, use
    /// [`try_drain`](Self::try_drain). Waits, too, while somebody else has a [`Drained`]: forever, if that is the caller.
    ///
    /// ```
    /// let samples = v_alloc::SwapVec::new();
    /// samples.try_push(1)?;
    /// let seen = samples.drain();
    /// samples.try_push(2)?; // to the other side, meanwhile
    /// assert_eq!(*seen, [1]);
    /// # Ok::<(), v_alloc::PushError<i32>>(())
    /// ```
    pub fn drain(&self) -> Drained<'_, T> {
        loop {
            match self.try_drain() {
                Some(drained) => return drained,
                None => core::hint::spin_loop(),
            }
        }
    }

    /// As [`drain`](Self::drain), without waiting: `None` if somebody else drains, or if a push on that side is under way
    /// still. The sides are swapped then, and a later call hands out what was pushed before this one.
    ///
    /// ```
    /// let samples = v_alloc::SwapVec::new();
    /// samples.try_push(1)?;
    /// let seen = samples.try_drain().expect("nobody is pushing");
    /// assert!(samples.try_drain().is_none(), "somebody drains already");
    /// assert_eq!(*seen, [1]);
    /// # Ok::<(), v_alloc::PushError<i32>>(())
    /// ```
    pub fn try_drain(&self) -> Option<Drained<'_, T>> {
        if self.draining.compare_exchange(false, true, AcqRel, Relaxed).is_err() {
            return None;
        }
        let side = match self.waiting.load(Relaxed) {
            0 => sides::swap(&self.sides),
            side => usize::from(side) - 1,
        };
        if sides::is_unused(&self.sides, side) {
            self.waiting.store(0, Relaxed);
            return Some(Drained { from: self, side, elements: PhantomData });
        }
        self.waiting.store(if side == 0 { 1 } else { 2 }, Relaxed);
        self.draining.store(false, Release);
        None
    }
}

impl<T> Default for SwapVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for SwapVec<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = sides::side_of(self.sides.load(Acquire));
        formatter.debug_struct("SwapVec").field("side", &side).finish_non_exhaustive()
    }
}

/// What was drained from a [`SwapVec`]: a slice, whose elements are dropped with it. Until then nobody else drains; so if
/// it is forgotten (`mem::forget`), nobody ever drains again, and the side in use fills up.
///
/// ```
/// let samples = v_alloc::SwapVec::new();
/// samples.try_push(1)?;
/// let seen: v_alloc::Drained<'_, i32> = samples.drain();
/// assert_eq!(seen.iter().sum::<i32>(), 1);
/// # Ok::<(), v_alloc::PushError<i32>>(())
/// ```
pub struct Drained<'a, T> {
    from: &'a SwapVec<T>,
    side: usize,
    /// It is sent and shared as the elements are.
    elements: PhantomData<&'a mut [T]>,
}

impl<T> Deref for Drained<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: this is who drains it.
        unsafe { self.from.buffer(self.side) }.as_slice()
    }
}

impl<T: fmt::Debug> fmt::Debug for Drained<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T> Drop for Drained<'_, T> {
    fn drop(&mut self) {
        /// Lets others drain, also if dropping an element panics.
        struct Done<'a>(&'a AtomicBool);

        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(false, Release);
            }
        }

        let _done = Done(&self.from.draining);
        // SAFETY: the side is not in use, nobody pushes to it, and nobody will before the sides are swapped, which only
        // who drains can do; the slice was borrowed from this value.
        unsafe { &mut *self.from.buffers[self.side & 1].get() }.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock_free::sides::{enter, leave};

    #[test]
    fn a_side_is_drained_when_its_last_push_is_finished_and_before_the_other() {
        let swap = SwapVec::with_capacity_limit(100);
        swap.try_push(1).unwrap();
        // As a push that a signal handler has interrupted, or that was cut off for good.
        let side = enter(&swap.sides);
        for number in 2..5 {
            assert!(swap.try_drain().is_none());
            swap.try_push(number).unwrap();
        }
        leave(&swap.sides, side);
        assert_eq!(*swap.try_drain().unwrap(), [1]);
        assert_eq!(*swap.try_drain().unwrap(), [2, 3, 4]);
        assert_eq!(*swap.try_drain().unwrap(), []);
    }
}
