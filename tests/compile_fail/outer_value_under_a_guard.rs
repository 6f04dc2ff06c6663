//! A guard borrows the arena exclusively: values from before cannot be used while it lives. `scoped` lifts that.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.alloc(1);
    let guard = arena.scope();
    guard.alloc(*number);
    println!("{number}");
}
