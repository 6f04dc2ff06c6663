//! How a program speaks to the compiler's sanitizers. A file of its own, because only a nightly compiler tells a crate
//! which of them it is built with.

#[cfg(sanitize = "address")]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const u8, bytes: usize);
    fn __asan_unpoison_memory_region(start: *const u8, bytes: usize);
}

#[cfg(any(sanitize = "address", sanitize = "leak"))]
unsafe extern "C" {
    fn __lsan_register_root_region(start: *const u8, bytes: usize);
    fn __lsan_unregister_root_region(start: *const u8, bytes: usize);
}

/// Whether there is a tool that looks for leaks.
pub(super) const SCANS: bool = cfg!(any(sanitize = "address", sanitize = "leak"));

/// Any access by code that is built with the address sanitizer is an error.
pub(super) fn poison(start: *mut u8, bytes: usize) {
    #[cfg(sanitize = "address")]
    // SAFETY: this changes what the tool knows of memory of ours, not the memory.
    unsafe {
        __asan_poison_memory_region(start, bytes);
    }
    #[cfg(not(sanitize = "address"))]
    let _ = (start, bytes);
}

/// None is.
pub(super) fn unpoison(start: *mut u8, bytes: usize) {
    #[cfg(sanitize = "address")]
    // SAFETY: this changes what the tool knows of memory of ours, not the memory.
    unsafe {
        __asan_unpoison_memory_region(start, bytes);
    }
    #[cfg(not(sanitize = "address"))]
    let _ = (start, bytes);
}

/// What is readable of it may hold the only pointer to a block of the heap.
pub(super) fn scan(start: *mut u8, bytes: usize) {
    #[cfg(any(sanitize = "address", sanitize = "leak"))]
    // SAFETY: the tool reads what is readable there.
    unsafe {
        __lsan_register_root_region(start, bytes);
    }
    #[cfg(not(any(sanitize = "address", sanitize = "leak")))]
    let _ = (start, bytes);
}

/// Ends what `scan` began.
pub(super) fn scan_no_more(start: *mut u8, bytes: usize) {
    #[cfg(any(sanitize = "address", sanitize = "leak"))]
    // SAFETY: the range was registered when it was reserved.
    unsafe {
        __lsan_unregister_root_region(start, bytes);
    }
    #[cfg(not(any(sanitize = "address", sanitize = "leak")))]
    let _ = (start, bytes);
}
