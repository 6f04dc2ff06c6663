//! Lifetimes pass through every layer.
use std::alloc::Layout;
use std::mem::MaybeUninit;
use v_alloc::{BufferArena, LinearAllocator};

fn main() {
    let linear = {
        let mut buffer = [MaybeUninit::uninit(); 1000];
        let arena = BufferArena::from_buffer(&mut buffer);
        LinearAllocator::new_in(Layout::new::<[u8; 100]>(), arena).unwrap()
    };
    linear.alloc(1);
}
