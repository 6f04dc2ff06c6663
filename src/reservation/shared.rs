//! A range of addresses that many owners share, each a part of it: the caller keeps the account of the parts.

use super::{recycled, totals};
use crate::error::{Cause, Operation, ReserveError};
use crate::os::{self, Advice, OsError, Pages, Placement};
use crate::traps;
use core::ptr::NonNull;

/// A reserved range, without an owner: it is released by hand, or never.
///
/// Where the system charges for memory only when it is touched, the whole range is accessible from the start. Then
/// a part grows without a system call, and neighbours are one mapping to the kernel however many they are. Else
/// parts are committed one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedRange {
    pub(crate) base: NonNull<u8>,
    pub(crate) size: Pages,
    pub(crate) accessible: bool,
}

impl SharedRange {
    /// Reserves exactly `size`, with a base that is a multiple of `align`; accessible if the system allows for it.
    pub(crate) fn new(size: Pages, align: usize) -> Result<Self, ReserveError> {
        if size.bytes() > isize::MAX as usize {
            return Err(ReserveError::new(Operation::Reserve, size.bytes(), Cause::TooLarge));
        }
        // A tool that scans it visits all that is readable.
        let accessible = if traps::scans() { None } else { Some(Placement { align, offset: 0 }) };
        let Some(Ok(base)) = accessible.map(|placement| os::reserve_accessible(size, placement)) else {
            return Self::inaccessible(size, align);
        };
        totals::RESERVED.add(size);
        // SAFETY: just reserved and accessible; nobody has seen an address there.
        unsafe {
            Self::advise_as_new(base, size);
            // Linux joins the parts of a mapping that was once split only if it was touched before.
            base.write_volatile(0);
        }
        Ok(Self { base, size, accessible: true })
    }

    /// As [`new`](Self::new), to be committed bit by bit in any case.
    pub(crate) fn inaccessible(size: Pages, align: usize) -> Result<Self, ReserveError> {
        let base = recycled::at_their_cost(|| os::reserve(size, Placement { align, offset: 0 }))
            .map_err(|OsError(code)| ReserveError::new(Operation::Reserve, size.bytes(), Cause::Os(code)))?;
        totals::RESERVED.add(size);
        traps::scan(base, size);
        Ok(Self { base, size, accessible: false })
    }

    /// Makes `size` bytes from `start` usable. Contents are kept; what was not committed reads zero.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no memory; nothing has changed then.
    ///
    /// # Safety
    /// They lie in the range, are not committed, and have one owner.
    pub(crate) unsafe fn commit(&self, start: NonNull<u8>, size: Pages) -> Result<(), ReserveError> {
        if !self.accessible {
            // SAFETY: forwarded from the caller.
            recycled::at_their_cost(|| unsafe { os::commit(start, size) }).map_err(|OsError(code)| {
                ReserveError::new(Operation::Commit, size.bytes(), Cause::Os(code))
            })?;
        }
        totals::COMMITTED.add(size);
        Ok(())
    }

    /// Gives the memory of `size` bytes from `start` back. They read zero when they are committed again. So does what
    /// lies `beyond` them, which is not committed, but may be present as a part of huge pages.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; nothing has changed then.
    ///
    /// # Safety
    /// They lie in the range, are committed, and nothing in them or beyond them is in use.
    pub(crate) unsafe fn give_back(
        &self,
        start: NonNull<u8>,
        size: Pages,
        beyond: Pages,
    ) -> Result<(), ReserveError> {
        if size == Pages::ZERO {
            return Ok(());
        }
        // SAFETY: forwarded from the caller.
        let given_back = unsafe {
            if self.accessible {
                let all = Pages::round_down(size.bytes() + beyond.bytes());
                os::discard(start, all).map(|remapped| {
                    if remapped {
                        Self::advise_as_new(start, all);
                    }
                })
            } else {
                os::decommit(start, size)
            }
        };
        given_back
            .map_err(|OsError(code)| ReserveError::new(Operation::Decommit, size.bytes(), Cause::Os(code)))?;
        totals::COMMITTED.subtract(size);
        Ok(())
    }

    /// So much of what is committed is nobody's for now, and stays as it is. It does not count until it is taken up again.
    pub(crate) fn set_aside(size: Pages) {
        totals::COMMITTED.subtract(size);
    }

    /// So much that was set aside is in use again.
    pub(crate) fn take_up(size: Pages) {
        totals::COMMITTED.add(size);
    }

    /// What every accessible page is from the start, so that it is in one mapping with its neighbours. A huge page
    /// would make a block of 64 bytes cost 2 MiB. And a core dump visits every page of a writable mapping, touched
    /// or not: hours, for what is reserved here.
    ///
    /// # Safety
    /// The pages lie in one range of ours and are committed, and no reference to anything in them exists.
    pub(crate) unsafe fn advise_as_new(start: NonNull<u8>, size: Pages) {
        // SAFETY: forwarded from the caller.
        unsafe {
            os::advise(start, size, Advice::SmallPages);
            os::advise(start, size, Advice::ExcludeFromCoreDumps);
        }
    }

    /// Gives the addresses back.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; the range is still there then.
    ///
    /// # Safety
    /// Nothing in the range is in use, or will be; `committed` bytes of it are committed.
    pub(crate) unsafe fn release(self, committed: Pages) -> Result<(), ReserveError> {
        if !self.accessible {
            traps::scan_no_more(self.base, self.size);
        }
        // SAFETY: forwarded from the caller.
        unsafe { os::release(self.base, self.size) }.map_err(|OsError(code)| {
            ReserveError::new(Operation::Free, self.size.bytes(), Cause::Os(code))
        })?;
        totals::RESERVED.subtract(self.size);
        totals::COMMITTED.subtract(committed);
        Ok(())
    }
}
