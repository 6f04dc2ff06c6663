//! A reservation that the first of many threads makes, and that all of them commit, without a lock.
//!
//! What is known of it from the start is in one word, its place: a base is a multiple of a page, so there are twelve bits free.
//!
//! ```text
//!  | base              | from the budget: 1 bit | pages that are ready: 5 bits | size: 6 bits |
//! ```
//!
//! The size is an exponent of two. What is ready is 0, or one more than twice such an exponent, and one more yet if it is half as much
//! again: so the 3 MiB that are the most worth keeping are told to the byte, and no huge page is cut in two.

use super::{RangeAdvice, Reservation, totals};
use crate::ReserveError;
use crate::lock_free;
use crate::os::{self, Pages};
use crate::registry::Kind;
use crate::traps::Displacement;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Acquire};

/// A range of addresses that is reserved when it is first needed, and of which a prefix is committed.
pub(crate) struct LazyReservation {
    /// Null before there is one. The size is there if it was not known in advance: it is a power of two then.
    place: AtomicPtr<u8>,
    /// Bytes from the base. Whatever lies below is committed, and stays so while this is shared.
    committed: AtomicUsize,
    /// Bytes, if they are known in advance.
    exact: Option<usize>,
    /// Whether another may have it next, if it is from the budget: see `recycled`.
    is_recyclable: bool,
    advice: RangeAdvice,
}

const SIZE: usize = 63;
const READY_SHIFT: u32 = 6;
const MOST_READY: usize = 31;
const READY: usize = MOST_READY << READY_SHIFT;
const FROM_BUDGET: usize = 1 << 11;
const NO_BASE: usize = FROM_BUDGET | READY | SIZE;

impl LazyReservation {
    pub(crate) const fn new(exact: Option<usize>, advice: RangeAdvice) -> Self {
        let (place, committed) = (AtomicPtr::new(ptr::null_mut()), AtomicUsize::new(0));
        Self { place, committed, exact, is_recyclable: false, advice }
    }

    /// The same, of a range that is like every other if `yes`.
    pub(crate) const fn recyclable(mut self, yes: bool) -> Self {
        self.is_recyclable = yes;
        self
    }

    /// The first address, once there is one.
    #[inline(always)]
    pub(crate) fn base(&self) -> Option<NonNull<u8>> {
        base_of(self.place.load(Acquire))
    }

    /// Bytes that are reserved.
    pub(crate) fn size(&self) -> usize {
        self.size_of(self.place.load(Acquire)).bytes()
    }

    /// Bytes from the base that are committed. To be read where the end of something is compared with it.
    #[inline(always)]
    pub(crate) fn committed(&self) -> &AtomicUsize {
        &self.committed
    }

    fn size_of(&self, place: *mut u8) -> Pages {
        match (place.is_null(), self.exact) {
            (true, _) => Pages::ZERO,
            (_, Some(bytes)) => Pages::round_up(bytes.max(1)).unwrap_or(Pages::ZERO),
            (_, None) => Pages::round_down(1 << (place.addr() & SIZE)),
        }
    }

    /// The base. Whoever finds none makes the reservation; if another was faster, it is released again.
    ///
    /// `ready` is told how much of it, from its base, is ready and need not read zero, before anybody else has it.
    ///
    /// # Errors
    /// That of `reserve`, which makes it as [`new`](Self::new) was told; that of giving back what is ready beyond what a place can tell.
    pub(crate) fn get_or_reserve(
        &self,
        reserve: impl FnOnce() -> Result<Reservation, ReserveError>,
        ready: impl FnOnce(NonNull<u8>, usize),
    ) -> Result<NonNull<u8>, ReserveError> {
        let make = || {
            let range = reserve()?;
            let mark = Self::mark_of(range.ready());
            // SAFETY: nothing of it is in use.
            unsafe { range.decommit_from(Self::ready_of(mark)) }?;
            ready(range.base(), range.ready().bytes());
            range.list_as(Kind::Shared);
            let size = if self.exact.is_some() { 0 } else { range.size().bytes().trailing_zeros() as usize };
            let from_budget = if range.from_budget { FROM_BUDGET } else { 0 };
            let known = from_budget | mark | size;
            Ok(ManuallyDrop::new(range).base().as_ptr().map_addr(|base| base | known))
        };
        let place = lock_free::make_once(&self.place, ptr::null_mut(), make, |place| self.release(place))?;
        Ok(base_of(place).unwrap_or(NonNull::dangling())) // it is never null
    }

    /// So much of what is ready as a place can tell: as its bits there.
    fn mark_of(ready: Pages) -> usize {
        let pages = ready.bytes().checked_div(os::page_bytes()).unwrap_or_default();
        let mark = |exponent: u32| 1 + 2 * exponent as usize + ((2 * pages) >> exponent & 1);
        pages.checked_ilog2().map_or(0, mark).min(MOST_READY) << READY_SHIFT
    }

    fn ready_of(place: usize) -> Pages {
        let mark = ((place & READY) >> READY_SHIFT).checked_sub(1);
        let bytes = mark.map_or(0, |mark| {
            let power = os::page_bytes() << (mark / 2);
            if mark % 2 == 1 { power + power / 2 } else { power }
        });
        Pages::round_down(bytes)
    }

    /// By itself, as everything that seldom happens: what it needs of a handler's stack is not needed else.
    #[cold]
    #[inline(never)]
    fn release(&self, place: *mut u8) {
        drop(self.range(place, Pages::ZERO).map(ManuallyDrop::into_inner));
    }

    /// The range at a place, as if it were committed so far.
    fn range(&self, place: *mut u8, committed: Pages) -> Option<ManuallyDrop<Reservation>> {
        let mut range = ManuallyDrop::new(Reservation::unused(
            base_of(place)?,
            self.size_of(place),
            Displacement::none(),
        ));
        range.committed.set(committed);
        range.ready.set(Self::ready_of(place.addr()));
        range.from_budget = place.addr() & FROM_BUDGET != 0;
        range.is_recyclable = self.is_recyclable && range.from_budget;
        range.advice = self.advice;
        Some(range)
    }

    /// Commits more of a range that was seen to be committed so far. `commit` does so, for the range as it is then;
    /// that another thread may do the same meanwhile does no harm.
    ///
    /// # Errors
    /// That of `commit`.
    #[cold]
    #[inline(never)]
    pub(crate) fn commit(
        &self,
        seen: usize,
        commit: impl FnOnce(&Reservation) -> Result<(), ReserveError>,
    ) -> Result<(), ReserveError> {
        let seen = Pages::round_down(seen);
        let Some(range) = self.range(self.place.load(Acquire), seen) else { return Ok(()) };
        commit(&range)?;
        let end = range.committed();
        let before = Pages::round_down(lock_free::raise(&self.committed, end.bytes())).min(end);
        // On the account twice: by this thread, and by the one that was faster.
        totals::COMMITTED.subtract(before.after(seen));
        Ok(())
    }

    /// Makes `start .. end`, in bytes from the base, present, as far as it is committed. Best effort.
    pub(crate) fn populate(&self, start: Pages, end: Pages) {
        let committed = Pages::round_down(self.committed.load(Acquire));
        if let Some(range) = self.range(self.place.load(Acquire), committed) {
            range.populate(start, end);
        }
    }

    /// Gives back all committed memory from `start` bytes on, and what is ready beyond; returns how much was committed.
    ///
    /// # Safety
    /// Nothing at or beyond `start` is in use.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; all stays as it was.
    pub(crate) unsafe fn decommit_from(&mut self, start: Pages) -> Result<usize, ReserveError> {
        let (place, committed) = (*self.place.get_mut(), Pages::round_down(*self.committed.get_mut()));
        let Some(range) = self.range(place, committed) else { return Ok(0) };
        // SAFETY: forwarded from the caller; and what is not committed is not in use.
        unsafe { range.decommit_from(start.min(committed)) }?;
        *self.committed.get_mut() = range.committed().bytes();
        *self.place.get_mut() = place.map_addr(|address| address & !READY);
        Ok(committed.after(range.committed()).bytes())
    }
}

impl Drop for LazyReservation {
    fn drop(&mut self) {
        let (place, committed) = (*self.place.get_mut(), Pages::round_down(*self.committed.get_mut()));
        drop(self.range(place, committed).map(ManuallyDrop::into_inner));
    }
}

#[inline(always)]
fn base_of(place: *mut u8) -> Option<NonNull<u8>> {
    NonNull::new(place.map_addr(|address| address & !NO_BASE))
}
