//! The same work on several threads at once, each on a processor of its own.

use crate::Result;
use crate::clock::Watch;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One of the threads.
pub struct Member<'a> {
    pub number: usize,
    threads: usize,
    /// How many came to a meeting so far, of all meetings.
    came: &'a AtomicUsize,
}

impl Member<'_> {
    /// Waits for all others to come here, too: awake, so that all go on at the same moment.
    pub fn meet(&self) {
        let before = self.came.fetch_add(1, Ordering::AcqRel);
        let all = (before / self.threads + 1) * self.threads;
        while self.came.load(Ordering::Acquire) < all {
            spin_loop();
        }
    }

    /// Lets one after another do something, in the order of their numbers, and returns what this one made.
    pub fn in_turn<T>(&self, mut work: impl FnMut() -> T) -> Option<T> {
        let mut made = None;
        for number in 0..self.threads {
            if number == self.number {
                made = Some(work());
            }
            self.meet();
        }
        made
    }
}

/// What a crew measured.
pub struct Shift {
    /// What its members measured: the mean.
    pub mean: f64,
    /// The least part of the time that a member had its processor. If another program had it for long, the other
    /// members had what they share to themselves meanwhile.
    pub share: f64,
}

/// Lets so many threads work at once, from when all have come. Each must come to all meetings, so none may panic.
pub fn run(threads: usize, work: impl Fn(&Member<'_>) -> f64 + Sync) -> Result<Shift> {
    let processors = processors()?;
    if processors.len() < threads {
        return Err(format!("{threads} threads need as many processors").into());
    }
    let came = AtomicUsize::new(0);
    let shifts: Vec<_> = thread::scope(|scope| {
        let start = |(number, &processor): (usize, &CpuSet)| {
            let (came, work) = (&came, &work);
            scope.spawn(move || {
                // So that what is in its caches stays there. Where it is forbidden, the kernel chooses.
                let _ = sched_setaffinity(None, &processor);
                let member = Member { number, threads, came };
                member.meet();
                let watch = Watch::start();
                Shift { mean: work(&member), share: watch.share_of_processor() }
            })
        };
        let crew: Vec<_> = processors.iter().enumerate().take(threads).map(start).collect();
        crew.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let sum: f64 = shifts.iter().map(|shift| shift.mean).sum();
    let share = shifts.iter().map(|shift| shift.share).fold(1.0, f64::min);
    Ok(Shift { mean: sum / f64::from(u32::try_from(threads)?), share })
}

/// The processors that this process may use, each a set by itself.
fn processors() -> Result<Vec<CpuSet>> {
    let allowed = sched_getaffinity(None)?;
    let alone = |processor| {
        let mut set = CpuSet::new();
        set.set(processor);
        set
    };
    Ok((0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor)).map(alone).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn all_come_before_one_goes_on_and_turns_are_in_order() {
        let threads = processors().unwrap().len().min(2);
        let log = Mutex::new(Vec::new());
        let work = |member: &Member<'_>| {
            if member.number == 0 {
                log.lock().unwrap().clear();
            }
            member.meet();
            let write = |word| log.lock().unwrap().push(word);
            write("came");
            member.meet();
            member.in_turn(|| write(["first", "second"][member.number]));
            if member.number == 0 { 1.0 } else { 2.0 }
        };
        let Shift { mean, share } = run(threads, work).unwrap();
        assert!((0.0..=1.0).contains(&share));
        let expected: &[&str] =
            if threads == 1 { &["came", "first"] } else { &["came", "came", "first", "second"] };
        assert_eq!(*log.lock().unwrap(), expected);
        assert_eq!(format!("{mean}"), if threads == 1 { "1" } else { "1.5" });
    }
}
