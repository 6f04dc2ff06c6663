//! The clock: where there is one, processor time of this thread, with the kernel's work for it, which other programs on
//! the machine do not stretch.

use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
pub fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // It counts from the thread's start.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
pub fn now() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

pub fn nanoseconds(from: Duration, to: Duration) -> f64 {
    to.saturating_sub(from).as_secs_f64() * 1e9
}

/// Nanoseconds since `start`, for each of so many steps.
pub fn each_since(start: Duration, steps: u32) -> f64 {
    nanoseconds(start, now()) / f64::from(steps)
}
