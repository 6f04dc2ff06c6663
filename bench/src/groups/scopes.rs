//! A scope of one value, and an arena that is emptied after each: the loops of parsers that try, and of frames. Their
//! instructions are counted; the time they take is that of a round trip through the cursor.

use super::instructions::Counted;
use crate::loops;
use bumpalo::Bump;
use std::ptr::NonNull;
use v_alloc::Arena;

/// Does it so often.
type Scopes = fn(u64);

const SCOPES: &[(&str, bool, Scopes)] = &[
    ("scope of one value, Arena::scoped", true, |count| {
        let mut arena = Arena::new();
        (0..count).for_each(|value| arena.scoped(|scope| keep(scope.alloc(value))));
    }),
    ("scope of one value, Arena::scope", true, |count| {
        let mut arena = Arena::new();
        (0..count).for_each(|value| keep(arena.scope().alloc(value)));
    }),
    ("scope of one value, bump-scope's scoped", false, |count| {
        let mut arena = <bump_scope::Bump>::new();
        (0..count).for_each(|value| arena.scoped(|scope| keep(&mut scope.alloc(value))));
    }),
    ("scope of one value, bump-scope's guard", false, |count| {
        let mut arena = <bump_scope::Bump>::new();
        (0..count).for_each(|value| keep(&mut arena.scope_guard().scope().alloc(value)));
    }),
    ("a value and a reset, Arena", true, |count| {
        let mut arena = Arena::new();
        (0..count).for_each(|value| {
            keep(arena.alloc(value));
            arena.reset();
        });
    }),
    ("a value and a reset, bumpalo", false, |count| {
        let mut arena = Bump::new();
        (0..count).for_each(|value| {
            keep(arena.alloc(value));
            arena.reset();
        });
    }),
];

/// For instruction counts.
pub fn counted() -> impl Iterator<Item = Counted> {
    SCOPES.iter().map(|case| Counted::of(case, [10_000, 20_000]))
}

fn keep(value: &mut u64) {
    loops::keep(NonNull::from(value));
}
