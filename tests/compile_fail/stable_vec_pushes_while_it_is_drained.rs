//! While elements leave, none comes.
use v_alloc::StableVec;

fn main() {
    let mut numbers = StableVec::from([1, 2, 3]);
    let drained = numbers.drain(1..);
    numbers.push(4);
    drop(drained);
}
