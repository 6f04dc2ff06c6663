//! A guard does not give its arena away to be reset below the mark.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut guard = arena.scope();
    guard.reset();
}
