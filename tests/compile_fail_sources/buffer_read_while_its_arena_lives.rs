//! The buffer is lent exclusively: what lies in it belongs to the arena.
use std::mem::MaybeUninit;
use v_alloc::BufferArena;

fn main() {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 100];
    let arena = BufferArena::from_buffer(&mut buffer);
    let number = arena.alloc(1_u8);
    buffer[0].write(2);
    *number += 1;
}
