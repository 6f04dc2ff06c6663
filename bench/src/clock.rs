//! The clocks of the table. Nearly every time is processor time of this thread, with the kernel's work for it: other
//! programs on the machine stretch the wall clock, but not this one. To read it is a system call, though, longer than
//! many a call that is timed by itself: those are timed by the wall clock.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Processor time of `work`, in nanoseconds.
pub fn nanoseconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    time(ClockId::ThreadCPUTime, work)
}

/// Wall-clock time of `work` in nanoseconds, with one reading of the clock: some 20 to 40 ns.
pub fn wall_nanoseconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    time(ClockId::MonotonicRaw, work)
}

/// The longest of many pieces of work in nanoseconds, by the wall clock and by processor time, which has one reading of
/// each clock in it.
pub fn longest<T>(pieces: impl Iterator<Item = T>, mut work: impl FnMut(T)) -> [f64; 2] {
    let (mut longest, mut before) = ([0.0_f64; 2], now(ClockId::ThreadCPUTime));
    for piece in pieces {
        let (wall, ()) = wall_nanoseconds(|| work(piece));
        let after = now(ClockId::ThreadCPUTime);
        let processor = after.saturating_sub(before).as_secs_f64() * 1e9;
        longest = [longest[0].max(wall), longest[1].max(processor)];
        before = after;
    }
    longest
}

/// How much of the processor this thread gets.
pub struct Watch {
    wall: Duration,
    processor: Duration,
}

impl Watch {
    pub fn start() -> Self {
        Self { wall: now(ClockId::MonotonicRaw), processor: now(ClockId::ThreadCPUTime) }
    }

    /// The part of the time since the start; about 1 if it never had to wait.
    pub fn share_of_processor(self) -> f64 {
        let processor = now(ClockId::ThreadCPUTime).saturating_sub(self.processor);
        let wall = now(ClockId::MonotonicRaw).saturating_sub(self.wall);
        processor.as_secs_f64() / wall.as_secs_f64()
    }
}

fn time<T>(clock: ClockId, work: impl FnOnce() -> T) -> (f64, T) {
    let start = now(clock);
    let result = work();
    (now(clock).saturating_sub(start).as_secs_f64() * 1e9, result)
}

fn now(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // A clock that counts from a start has no negative times.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
