//! The blocks of a chain are in use until it is dropped.
use std::alloc::Layout;
use v_alloc::{ChainAllocator, Global, LinearAllocator};

fn main() {
    let mut parent = LinearAllocator::new_in(Layout::new::<[u8; 1000]>(), Global).unwrap();
    let chain = ChainAllocator::new_in(64, &parent);
    let number = chain.alloc(1);
    parent.reset();
    *number += 1;
}
