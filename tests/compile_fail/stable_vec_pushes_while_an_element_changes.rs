//! Who may change an element has the whole vector.
use v_alloc::StableVec;

fn main() {
    let mut numbers = StableVec::from([1, 2, 3]);
    let first = &mut numbers[0];
    numbers.push(4);
    *first = 5;
}
