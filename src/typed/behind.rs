//! Elements that are written one behind the other, by code of the caller that may panic.

use core::ptr::NonNull;

/// Counts what was written when it is dropped, also by a panic. What it knows a loop keeps in registers, so that copying is what a
/// compiler makes of it.
pub(crate) struct Behind<T, F: FnMut(usize)> {
    next: NonNull<T>,
    /// How many were written.
    pub(crate) count: usize,
    add: F,
}

impl<T, F: FnMut(usize)> Behind<T, F> {
    /// What is written goes to `next` and behind that; in the end `add` is told how many they are.
    #[inline(always)]
    pub(crate) fn new(next: NonNull<T>, add: F) -> Self {
        Self { next, count: 0, add }
    }

    /// # Safety
    /// There is room for one more, and nobody else has it.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, value: T) {
        // SAFETY: forwarded from the caller.
        unsafe {
            self.next.write(value);
            self.next = self.next.add(1);
        }
        self.count += 1;
    }
}

impl<T, F: FnMut(usize)> Drop for Behind<T, F> {
    #[inline(always)]
    fn drop(&mut self) {
        (self.add)(self.count);
    }
}
