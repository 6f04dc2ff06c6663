//! Swapped, the outer handle would allocate what the inner scope takes back.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scoped(|outer| {
        outer.scoped(|inner| std::mem::swap(outer, inner));
    });
}
