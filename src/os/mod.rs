//! The only system calls of the library, and the one module to edit to port it.
//!
//! Every platform file has the same functions with the same contracts; the one switch below picks the file.
//! What differs between platforms is a constant or a function here, never a `cfg` elsewhere.
//!
//! | function | after it |
//! |---|---|
//! | `reserve` | the range is ours, inaccessible, costs no memory |
//! | `reserve_accessible` | the range is ours, readable and writable, reads zero, costs what is touched; or an error: the system would charge for it now |
//! | `commit` | readable and writable; keeps contents; reads zero the first time; failure is reported here |
//! | `decommit` | inaccessible, memory and commit charge given back; commit again reads zero |
//! | `forbid` | inaccessible as it is until it is committed; only on Unix, for traps |
//! | `discard` | stays accessible, memory given back, reads zero; tells whether advice was lost; if it fails it may be decommitted |
//! | `populate` | pages present (best effort) |
//! | `advise` | huge pages, core dumps, name (best effort) |
//! | `release` | the range is gone; where `RELEASES_PARTS`, an end of it may go by itself |
//! | `share` | memory that reads zero, and that on Linux other processes can read but not change; and a place that says where it is, but not to a child after `fork`, where the memory would be the parent's |
//!
//! No function panics, locks, allocates or touches a thread-local; `errno` and `GetLastError` keep their value.
//! A failed call changes nothing, and its code comes back in `OsError`.

mod pages;
pub use pages::Pages;

use core::sync::atomic::{AtomicI32, AtomicPtr};

// The one switch.
#[cfg_attr(any(miri, v_alloc_heap_os), path = "heap.rs")]
#[cfg_attr(all(unix, not(any(miri, v_alloc_heap_os))), path = "unix.rs")]
#[cfg_attr(all(windows, not(any(miri, v_alloc_heap_os))), path = "windows.rs")]
mod platform;

#[cfg(test)]
pub(crate) mod faults;
#[cfg(test)]
use faults as fallible;
#[cfg(not(test))]
use platform as fallible;

pub(crate) use fallible::{commit, decommit, discard, release, reserve, reserve_accessible};
pub(crate) use platform::{
    ADDRESSES_ARE_LOW, BLOCK_TIERS, LARGEST_SPACE, RELEASES_PARTS, RESERVATION_TIERS, abort, address_space,
    advise, huge_page_size, populate, process_number, share, unshare,
};

crate::traps::in_force! {
    #[cfg(unix)]
    pub(crate) use platform::forbid;
}

/// The size of a page in bytes: a power of two, read from the operating system and cached.
///
/// O(1); safe in a signal handler.
///
/// # Errors
/// Never: the `Result` is `libdd-alloc`'s.
///
/// ```
/// let page = v_alloc::os::page_size()?;
/// assert!(page.is_power_of_two() && page >= 4096);
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
#[allow(clippy::unnecessary_wraps, reason = "libdd-alloc's signature")]
pub fn page_size() -> Result<usize, crate::AllocError> {
    Ok(page_bytes())
}

pub(crate) use platform::page_size as page_bytes;

/// What the addresses of reservations are multiples of, in bytes: a page, or 64 KiB on Windows.
///
/// O(1); safe in a signal handler.
///
/// ```
/// let (granularity, page) = (v_alloc::os::allocation_granularity(), v_alloc::os::page_size()?);
/// assert_eq!(granularity % page, 0);
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
#[must_use]
pub fn allocation_granularity() -> usize {
    platform::allocation_granularity()
}

/// The code of a failed system call: `errno`, or `GetLastError` on Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OsError(pub(crate) i32);

/// Where a reservation may lie: `address + offset` is a multiple of `align`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    /// Bytes; a power of two. At most a page means that any place will do.
    pub(crate) align: usize,
    /// Bytes; a multiple of the page size.
    pub(crate) offset: usize,
}

impl Placement {
    /// Any page.
    pub(crate) const ANYWHERE: Self = Self { align: 1, offset: 0 };

    /// The address space beyond the size that makes sure that an aligned place can be chosen, in bytes.
    fn slack(self) -> usize {
        if self.align <= platform::GUARANTEED_ALIGNMENT { 0 } else { self.align }
    }

    /// The bytes between `address` and the first aligned place from there.
    fn padding(self, address: usize) -> usize {
        address.wrapping_add(self.offset).wrapping_neg() & (self.align - 1)
    }
}

/// Bytes that ranges from [`LARGE_RANGE`] on should leave free between them: a huge page.
///
/// Addresses that are alike in their lowest 28 bits or so get in each other's way: some first-level caches guess by these bits what
/// they hold (Zen's micro-tags; Lipp et al., "Take A Way", 2020). With ranges 1 GiB apart, three vectors that are read in step took
/// twice as long as three of `Vec`, and the beginnings of 16 seven times as long. Linux has left such gaps since 6.7, to align for
/// huge pages.
pub(crate) const GAP: usize = 2 << 20;
pub(crate) const LARGE_RANGE: usize = 64 << 20;

/// What to tell the kernel about committed memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Advice<'a> {
    /// Back it by huge pages where whole ones fit.
    HugePages,
    /// Never back it by huge pages, so that no fault clears more than a page.
    SmallPages,
    /// Leave it out of core dumps.
    ExcludeFromCoreDumps,
    /// Show this name in the process's memory map, or none.
    Name(Option<&'a core::ffi::CStr>),
}

/// Where memory that `share` made lies.
#[repr(C)]
pub(crate) struct SharedPlace {
    /// Null in a child after `fork`.
    pub(crate) memory: AtomicPtr<u8>,
    file: AtomicI32,
}

#[cfg(test)]
mod tests;
