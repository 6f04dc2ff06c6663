//! A reset takes the memory back, so nothing may be left that points into it.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.alloc(1);
    arena.reset();
    *number = 2;
}
