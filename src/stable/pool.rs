//! Where slots come from: the free ones of a class, the next of its current space, a new space.

use super::space::{self, Place, SMALLEST_CLASS, Space};
use crate::error::ReserveError;
use core::sync::atomic::{
    AtomicPtr, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const CLASSES: usize = usize::BITS as usize;

/// The free slots of a class, latest first: the number of the top one, and above it a count of all changes, so that
/// a thread that slept over several of them is refused.
static FREE: [AtomicU64; CLASSES] = [const { AtomicU64::new(0) }; CLASSES];
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
    take_free(class).or_else(|| current(class)?.fresh_slot())
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

/// Takes a free slot back, to be handed out again before all others.
pub(super) fn give_back(place: Place) {
    let (Some(free), Some(number)) = (FREE.get(place.space.class() as usize), place.number()) else { return };
    let push = |head: u64| {
        place.slot.next_free.store(top(head), Relaxed);
        Some(changed(head, number))
    };
    let _ = free.fetch_update(Release, Relaxed, push);
}

fn take_free(class: u32) -> Option<Place> {
    let free = FREE.get(class as usize)?;
    let mut head = free.load(Acquire);
    loop {
        let place = Place::of_number(top(head))?;
        // If another thread has taken the slot meanwhile, this reads something else, and the exchange fails.
        let next = place.slot.next_free.load(Relaxed);
        match free.compare_exchange_weak(head, changed(head, next), Acquire, Acquire) {
            Ok(_) => return Some(place),
            Err(now) => head = now,
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
