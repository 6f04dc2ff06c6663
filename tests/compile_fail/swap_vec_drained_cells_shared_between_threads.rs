//! What was drained is shared as its elements are.
use std::cell::Cell;
use v_alloc::SwapVec;

fn main() {
    let cells = SwapVec::new();
    cells.try_push(Cell::new(1)).unwrap();
    let drained = cells.drain();
    std::thread::scope(|threads| {
        threads.spawn(|| drained[0].set(2));
        drained[0].set(3);
    });
}
