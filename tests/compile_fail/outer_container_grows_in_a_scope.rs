//! Grown inside the scope, the vector's elements would be taken back with it.
use allocator_api2::vec::Vec;
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut vector = Vec::new_in(&arena);
    arena.scoped(|scope| vector.push(*scope.alloc(1)));
    println!("{vector:?}");
}
