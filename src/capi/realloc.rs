//! `v_alloc_realloc` and its kin.

use super::{VAllocError, VAllocOptions};
use crate::stable::block::Room;
use crate::stable::realloc::{realloc_size, realloc_wanted};
use core::ffi::{c_int, c_void};
use core::ptr::{self, NonNull};
use core::sync::atomic::{
    AtomicI32, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// `v_alloc_realloc`
///
/// # Safety
/// As for [`realloc`](crate::realloc).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_realloc(data: *mut c_void, total_size: usize) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc_realloc_with(data, total_size, ptr::null()) }
}

/// `v_alloc_realloc_with`
///
/// # Safety
/// As for [`realloc`](crate::realloc); `options` is null or valid, and its name is null or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_realloc_with(
    data: *mut c_void,
    total_size: usize,
    options: *const VAllocOptions,
) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    let result = unsafe {
        let options = options.as_ref().copied().unwrap_or(VAllocOptions::DEFAULT);
        realloc_wanted(NonNull::new(data.cast()), total_size, options.wanted(Room::default()))
    };
    match result {
        Ok(data) => data.map_or(ptr::null_mut(), |data| data.as_ptr().cast()),
        Err(error) => {
            LAST_ERROR.set(VAllocError::from(error).about(data.addr(), None));
            ptr::null_mut()
        }
    }
}

/// `v_alloc_realloc_size`
///
/// # Safety
/// No other thread resizes or frees the block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_realloc_size(data: *const c_void) -> usize {
    // SAFETY: forwarded from the caller.
    NonNull::new(data.cast_mut().cast()).and_then(|data| unsafe { realloc_size(data) }).unwrap_or(0)
}

/// `v_alloc_realloc_error`
#[unsafe(no_mangle)]
pub extern "C" fn v_alloc_realloc_error() -> VAllocError {
    LAST_ERROR.get()
}

static LAST_ERROR: LastError = LastError {
    version: AtomicU32::new(0),
    operation: AtomicI32::new(0),
    cause: AtomicI32::new(0),
    os_code: AtomicI32::new(0),
    bytes: AtomicUsize::new(0),
};

/// How often to look whether another thread has done what takes some nanoseconds.
const TRIES: u32 = 100;

/// The last error of any thread, whole: its parts change only while the version is odd.
struct LastError {
    version: AtomicU32,
    operation: AtomicI32,
    cause: AtomicI32,
    os_code: AtomicI32,
    bytes: AtomicUsize,
}

impl LastError {
    fn set(&self, error: VAllocError) {
        let version = self.version.load(Relaxed);
        // A thread that writes does not take long. One that a handler interrupted in it, or that was not copied by `fork`, does:
        // then this one takes over.
        for _ in 0..TRIES {
            if version & 1 == 0 || self.version.load(Relaxed) != version {
                break;
            }
            core::hint::spin_loop();
        }
        let odd = version.wrapping_add(1 + (version & 1)); // the next one
        // Who writes at the same time is as much the last.
        if self.version.compare_exchange(version, odd, AcqRel, Relaxed).is_err() {
            return;
        }
        core::sync::atomic::fence(Release);
        self.operation.store(error.operation, Relaxed);
        self.cause.store(error.cause, Relaxed);
        self.os_code.store(error.os_code, Relaxed);
        self.bytes.store(error.bytes, Relaxed);
        // Unless another took over.
        let _ = self.version.compare_exchange(odd, odd.wrapping_add(1), Release, Relaxed);
    }

    fn get(&self) -> VAllocError {
        let read = |number: &AtomicI32| -> c_int { number.load(Relaxed) };
        // A handler that has interrupted `set` must not wait for it; what it gets then may be of two errors.
        let mut error = VAllocError::default();
        for _ in 0..TRIES {
            let version = self.version.load(Acquire);
            error = VAllocError {
                operation: read(&self.operation),
                cause: read(&self.cause),
                os_code: read(&self.os_code),
                bytes: self.bytes.load(Relaxed),
            };
            core::sync::atomic::fence(Acquire);
            if version & 1 == 0 && self.version.load(Relaxed) == version {
                break;
            }
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_was_cut_off_is_taken_over() {
        let last = LastError {
            version: AtomicU32::new(6 | 1), // as `fork` leaves it to a child while another thread writes
            operation: AtomicI32::new(1),
            cause: AtomicI32::new(2),
            os_code: AtomicI32::new(0),
            bytes: AtomicUsize::new(0),
        };
        for bytes in 1..4 {
            last.set(VAllocError { operation: 3, cause: 4, os_code: 12, bytes });
            let now = last.get();
            assert_eq!((now.operation, now.cause, now.os_code, now.bytes), (3, 4, 12, bytes));
            assert_eq!(last.version.load(Relaxed) % 2, 0);
        }
    }
}
