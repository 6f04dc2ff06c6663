//! Threads share the elements of a vector that they share.
use std::cell::Cell;
use v_alloc::SyncVec;

fn main() {
    let cells = SyncVec::new();
    cells.push(Cell::new(1));
    std::thread::scope(|threads| {
        threads.spawn(|| cells[0].set(2));
        cells[0].set(3);
    });
}
