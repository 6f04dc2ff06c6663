//! A pool is for all threads, but each arena of it for one at a time.
use v_alloc::ArenaPool;

static POOL: ArenaPool = ArenaPool::new();

fn main() {
    let arena = POOL.get();
    std::thread::scope(|threads| {
        threads.spawn(|| arena.alloc(1));
        arena.alloc(2);
    });
}
