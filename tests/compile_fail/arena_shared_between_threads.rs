//! An arena has no lock: it belongs to one thread at a time.
use v_alloc::Arena;

fn main() {
    let arena = Arena::new();
    std::thread::scope(|threads| {
        threads.spawn(|| arena.alloc(1));
        arena.alloc(2);
    });
}
