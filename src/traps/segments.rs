//! An arena that goes on at other addresses when it is rewound, and what is left of it at the old ones.
//!
//! ```text
//!  first address                      base                    base + committed     base + size    first address + size + spare
//!   |  retired  | segment |  retired  .  | segment, free        |    inaccessible     |    for later    |
//!   |<------------- shift ----------->|  ^ base + used at the mark
//! ```
//!
//! All else counts from the base, and is none the wiser: the base moves up by whole pages, to where `base + used` is the
//! first address on a page that was never used. So padding, figures and capacity are those of an arena that stays where
//! it is. What was allocated before the mark stays where it was, in a segment of its own; as a rewind can go on from any
//! of them, they are remembered, up to a number.

use crate::bump;
use crate::os::{self, Pages};
use crate::reservation::Reservation;
use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How far the base of a reservation has moved, and may.
#[derive(Debug)]
pub(crate) struct Displacement {
    shift: Cell<Pages>,
    extra: Cell<Pages>,
    spare: Pages,
}

impl Displacement {
    pub(crate) const fn none() -> Self {
        Self::with_spare(Pages::ZERO)
    }

    pub(crate) const fn with_spare(spare: Pages) -> Self {
        Self { shift: Cell::new(Pages::ZERO), extra: Cell::new(Pages::ZERO), spare }
    }

    /// From the first address to the base.
    pub(crate) fn shift(&self) -> Pages {
        self.shift.get()
    }

    /// Addresses beyond the size that was asked for: the shift is at most so much.
    pub(crate) fn spare(&self) -> Pages {
        self.spare
    }

    /// What is committed below the base, and not counted from it: the last page of a segment, whose rest the next segment
    /// has on a page of its own.
    pub(crate) fn extra(&self) -> Pages {
        self.extra.get()
    }

    pub(crate) fn set(&self, change: &Change) {
        self.shift.set(change.shift);
        self.extra.set(change.extra);
    }
}

/// Addresses to move on to: fifteen times what was asked for, within limits; and what will do if there are not so many.
pub(crate) fn spares(size: Pages) -> [Pages; 2] {
    [size.bytes().saturating_mul(15).clamp(LEAST_SPARE, MOST_SPARE), LEAST_SPARE].map(Pages::round_down)
}

#[cfg(target_pointer_width = "64")]
const LEAST_SPARE: usize = 16 << 20;
#[cfg(target_pointer_width = "64")]
const MOST_SPARE: usize = 4 << 30;
#[cfg(not(target_pointer_width = "64"))]
const LEAST_SPARE: usize = 1 << 20;
#[cfg(not(target_pointer_width = "64"))]
const MOST_SPARE: usize = 16 << 20;

/// What is to be at another place of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// From the first address: what becomes inaccessible.
    pub(crate) start: Pages,
    pub(crate) end: Pages,
    /// What holds then.
    pub(crate) shift: Pages,
    pub(crate) extra: Pages,
    pub(crate) committed: Pages,
}

/// Memory up to `until`, counted as it is used, lies from the first address plus `shift` on.
#[derive(Clone, Copy, Debug)]
struct Segment {
    until: usize,
    shift: Pages,
}

/// Segments of an arena, at most, but for the one it allocates in. More rewind as if there were no traps.
const MOST: usize = 32;
/// Of all arenas. Each can take two mappings, of which Linux allows a process 65,530.
const MOST_IN_ALL: usize = 8192;

static IN_ALL: AtomicUsize = AtomicUsize::new(0);

/// The older segments of an arena, lowest first; `until` rises from each to the next.
#[derive(Debug)]
pub(crate) struct Segments {
    older: [Cell<Segment>; MOST],
    count: Cell<usize>,
}

fn up(bytes: usize) -> usize {
    bump::round_up_wrapping(bytes, os::page_bytes())
}

fn down(bytes: usize) -> usize {
    bump::round_down(bytes, os::page_bytes())
}

impl Segments {
    pub(crate) const fn new() -> Self {
        Self {
            older: [const { Cell::new(Segment { until: 0, shift: Pages::ZERO }) }; MOST],
            count: Cell::new(0),
        }
    }

    /// Takes back all beyond `mark` of the `used` bytes of the arena in `range`. Tells how much is in use then: more than
    /// that only if the operating system refuses.
    ///
    /// # Safety
    /// Nothing beyond `mark` is in use.
    pub(crate) unsafe fn rewind(&self, range: &Reservation, used: usize, mark: usize) -> usize {
        // SAFETY: forwarded from the caller.
        let done = unsafe {
            self.move_on(range, used, mark)
                || (mark == 0 && self.begin_again(range))
                || self.is_in_the_last(mark)
                || self.back_to(range, mark)
        };
        if done { mark } else { used }
    }

    /// Sees to it that what comes shares no page with what is in use, so that it can be taken back page by page.
    pub(crate) fn part(&self, range: &Reservation, used: usize) {
        if used != down(used) && !self.is_at_its_start(used) {
            // SAFETY: it only moves on: nothing is taken back.
            let _ = unsafe { self.move_on(range, used, used) };
        }
    }

    /// Undoes a [`part`](Self::part) after which nothing was allocated.
    pub(crate) fn join(&self, range: &Reservation, used: usize) {
        if self.is_at_its_start(used)
            && self.change_back(range, used).is_some_and(|change| change.start == change.end)
        {
            // SAFETY: as above.
            let _ = unsafe { self.back_to(range, used) };
        }
    }

    /// The bytes of addresses from `mark` to what is `used`, with what is retired between them.
    pub(crate) fn bytes_taken_back(&self, range: &Reservation, used: usize, mark: usize) -> usize {
        let shift = range.displacement().shift();
        let (_, from) = self.segment_of(mark, shift);
        shift.bytes() + used - (from.bytes() + mark)
    }

    /// Where the address lies that ends the segment before, if nothing was allocated since: from the first address.
    pub(crate) fn end_of_the_one_before(&self, used: usize) -> Option<usize> {
        let before = self.older(self.count.get().checked_sub(1)?)?;
        (before.until == used).then_some(before.shift.bytes() + used)
    }

    /// Goes back to the segment that `mark` lies in, and gives back all that is committed beyond it.
    ///
    /// # Safety
    /// Nothing beyond `mark` is in use.
    pub(crate) unsafe fn back_to(&self, range: &Reservation, mark: usize) -> bool {
        let (kept, _) = self.segment_of(mark, Pages::ZERO);
        let change = self.change_back(range, mark);
        // SAFETY: forwarded from the caller.
        let done = change.is_some_and(|change| unsafe { range.displace(&change) }.is_ok());
        if done {
            self.keep(kept);
        }
        done
    }

    /// # Safety
    /// Nothing beyond `mark` is in use.
    unsafe fn move_on(&self, range: &Reservation, used: usize, mark: usize) -> bool {
        let place = range.displacement();
        let shift = place.shift().bytes();
        let (kept, from) = self.segment_of(mark, place.shift());
        let end = up(shift + used);
        let new_shift = end - down(mark);
        let count = if mark > 0 { kept + 1 } else { 0 };
        let more = count.saturating_sub(self.count.get());
        if new_shift > place.spare().bytes() || count > MOST || !make_room(more) {
            return false;
        }
        let mut start = from.bytes() + up(mark);
        if mark == 0 {
            // What is given back bit by bit keeps its page tables. A table's whole range is in one of these.
            start = start.saturating_sub(2 << 20);
        }
        let change = Change {
            start: Pages::round_down(start),
            end: Pages::round_down(end),
            shift: Pages::round_down(new_shift),
            extra: Pages::round_down(self.extra_of(kept) + up(mark) - down(mark)),
            // Not less: that much of the segment's first page is never used.
            committed: range
                .committed()
                .after(Pages::round_down(new_shift - shift))
                .max(Pages::round_down(mark)),
        };
        // SAFETY: forwarded from the caller; what lies between the segments is in use by nobody.
        if unsafe { range.displace(&change) }.is_err() {
            IN_ALL.fetch_sub(more, Relaxed);
            return false;
        }
        if let (Some(next), true) = (self.older.get(kept), mark > 0) {
            next.set(Segment { until: mark, shift: from });
        }
        IN_ALL.fetch_sub(self.count.replace(count).saturating_sub(count), Relaxed);
        true
    }

    /// Goes on from the first address, of an arena in which nothing is in use.
    ///
    /// # Safety
    /// Nothing is.
    unsafe fn begin_again(&self, range: &Reservation) -> bool {
        let change = Change {
            start: Pages::ZERO,
            end: range.displacement().shift().plus(range.committed()),
            shift: Pages::ZERO,
            extra: Pages::ZERO,
            committed: Pages::ZERO,
        };
        // SAFETY: forwarded from the caller.
        let done = unsafe { range.displace(&change) }.is_ok();
        if done {
            self.keep(0);
        }
        done
    }

    fn change_back(&self, range: &Reservation, mark: usize) -> Option<Change> {
        let place = range.displacement();
        let (kept, from) = self.segment_of(mark, place.shift());
        if kept == self.count.get() {
            return None;
        }
        let start = from.bytes() + up(mark);
        let limit = place.shift().plus(range.committed());
        let nothing_between = kept + 1 == self.count.get()
            && self.older(kept).is_some_and(|before| before.until == mark)
            && place.shift().bytes() + down(mark) == start
            && limit.after(from) <= range.size();
        let (end, committed) = if nothing_between {
            (start, limit.after(from).bytes().max(up(mark)))
        } else {
            (limit.bytes().max(start), up(mark))
        };
        Some(Change {
            start: Pages::round_down(start),
            end: Pages::round_down(end),
            shift: from,
            extra: Pages::round_down(self.extra_of(kept)),
            committed: Pages::round_down(committed),
        })
    }

    fn older(&self, index: usize) -> Option<Segment> {
        self.older.get(index).map(Cell::get)
    }

    /// The number of older segments below the one that `mark` ends in, and the shift of that.
    fn segment_of(&self, mark: usize, last: Pages) -> (usize, Pages) {
        let (mut kept, mut shift) = (self.count.get(), last);
        while let Some(before) = kept.checked_sub(1).and_then(|index| self.older(index)) {
            if before.until < mark {
                break;
            }
            (kept, shift) = (kept - 1, before.shift);
        }
        (kept, shift)
    }

    fn is_in_the_last(&self, mark: usize) -> bool {
        let before = self.count.get().checked_sub(1).and_then(|index| self.older(index));
        before.is_none_or(|before| before.until <= mark)
    }

    /// Whether nothing was allocated in the last segment, which is not the first.
    fn is_at_its_start(&self, used: usize) -> bool {
        self.end_of_the_one_before(used).is_some()
    }

    fn extra_of(&self, count: usize) -> usize {
        self.older.iter().take(count).map(|segment| up(segment.get().until) - down(segment.get().until)).sum()
    }

    fn keep(&self, count: usize) {
        IN_ALL.fetch_sub(self.count.get().saturating_sub(count), Relaxed);
        self.count.set(count);
    }
}

/// Puts so many segments on the account of the process, if it has room for them.
fn make_room(more: usize) -> bool {
    more == 0
        || IN_ALL
            .fetch_update(Relaxed, Relaxed, |sum| Some(sum + more).filter(|&sum| sum <= MOST_IN_ALL))
            .is_ok()
}

impl Drop for Segments {
    fn drop(&mut self) {
        self.keep(0);
    }
}
