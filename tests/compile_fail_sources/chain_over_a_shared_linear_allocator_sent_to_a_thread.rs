//! The attack that `libdd-alloc` let through: two threads bump one cursor, and get the same block.
use std::alloc::Layout;
use v_alloc::{ChainAllocator, Global, LinearAllocator};

fn main() {
    let shared = LinearAllocator::new_in(Layout::new::<[u8; 1 << 20]>(), Global).unwrap();
    let chain = ChainAllocator::new_in(64, &shared);
    std::thread::scope(|threads| {
        threads.spawn(move || {
            for _ in 0..1000 {
                chain.alloc([1_u8; 100]);
            }
        });
        for _ in 0..1000 {
            shared.alloc([2_u8; 100]);
        }
    });
}
