//! Linux: the memory is a file without a place in any directory, which `/proc/PID/fd` shows to whoever may look into
//! the process. It ends with the last process that has it, however that ends.
//!
//! Who may look could also write, or cut the file short so that the next write here is a SIGBUS. The file is sealed
//! against both.

use super::{call, last_errno, limit};
use crate::os::{OsError, Pages, SharedPlace};
use core::ffi::{CStr, c_char, c_int, c_uint};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicPtr};
use rustix::fd::BorrowedFd;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use rustix::process::Resource;

const ACCESS: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

pub(crate) fn share(size: Pages, name: &CStr) -> Result<NonNull<SharedPlace>, OsError> {
    call(|| {
        // Beyond the limit the kernel would not only refuse, but send SIGXFSZ, which ends the process.
        if limit(Resource::Fsize)?.is_some_and(|most| most < size.bytes() as u64) {
            return Err(Errno::FBIG);
        }
        let file = make_file(name)?;
        share_file(file, size).inspect_err(|_| {
            // SAFETY: the file was made just above and nobody knows of it.
            unsafe { rustix::io::close(file) };
        })
    })
}

/// A file that no program inherits and, where the kernel knows such (6.3), nobody can execute. Its number is not
/// negative.
///
/// Not by `rustix`, in whose function a linker sees a panic. (C libraries have it since glibc 2.27 and musl 1.1.20.)
fn make_file(name: &CStr) -> rustix::io::Result<c_int> {
    #[cfg(not(target_os = "android"))]
    unsafe extern "C" {
        fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    }
    let file_with = |flags: MemfdFlags| {
        // SAFETY: the name is a string. `call` keeps `errno`, which it changes.
        match unsafe { memfd_create(name.as_ptr(), flags.bits()) } {
            file if file >= 0 => Ok(file),
            _ => Err(last_errno()),
        }
    };
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match file_with(flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => file_with(flags),
        made => made,
    }
}

/// Android's C library has it since API level 30 only: a program for older ones would not be linked, or loaded.
///
/// # Safety
/// The name is a string.
#[cfg(target_os = "android")]
unsafe fn memfd_create(name: *const c_char, flags: c_uint) -> c_int {
    use core::ffi::c_long;
    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }
    const NUMBER: c_long = if cfg!(target_arch = "arm") {
        385
    } else if cfg!(target_arch = "x86") {
        356
    } else if cfg!(target_arch = "x86_64") {
        319
    } else {
        279 // arm64 and riscv64
    };
    // SAFETY: these are what the system call takes.
    c_int::try_from(unsafe { syscall(NUMBER, name, flags) }).unwrap_or(-1)
}

fn share_file(number: c_int, size: Pages) -> rustix::io::Result<NonNull<SharedPlace>> {
    if number < 0 {
        return Err(Errno::BADF); // what follows could panic then, as far as a linker can see
    }
    // SAFETY: it is open, and stays so.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::fs::ftruncate(file, size.bytes() as u64)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let memory =
        unsafe { rustix::mm::mmap(ptr::null_mut(), size.bytes(), ACCESS, MapFlags::SHARED, file, 0) }?;
    seal(file);
    let place = forgotten_by_children().inspect_err(|_| {
        // SAFETY: the mapping was made just above and nobody knows of it.
        let _ = unsafe { rustix::mm::munmap(memory, size.bytes()) };
    })?;
    let (memory, file) = (AtomicPtr::new(memory.cast()), AtomicI32::new(number));
    // SAFETY: the page is new, writable, and aligned as pages are.
    unsafe { place.write(SharedPlace { memory, file }) };
    Ok(place)
}

/// From here on the file keeps its size, and nobody can write to it but by the mapping that there is. Best effort:
/// the second part needs Linux 5.1.
fn seal(file: BorrowedFd<'_>) {
    let size = SealFlags::SHRINK | SealFlags::GROW;
    if rustix::fs::fcntl_add_seals(file, size | SealFlags::FUTURE_WRITE | SealFlags::SEAL).is_err() {
        let _ = rustix::fs::fcntl_add_seals(file, size | SealFlags::SEAL);
    }
}

/// A page that reads zero in a child after `fork`. Memory that is shared cannot be kept from a child otherwise without
/// asking, at each access, who is there.
fn forgotten_by_children() -> rustix::io::Result<NonNull<SharedPlace>> {
    let bytes = super::page_size();
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
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
        rustix::io::close(file.into_inner());
        Ok(())
    });
}
