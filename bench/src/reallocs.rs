//! The `realloc`s under test, in one shape: no block makes one, a size of 0 frees it.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use v_alloc::{StableBlock, StableBlockOptions};

/// # Safety
/// The block is none, or live and of the same function; what it loses is not used again.
pub type Realloc = unsafe fn(Option<NonNull<u8>>, usize) -> Option<NonNull<u8>>;

/// As `v_alloc::realloc`, with a chosen reservation, or the default one where it is 0.
///
/// # Safety
/// As for [`Realloc`].
pub unsafe fn stable<const RESERVATION: usize>(
    block: Option<NonNull<u8>>,
    size: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc::realloc_with(block, size, &options(RESERVATION)) }.ok()?
}

/// The same in latency mode: without huge pages.
///
/// # Safety
/// As for [`Realloc`].
pub unsafe fn stable_small_pages<const RESERVATION: usize>(
    block: Option<NonNull<u8>>,
    size: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc::realloc_with(block, size, &options(RESERVATION).huge_pages(false)) }.ok()?
}

const fn options(reservation: usize) -> StableBlockOptions {
    let options = StableBlock::options();
    if reservation == 0 { options } else { options.reservation(reservation) }
}

/// The system's, as any program gets it: large blocks are mappings, which `mremap` grows.
///
/// # Safety
/// As for [`Realloc`].
pub unsafe fn glibc(block: Option<NonNull<u8>>, size: usize) -> Option<NonNull<u8>> {
    unsafe extern "C" {
        fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    }
    let block = block.map_or(ptr::null_mut(), NonNull::as_ptr);
    // SAFETY: forwarded from the caller. glibc frees at a size of 0.
    NonNull::new(unsafe { realloc(block.cast(), size) }.cast())
}
