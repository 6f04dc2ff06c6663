//! An arena releases its memory when it is dropped.
use v_alloc::Arena;

fn main() {
    let number = {
        let arena = Arena::new();
        &*arena.alloc(1)
    };
    println!("{number}");
}
