//! Linux: the memory is a file without a place in any directory, which `/proc/PID/fd` shows to whoever may look into
//! the process. It ends with the last process that has it, however that ends.
//!
//! Who may look could also write, or cut the file short so that the next write here is a SIGBUS. The file is sealed
//! against both.

use super::call;
use crate::os::{OsError, Pages, SharedPlace};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicPtr};
use rustix::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use rustix::process::Resource;

const ACCESS: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

pub(crate) fn share(size: Pages, name: &core::ffi::CStr) -> Result<NonNull<SharedPlace>, OsError> {
    call(|| {
        let file = make_file(name)?;
        // Beyond the limit the kernel would not only refuse, but send SIGXFSZ, which ends the process.
        if rustix::process::getrlimit(Resource::Fsize).current.is_some_and(|most| most < size.bytes() as u64)
        {
            return Err(Errno::FBIG);
        }
        rustix::fs::ftruncate(&file, size.bytes() as u64)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let memory =
            unsafe { rustix::mm::mmap(ptr::null_mut(), size.bytes(), ACCESS, MapFlags::SHARED, &file, 0) }?;
        seal(&file);
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

/// A file that no program inherits and nobody can execute, where the kernel knows such (6.3).
fn make_file(name: &core::ffi::CStr) -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        made => made,
    }
}

/// From here on the file keeps its size, and nobody can write to it but by the mapping that there is. Best effort:
/// the second part needs Linux 5.1.
fn seal(file: &OwnedFd) {
    let size = SealFlags::SHRINK | SealFlags::GROW;
    if rustix::fs::fcntl_add_seals(file, size | SealFlags::FUTURE_WRITE | SealFlags::SEAL).is_err() {
        let _ = rustix::fs::fcntl_add_seals(file, size | SealFlags::SEAL);
    }
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
