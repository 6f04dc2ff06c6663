//! Which arena or block it was that a call was refused for, found by a number that an error has: the last few.

use super::label::{LABEL, Label};
use core::sync::atomic::{
    AtomicI32, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

struct Refusal {
    number: AtomicI32,
    generation: AtomicU64,
    name: Label,
}

const KEPT: usize = 64;

static LAST: [Refusal; KEPT] =
    [const { Refusal { number: AtomicI32::new(0), generation: AtomicU64::new(0), name: Label::new() } }; KEPT];
static COUNT: AtomicU32 = AtomicU32::new(0);

fn place(number: i32) -> Option<&'static Refusal> {
    LAST.get(number.unsigned_abs() as usize % KEPT)
}

/// Keeps it, and gives it a number: never 0.
pub(crate) fn remember(generation: u64, name: [u8; LABEL]) -> i32 {
    let number = i32::try_from(COUNT.fetch_add(1, Relaxed) % (1 << 30)).unwrap_or(0) + 1;
    if let Some(refusal) = place(number) {
        refusal.number.store(0, Relaxed);
        refusal.generation.store(generation, Release);
        refusal.name.set_bytes(name);
        refusal.number.store(number, Release);
    }
    number
}

/// The generation and name behind a number, unless it is too long ago.
pub(crate) fn recall(number: i32) -> Option<(u64, [u8; LABEL])> {
    let refusal = place(number).filter(|refusal| refusal.number.load(Acquire) == number && number > 0)?;
    let found = (refusal.generation.load(Acquire), refusal.name.bytes());
    (refusal.number.load(Relaxed) == number).then_some(found)
}
