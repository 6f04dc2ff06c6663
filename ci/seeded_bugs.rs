//! Bugs for `seeded_bug` in `common.sh`: each is one that a tool of ours must find. Not part of any build but that one.
#![cfg(test)]

use std::alloc::Layout;
use std::hint::black_box;
use v_alloc::{Global, LinearAllocator};

fn arena() -> LinearAllocator<Global> {
    LinearAllocator::new_in(Layout::new::<[u64; 64]>(), Global).unwrap()
}

/// An arena's value is read after the arena is gone.
#[test]
fn use_after_free() {
    let arena = arena();
    let value = std::ptr::from_ref(arena.alloc(7_u64));
    drop(arena);
    // SAFETY: there is none; that is the bug.
    black_box(unsafe { value.read_volatile() });
}

/// An arena is forgotten, and with it its block of the heap.
#[test]
fn leak() {
    let arena = black_box(arena());
    black_box(arena.alloc(7_u64));
    std::mem::forget(arena);
}

/// A decision depends on memory that an arena handed out and nobody wrote.
#[test]
fn uninitialised() {
    let arena = arena();
    let value = arena.alloc_layout(Layout::new::<u64>()).cast::<u64>();
    // SAFETY: there is none; that is the bug.
    if black_box(unsafe { value.as_ptr().read_volatile() }) == 7 {
        println!("seven");
    }
}
