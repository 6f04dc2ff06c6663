//! The ranges of dropped arenas, kept for the next ones: so a short life makes no system call.
//!
//! ```text
//!  a slot:  | ready, or 0: empty | base |
//!
//!  base          ready, at most 16 KiB           base + size
//!   |  accessible, not zero  |     inaccessible     |
//! ```
//!
//! Only ranges that are like every other: of the largest default size, without a name or advice. They count against the budget,
//! but are on no account: an arena that gets one commits in the same steps as ever, with the same figures, and spares the
//! system calls. Nobody waits here: a slot that another thread, or the function that a handler interrupts, is about to change
//! is neither empty nor full.

use super::growth::FIRST;
use super::{Reservation, totals};
use crate::lock_free::state::State;
use crate::os::{self, Pages};
use crate::traps::{self, Displacement};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// How many ranges are kept at most. One where addresses are few, and none where whatever is freed must stay unused.
const SLOTS: usize = if cfg!(any(miri, v_alloc_heap_os)) || traps::ARE_IN_FORCE {
    0
} else if usize::BITS < 64 {
    1
} else {
    8
};

/// Bytes that each may keep ready, and a page at least: with more, an arena that stays small would hold more than it may.
const MOST_READY: usize = FIRST;

static KEPT: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// A range, if `ready` is not 0: bytes, whole pages. The base belongs to whoever took that.
struct Slot {
    ready: State,
    base: AtomicPtr<u8>,
}

impl Slot {
    const fn new() -> Self {
        Self { ready: State::new(0), base: AtomicPtr::new(ptr::null_mut()) }
    }
}

/// The size of all ranges here. Smaller ones are for times when addresses are short.
fn size() -> Pages {
    os::RESERVATION_TIERS.first().map_or(Pages::ZERO, |&bytes| Pages::round_down(bytes))
}

/// A range that an arena left, if one is kept. Nothing of it is committed, and what is [ready](Reservation::ready) need not
/// read zero when it is.
pub(crate) fn take() -> Option<Reservation> {
    KEPT.iter().find_map(|slot| {
        let ready = slot.ready.take(|ready| ready > 0)?;
        let base = NonNull::new(slot.base.load(Relaxed));
        slot.ready.put_back(0);
        let mut range = Reservation::unused(base?, size(), Displacement::none());
        range.ready.set(Pages::round_down(ready));
        (range.from_budget, range.is_recyclable) = (true, true);
        totals::RESERVED.add(range.size);
        Some(range)
    })
}

/// Keeps a range that is being dropped, if there is a place for it; then it is not the caller's any more.
pub(super) fn keep(range: &Reservation) -> bool {
    let Some(most_ready) = Pages::round_up(MOST_READY) else { return false };
    if range.accessible() == Pages::ZERO || range.size() != size() {
        return false;
    }
    let Some(slot) = KEPT.iter().find(|slot| slot.ready.take(|ready| ready == 0).is_some()) else {
        return false;
    };
    // SAFETY: nothing in the range is in use.
    let fits = unsafe { range.decommit_from(most_ready) }.is_ok();
    if fits {
        totals::RESERVED.subtract(range.size);
        totals::COMMITTED.subtract(range.committed());
        slot.base.store(range.base.as_ptr(), Relaxed);
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
    let mut any = false;
    while let Some(mut range) = take() {
        range.is_recyclable = false;
        any = true;
    }
    any
}
