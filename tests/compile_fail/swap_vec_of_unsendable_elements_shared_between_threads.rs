//! Who drains has what others pushed.
use std::rc::Rc;
use v_alloc::SwapVec;

fn main() {
    let counts = SwapVec::new();
    let count = Rc::new(1);
    counts.try_push(count.clone()).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| drop(counts.drain()));
        drop(count);
    });
}
