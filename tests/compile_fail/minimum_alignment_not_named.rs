//! `with_min_align` is for a named alignment; without one, `new` is meant.
use v_alloc::Arena;

fn main() {
    let arena = Arena::with_min_align();
    arena.alloc(1);
}
