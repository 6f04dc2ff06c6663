//! Two threads on one window would take the same memory.
use v_alloc::SyncArena;

fn main() {
    let arena = SyncArena::new();
    let local = arena.local();
    std::thread::scope(|threads| {
        threads.spawn(|| local.alloc(1));
        local.alloc(2);
    });
}
