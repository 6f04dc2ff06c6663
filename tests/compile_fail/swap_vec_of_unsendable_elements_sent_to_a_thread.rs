//! A buffer goes to another thread only if its elements may.
use std::rc::Rc;
use v_alloc::SwapVec;

fn main() {
    let counts = SwapVec::new();
    let count = Rc::new(1);
    counts.try_push(count.clone()).unwrap();
    std::thread::spawn(move || drop(counts));
    drop(count);
}
