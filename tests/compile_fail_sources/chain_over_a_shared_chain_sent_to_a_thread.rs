//! A chain over a borrowed chain uses that one's window.
use v_alloc::{ChainAllocator, Global};

fn main() {
    let shared = ChainAllocator::new_in(64, Global);
    let chain = ChainAllocator::new_in(64, &shared);
    std::thread::scope(|threads| {
        threads.spawn(move || *chain.alloc(1));
    });
}
