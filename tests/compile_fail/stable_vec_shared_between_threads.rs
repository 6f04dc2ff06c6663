//! A vector has no lock: it belongs to one thread at a time.
use v_alloc::StableVec;

fn main() {
    let numbers = StableVec::new();
    std::thread::scope(|threads| {
        threads.spawn(|| *numbers.push(1));
        numbers.push(2);
    });
}
