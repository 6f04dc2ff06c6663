//! What was allocated through a guard is taken back with it.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let number;
    {
        let guard = arena.scope();
        number = guard.alloc(1);
    }
    println!("{number}");
}
