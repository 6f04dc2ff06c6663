//! `StableVec` against `Vec`, and `StableMap` against `hashbrown` with the same hash function.

use crate::clock;
use crate::rounds::{Contender, Measured, Workload};
use std::hint::black_box;
use v_alloc::{DefaultHasher, StableMap, StableVec};

type HashMap = hashbrown::HashMap<u64, u64, DefaultHasher>;

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "vectors",
        figures: &["a push, of 10^6", "a push, of 1000 into a vector, then freed"],
        ours: Contender { name: "StableVec", measure: pushes::<StableVec<u64>> },
        other: Contender { name: "Vec", measure: pushes::<Vec<u64>> },
    },
    Workload {
        name: "the worst push",
        figures: &["the worst push of 10^6"],
        ours: Contender { name: "StableVec", measure: || worst(StableVec::new, Vector::push_one) },
        other: Contender { name: "Vec", measure: || worst(Vec::new, Vector::push_one) },
    },
    Workload {
        name: "the worst push without huge pages",
        figures: &["the worst push of 10^6, without huge pages"],
        ours: Contender {
            name: "StableVec",
            measure: || worst(|| StableVec::options().huge_pages(false).build(), Vector::push_one),
        },
        other: Contender { name: "Vec", measure: || worst(Vec::new, Vector::push_one) },
    },
    Workload {
        name: "maps",
        figures: &["an insertion, of 10^6", "a lookup, among 10^6"],
        ours: Contender { name: "StableMap", measure: map::<StableMap<u64, u64>> },
        other: Contender { name: "hashbrown", measure: map::<HashMap> },
    },
    Workload {
        name: "the worst insertion",
        figures: &["the worst insertion of 10^6"],
        ours: Contender { name: "StableMap", measure: || worst(StableMap::new, |m, n| m.enter(key(n), n)) },
        other: Contender {
            name: "hashbrown",
            measure: || worst(HashMap::default, |m, n| m.enter(key(n), n)),
        },
    },
];

const COUNT: u32 = 1_000_000;
/// Elements of a vector that does not live long.
const SMALL: u32 = 1000;
/// Timed together where the worst is looked for: to read the clock takes as long as a few pushes.
pub const TOGETHER: u32 = 16;
/// Of so many runs the shortest time counts for each step: what disturbs the machine hits another step in each.
pub const RUNS: u32 = 2;

trait Vector: Default {
    fn push_one(&mut self, number: u64);
    fn sum(&self) -> u64;
}

trait Map: Default {
    fn enter(&mut self, key: u64, value: u64);
    fn look_up(&self, key: u64) -> Option<u64>;
}

macro_rules! containers {
    ($($trait:ident for $container:ty { $($function:item)* })*) => {
        $(impl $trait for $container { $(#[inline(always)] $function)* })*
    };
}

containers! {
    Vector for StableVec<u64> {
        fn push_one(&mut self, number: u64) { self.push(number); }
        fn sum(&self) -> u64 { self.iter().sum() }
    }
    Vector for Vec<u64> {
        fn push_one(&mut self, number: u64) { self.push(number); }
        fn sum(&self) -> u64 { self.iter().sum() }
    }
    Map for StableMap<u64, u64> {
        fn enter(&mut self, key: u64, value: u64) { self.insert(key, value); }
        fn look_up(&self, key: u64) -> Option<u64> { self.get(&key).copied() }
    }
    Map for HashMap {
        fn enter(&mut self, key: u64, value: u64) { self.insert(key, value); }
        fn look_up(&self, key: u64) -> Option<u64> { self.get(&key).copied() }
    }
}

/// Different for each number, in no order.
fn key(number: u64) -> u64 {
    let number = (number ^ 0x5851_F42D).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (number ^ number >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn pushes<V: Vector>() -> Measured {
    let fill = |count: u32| {
        let mut vector = V::default();
        (0..u64::from(count)).for_each(|number| vector.push_one(number));
        black_box(vector)
    };
    let start = clock::now();
    let check = fill(COUNT).sum();
    let large = clock::each_since(start, COUNT);
    let start = clock::now();
    (0..COUNT / SMALL).for_each(|_| drop(fill(SMALL)));
    Measured { times: vec![large, clock::each_since(start, COUNT)], check }
}

fn map<M: Map>() -> Measured {
    let mut map = M::default();
    let start = clock::now();
    (0..u64::from(COUNT)).for_each(|number| map.enter(key(number), number));
    let insertion = clock::each_since(start, COUNT);
    let start = clock::now();
    // In another order than they were inserted in.
    let order = (0..u64::from(COUNT)).map(|number| number * 7919 % u64::from(COUNT));
    let check = order.filter_map(|number| black_box(map.look_up(key(number)))).sum();
    Measured { times: vec![insertion, clock::each_since(start, COUNT)], check }
}

/// The longest of the steps by which a container is filled.
fn worst<C>(make: impl Fn() -> C, step: impl Fn(&mut C, u64)) -> Measured {
    let mut shortest = vec![f64::INFINITY; (COUNT / TOGETHER) as usize];
    for _ in 0..RUNS {
        let (mut container, mut numbers) = (make(), 0..u64::from(COUNT));
        let mut before = clock::now();
        for shortest in &mut shortest {
            numbers.by_ref().take(TOGETHER as usize).for_each(|number| step(&mut container, number));
            let now = clock::now();
            *shortest = shortest.min(clock::nanoseconds(before, now));
            before = now;
        }
        black_box(&container);
    }
    Measured { times: vec![shortest.into_iter().fold(0.0, f64::max)], check: 0 }
}
