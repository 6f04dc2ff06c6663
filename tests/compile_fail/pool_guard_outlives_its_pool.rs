//! The arenas go with their pool.
use v_alloc::ArenaPool;

fn main() {
    let pool = ArenaPool::new();
    let arena = pool.get();
    drop(pool);
    arena.alloc(1);
}
