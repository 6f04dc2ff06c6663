//! A chain returns its blocks when it is dropped: the parent must still be there.
use std::alloc::Layout;
use v_alloc::{ChainAllocator, Global, LinearAllocator};

fn main() {
    let chain;
    let parent = LinearAllocator::new_in(Layout::new::<[u8; 1000]>(), Global).unwrap();
    chain = ChainAllocator::new_in(64, &parent);
    chain.alloc(1);
}
