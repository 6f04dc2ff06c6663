//! A range as the options of an arena want it: made, and committed in steps. What `Arena` and `SyncArena` share.

use super::options::ArenaOptions;
use crate::error::{Cause, Operation};
use crate::os::{self, Pages, Placement};
use crate::reservation::growth::{Growth, HEAD, Step};
use crate::reservation::{RangeAdvice, Reservation, lazy::LazyReservation, recycled};
use crate::{CommitPolicy, ReserveError, bump};

impl ArenaOptions {
    /// A range as these options want it. `reserve` is [`Reservation::placed`], or `Reservation::movable`.
    pub(crate) fn reserve(
        &self,
        reserve: impl Fn(Pages, Placement) -> Result<Reservation, ReserveError>,
    ) -> Result<Reservation, ReserveError> {
        let mut range = match self.reservation {
            None => Reservation::with_default_size(self.placement(), reserve)?,
            Some(bytes) => {
                let error = ReserveError::new(Operation::Reserve, bytes, Cause::TooLarge);
                reserve(Pages::round_up(bytes).ok_or(error)?, self.placement())?
            }
        };
        let end = range.base().addr().get().checked_add(range.size_with_spare().bytes());
        let highest = if os::ADDRESSES_ARE_LOW { bump::LOW_ADDRESSES_END } else { bump::HIGHEST_LIMIT };
        if end.is_none_or(|end| end > highest) {
            // No kernel hands such addresses out unasked, as far as `os` knows; the fast path rests on it.
            return Err(ReserveError::new(Operation::Reserve, range.size().bytes(), Cause::TooHigh));
        }
        range.set_advice(self.advice());
        Ok(range)
    }

    /// As [`reserve`](Self::reserve), or a range that an arena like this one left: it need not read zero up to where it is
    /// [ready](Reservation::ready).
    pub(crate) fn recycle_or_reserve(
        &self,
        reserve: impl Fn(Pages, Placement) -> Result<Reservation, ReserveError>,
    ) -> Result<Reservation, ReserveError> {
        if !self.are_ordinary() {
            return self.reserve(reserve);
        }
        if let Some(range) = recycled::take() {
            return Ok(range);
        }
        let mut range = self.reserve(reserve)?;
        range.recycle();
        Ok(range)
    }

    /// A range that the first of many threads makes by [`recycle_or_reserve`](Self::recycle_or_reserve).
    pub(crate) const fn lazily(&self) -> LazyReservation {
        LazyReservation::new(self.reservation, self.advice()).recyclable(self.are_ordinary())
    }

    /// Whether a range with these options is like every other, so that others may have it next.
    pub(crate) const fn are_ordinary(&self) -> bool {
        let RangeAdvice { name, exclude_from_core_dumps, small_pages } = self.advice();
        self.reservation.is_none() && name.is_none() && !exclude_from_core_dumps && !small_pages
    }

    pub(crate) const fn advice(&self) -> RangeAdvice {
        let small_pages = matches!(self.commit_policy, CommitPolicy::Latency) || !self.huge_pages;
        RangeAdvice { name: self.name, exclude_from_core_dumps: !self.core_dumps, small_pages }
    }

    /// The size of a huge page, if the arena may use them.
    fn huge_page(&self) -> Option<usize> {
        let wanted = self.huge_pages
            && self.commit_policy == CommitPolicy::Throughput
            && self.reservation.is_none_or(|bytes| bytes >= 4 * HEAD);
        if wanted { os::huge_page_size().map(Pages::bytes) } else { None }
    }

    fn placement(&self) -> Placement {
        match self.huge_page() {
            Some(align) => Placement { align, offset: HEAD },
            None => Placement::ANYWHERE,
        }
    }

    /// An address where a range may begin, and no more aligned than any such address is.
    pub(crate) fn least_aligned_base(&self) -> usize {
        let Placement { align, offset } = self.placement();
        if align > os::page_bytes() { align - offset } else { os::page_bytes() }
    }

    /// Commits so that `needed` bytes from the base are usable.
    pub(crate) fn commit(&self, range: &Reservation, needed: usize) -> Result<(), ReserveError> {
        let committed = range.committed();
        let growth = Growth {
            policy: self.commit_policy,
            huge_page: self.huge_page(),
            page: os::page_bytes(),
            committed: committed.bytes(),
            reserved: range.size().bytes(),
        };
        let step = growth.step(needed);
        let Step { populate_to, huge_from, .. } = if range.commit_to(Pages::round_down(step.end)).is_ok() {
            step
        } else {
            // Less may still be had.
            let least = growth.least(needed);
            range.commit_to(Pages::round_down(least.end))?;
            least
        };
        if let Some(start) = huge_from {
            // SAFETY: the pages from there on were committed just now.
            unsafe { range.advise_huge_pages(Pages::round_down(start)) };
        }
        if let Some(end) = populate_to {
            // What an arena before had in use is present already.
            range.populate(committed.max(range.ready()), Pages::round_down(end));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;

    #[test]
    fn huge_pages_are_for_throughput_in_reservations_that_are_worth_it() {
        let huge = os::huge_page_size().map(Pages::bytes);
        let of = |options: ArenaOptions| options.huge_page();
        assert_eq!(of(Arena::options()), huge);
        assert_eq!(of(Arena::options().reservation(4 * HEAD)), huge);
        assert_eq!(of(Arena::options().reservation(4 * HEAD - 1)), None);
        assert_eq!(of(Arena::options().huge_pages(false)), None);
        assert_eq!(of(Arena::options().commit_policy(CommitPolicy::Latency)), None);
    }

    #[test]
    fn a_range_that_is_not_there_yet_is_aligned_to_no_more_than_was_asked_for() {
        let of = |options: ArenaOptions| options.least_aligned_base();
        let page = os::page_bytes();
        // A huge page begins 1 MiB behind the base.
        assert_eq!(of(Arena::options()), if os::huge_page_size().is_some() { HEAD } else { page });
        assert_eq!(of(Arena::options().huge_pages(false)), page);
    }

    #[test]
    fn a_range_is_told_what_the_options_say() {
        let of = |options: ArenaOptions| {
            let RangeAdvice { name, exclude_from_core_dumps, small_pages } = options.advice();
            (name, exclude_from_core_dumps, small_pages)
        };
        let (name, latency) = (c"frames", CommitPolicy::Latency);
        assert_eq!(of(Arena::options()), (None, false, false));
        assert_eq!(of(Arena::options().name(name)), (Some(name), false, false));
        assert_eq!(of(Arena::options().core_dumps(false)), (None, true, false));
        assert_eq!(of(Arena::options().huge_pages(false)), (None, false, true));
        assert_eq!(of(Arena::options().commit_policy(latency)), (None, false, true));
        assert_eq!(of(Arena::options().commit_policy(latency).huge_pages(false)), (None, false, true));
    }
}
