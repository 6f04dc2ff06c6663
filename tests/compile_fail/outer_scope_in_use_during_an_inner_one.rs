//! As with the arena: the outer handle would allocate for longer than the memory stays.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scoped(|outer| {
        let number = outer.scoped(|_inner| outer.alloc(1));
        println!("{number}");
    });
}
