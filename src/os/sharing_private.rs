//! Where no other process is shown anything: memory of this one.

use super::{commit, release, reserve};
use crate::os::{OsError, Pages, Placement, SharedPlace};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicPtr};

pub(crate) fn share(size: Pages, _name: &core::ffi::CStr) -> Result<NonNull<SharedPlace>, OsError> {
    // place, a page            memory
    //   |                        |       size       |
    let place = reserve(whole(size), Placement::ANYWHERE)?;
    // SAFETY: just reserved.
    if let Err(error) = unsafe { commit(place, whole(size)) } {
        // SAFETY: as above, and nobody knows of it.
        let _ = unsafe { release(place, whole(size)) };
        return Err(error);
    }
    // SAFETY: the range is a page larger than the size, writable, and aligned as pages are.
    unsafe {
        let memory = AtomicPtr::new(place.add(super::page_size()).as_ptr());
        place.cast().write(SharedPlace { memory, file: AtomicI32::new(-1) });
    }
    Ok(place.cast())
}

/// # Safety
/// The place came from [`share`] with this size, and nobody else knows of it.
pub(crate) unsafe fn unshare(place: NonNull<SharedPlace>, size: Pages) {
    // SAFETY: forwarded from the caller.
    let _ = unsafe { release(place.cast(), whole(size)) };
}

fn whole(size: Pages) -> Pages {
    Pages::round_down(size.bytes() + super::page_size())
}
