//! What is allocated lives for a borrow of the arena, although the buffer lives longer: a reset ends it.
use std::mem::MaybeUninit;
use v_alloc::BufferArena;

fn main() {
    let mut buffer = [MaybeUninit::uninit(); 100];
    let mut arena = BufferArena::from_buffer(&mut buffer);
    let number = arena.alloc(1);
    arena.reset();
    *number += 1;
}
