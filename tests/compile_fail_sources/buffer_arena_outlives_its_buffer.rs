//! The arena borrows its buffer.
use std::mem::MaybeUninit;
use v_alloc::BufferArena;

fn main() {
    let arena = {
        let mut buffer = [MaybeUninit::uninit(); 100];
        BufferArena::from_buffer(&mut buffer)
    };
    arena.alloc(1);
}
