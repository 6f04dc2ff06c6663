//! A reset takes back all memory, so nothing may be borrowed from the arena.
use v_alloc::SyncArena;

fn main() {
    let mut arena = SyncArena::new();
    let number = arena.alloc(1);
    arena.reset();
    *number += 1;
}
