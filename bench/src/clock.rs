//! The clock of every time in the table: processor time of this thread, with the kernel's work for it. Other
//! programs on the machine stretch the wall clock, but not this one.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Processor time that this thread has used.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // A clock that counts from the thread's start has no negative times.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Processor time of `work`, in nanoseconds.
pub fn nanoseconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = now();
    let result = work();
    (now().saturating_sub(start).as_secs_f64() * 1e9, result)
}
