//! Two arenas over the same memory would hand it out twice.
use v_alloc::Arena;

fn main() {
    let arena = Arena::new();
    let copy = arena.clone();
    copy.alloc(arena.alloc(1));
}
