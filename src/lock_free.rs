//! The steps of everything that threads and signal handlers share without a lock: values in, values out.
//!
//! This room knows no memory and no operating system, as `bump` does not. Whoever is interrupted in a step, anywhere, and
//! comes back after another has done the same step, finds that out and tries again; nobody ever waits. The models
//! try every order of two threads, and most of three.
#![cfg_attr(not(loom), forbid(unsafe_code))]

pub(crate) mod state;

/// A word that threads share. What is read was written with all that came before it.
pub(crate) trait Atomic<T> {
    fn read(&self) -> T;

    /// Writes `new` where `now` is, or tells what is there instead. May fail for no reason.
    fn replace(&self, now: T, new: T) -> Result<(), T>;
}

macro_rules! atomic {
    ($($path:ident)::+; [$($generic:ident)?] $atomic:ty, $value:ty) => {
        impl<$($generic)?> Atomic<$value> for $atomic {
            #[inline(always)]
            fn read(&self) -> $value {
                self.load($($path)::+::Ordering::Acquire)
            }

            #[inline(always)]
            fn replace(&self, now: $value, new: $value) -> Result<(), $value> {
                use $($path)::+::Ordering::{AcqRel, Acquire};
                self.compare_exchange_weak(now, new, AcqRel, Acquire).map(|_| ())
            }
        }
    };
}

atomic!(core::sync::atomic; [] core::sync::atomic::AtomicUsize, usize);
#[cfg(target_has_atomic = "64")]
atomic!(core::sync::atomic; [] core::sync::atomic::AtomicU64, u64);
atomic!(core::sync::atomic; [T] core::sync::atomic::AtomicPtr<T>, *mut T);

/// Raises a word to at least `least`. Returns what it was before.
#[inline]
pub(crate) fn raise(word: &impl Atomic<usize>, least: usize) -> usize {
    let mut now = word.read();
    while now < least {
        match word.replace(now, least) {
            Ok(()) => break,
            Err(other) => now = other,
        }
    }
    now
}

/// The value of a word that whoever comes first makes, in place of `nothing`. Who comes second undoes what he made.
///
/// # Errors
/// That of `make`, if nobody else has made a value; the word has not changed then.
pub(crate) fn make_once<T: Copy + PartialEq, E>(
    word: &impl Atomic<T>,
    nothing: T,
    make: impl FnOnce() -> Result<T, E>,
    undo: impl FnOnce(T),
) -> Result<T, E> {
    let there = word.read();
    if there != nothing {
        return Ok(there);
    }
    let mine = match make() {
        Ok(mine) => mine,
        // What there was only one of, another may have now.
        Err(error) => {
            let there = word.read();
            return if there == nothing { Err(error) } else { Ok(there) };
        }
    };
    loop {
        match word.replace(nothing, mine) {
            Ok(()) => return Ok(mine),
            Err(theirs) if theirs != nothing => {
                undo(mine);
                return Ok(theirs);
            }
            Err(_) => {}
        }
    }
}

/// Claims a part of what lies between `cursor` and `committed`, and moves the cursor behind it. `fit` says which part,
/// and where it ends. If that is beyond `committed`, `commit` raises it, from where it was seen to be: whatever is below
/// the mark is committed, by whomever. Only then is anything claimed; so nothing is lost when that fails, and nobody
/// has to wait for another's commit.
///
/// # Errors
/// That of `fit` or of `commit`; nothing is claimed then.
#[inline(always)]
pub(crate) fn claim<F, E>(
    cursor: &impl Atomic<usize>,
    committed: &impl Atomic<usize>,
    fit: impl Fn(usize) -> Result<(F, usize), E>,
    mut commit: impl FnMut(usize, usize) -> Result<(), E>,
) -> Result<F, E> {
    let mut now = cursor.read();
    let mut pauses = 32;
    loop {
        let (part, end) = fit(now)?;
        let seen = committed.read();
        if end > seen {
            commit(seen, end)?;
            now = cursor.read();
            continue;
        }
        match cursor.replace(now, end) {
            Ok(()) => return Ok(part),
            // One order more for the models, and no other outcome: `now` is a guess that `replace` checks.
            Err(other) if cfg!(loom) => now = other,
            Err(_) => {
                pauses = step_back(pauses);
                now = cursor.read();
            }
        }
    }
}

/// A short pause for who lost a race; returns how long the next one is: some microseconds at most, whatever others do.
/// Meanwhile the winner has the cache line to itself and makes many steps, for a part of what each costs while the line
/// goes to and fro.
#[cold]
#[inline(never)]
fn step_back(pauses: u8) -> u8 {
    for _ in 0..pauses {
        core::hint::spin_loop();
    }
    pauses.saturating_mul(2).min(128)
}

/// How many of a row are ready from its start on without a gap: counts on from where others came to. Those who make
/// them ready do not count: a reader always finds the last of them ready, and need not be told.
#[inline]
pub(crate) fn ready_prefix(counted: &impl Atomic<usize>, is_ready: impl Fn(usize) -> bool) -> usize {
    let before = counted.read();
    let mut count = before;
    while is_ready(count) {
        count += 1;
    }
    if count > before {
        raise(counted, count);
    }
    count
}

/// Which of two sides is in use, and how many use each.
///
/// ```text
///  | side: 1 bit | users of side 1: 31 bits | users of side 0: 32 bits |
/// ```
pub(crate) mod sides {
    use super::Atomic;

    const SIDE: u64 = 1 << 63;

    /// A user of this side.
    const fn one(side: usize) -> u64 {
        if side == 0 { 1 } else { 1 << 32 }
    }

    const fn users(word: u64, side: usize) -> u64 {
        if side == 0 { word & 0xFFFF_FFFF } else { (word & !SIDE) >> 32 }
    }

    pub(crate) fn side_of(word: u64) -> usize {
        usize::from(word & SIDE != 0)
    }

    fn change(word: &impl Atomic<u64>, change: impl Fn(u64) -> u64) -> u64 {
        let mut now = word.read();
        loop {
            match word.replace(now, change(now)) {
                Ok(()) => return now,
                Err(other) => now = other,
            }
        }
    }

    /// Begins to use the side in use; returns it.
    #[inline]
    pub(crate) fn enter(word: &impl Atomic<u64>) -> usize {
        side_of(change(word, |now| now + one(side_of(now))))
    }

    /// Ends to use a side.
    #[inline]
    pub(crate) fn leave(word: &impl Atomic<u64>, side: usize) {
        change(word, |now| now - one(side));
    }

    /// Puts the other side to use; returns the one before.
    pub(crate) fn swap(word: &impl Atomic<u64>) -> usize {
        side_of(change(word, |now| now ^ SIDE))
    }

    /// Whether nobody uses a side any more. If it is not the one in use, it stays so.
    pub(crate) fn is_unused(word: &impl Atomic<u64>, side: usize) -> bool {
        users(word.read(), side) == 0
    }
}

#[cfg(all(test, loom))]
mod models;
