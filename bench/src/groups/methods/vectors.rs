//! Methods of vectors, against `Vec`: each leaves as many elements as there were.

use super::{LONG, Method, numbers, repeat_mut};
use std::hint::black_box;
use v_alloc::StableVec;

/// The same with both vectors, of a thousand numbers.
macro_rules! vectors {
    ($name:literal, |$vector:ident, $call:ident| $same:expr) => {
        Method {
            name: $name,
            calls: LONG,
            contenders: &[
                ("StableVec", |calls| {
                    repeat_mut::<StableVec<u64>>(calls, numbers::<1000>(0).collect(), |$vector, $call| $same)
                }),
                ("Vec", |calls| {
                    repeat_mut::<Vec<u64>>(calls, numbers::<1000>(0).collect(), |$vector, $call| $same)
                }),
            ],
        }
    };
}

pub const METHODS: &[Method] = &[
    Method {
        name: "1000: three of them read in step",
        calls: LONG,
        contenders: &[
            ("StableVec", |calls| {
                let three = [0, 1, 2].map(|first| numbers::<1000>(first).collect::<StableVec<u64>>());
                repeat_mut(calls, three, |[a, b, c], _call| in_step(a, b, c))
            }),
            ("Vec", |calls| {
                let three = [0, 1, 2].map(|first| numbers::<1000>(first).collect::<Vec<u64>>());
                repeat_mut(calls, three, |[a, b, c], _call| in_step(a, b, c))
            }),
        ],
    },
    vectors!("1000: extend by 10, truncate", |vector, call| {
        vector.extend(numbers::<10>(call));
        vector.truncate(1000);
    }),
    vectors!("1000: extend by a chain of 10, truncate", |vector, call| {
        vector.extend(numbers::<5>(call).chain(numbers::<5>(call)));
        vector.truncate(1000);
    }),
    vectors!("1000: extend_from_slice of 10, truncate", |vector, call| {
        vector.extend_from_slice(&[call; 10]);
        vector.truncate(1000);
    }),
    vectors!("1000: push, pop", |vector, call| {
        vector.push(call);
        black_box(vector.pop());
    }),
    vectors!("1000: insert in front, remove", |vector, call| {
        vector.insert(0, call);
        black_box(vector.remove(0));
    }),
    vectors!("1000: swap_remove, push", |vector, call| {
        let removed = vector.swap_remove(500);
        vector.push(removed ^ call);
    }),
    vectors!("1000: retain all", |vector, call| vector.retain(|number| *number != call + 1_000_000)),
    vectors!("1000: drain 10 in front, extend by as many", |vector, call| {
        black_box(vector.drain(..10).sum::<u64>());
        vector.extend(numbers::<10>(call));
    }),
    vectors!("1000: sum", |vector, _call| _ = black_box(vector.iter().sum::<u64>())),
    vectors!("1000: clone", |vector, _call| drop(black_box(vector.clone()))),
    vectors!("1000: resize to 1100 and back", |vector, call| {
        vector.resize(1100, call);
        vector.truncate(1000);
    }),
    vectors!("1000: dedup", |vector, _call| vector.dedup()),
];

/// As columns of a table are: where they begin at like addresses, caches may mistake one for another.
fn in_step(a: &[u64], b: &[u64], c: &[u64]) {
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        black_box(a ^ b ^ c);
    }
}
