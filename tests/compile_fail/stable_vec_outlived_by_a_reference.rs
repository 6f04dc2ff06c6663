//! An element goes with its vector.
use v_alloc::StableVec;

fn main() {
    let first: &u64;
    {
        let numbers = StableVec::new();
        first = numbers.push(1);
    }
    println!("{first}");
}
