//! Windows: `VirtualAlloc` and its kin.
//!
//! Reservations start at multiples of the allocation granularity (64 KiB); commits go by pages. A commit that
//! the system cannot back fails in `VirtualAlloc`, before any pointer is handed out.

use super::{Advice, GAP, LARGE_RANGE, OsError, Pages, Placement};
use core::ffi::c_void;
use core::hint::black_box;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use windows_sys::Win32::Foundation::{GetLastError, SetLastError};
use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, MEMORY_BASIC_INFORMATION, PAGE_NOACCESS,
    PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

#[path = "sharing_private.rs"]
mod sharing;
pub(crate) use sharing::{share, unshare};

/// Default reservations, largest first, in bytes; see `reservation::budget`. Smaller than on Unix because
/// Windows may charge for the page tables of what is reserved, a 512th of it.
#[cfg(target_pointer_width = "64")]
pub(crate) const RESERVATION_TIERS: &[usize] = &[8 << 30, 1 << 30, 64 << 20, 4 << 20, 256 << 10];
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const RESERVATION_TIERS: &[usize] = &[64 << 20, 4 << 20, 256 << 10];

/// Default reservations of blocks that never move, largest first, in bytes.
#[cfg(target_pointer_width = "64")]
pub(crate) const BLOCK_TIERS: &[usize] = &[256 << 20, 16 << 20, 1 << 20, 256 << 10, 64 << 10];
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const BLOCK_TIERS: &[usize] = &[8 << 20, 1 << 20, 256 << 10, 64 << 10];

/// The most addresses to reserve at once for blocks to share, in bytes.
#[cfg(target_pointer_width = "64")]
pub(crate) const LARGEST_SPACE: usize = 8 << 30;
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const LARGEST_SPACE: usize = 16 << 20;

/// Reservations start at multiples of 64 KiB. But what is to be aligned may be an offset into one, and offsets
/// are multiples of a page.
pub(super) const GUARANTEED_ALIGNMENT: usize = 4096;

/// Whether an end of a range can be released by itself.
pub(crate) const RELEASES_PARTS: bool = false;

/// Whether reservations lie below `bump::LOW_ADDRESSES_END`.
pub(crate) const ADDRESSES_ARE_LOW: bool = cfg!(target_pointer_width = "64");

const ERROR_NOT_ENOUGH_MEMORY: OsError = OsError(8);
const ERROR_NOT_SUPPORTED: OsError = OsError(50);

fn system_info() -> SYSTEM_INFO {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: `info` is a valid place to write to; the call cannot fail.
    unsafe { GetSystemInfo(&mut info) };
    info
}

/// The number of this process; only where `share`d memory tells other processes whose it is.
pub(crate) fn process_number() -> u32 {
    0
}

pub(crate) fn page_size() -> usize {
    static CACHED: AtomicUsize = AtomicUsize::new(0);
    match CACHED.load(Relaxed) {
        0 => {
            let size = system_info().dwPageSize as usize;
            CACHED.store(size, Relaxed);
            size
        }
        size => size,
    }
}

pub(crate) fn allocation_granularity() -> usize {
    system_info().dwAllocationGranularity as usize
}

/// Large pages need a privilege here and cannot be committed bit by bit.
pub(crate) fn huge_page_size() -> Option<Pages> {
    None
}

/// Bytes of address space that this process may use.
pub(crate) fn address_space() -> usize {
    system_info().lpMaximumApplicationAddress.addr()
}

pub(crate) fn reserve(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    let gap = if size.bytes() >= LARGE_RANGE { GAP } else { 0 };
    let mapped = size.bytes().checked_add(placement.slack() + gap).ok_or(ERROR_NOT_ENOUGH_MEMORY)?;
    // SAFETY: a new reservation at an address of the system's choice touches no memory of ours.
    let start = call(|| unsafe { VirtualAlloc(ptr::null(), mapped, MEM_RESERVE, PAGE_NOACCESS) })?;
    // A reservation cannot be trimmed, only released whole: slack and gap stay, and `release` finds its base.
    let padding = if placement.slack() == 0 { 0 } else { placement.padding(start.addr().get()) };
    // SAFETY: the padding is less than the slack, so the result lies in the reservation.
    Ok(unsafe { start.cast::<u8>().add(padding) })
}

/// What is accessible is committed here, and charged for.
pub(crate) fn reserve_accessible(_size: Pages, _placement: Placement) -> Result<NonNull<u8>, OsError> {
    Err(ERROR_NOT_SUPPORTED)
}

/// # Safety
/// The range lies in one reservation of ours.
pub(crate) unsafe fn commit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    // SAFETY: the range is ours; pages that are committed already keep their contents.
    call(|| unsafe { VirtualAlloc(start.as_ptr().cast(), size.bytes(), MEM_COMMIT, PAGE_READWRITE) })
        .map(|_| ())
}

/// # Safety
/// The range lies in one reservation of ours, and nothing in it will be used before it is committed again.
pub(crate) unsafe fn decommit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    if size == Pages::ZERO {
        return Ok(()); // a size of 0 would mean the whole reservation
    }
    // SAFETY: the caller gives up the contents.
    call_bool(|| unsafe { VirtualFree(start.as_ptr().cast(), size.bytes(), MEM_DECOMMIT) })
}

/// Decommits and commits again: `MEM_RESET` and `DiscardVirtualMemory` do not promise zeroes. If the second
/// step fails the range stays decommitted, and the error says so.
///
/// # Safety
/// The range is committed, and nothing in it is in use.
pub(crate) unsafe fn discard(start: NonNull<u8>, size: Pages) -> Result<bool, OsError> {
    // SAFETY: forwarded from the caller.
    unsafe { decommit(start, size).and_then(|()| commit(start, size)) }.map(|()| true)
}

/// # Safety
/// The range is committed.
pub(crate) unsafe fn populate(start: NonNull<u8>, size: Pages) {
    let mut offset = 0; // not `step_by`, which panics at a step of 0, as far as a linker can see
    while offset < size.bytes() {
        let byte = start.as_ptr().wrapping_add(offset);
        // Unchanged, and in one step: the page may be in use. The compiler leaves out what it knows to change nothing.
        // SAFETY: the byte is committed.
        unsafe { AtomicU8::from_ptr(byte) }.fetch_or(black_box(0), Relaxed);
        offset += page_size();
    }
}

/// # Safety
/// The range is ours, committed for a name, and no reference to anything in it exists.
pub(crate) unsafe fn advise(_start: NonNull<u8>, _size: Pages, advice: Advice<'_>) {
    if let Advice::Name(_name) = advice {
        // Ranges have no names here.
    }
}

/// # Safety
/// The range is one that `reserve` returned, whole, and nothing in it will be used again.
pub(crate) unsafe fn release(start: NonNull<u8>, _size: Pages) -> Result<(), OsError> {
    // An aligned range starts somewhere in its reservation, and MEM_RELEASE takes the base, and the size 0.
    let mut info = MEMORY_BASIC_INFORMATION::default();
    let info_size = size_of::<MEMORY_BASIC_INFORMATION>();
    call_bool(|| {
        // SAFETY: `info` is a valid place to write to, of the size given.
        if unsafe { VirtualQuery(start.as_ptr().cast(), &mut info, info_size) } == 0 {
            return 0;
        }
        // SAFETY: forwarded from the caller.
        unsafe { VirtualFree(info.AllocationBase, 0, MEM_RELEASE) }
    })
}

/// Writes `message` to standard error, and ends the process by the C library's `abort`.
pub(crate) fn abort(message: &[u8]) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    let mut written = 0;
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    // SAFETY: the message is valid for `length` bytes, and a missing handle makes the write fail.
    unsafe {
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), message.as_ptr(), length, &mut written, ptr::null_mut());
    }
    abort()
}

/// Makes a call that returns null on failure, and keeps the thread's last-error code: a handler must not change
/// it under the code it interrupts.
fn call(system_call: impl FnOnce() -> *mut c_void) -> Result<NonNull<c_void>, OsError> {
    // SAFETY: reads a number of this thread.
    let saved = unsafe { GetLastError() };
    let result = NonNull::new(system_call()).ok_or_else(|| {
        // SAFETY: as above.
        let code = unsafe { GetLastError() };
        OsError(i32::from_ne_bytes(code.to_ne_bytes()))
    });
    // Also after success: few calls promise to leave it alone then.
    // SAFETY: writes a number of this thread.
    unsafe { SetLastError(saved) };
    result
}

/// As [`call`], for calls that return zero on failure.
fn call_bool(system_call: impl FnOnce() -> i32) -> Result<(), OsError> {
    call(|| ptr::without_provenance_mut(usize::from(system_call() != 0))).map(|_| ())
}
