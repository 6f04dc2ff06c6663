//! A thread's part of an arena, and what it hands out, are gone with the arena.
use v_alloc::SyncArena;

fn main() {
    let number = {
        let arena = SyncArena::new();
        arena.local().alloc(1)
    };
    *number += 1;
}
