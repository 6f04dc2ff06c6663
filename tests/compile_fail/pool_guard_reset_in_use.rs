//! A reset takes back what is still borrowed from the guard.
use v_alloc::ArenaPool;

fn main() {
    let pool = ArenaPool::new();
    let mut arena = pool.get();
    let number = arena.alloc(1);
    arena.reset();
    println!("{number}");
}
