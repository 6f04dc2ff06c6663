//! What was allocated in a scope is taken back when the closure returns.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.scoped(|scope| scope.alloc(1));
    println!("{number}");
}
