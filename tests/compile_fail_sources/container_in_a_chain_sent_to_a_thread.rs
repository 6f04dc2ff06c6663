//! Containers borrow the arena, which stays in its thread; so do they.
use v_alloc::{ChainAllocator, Global};

fn main() {
    let arena = ChainAllocator::new_in(64, Global);
    let mut numbers = allocator_api2::vec::Vec::new_in(&arena);
    std::thread::scope(|threads| {
        threads.spawn(|| numbers.push(1));
    });
}
