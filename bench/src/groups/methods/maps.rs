//! Methods of maps, against `hashbrown` and `indexmap`: each leaves as many entries as there were. All have the same hash function, of
//! the same seed in every run, so that entries lie alike and instructions can be counted.

use super::{LONG, Method, numbers, repeat_mut};
use foldhash::fast::FixedState;
use std::hint::black_box;

type StableMap<K, V> = v_alloc::StableMap<K, V, FixedState>;
type HashMap<K, V> = hashbrown::HashMap<K, V, FixedState>;
type IndexMap<K, V> = indexmap::IndexMap<K, V, FixedState>;

/// The same with maps of a thousand random numbers.
macro_rules! maps {
    ($name:literal, |$map:ident, $call:ident| $same:expr) => {
        maps!($name, |$map, $call| $same, $same)
    };
    ($name:literal, |$map:ident, $call:ident| $two:expr, $indexmap:expr) => {
        Method {
            name: $name,
            calls: LONG,
            contenders: &[
                ("StableMap", |calls| {
                    repeat_mut::<StableMap<u64, u64>>(calls, pairs().collect(), |$map, $call| $two)
                }),
                ("hashbrown", |calls| {
                    repeat_mut::<HashMap<u64, u64>>(calls, pairs().collect(), |$map, $call| $two)
                }),
                ("indexmap", |calls| {
                    repeat_mut::<IndexMap<u64, u64>>(calls, pairs().collect(), |$map, $call| $indexmap)
                }),
            ],
        }
    };
}

/// Those that ask for no memory.
pub const IN_PLACE: &[Method] = &[
    maps!("1000 entries: get", |map, call| _ = black_box(map.get(&key(call % 1000)))),
    maps!("1000 entries: get, absent", |map, call| _ = black_box(map.get(&call))),
    maps!("1000 entries: insert, present", |map, call| _ = black_box(map.insert(key(call % 1000), call))),
    maps!("1000 entries: entry, add", |map, call| *map.entry(key(call % 1000)).or_default() += call),
    maps!(
        "1000 entries: remove, insert",
        |map, call| if let Some(value) = map.remove(&key(call % 1000)) {
            map.insert(key(call % 1000), value);
        },
        if let Some(value) = map.swap_remove(&key(call % 1000)) {
            map.insert(key(call % 1000), value);
        }
    ),
    maps!("1000 entries: sum of values", |map, _call| _ = black_box(map.values().sum::<u64>())),
    maps!("1000 entries: sum in a loop", |map, _call| {
        let mut sum = 0;
        for (key, value) in &*map {
            sum += key ^ value;
        }
        black_box(sum);
    }),
    maps!("1000 entries: values_mut", |map, call| map.values_mut().for_each(|value| *value ^= call)),
    maps!("1000 entries: retain all", |map, call| map.retain(|_, value| *value != call)),
];

pub const OTHERS: &[Method] = &[
    maps!("1000 entries: clone", |map, _call| drop(black_box(map.clone()))),
    maps!("1000 entries: clone, sum by value", |map, _call| {
        _ = black_box(map.clone().into_iter().map(|(key, value)| key ^ value).sum::<u64>());
    }),
    maps!("1000 entries: clear, insert 1000", |map, _call| {
        map.clear();
        map.extend(pairs());
    }),
    maps!("10 entries, collected and dropped", |_map, call| _ = black_box(of_10(_map, call))),
];

/// A number without an order.
fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

fn pairs() -> impl ExactSizeIterator<Item = (u64, u64)> {
    (0..1000).map(|number: u16| (key(number.into()), !0))
}

/// A map of the same kind with few entries.
fn of_10<M: FromIterator<(u64, u64)>>(_: &M, first: u64) -> M {
    numbers::<10>(first).map(|number| (number, number)).collect()
}
