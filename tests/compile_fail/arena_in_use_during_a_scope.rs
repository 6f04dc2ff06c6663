//! Allocated from the arena itself inside a scope, a value would be taken back with the scope.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.scoped(|_scope| arena.alloc(1));
    println!("{number}");
}
