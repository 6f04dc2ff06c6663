//! Traps for stale pointers, in builds with the feature `traps` and debug assertions; see `docs/traps.md`.
//!
//! Everywhere else nothing of this is there: the types are empty, and so are the functions. This file is the one place
//! that knows when. (The backend on the heap cannot make anything inaccessible, and Miri needs no traps.)
//!
//! | file | what it does |
//! |---|---|
//! | `segments` | rewinding goes on at other addresses, and the old ones become inaccessible; `in_place` stands for it where it does not |
//! | `tools` | tells AddressSanitizer, LeakSanitizer and valgrind what is free and what is handed out |
//! | `label`, `refusals` | names of blocks, and which of them a C program was refused for |
//! | `sanitizers`, `valgrind` | how a program speaks to those |

/// Its contents where traps are in force; nothing elsewhere.
#[cfg(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))))]
macro_rules! in_force {
    ($($code:tt)*) => { $($code)* };
}
#[cfg(not(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os)))))]
macro_rules! in_force {
    ($($code:tt)*) => {};
}
pub(crate) use in_force;

/// Whether traps are in force.
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub(crate) const ARE_IN_FORCE: bool =
    cfg!(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))));

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
#[cfg_attr(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))), path = "segments.rs")]
#[cfg_attr(
    not(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os)))),
    path = "in_place.rs"
)]
mod segments;
mod tools;
in_force! {
    #[cfg(feature = "nightly")]
    mod sanitizers;
    mod valgrind;
}
in_force! {
    #[cfg(target_has_atomic = "64")]
    pub(crate) mod label;
    #[cfg(all(feature = "capi", target_has_atomic = "64"))]
    pub(crate) mod refusals;
}

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub(crate) use segments::{Displacement, Segments};
in_force! {
    #[cfg(any(unix, windows))]
    pub(crate) use segments::{Change, spares};
}
pub(crate) use tools::{Watched, free, handed_out, initialised, usable};
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub(crate) use tools::{scan, scan_no_more, scans};
