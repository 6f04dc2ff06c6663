//! An arena whose memory comes from another one uses that from its own thread: it stays where that one is.
use v_alloc::{Arena, ChainAllocator};

fn main() {
    let parent = Arena::new();
    let chain = ChainAllocator::new_in(64, &parent);
    std::thread::scope(|threads| {
        threads.spawn(move || {
            chain.alloc(1);
        });
        parent.alloc(2);
    });
}
