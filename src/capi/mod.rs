//! The C face: the functions of `capi/include/v_alloc.h`, which says what each does. Here are only their bodies, over
//! [`Block`](crate::stable::block::Block).
//!
//! Pointers come from C: each is checked for null, and an `AllocInfo` is believed only as far as its block is found
//! to be live. The package in `capi/` makes a library of these, and proves that none can panic.

#[cfg(all(test, target_pointer_width = "64"))]
mod abi;
mod arena;
mod error;
mod realloc;

pub use arena::*;
pub use error::*;
pub use realloc::*;

use crate::stable::block::{HugePages, Room, Wanted};
use core::ffi::{CStr, c_char, c_uint};

/// `VAllocOptions`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VAllocOptions {
    /// Bytes of address space; 0 is the default.
    pub reservation: usize,
    /// `V_ALLOC_LATENCY`, `V_ALLOC_NO_HUGE_PAGES`.
    pub flags: c_uint,
    /// A string, or null.
    pub name: *const c_char,
}

const LATENCY: c_uint = 1;
const NO_HUGE_PAGES: c_uint = 2;

impl VAllocOptions {
    const DEFAULT: Self = Self { reservation: 0, flags: 0, name: core::ptr::null() };

    /// # Safety
    /// A name that is not null is a string, and lives as long as the result is used.
    unsafe fn wanted<'a>(&self, default: Room) -> Wanted<'a> {
        // SAFETY: forwarded from the caller.
        let name = (!self.name.is_null()).then(|| unsafe { CStr::from_ptr(self.name) });
        Wanted {
            reservation: if self.reservation == 0 { default } else { Room::Exactly(self.reservation) },
            least: 0,
            huge_pages: if self.flags & (LATENCY | NO_HUGE_PAGES) == 0 {
                HugePages::Early
            } else {
                HugePages::Never
            },
            name,
            zeroed: true,
            has_header: false,
        }
    }
}

/// `v_alloc_process_reserved`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_process_reserved() -> usize {
    crate::process_reserved_bytes()
}

/// `v_alloc_process_committed`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_process_committed() -> usize {
    crate::process_committed_bytes()
}

/// `v_alloc_publish`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_publish() -> bool {
    crate::registry::publish().is_ok()
}

/// `v_alloc_default_reservation`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_default_reservation() -> usize {
    crate::default_reservation()
}

/// `v_alloc_set_default_reservation`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_set_default_reservation(bytes: usize) {
    crate::set_default_reservation(bytes);
}
