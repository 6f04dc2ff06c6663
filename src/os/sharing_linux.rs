//! Linux: the memory is a file without a place in any directory, which `/proc/PID/fd` shows to whoever may look into
//! the process. It ends with the last process that has it, however that ends.

use super::call;
use crate::os::{OsError, Pages, SharedPlace};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicPtr};
use rustix::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};

const ACCESS: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

pub(crate) fn share(size: Pages, name: &core::ffi::CStr) -> Result<NonNull<SharedPlace>, OsError> {
    call(|| {
        let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, size.bytes() as u64)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let memory =
            unsafe { rustix::mm::mmap(ptr::null_mut(), size.bytes(), ACCESS, MapFlags::SHARED, &file, 0) }?;
        forgotten_by_children().map_or_else(
            |error| {
                // SAFETY: the mapping was made just above and nobody knows of it.
                let _ = unsafe { rustix::mm::munmap(memory, size.bytes()) };
                Err(error)
            },
            |place| {
                let file = AtomicI32::new(file.into_raw_fd());
                // SAFETY: the page is new, writable, and aligned as pages are.
                unsafe { place.write(SharedPlace { memory: AtomicPtr::new(memory.cast()), file }) };
                Ok(place)
            },
        )
    })
}

/// A page that reads zero in a child after `fork`. Memory that is shared cannot be kept from a child otherwise without
/// asking, at each access, who is there.
fn forgotten_by_children() -> rustix::io::Result<NonNull<SharedPlace>> {
    let bytes = super::page_size();
    // SAFETY: as above.
    let page = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, ACCESS, MapFlags::PRIVATE) }?;
    // SAFETY: this changes nothing here. (Since Linux 4.14.)
    let advised = unsafe { rustix::mm::madvise(page, bytes, Advice::LinuxWipeOnFork) };
    if advised.is_err() {
        // SAFETY: the mapping was made just above and nobody knows of it.
        let _ = unsafe { rustix::mm::munmap(page, bytes) };
    }
    advised.and_then(|()| NonNull::new(page.cast()).ok_or(Errno::NOMEM))
}

/// # Safety
/// The place came from [`share`] with this size in this process, and nobody else knows of it.
pub(crate) unsafe fn unshare(place: NonNull<SharedPlace>, size: Pages) {
    // SAFETY: forwarded from the caller; the file is the place's own.
    let _ = call(|| unsafe {
        let SharedPlace { memory, file } = place.read();
        let _ = rustix::mm::munmap(memory.into_inner().cast(), size.bytes());
        let _ = rustix::mm::munmap(place.as_ptr().cast(), super::page_size());
        close(file.into_inner());
        Ok(())
    });
}

/// # Safety
/// The file is open, and whoever owned it gives it up.
unsafe fn close(file: RawFd) {
    // SAFETY: forwarded from the caller.
    drop(unsafe { OwnedFd::from_raw_fd(file) });
}
