//! A reset takes back all memory, also the window of a thread.
use v_alloc::SyncArena;

fn main() {
    let mut arena = SyncArena::new();
    let local = arena.local();
    arena.reset();
    local.alloc(1);
}
