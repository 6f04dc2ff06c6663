//! Slices from an iterator and from a function: a hundred numbers each time. A compiler can make a few stores of that.

use super::instructions::Counted;
use crate::loops;
use bumpalo::Bump;
use std::ptr::NonNull;
use v_alloc::Arena;

/// Makes so many slices.
type Slices = fn(u64);

/// Elements of a slice.
const LEN: usize = 100;

const SLICES: &[(&str, bool, Slices)] = &[
    ("slice of 100 from an iterator, Arena", true, |count| {
        let mut arena = Arena::new();
        (0..count).for_each(|first| {
            keep(arena.alloc_slice_fill_iter((0..LEN).map(|index| first + index as u64)));
            arena.reset();
        });
    }),
    ("slice of 100 from an iterator, bumpalo", false, |count| {
        let mut arena = Bump::new();
        // Its iterators must know their length.
        (0..count).for_each(|first| {
            keep(arena.alloc_slice_fill_iter((0..LEN).map(|index| first + index as u64)));
            arena.reset();
        });
    }),
    ("slice of 100 from a function, Arena", true, |count| {
        let mut arena = Arena::new();
        (0..count).for_each(|first| {
            keep(arena.alloc_slice_fill_with(LEN, |index| first + index as u64));
            arena.reset();
        });
    }),
    ("slice of 100 from a function, bumpalo", false, |count| {
        let mut arena = Bump::new();
        (0..count).for_each(|first| {
            keep(arena.alloc_slice_fill_with(LEN, |index| first + index as u64));
            arena.reset();
        });
    }),
];

/// For instruction counts.
pub fn counted() -> impl Iterator<Item = Counted> {
    SLICES.iter().map(|case| Counted::of(case, [1_000, 2_000]))
}

fn keep(slice: &mut [u64]) {
    loops::keep(NonNull::from(slice));
}
