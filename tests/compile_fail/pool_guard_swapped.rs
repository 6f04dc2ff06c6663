//! Swapped, an arena with other options would lie where the next user expects those of the pool.
use v_alloc::{Arena, ArenaPool};

fn main() {
    let pool = ArenaPool::new();
    let mut guard = pool.get();
    std::mem::swap(&mut *guard, &mut Arena::new());
}
