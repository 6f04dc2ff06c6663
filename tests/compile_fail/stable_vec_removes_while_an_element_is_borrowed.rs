//! What was pushed stays as long as it is borrowed.
use v_alloc::StableVec;

fn main() {
    let mut numbers = StableVec::new();
    let first: &u64 = numbers.push(1);
    numbers.clear();
    println!("{first}");
}
