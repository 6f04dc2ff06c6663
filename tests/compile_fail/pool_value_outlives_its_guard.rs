//! When its guard is dropped, an arena is empty, and perhaps another's.
use v_alloc::ArenaPool;

fn main() {
    let pool = ArenaPool::new();
    let number = pool.get().alloc(1);
    println!("{number}");
}
