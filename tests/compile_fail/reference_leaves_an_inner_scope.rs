//! A variable of the outer scope cannot carry a value out of the inner one.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scoped(|outer| {
        let mut kept = None;
        outer.scoped(|inner| kept = Some(inner.alloc(1)));
        println!("{kept:?}");
    });
}
