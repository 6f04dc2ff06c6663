//! What tools that watch memory are told: AddressSanitizer and LeakSanitizer (with the feature `nightly`), and valgrind,
//! which listens to programs of any compiler.
//!
//! All of it does nothing where traps are not in force. None of it makes a system call.

#![allow(unused_variables, reason = "where there is no tool, nobody is told")]

use core::ptr::NonNull;

in_force! {
    #[cfg(feature = "nightly")]
    use super::sanitizers;
}

/// Nobody may use it: it is not handed out.
#[inline(always)]
pub(crate) fn free(start: *mut u8, bytes: usize) {
    in_force! {
        #[cfg(feature = "nightly")]
        sanitizers::poison(start, bytes);
        super::valgrind::no_access(start, bytes);
    }
}

/// It belongs to a user, and has no contents yet.
#[inline(always)]
pub(crate) fn handed_out(start: *mut u8, bytes: usize) {
    in_force! {
        #[cfg(feature = "nightly")]
        sanitizers::unpoison(start, bytes);
        super::valgrind::undefined(start, bytes);
    }
}

/// It belongs to a user, and reads zero.
#[inline(always)]
pub(crate) fn initialised(start: NonNull<u8>, bytes: usize) {
    in_force! {
        super::valgrind::defined(start.as_ptr(), bytes);
    }
}

/// It goes back to where it came from, or will be given to the operating system: nothing is known of it any more.
#[inline(always)]
pub(crate) fn usable(start: NonNull<u8>, bytes: usize) {
    handed_out(start.as_ptr(), bytes);
    initialised(start, bytes);
}

/// Whether [`scan`] has an effect.
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
#[inline(always)]
pub(crate) fn scans() -> bool {
    let scans = false;
    in_force! {
        #[cfg(feature = "nightly")]
        let scans = sanitizers::SCANS;
    }
    scans
}

/// What is readable of the range may hold pointers to blocks of the heap, which are no leaks then.
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
#[inline(always)]
pub(crate) fn scan(start: NonNull<u8>, size: crate::os::Pages) {
    in_force! {
        #[cfg(feature = "nightly")]
        sanitizers::scan(start.as_ptr(), size.bytes());
    }
}

/// Ends what [`scan`] began, of the same range.
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
#[inline(always)]
pub(crate) fn scan_no_more(start: NonNull<u8>, size: crate::os::Pages) {
    in_force! {
        #[cfg(feature = "nightly")]
        sanitizers::scan_no_more(start.as_ptr(), size.bytes());
    }
}

/// A block from elsewhere in which an arena lies: when the arena ends, all of it may be used again.
#[derive(Debug)]
pub(crate) struct Watched {
    #[cfg(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))))]
    block: (*mut u8, usize),
}

impl Watched {
    pub(crate) const fn new(start: *mut u8, bytes: usize) -> Self {
        Self {
            #[cfg(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))))]
            block: (start, bytes),
        }
    }
}

// Not on what owns the block: without traps an arena over a buffer has nothing to do when it ends, and programs may rest
// on that.
in_force! {
    impl Drop for Watched {
        fn drop(&mut self) {
            let (start, bytes) = self.block;
            handed_out(start, bytes);
        }
    }
}
