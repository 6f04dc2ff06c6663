//! Failures on demand, for the unit tests: the fallible system calls with a counter in front.
//!
//! [`fail_each_call`] runs a scenario again and again and lets another of its system calls fail each time.

use super::{OsError, Pages, Placement, platform};
use core::ptr::NonNull;
use std::cell::Cell;

/// The code of an injected failure; no real call returns it.
pub(crate) const INJECTED: i32 = 4242;

std::thread_local! {
    /// System calls until one fails, and how many have failed.
    static PLAN: Cell<(Option<usize>, usize)> = const { Cell::new((None, 0)) };
}

/// Lets the system call after the next `calls` fail while `scenario` runs. Tells whether it came to that.
pub(crate) fn fail_after(calls: usize, scenario: impl FnOnce()) -> bool {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            PLAN.set((None, 0));
        }
    }
    let _restore = Restore;
    PLAN.set((Some(calls), 0));
    scenario();
    PLAN.get().1 > 0
}

/// Runs `scenario` with its first system call failing, then its second, until it makes no more; returns how
/// many there were.
pub(crate) fn fail_each_call(mut scenario: impl FnMut()) -> usize {
    (0..).find(|&calls| !fail_after(calls, &mut scenario)).unwrap_or(0)
}

fn trip() -> Result<(), OsError> {
    match PLAN.get() {
        (Some(0), failed) => {
            PLAN.set((None, failed + 1));
            Err(OsError(INJECTED))
        }
        (Some(calls), failed) => {
            PLAN.set((Some(calls - 1), failed));
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

pub(crate) fn reserve(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    trip()?;
    platform::reserve(size, placement)
}

/// # Safety
/// As `platform::commit`.
pub(crate) unsafe fn commit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip()?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::commit(start, size) }
}

/// # Safety
/// As `platform::decommit`.
pub(crate) unsafe fn decommit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip()?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::decommit(start, size) }
}

/// # Safety
/// As `platform::discard`.
pub(crate) unsafe fn discard(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip()?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::discard(start, size) }
}

/// # Safety
/// As `platform::release`.
pub(crate) unsafe fn release(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip()?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::release(start, size) }
}
