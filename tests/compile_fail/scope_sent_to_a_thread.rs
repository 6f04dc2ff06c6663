//! A scope is a shared borrow of its arena.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scoped(|scope| {
        std::thread::scope(|threads| {
            threads.spawn(|| scope.alloc(1));
        });
    });
}
