//! A vector goes to another thread only if its elements may.
use std::rc::Rc;
use v_alloc::SyncVec;

fn main() {
    let counts = SyncVec::new();
    let count = Rc::new(1);
    counts.push(count.clone());
    std::thread::spawn(move || drop(counts));
    drop(count);
}
