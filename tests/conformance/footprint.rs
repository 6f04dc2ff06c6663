//! A vector that is pushed to uses about as much of an arena as it has capacity: growing leaves nothing behind.

use allocator_api2::vec::Vec;
use std::alloc::Layout;
use v_alloc::{Allocator, Arena, ChainAllocator, Global, LinearAllocator, Source, VirtualAllocator};

/// 4.1 MB. The capacity of a vector doubles: for 1,000,000 numbers it is 2^20, which take 4 MB in binary units.
const MOST: usize = 41 * (1 << 20) / 10;

const NUMBERS: u32 = 1_000_000;

fn push<S: Source>(arena: &Arena<S>) {
    let mut numbers = Vec::new_in(arena);
    for number in 0..NUMBERS {
        numbers.push(number);
    }
    assert!(numbers.iter().copied().eq(0..NUMBERS));
    assert_eq!(numbers.capacity(), 1 << 20);
    assert!(arena.used_bytes() <= MOST, "{arena:?}");
    assert!(arena.peak_bytes() <= MOST, "{arena:?}");
}

#[test]
fn in_an_arena() {
    let arena = Arena::new();
    push(&arena);
    assert_eq!(arena.used_bytes(), 0, "a vector that is dropped gives its memory back");
}

#[test]
fn in_a_linear_allocator() {
    let block = Layout::new::<[u8; 8 << 20]>();
    push(&LinearAllocator::new_in(block, Global).unwrap());
    push(&LinearAllocator::new_in(block, VirtualAllocator {}).unwrap());
}

fn in_a_chain(parent: impl Allocator) {
    let arena = ChainAllocator::new_in(64 << 10, parent);
    push(&arena);
    // What is left is the first chunk.
    assert!(arena.reserved_bytes() <= 64 << 10, "{arena:?}");
}

#[test]
fn in_a_chain_over_pages() {
    in_a_chain(VirtualAllocator {});
}

#[test]
fn in_a_chain_over_the_heap() {
    in_a_chain(Global);
}

#[test]
fn a_vector_that_is_shrunk_to_fit_uses_its_length() {
    let arena = Arena::new();
    let mut numbers = Vec::new_in(&arena);
    numbers.extend(0..NUMBERS);
    numbers.shrink_to_fit();
    assert_eq!(arena.used_bytes(), 4_000_000);
}

#[test]
fn what_is_collected_into_a_chain_leaves_little_behind() {
    let arena = ChainAllocator::new_in(64 << 10, Global);
    // `filter` hides the length.
    let numbers = arena.alloc_slice_fill_iter((0..NUMBERS).filter(|_| true));
    assert!(numbers.iter().copied().eq(0..NUMBERS));
    // A slice in the making is copied when it outgrows its block, and the older blocks stay in use.
    assert!(arena.used_bytes() <= 2 * MOST + (128 << 10), "{arena:?}");
}
