//! A range of addresses that is ours, and how much of it is committed. What arenas and blocks reserve, commit and give back comes by
//! here, and so on the account. (Advice changes no account: `stable` gives it by itself.)

pub(crate) mod budget;
pub(crate) mod growth;
pub(crate) mod latest;
pub(crate) mod lazy;
pub(crate) mod recycled;
pub(crate) mod shared;
pub(crate) mod totals;

use crate::error::{Cause, Operation, ReserveError};
use crate::os::{self, Advice, OsError, Pages, Placement};
use crate::registry;
use crate::traps::{self, Displacement};
use core::cell::Cell;
use core::ffi::CStr;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// A range of addresses, of which a prefix is committed.
///
/// ```text
///  base                 base + committed                  base + size
///   |  readable, writable  |            inaccessible            |
/// ```
///
/// Reserving costs no memory. [`commit_to`](Self::commit_to) raises the boundary, [`decommit_from`] lowers it.
/// Memory reads zero when it is committed, for the first time or again. Dropping it releases the range.
/// All figures are bytes, exact at any time, also after a failure; all methods are O(1) besides the work of the
/// operating system. Safe in a signal handler that owns the value: at most the system calls of `mmap`,
/// `mprotect`, `madvise`, `munmap`, `prctl` and, for locked pages, `munlock` are made.
///
/// ```
/// use v_alloc::{Pages, Reservation};
/// let gigabyte = Pages::round_up(1 << 30).unwrap();
/// let page = Pages::round_up(1).unwrap();
/// let range = Reservation::new(gigabyte)?;
/// range.commit_to(page)?;
/// // SAFETY: the first page is committed, and the range is ours alone.
/// unsafe { range.base().write(42) };
/// assert_eq!((range.size(), range.committed()), (gigabyte, page));
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
///
/// [`decommit_from`]: Self::decommit_from
pub struct Reservation {
    base: NonNull<u8>,
    size: Pages,
    committed: Cell<Pages>,
    /// Up to here it is accessible, because an arena before had it committed: see [`recycled`]. Not zero.
    ready: Cell<Pages>,
    /// Whether `size` counts against the budget for default reservations.
    from_budget: bool,
    /// Whether another arena may have the range when this is dropped.
    is_recyclable: bool,
    advice: RangeAdvice,
    displacement: Displacement,
}

// SAFETY: the range belongs to this value alone, and no thread is special to the operating system.
unsafe impl Send for Reservation {}

/// What holds for every page that is committed. Told to the kernel of the whole range once, so that a step of a growing
/// range is one system call; and again of what was mapped anew, so that nothing can lose it. Names are told of what is
/// committed only, with each commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RangeAdvice {
    pub(crate) name: Option<&'static CStr>,
    pub(crate) exclude_from_core_dumps: bool,
    pub(crate) small_pages: bool,
}

impl Reservation {
    /// Reserves exactly `size`.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let range = Reservation::new(Pages::round_up(1 << 20).unwrap())?;
    /// assert_eq!(range.committed(), Pages::ZERO);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn new(size: Pages) -> Result<Self, ReserveError> {
        Self::placed(size, Placement::ANYWHERE)
    }

    /// Reserves exactly `size`, at a chosen place.
    pub(crate) fn placed(size: Pages, placement: Placement) -> Result<Self, ReserveError> {
        Self::with_spare(size, Pages::ZERO, placement)
    }

    traps::in_force! {
        /// As [`placed`](Self::placed), with addresses to move on to, if the budget has them.
        pub(crate) fn movable(size: Pages, placement: Placement) -> Result<Self, ReserveError> {
            for spare in traps::spares(size) {
                // Before the last reservations: those need what is left.
                let tier = budget::Tier { index: 3, count: 5, first: 1 };
                let reserve = || Self::with_spare(size, spare, placement);
                if let Ok(reservation) = budget::reserve_in_tier(tier, spare, reserve) {
                    return Ok(reservation);
                }
            }
            Self::placed(size, placement)
        }
    }

    fn with_spare(size: Pages, spare: Pages, placement: Placement) -> Result<Self, ReserveError> {
        let error = |cause| ReserveError::new(Operation::Reserve, size.bytes(), cause);
        if size.bytes() > isize::MAX as usize {
            return Err(error(Cause::TooLarge)); // no object, and no pointer arithmetic, can span more
        }
        // A range of nothing has no address of its own; one page keeps every later step ordinary.
        let size = size.max(Pages::round_up(1).ok_or(error(Cause::TooLarge))?);
        let held = size.plus(spare);
        let base = recycled::at_their_cost(|| os::reserve(held, placement))
            .map_err(|OsError(code)| error(Cause::Os(code)))?;
        totals::RESERVED.add(size);
        traps::scan(base, held);
        Ok(Self::unused(base, size, Displacement::with_spare(spare)))
    }

    /// A range of which nothing is committed, and of which nothing is known but its place.
    const fn unused(base: NonNull<u8>, size: Pages, displacement: Displacement) -> Self {
        Self {
            base,
            size,
            committed: Cell::new(Pages::ZERO),
            ready: Cell::new(Pages::ZERO),
            from_budget: false,
            is_recyclable: false,
            advice: RangeAdvice { name: None, exclude_from_core_dumps: false, small_pages: false },
            displacement,
        }
    }

    /// Reserves as much as a default reservation may have now: see [`budget`]. `reserve` is [`placed`](Self::placed), or
    /// `movable`.
    pub(crate) fn with_default_size(
        placement: Placement,
        reserve: impl Fn(Pages, Placement) -> Result<Self, ReserveError>,
    ) -> Result<Self, ReserveError> {
        budget::reserve_within(os::RESERVATION_TIERS, |size| {
            let mut reservation = reserve(size, placement)?;
            reservation.from_budget = true;
            Ok(reservation)
        })
    }

    /// For a range of which nothing is committed yet.
    pub(crate) fn set_advice(&mut self, advice: RangeAdvice) {
        self.advice = advice;
        // SAFETY: the range is ours, and nobody has a reference into it.
        unsafe { self.advise_mapping(self.base, self.size_with_spare()) };
    }

    /// Lists the range in the registry, if it has a name.
    pub(crate) fn list_as(&self, kind: registry::Kind) {
        if let Some(name) = self.advice.name {
            registry::enter(kind, self.base, name, self.size);
        }
    }

    /// The first address.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let range = Reservation::new(Pages::round_up(1 << 20).unwrap())?;
    /// assert_eq!(range.base().addr().get() % v_alloc::os::allocation_granularity(), 0);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> NonNull<u8> {
        // SAFETY: the shift is at most the spare, which the range has beyond its size.
        unsafe { self.base.add(self.displacement.shift().bytes()) }
    }

    /// The size of the range.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let megabyte = Pages::round_up(1 << 20).unwrap();
    /// assert_eq!(Reservation::new(megabyte)?.size(), megabyte);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn size(&self) -> Pages {
        self.size
    }

    /// With the addresses that it may move on to.
    pub(crate) fn size_with_spare(&self) -> Pages {
        self.size.plus(self.displacement.spare())
    }

    /// How much of it is committed, from the base on.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let range = Reservation::new(Pages::round_up(1 << 20).unwrap())?;
    /// range.commit_to(range.size())?;
    /// assert_eq!(range.committed(), range.size());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn committed(&self) -> Pages {
        self.committed.get()
    }

    /// Up to where it can be accessed: what is committed, and what is [`ready`](recycled) to be.
    fn accessible(&self) -> Pages {
        self.committed.get().max(self.ready.get())
    }

    /// Up to here it need not read zero when it is committed.
    pub(crate) fn ready(&self) -> Pages {
        self.ready.get()
    }

    /// Lets another arena have the range when this is dropped.
    pub(crate) fn recycle(&mut self) {
        self.is_recyclable = true;
    }

    /// Commits up to `end`, counted from the base; no effect if that much is committed already.
    ///
    /// # Errors
    /// [`ReserveError`] if `end` is beyond the range or the operating system has no memory; what was committed
    /// before stays so.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let (one, two) = (Pages::round_up(1 << 20).unwrap(), Pages::round_up(2 << 20).unwrap());
    /// let range = Reservation::new(one)?;
    /// range.commit_to(one)?;
    /// // SAFETY: it is committed, and the range is ours alone.
    /// assert_eq!(unsafe { range.base().read() }, 0);
    /// assert!(range.commit_to(two).is_err());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn commit_to(&self, end: Pages) -> Result<(), ReserveError> {
        let committed = self.committed.get();
        if end <= committed {
            return Ok(());
        }
        let more = end.after(committed);
        if end > self.size {
            return Err(ReserveError::new(Operation::Commit, more.bytes(), Cause::BeyondReservation));
        }
        let start = self.at(committed);
        let accessible = self.accessible();
        if end > accessible {
            // SAFETY: `accessible .. end` lies in the range.
            recycled::at_their_cost(|| unsafe { os::commit(self.at(accessible), end.after(accessible)) })
                .map_err(Self::os_error(Operation::Commit, more))?;
        }
        self.committed.set(end);
        totals::COMMITTED.add(more);
        if self.advice.name.is_some() {
            registry::committed(self.base, self.charged());
        }
        // SAFETY: just committed; nobody has seen an address there.
        unsafe { self.name_committed(start, more) };
        Ok(())
    }

    /// Gives back all committed memory from `start` on, and makes it inaccessible.
    ///
    /// # Safety
    /// Nothing at or beyond `start`, counted from the base, is in use.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; all stays as it was.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let range = Reservation::new(Pages::round_up(1 << 20).unwrap())?;
    /// range.commit_to(range.size())?;
    /// let page = Pages::round_up(1).unwrap();
    /// // SAFETY: nothing in the range is in use.
    /// unsafe { range.decommit_from(page)? };
    /// assert_eq!(range.committed(), page);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub unsafe fn decommit_from(&self, start: Pages) -> Result<(), ReserveError> {
        let less = self.accessible().after(start);
        if less == Pages::ZERO {
            return Ok(());
        }
        traps::usable(self.at(start), less.bytes());
        // SAFETY: `start .. accessible` lies in the range, and the caller has no use for it.
        unsafe { os::decommit(self.at(start), less) }.map_err(Self::os_error(Operation::Decommit, less))?;
        // SAFETY: as above.
        unsafe { self.advise_mapping(self.at(start), less) };
        self.ready.set(self.ready.get().min(start));
        let before = self.committed.replace(self.committed.get().min(start));
        totals::COMMITTED.subtract(before.after(start));
        if self.advice.name.is_some() {
            registry::given_back(self.base, self.charged());
        }
        Ok(())
    }

    /// Gives back the memory of all committed pages from `start` on, and keeps them committed; they read zero.
    ///
    /// # Safety
    /// Nothing at or beyond `start`, counted from the base, is in use.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses. The pages from `start` on are decommitted then: a
    /// platform that discards in two steps may have failed in between.
    ///
    /// ```
    /// use v_alloc::{Pages, Reservation};
    /// let range = Reservation::new(Pages::round_up(1 << 20).unwrap())?;
    /// range.commit_to(range.size())?;
    /// // SAFETY: the range is committed and ours alone; its contents are not needed.
    /// unsafe {
    ///     range.base().write(1);
    ///     range.discard_from(Pages::ZERO)?;
    ///     assert_eq!(range.base().read(), 0);
    /// }
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub unsafe fn discard_from(&self, start: Pages) -> Result<(), ReserveError> {
        let discarded = self.committed.get().after(start);
        if discarded == Pages::ZERO {
            return Ok(());
        }
        let first = self.at(start);
        // SAFETY: `start .. committed` is committed, and the caller has no use for its contents.
        match unsafe { os::discard(first, discarded) } {
            Ok(false) => {}
            // SAFETY: the caller has no use for the range, so no reference into it exists.
            Ok(true) => unsafe {
                self.advise_mapping(first, discarded);
                self.name_committed(first, discarded);
            },
            Err(OsError(code)) => {
                // SAFETY: as above.
                unsafe { self.decommit_from(start) }?;
                return Err(ReserveError::new(Operation::Discard, discarded.bytes(), Cause::Os(code)));
            }
        }
        Ok(())
    }

    /// Makes the pages of `start .. end` present, as far as they are committed. Best effort.
    pub(crate) fn populate(&self, start: Pages, end: Pages) {
        let end = end.min(self.committed.get());
        if start < end {
            // SAFETY: committed; the callers populate what is not handed out.
            unsafe { os::populate(self.at(start), end.after(start)) };
        }
    }

    /// Asks for huge pages behind the committed pages from `start` on. Best effort.
    ///
    /// # Safety
    /// No reference to anything at or beyond `start` exists.
    pub(crate) unsafe fn advise_huge_pages(&self, start: Pages) {
        // SAFETY: `start .. committed` is committed.
        unsafe { os::advise(self.at(start), self.committed.get().after(start), Advice::HugePages) };
    }

    /// Gives the addresses from `start` on back to the operating system, with their memory; tells whether that could be done. If
    /// not, all stays as it was.
    ///
    /// # Safety
    /// All of the range is committed, and nothing at or beyond `start` is in use.
    #[allow(dead_code, reason = "only the `Allocator` traits shrink blocks")]
    pub(crate) unsafe fn cut_off_from(&mut self, start: Pages) -> bool {
        let less = self.size.after(start);
        traps::usable(self.at(start), less.bytes());
        // SAFETY: `start ..` is the end of the range, and the caller has no use for it.
        let is_cut = os::RELEASES_PARTS && unsafe { os::release(self.at(start), less) }.is_ok();
        if is_cut {
            traps::scan_no_more(self.base, self.size);
            traps::scan(self.base, start);
            totals::RESERVED.subtract(less);
            totals::COMMITTED.subtract(less);
            self.size = start;
            self.committed.set(start);
        }
        is_cut
    }

    /// Gives the range away: its base, to be handed to [`from_base`](Self::from_base) later.
    pub(crate) fn into_base(self) -> NonNull<u8> {
        ManuallyDrop::new(self).base
    }

    /// Takes back a range that [`into_base`](Self::into_base) gave away.
    ///
    /// # Safety
    /// The range has exactly this size, all of it committed, came from [`placed`](Self::placed), and has no
    /// other owner.
    pub(crate) unsafe fn from_base(base: NonNull<u8>, size: Pages) -> Self {
        let range = Self::unused(base, size, Displacement::none());
        range.committed.set(size);
        range
    }

    /// For memory that has just been mapped.
    ///
    /// # Safety
    /// It lies in the range, and no reference to anything in it exists.
    unsafe fn advise_mapping(&self, start: NonNull<u8>, size: Pages) {
        let advise = |advice: Advice<'_>| {
            // SAFETY: forwarded from the caller.
            unsafe { os::advise(start, size, advice) };
        };
        if self.advice.small_pages {
            advise(Advice::SmallPages);
        }
        if self.advice.exclude_from_core_dumps {
            advise(Advice::ExcludeFromCoreDumps);
        }
    }

    /// # Safety
    /// It is committed, and no reference to anything in it exists.
    unsafe fn name_committed(&self, start: NonNull<u8>, size: Pages) {
        if self.advice.name.is_some() {
            // SAFETY: forwarded from the caller.
            unsafe { os::advise(start, size, Advice::Name(self.advice.name)) };
        }
    }

    /// The address `offset` beyond the base.
    fn at(&self, offset: Pages) -> NonNull<u8> {
        // SAFETY: every caller's offset is at most the committed size, so it lies in the range.
        unsafe { self.base().add(offset.bytes()) }
    }

    /// What is committed, on the account: more than is counted from the base, if that has moved.
    fn charged(&self) -> Pages {
        self.committed.get().plus(self.displacement.extra())
    }

    fn os_error(operation: Operation, size: Pages) -> impl FnOnce(OsError) -> ReserveError {
        move |OsError(code)| ReserveError::new(operation, size.bytes(), Cause::Os(code))
    }
}

traps::in_force! {
    /// What moves the base. Everything else counts from there, and goes on as if nothing had happened.
    impl Reservation {
        pub(crate) fn displacement(&self) -> &Displacement {
            &self.displacement
        }

        /// # Safety
        /// Nothing in what becomes inaccessible is in use; what is committed from the new base is.
        pub(crate) unsafe fn displace(&self, change: &traps::Change) -> Result<(), ReserveError> {
            let (before, size) = (self.charged(), change.end.after(change.start));
            // SAFETY: both ends lie in the range.
            let start = unsafe { self.base.add(change.start.bytes()) };
            if size > Pages::ZERO {
                if change.shift < self.displacement.shift() {
                    traps::usable(start, size.bytes()); // it will be handed out again
                }
                // SAFETY: forwarded from the caller.
                unsafe { os::decommit(start, size) }.map_err(Self::os_error(Operation::Decommit, size))?;
                // SAFETY: as above.
                unsafe { self.advise_mapping(start, size) };
            }
            self.displacement.set(change);
            self.committed.set(change.committed);
            totals::COMMITTED.subtract(before.after(self.charged()));
            if self.advice.name.is_some() {
                registry::given_back(self.base, self.charged());
            }
            Ok(())
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.is_recyclable && recycled::keep(self) {
            return;
        }
        if self.advice.name.is_some() {
            registry::leave(self.base); // before another may have the addresses
        }
        let held = self.size_with_spare();
        traps::usable(self.base, self.displacement.shift().plus(self.committed.get()).bytes());
        traps::scan_no_more(self.base, held);
        // SAFETY: the range is whole and ours, and whoever borrowed from it had to borrow this value.
        if unsafe { os::release(self.base, held) }.is_ok() {
            totals::RESERVED.subtract(self.size);
            totals::COMMITTED.subtract(self.charged());
            if self.from_budget {
                budget::give_back(self.size);
            }
            traps::in_force! {
                budget::give_back(self.displacement.spare());
            }
        }
        // A range that cannot be released stays on the account: it is still there.
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reservation")
            .field("base", &self.base)
            .field("size", &self.size.bytes())
            .field("committed", &self.committed.get().bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests;
