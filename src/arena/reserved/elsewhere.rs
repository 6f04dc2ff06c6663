//! With traps: an arena over a reserved range that goes on at other addresses when it is rewound.

use super::Reserved;
use crate::arena::source::Window;
use crate::reservation::Reservation;
use crate::traps;

impl Reserved {
    /// The window from `mark` on, at other addresses; those that became free are inaccessible.
    ///
    /// # Safety
    /// Nothing that was handed out since the mark is in use.
    pub(super) unsafe fn rewind_elsewhere(&self, range: &Reservation, now: Window, mark: usize) -> Window {
        let used = self.used(now.cursor);
        self.at_another_place(range, now, || {
            if mark >= used {
                self.segments.join(range, used);
                return used;
            }
            let freed = self.segments.bytes_taken_back(range, used, mark);
            traps::free(now.cursor.wrapping_sub(freed), freed);
            // SAFETY: forwarded from the caller.
            unsafe { self.segments.rewind(range, used, mark) }
        })
    }

    /// The window, from where no page is shared with what is in use.
    pub(super) fn part_window(&self, range: &Reservation, now: Window) -> Window {
        let used = self.used(now.cursor);
        self.at_another_place(range, now, || {
            self.segments.part(range, used);
            used
        })
    }

    /// The window behind the block that ends at `end`, if nothing was handed out since, and it has room for `more`.
    pub(super) fn join_window(
        &self,
        range: &Reservation,
        now: Window,
        end: usize,
        more: usize,
    ) -> Option<Window> {
        let used = self.used(now.cursor);
        if used.saturating_add(more) > range.size().bytes() {
            return None; // it cannot grow, and nothing is to change then
        }
        let before = self.segments.end_of_the_one_before(used)?;
        let first_address = range.base().addr().get() - range.displacement().shift().bytes();
        (first_address + before == end).then(|| {
            self.at_another_place(range, now, || {
                // SAFETY: nothing was handed out since `used`.
                let _ = unsafe { self.segments.back_to(range, used) };
                used
            })
        })
    }

    /// `go` moves the base and tells what is in use then. What is known to be zero stays known.
    fn at_another_place(&self, range: &Reservation, now: Window, go: impl FnOnce() -> usize) -> Window {
        let (before, committed) = (range.base(), range.committed());
        let latest = self.latest();
        self.peak.set(self.peak.get().max(latest));
        self.written.set(self.written.get().max(latest));
        let used = go();
        let (base, left) = (range.base(), range.committed());
        let written = (before.addr().get() + self.written.get()).saturating_sub(base.addr().get());
        self.written.set(written.min(left.bytes().max(used)));
        self.highest.set(base.addr().get() + latest);
        if base > before {
            // As much as there was, so that what follows needs no more system calls than it did. (Not where the base moves
            // down: what is stale there is to be inaccessible as long as it can be.) Failing is no harm.
            let _ = range.commit_to(committed);
        }
        let base = base.as_ptr();
        Self::window(range, Window { cursor: base.wrapping_add(used), ..now })
    }
}
