//! Swapped, an arena with other options would come up in somebody else's hands later.
use v_alloc::{Arena, scratch};

fn main() {
    let mut guard = scratch();
    std::mem::swap(&mut *guard, &mut Arena::with_reservation(4096).unwrap());
}
