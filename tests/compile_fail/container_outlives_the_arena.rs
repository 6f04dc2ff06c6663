//! A container holds on to the arena that it was made in.
use allocator_api2::vec::Vec;
use v_alloc::Arena;

fn main() {
    let arena = Arena::new();
    let mut vector = Vec::new_in(&arena);
    vector.push(1);
    drop(arena);
    println!("{vector:?}");
}
