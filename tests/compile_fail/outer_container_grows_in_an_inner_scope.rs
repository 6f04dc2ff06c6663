//! The same for a vector of an outer scope.
use allocator_api2::vec::Vec;
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scoped(|outer| {
        let mut vector = Vec::new_in(&*outer);
        vector.push(0);
        outer.scoped(|inner| vector.push(*inner.alloc(1)));
        println!("{vector:?}");
    });
}
