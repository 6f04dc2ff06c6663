//! A linear allocator calls its parent when it is dropped, in whichever thread that is.
use std::alloc::Layout;
use v_alloc::{Arena, LinearAllocator};

fn main() {
    let shared = Arena::new();
    let linear = LinearAllocator::new_in(Layout::new::<[u8; 1000]>(), &shared).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(move || drop(linear));
    });
}
