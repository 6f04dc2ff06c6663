//! What a shared arena hands out is gone with it.
use v_alloc::SyncArena;

fn main() {
    let number = {
        let arena = SyncArena::new();
        arena.alloc(1)
    };
    *number += 1;
}
