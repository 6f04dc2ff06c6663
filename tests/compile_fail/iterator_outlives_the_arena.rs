//! An iterator over a slice is a borrow of the arena, too.
use v_alloc::Arena;

fn numbers() -> impl Iterator<Item = u32> {
    let arena = Arena::new();
    arena.alloc_slice_fill_iter(0..3).iter().copied()
}

fn main() {
    println!("{}", numbers().sum::<u32>());
}
