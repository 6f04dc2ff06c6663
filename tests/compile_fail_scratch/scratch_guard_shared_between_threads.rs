//! A guard may go to another thread, but not be used by two.
use v_alloc::scratch;

fn main() {
    let scratch = scratch();
    std::thread::scope(|threads| {
        threads.spawn(|| scratch.alloc(1));
        scratch.alloc(2);
    });
}
