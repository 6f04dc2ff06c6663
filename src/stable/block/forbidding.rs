//! With traps: what a block has given back is inaccessible, also where the whole range is accessible from the start. And
//! what messages say of a block that is none.

use super::{Block, Busy, HugePages, Room, Wanted};
use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::os::{self, OsError, Pages};
use crate::stable::slot::{FORBIDDEN, HUGE_PAGES};
use crate::stable::space;
use crate::traps::label::LABEL;
use core::ffi::CStr;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Slots with the flag, at most: each can take two mappings, of which Linux allows a process 65,530. It is never taken
/// from a slot again; the others are as without traps.
const MOST: usize = 4096;

static FLAGGED: AtomicUsize = AtomicUsize::new(0);

impl Busy {
    /// Makes accessible what is to be committed.
    pub(super) fn permit(&self, start: NonNull<u8>, size: Pages) -> Result<(), ReserveError> {
        if self.range.accessible && self.flag(FORBIDDEN) {
            // SAFETY: it lies in the slot, which has this one owner.
            unsafe { os::commit(start, size) }.map_err(|OsError(code)| {
                ReserveError::new(Operation::Commit, size.bytes(), Cause::Os(code))
            })?;
        }
        Ok(())
    }

    /// Makes inaccessible all from there to the end of the slot, so that neighbours that were freed are one mapping.
    pub(super) fn forbid_from(&self, start: Pages) {
        let end = Pages::round_down(self.place.space.slot_size());
        if !self.range.accessible || start >= end {
            return;
        }
        if !self.flag(FORBIDDEN) {
            if FLAGGED.fetch_update(Relaxed, Relaxed, |count| (count < MOST).then_some(count + 1)).is_err() {
                return;
            }
            self.set_flag(FORBIDDEN, true);
        }
        #[cfg(unix)]
        // SAFETY: nothing in the slot from there on is in use.
        unsafe {
            os::forbid(self.at(start.bytes()), end.after(start));
        }
    }
}

/// What is asked of a block of the same kind.
pub(crate) struct Likeness {
    reservation: usize,
    huge_pages: HugePages,
    name: [u8; LABEL + 1],
}

#[allow(dead_code, reason = "for arenas of C")]
impl Block {
    pub(crate) fn likeness(self) -> Likeness {
        let mut name = [0; LABEL + 1];
        name.iter_mut().zip(self.place.slot.label.bytes()).for_each(|(place, byte)| *place = byte);
        let flags = self.place.slot.flags.load(Relaxed);
        let huge_pages = if flags & HUGE_PAGES == 0 { HugePages::Never } else { HugePages::Early }; // none is `Late`
        Likeness { reservation: self.reserved(), huge_pages, name }
    }

    /// The generation and name of the block that an address lies in, or that was the last one there.
    pub(crate) fn around(address: usize) -> Option<(u64, [u8; LABEL])> {
        let place = space::around(address)?;
        Some((place.slot.last_generation(), place.slot.label.bytes()))
    }
}

#[allow(dead_code, reason = "for arenas of C")]
impl Likeness {
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        let name = CStr::from_bytes_until_nul(&self.name).ok().filter(|name| !name.is_empty());
        let reservation = Room::Exactly(self.reservation);
        Wanted { reservation, least: 0, huge_pages: self.huge_pages, zeroed: true, name, has_header: false }
    }
}
