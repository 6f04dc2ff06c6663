//! The ranges of dropped arenas, kept for the next ones: so a short life makes no system call.
//!
//! ```text
//!  a slot:  | ready, or 0: empty | base | size |
//!
//!  base          ready                           base + size
//!   |  accessible, not zero  |     inaccessible     |
//! ```
//!
//! Ready is as much as any arena may have present, 16 KiB; or what half of the latest eight had committed, up to 3 MiB. So tasks
//! that are alike need no page that is new, and an arena that stays small holds no more than it may, unless half of those before it
//! needed more.
//!
//! Only ranges that are like every other: of the size that a new one would have, without a name or advice. They count against
//! the budget, but are on no account: an arena that gets one commits in the same steps as ever, with the same figures, and spares the
//! system calls. Nobody waits here: a slot that another thread, or the function that a handler interrupts, is about to change
//! is neither empty nor full.

use super::growth::{FIRST, WORTH_KEEPING};
use super::latest::Latest;
use super::{Reservation, budget, totals};
use crate::lock_free::state::State;
use crate::os::{self, Pages};
use crate::traps::{self, Displacement};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

/// How many ranges are kept at most. One where addresses are few, and none where whatever is freed must stay unused.
const SLOTS: usize = if cfg!(any(miri, v_alloc_heap_os)) || traps::ARE_IN_FORCE {
    0
} else if usize::BITS < 64 {
    1
} else {
    8
};

/// What ranges had committed when they were dropped.
static DROPPED: Latest = Latest::new();

static KEPT: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// A range, if `ready` is not 0: bytes, whole pages. The rest belongs to whoever took that.
struct Slot {
    ready: State,
    base: AtomicPtr<u8>,
    size: AtomicUsize,
}

impl Slot {
    const fn new() -> Self {
        Self { ready: State::new(0), base: AtomicPtr::new(ptr::null_mut()), size: AtomicUsize::new(0) }
    }

    fn take(&self) -> Option<Reservation> {
        let ready = self.ready.take(|ready| ready > 0)?;
        let (base, size) = (NonNull::new(self.base.load(Relaxed)), self.size.load(Relaxed));
        self.ready.put_back(0);
        let mut range = Reservation::unused(base?, Pages::round_down(size), Displacement::none());
        range.ready.set(Pages::round_down(ready));
        range.from_budget = true;
        totals::RESERVED.add(range.size);
        Some(range)
    }
}

/// Whether who has a range of so many bytes may take a second one only because it may be recycled: addresses are many, and there
/// is room to keep both.
pub(crate) fn may_have_another(size: usize) -> bool {
    KEPT.len() > 1 && os::RESERVATION_TIERS.first() == Some(&size)
}

/// Whether a new range would be larger: a small one is for times when addresses are short.
fn is_too_small(range: &Reservation) -> bool {
    budget::has_room_beyond(os::RESERVATION_TIERS, range.size)
}

/// A range that an arena left, if one is kept. Nothing of it is committed, and what is [ready](Reservation::ready) need not
/// read zero when it is.
pub(crate) fn take() -> Option<Reservation> {
    let mut range = KEPT.iter().find_map(|slot| slot.take().filter(|range| !is_too_small(range)))?;
    // Since it was put there, an arena may have needed less.
    shorten(&range).then(|| range.is_recyclable = true)?;
    Some(range)
}

/// Gives back what may not be ready of a range in which nothing is in use; tells whether that could be done.
#[inline]
fn shorten(range: &Reservation) -> bool {
    range.accessible().bytes() <= FIRST || shorten_to_what_half_had(range)
}

#[cold]
#[inline(never)]
fn shorten_to_what_half_had(range: &Reservation) -> bool {
    // SAFETY: nothing in the range is in use.
    Pages::round_up(DROPPED.half_had().clamp(FIRST, WORTH_KEEPING))
        .is_some_and(|most| unsafe { range.decommit_from(most) }.is_ok())
}

/// Keeps a range that is being dropped, if there is a place for it; then it is not the caller's any more.
pub(super) fn keep(range: &Reservation) -> bool {
    // Who lost a race to make it, or never used it, knows nothing of what is needed.
    if range.committed() > Pages::ZERO {
        DROPPED.tell(range.committed().bytes());
    }
    if range.accessible() == Pages::ZERO || is_too_small(range) {
        return false;
    }
    let Some(slot) = KEPT.iter().find(|slot| slot.ready.take(|ready| ready == 0).is_some()) else {
        return false;
    };
    let fits = shorten(range);
    if fits {
        totals::RESERVED.subtract(range.size);
        totals::COMMITTED.subtract(range.committed());
        slot.base.store(range.base.as_ptr(), Relaxed);
        slot.size.store(range.size.bytes(), Relaxed);
    }
    slot.ready.put_back(if fits { range.accessible().bytes() } else { 0 });
    fits
}

/// What the system refuses is tried once more without the ranges that are kept here, if there are any.
pub(super) fn at_their_cost<T, E>(attempt: impl Fn() -> Result<T, E>) -> Result<T, E> {
    attempt().or_else(|error| if release_all() { attempt() } else { Err(error) })
}

/// Gives all ranges back to the system. Whether there were any.
#[cold]
fn release_all() -> bool {
    KEPT.iter().filter_map(Slot::take).count() > 0
}

#[cfg(all(test, not(any(miri, v_alloc_heap_os, feature = "traps"))))]
#[allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
mod tests {
    use super::*;
    use crate::os::Placement;
    use crate::os::faults::{Call, alone, fail_after};
    use std::vec::Vec;

    fn ready() -> Pages {
        Pages::round_up(FIRST).unwrap()
    }

    /// A range that may be kept, with so much committed.
    fn range(bytes: usize) -> Reservation {
        let mut range = Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed).unwrap();
        range.recycle();
        range.commit_to(Pages::round_up(bytes).unwrap()).unwrap();
        range
    }

    fn account() -> (usize, usize) {
        (totals::process_reserved_bytes(), totals::process_committed_bytes())
    }

    #[test]
    fn a_range_is_kept_with_little_of_it_ready_and_taken_once() {
        alone("reservation::recycled::tests::a_range_is_kept_with_little_of_it_ready_and_taken_once", || {
            assert!(take().is_none());
            for (committed, kept) in [(1, Pages::round_up(1).unwrap()), (10 << 20, ready())] {
                let first = range(committed);
                let (base, size) = (first.base(), first.size());
                drop(first);
                assert_eq!(account(), (0, 0));
                let mut range = take().unwrap();
                assert!(take().is_none());
                assert_eq!((range.base(), range.size(), range.ready()), (base, size, kept));
                assert_eq!((account(), range.committed()), ((size.bytes(), 0), Pages::ZERO));
                let commit = || range.commit_to(kept).unwrap();
                assert_eq!(fail_after(0, commit), None, "no system call");
                // It is committed by steps as ever, whatever is ready.
                for end in [1, ready().bytes(), 1 << 20] {
                    range.commit_to(Pages::round_up(end).unwrap()).unwrap();
                    assert_eq!(account().1, range.committed().bytes());
                    // SAFETY: it is committed, and nobody else's.
                    unsafe { range.base().write_bytes(1, range.committed().bytes()) };
                }
                range.is_recyclable = false;
                drop(range);
                assert_eq!(account(), (0, 0));
            }
        });
    }

    #[test]
    fn what_is_given_back_before_it_was_committed_reads_zero() {
        alone("reservation::recycled::tests::what_is_given_back_before_it_was_committed_reads_zero", || {
            let first = range(FIRST);
            // SAFETY: it is committed, and nobody else's.
            unsafe { first.base().write_bytes(0xA5, FIRST) };
            drop(first);
            let range = take().unwrap();
            // SAFETY: nothing is in use.
            unsafe { range.decommit_from(Pages::ZERO) }.unwrap();
            assert_eq!((range.ready(), account().1), (Pages::ZERO, 0));
            range.commit_to(ready()).unwrap();
            // SAFETY: as above.
            assert!((0..FIRST).all(|byte| unsafe { range.base().add(byte).read() } == 0));
        });
    }

    #[test]
    fn as_much_is_ready_as_half_of_the_latest_eight_had() {
        alone("reservation::recycled::tests::as_much_is_ready_as_half_of_the_latest_eight_had", || {
            if Some(&range(1).size().bytes()) != os::RESERVATION_TIERS.first() {
                return; // addresses are few, and what is kept soon too small
            }
            release_all();
            let page = Pages::round_up(1).unwrap().bytes();
            let drop_one = |bytes| drop(range(bytes));
            let taken = || {
                let mut range = take().unwrap();
                range.is_recyclable = false;
                range.ready().bytes()
            };
            let after = |bytes| {
                release_all();
                drop_one(bytes);
                taken()
            };
            (0..2).for_each(|_| drop_one(40 * page));
            assert_eq!(after(40 * page), ready().bytes(), "three did");
            assert_eq!(after(30 * page), ready().bytes().max(30 * page).min(WORTH_KEEPING));
            (0..8).for_each(|_| drop_one(5 << 20));
            assert_eq!(after(5 << 20), 3 << 20);
            (0..8).for_each(|_| drop_one(0));
            assert_eq!(after(5 << 20), 3 << 20, "of what was not used nothing is learnt");
            // What was kept before small ones came is shortened when it is taken.
            (0..3).for_each(|_| drop_one(5 << 20));
            (0..5).for_each(|_| DROPPED.tell(page));
            (0..SLOTS.min(3)).for_each(|_| assert_eq!(taken(), ready().bytes()));
        });
    }

    #[test]
    fn others_are_released() {
        alone("reservation::recycled::tests::others_are_released", || {
            let untouched = range(0);
            assert!(!keep(&untouched), "nothing of it would be ready");
            let mut small = Reservation::new(ready()).unwrap();
            small.recycle();
            small.commit_to(ready()).unwrap();
            assert!(!keep(&small), "a new one would be larger");
            drop((untouched, small));
            let ranges: Vec<_> = (0..2 * SLOTS).map(|_| range(1)).collect();
            drop(ranges);
            // Not counted one by one: each would be kept again.
            let taken: Vec<_> = core::iter::from_fn(take).collect();
            assert_eq!(taken.len(), SLOTS);
        });
    }

    #[test]
    fn what_is_refused_is_tried_again_without_them_if_there_are_any() {
        alone(
            "reservation::recycled::tests::what_is_refused_is_tried_again_without_them_if_there_are_any",
            || {
                let other = Reservation::new(ready()).unwrap();
                let refused = || assert!(other.commit_to(ready()).is_err());
                assert_eq!(fail_after(0, refused), Some(Call::Commit), "there are none");
                for _ in 0..3 {
                    drop([range(1), range(1)]);
                    assert_eq!(
                        fail_after(0, || drop(Reservation::new(ready()).unwrap())),
                        Some(Call::Reserve)
                    );
                    assert!(take().is_none(), "they are given up");
                }
                drop(range(1));
                assert_eq!(fail_after(0, || other.commit_to(ready()).unwrap()), Some(Call::Commit));
                assert!(take().is_none());
            },
        );
    }
}
