//! Where slots come from: those of a class that were freed and kept some memory, those that kept none, the next of its
//! current space, a new space.

use super::space::{self, Place, SMALLEST_CLASS, Space};
use crate::error::ReserveError;
use crate::reservation::latest::Latest;
use core::sync::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const CLASSES: usize = usize::BITS as usize;

/// Bytes that the free slots of a class may keep together, and each of them: so lives in turn, or some at once, need no system call.
pub(super) const ALL_KEPT: usize = 1 << 20;
pub(super) const KEPT: usize = 64 << 10;
/// What each counts for at least: 128 slots keep something, at most.
const LEAST: usize = 8 << 10;
/// While they keep less than this, one may keep as much as half of the latest of the class had, up to the most. It counts for no more
/// than another.
const FEW: usize = 2 * KEPT;
pub(super) const MOST_KEPT: usize = 1 << 20;

/// The free slots of a class that kept no memory.
static FREE: [Stack; CLASSES] = [const { Stack::new() }; CLASSES];
/// Those that did: apart, so that slots which are in use again and again are these, however many others were freed before.
static WARM: [Stack; CLASSES] = [const { Stack::new() }; CLASSES];
/// What slots of a class had committed when they were freed.
static FREED: [Latest; CLASSES] = [const { Latest::new() }; CLASSES];
/// Bytes that count as kept by free slots, or by those about to be.
static WARM_BYTES: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];
/// The space of a class that has slots never handed out.
static CURRENT: [AtomicPtr<Space>; CLASSES] = [const { AtomicPtr::new(core::ptr::null_mut()) }; CLASSES];

/// The class of slots that hold `bytes`; `None` if no power of two does.
pub(super) fn class_of(bytes: usize) -> Option<u32> {
    Some(bytes.checked_next_power_of_two()?.trailing_zeros().max(SMALLEST_CLASS))
}

/// A slot of the class without a system call, if there is one. It is free, and the caller's.
pub(super) fn take(class: u32) -> Option<Place> {
    crate::traps::in_force! {
        // What is freed stays unused as long as there are other addresses.
        if let Some(fresh) = current(class).and_then(Space::fresh_slot) {
            return Some(fresh);
        }
    }
    take_warm(class).or_else(|| FREE.get(class as usize)?.pop()).or_else(|| current(class)?.fresh_slot())
}

/// A slot of the class from a new space, unless another thread was faster to make one. `make` is asked for it.
pub(super) fn take_from_new_space(
    class: u32,
    make: impl FnOnce() -> Result<&'static Space, ReserveError>,
) -> Result<Option<Place>, ReserveError> {
    let Some(current) = CURRENT.get(class as usize) else { return Ok(None) };
    let before = current.load(Acquire);
    // It may be another thread's that is newer than what the caller has tried.
    if let Some(place) = take(class) {
        return Ok(Some(place));
    }
    let new = make()?;
    let pointer = core::ptr::from_ref(new).cast_mut();
    if current.compare_exchange(before, pointer, AcqRel, Relaxed).is_err() {
        space::unmake(new);
    }
    Ok(take(class))
}

/// What half of the latest slots of this one's class had committed when they were freed, as far as that is worth keeping.
pub(super) fn worth_keeping(place: Place) -> usize {
    FREED.get(place.space.class() as usize).map_or(KEPT, |freed| freed.half_had().clamp(KEPT, MOST_KEPT))
}

/// How many of its bytes a slot that is being freed may keep, if any. They count from then on.
pub(super) fn keep(place: Place, bytes: usize) -> Option<usize> {
    let class = place.space.class() as usize;
    FREED.get(class)?.tell(bytes);
    let more = |all: usize| all.checked_add(counted(bytes)).filter(|&all| all <= ALL_KEPT);
    let before = WARM_BYTES.get(class)?.fetch_update(Relaxed, Relaxed, more).ok()?;
    Some(bytes.min(if bytes > KEPT && before < FEW { worth_keeping(place) } else { KEPT }))
}

/// What a slot was to keep, or kept until now, does not count any more.
pub(super) fn keep_no_more(place: Place, bytes: usize) {
    if let Some(all) = WARM_BYTES.get(place.space.class() as usize) {
        all.fetch_sub(counted(bytes), Relaxed);
    }
}

/// What a slot counts for that keeps so many bytes.
fn counted(bytes: usize) -> usize {
    bytes.clamp(LEAST, KEPT)
}

/// Takes a free slot back, to be handed out again before all others of its kind.
pub(super) fn give_back(place: Place) {
    let slots = if place.slot.committed.load(Relaxed) > 0 { &WARM } else { &FREE };
    if let Some(slots) = slots.get(place.space.class() as usize) {
        slots.push(place);
    }
}

fn take_warm(class: u32) -> Option<Place> {
    let place = WARM.get(class as usize)?.pop()?;
    keep_no_more(place, place.slot.committed.load(Relaxed));
    Some(place)
}

/// Free slots, latest first: the number of the top one, and above it a count of all changes, so that a thread that
/// slept over several of them is refused.
struct Stack(AtomicU64);

impl Stack {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn push(&self, place: Place) {
        let Some(number) = place.number() else { return };
        let push = |head: u64| {
            place.slot.next_free.store(top(head), Relaxed);
            Some(changed(head, number))
        };
        let _ = self.0.fetch_update(Release, Relaxed, push);
    }

    fn pop(&self) -> Option<Place> {
        let mut head = self.0.load(Acquire);
        loop {
            let place = Place::of_number(top(head))?;
            // If another thread has taken the slot meanwhile, this reads something else, and the exchange fails.
            let next = place.slot.next_free.load(Relaxed);
            match self.0.compare_exchange_weak(head, changed(head, next), Acquire, Acquire) {
                Ok(_) => return Some(place),
                Err(now) => head = now,
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn top(head: u64) -> u32 {
    head as u32
}

fn changed(head: u64, top: u32) -> u64 {
    ((head >> 32).wrapping_add(1) << 32) | u64::from(top)
}

fn current(class: u32) -> Option<&'static Space> {
    // SAFETY: only records of the static table are stored there.
    unsafe { CURRENT.get(class as usize)?.load(Acquire).as_ref() }
}

/// Bytes that free slots have kept, if no other thread takes one meanwhile.
#[cfg(test)]
pub(super) fn kept() -> usize {
    let mut kept = 0;
    for warm in &WARM {
        let mut next = top(warm.0.load(Acquire));
        while let Some(place) = Place::of_number(next) {
            kept += place.slot.committed.load(Relaxed);
            next = place.slot.next_free.load(Relaxed);
        }
    }
    kept
}
