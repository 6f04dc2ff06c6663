//! `Arena` against `bumpalo`: typed values, strings, a tree.

use crate::clock;
use crate::rounds::{Contender, Measured, Workload};
use bumpalo::Bump;
use std::hint::black_box;
use v_alloc::Arena;

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "values",
        figures: &["a value of 32 bytes, of 10^6 in a new arena", "a value of 32 bytes, in warm memory"],
        ours: Contender { name: "Arena", measure: values::<Arena> },
        other: Contender { name: "bumpalo", measure: values::<Bump> },
    },
    Workload {
        name: "strings",
        figures: &["a string of 3 to 24 bytes, of 10^6"],
        ours: Contender { name: "Arena", measure: strings::<Arena> },
        other: Contender { name: "bumpalo", measure: strings::<Bump> },
    },
    Workload {
        name: "tree",
        figures: &["a node of a tree of 2^19, with a visit"],
        ours: Contender { name: "Arena", measure: tree::<Arena> },
        other: Contender { name: "bumpalo", measure: tree::<Bump> },
    },
];

const VALUES: u32 = 1_000_000;
/// That many fit into the processor's first cache.
const WARM: u32 = 500;
const LEVELS: u32 = 19;

/// What both can do.
trait Allocating: Default {
    fn value<T>(&self, value: T) -> &T;
    fn text(&self, text: &str) -> &str;
    fn take_all_back(&mut self);
}

macro_rules! allocating {
    ($arena:ty) => {
        impl Allocating for $arena {
            #[inline(always)]
            fn value<T>(&self, value: T) -> &T {
                self.alloc(value)
            }

            #[inline(always)]
            fn text(&self, text: &str) -> &str {
                self.alloc_str(text)
            }

            fn take_all_back(&mut self) {
                self.reset();
            }
        }
    };
}
allocating!(Arena);
allocating!(Bump);

fn values<A: Allocating>() -> Measured {
    let fill = |arena: &A, from: u32, count: u32| -> u64 {
        let value = |number: u32| *black_box(arena.value([u64::from(number); 4])).last().unwrap_or(&0);
        (from..from + count).map(value).sum()
    };
    let start = clock::now();
    let arena = A::default();
    let check = fill(&arena, 0, VALUES);
    drop(arena);
    let cold = clock::each_since(start, VALUES);

    let mut arena = A::default();
    fill(&arena, 0, 2 * WARM);
    let start = clock::now();
    let mut check_again = 0;
    for from in (0..VALUES).step_by(WARM as usize) {
        arena.take_all_back();
        check_again += fill(&arena, from, WARM);
    }
    let warm = clock::each_since(start, VALUES);
    Measured { times: vec![cold, warm], check: check ^ check_again.rotate_left(32) }
}

fn strings<A: Allocating>() -> Measured {
    let letters = "abcdefghijklmnopqrstuvwxyz";
    let texts: Vec<&str> = (0..1000).map(|number| &letters[..3 + number * number % 22]).collect();
    let start = clock::now();
    let arena = A::default();
    let texts = texts.iter().cycle().take(VALUES as usize);
    let check = texts.map(|text| black_box(arena.text(text)).len() as u64).sum();
    drop(arena);
    Measured { times: vec![clock::each_since(start, VALUES)], check }
}

struct Node<'a> {
    below: Option<[&'a Node<'a>; 2]>,
    number: u64,
}

fn tree<A: Allocating>() -> Measured {
    fn grow<A: Allocating>(arena: &A, levels: u32, number: u64) -> &Node<'_> {
        let half = |right| grow(arena, levels - 1, 2 * number + right);
        let below = (levels > 0).then(|| [0, 1].map(half));
        arena.value(Node { below, number })
    }
    fn sum(node: &Node<'_>) -> u64 {
        node.number + node.below.map_or(0, |[left, right]| sum(left) + sum(right))
    }
    let start = clock::now();
    let arena = A::default();
    let check = sum(grow(&arena, LEVELS - 1, 1));
    drop(arena);
    Measured { times: vec![clock::each_since(start, (1 << LEVELS) - 1)], check }
}
