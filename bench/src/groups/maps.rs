//! `StableMap` against `hashbrown::HashMap` and `indexmap::IndexMap`, all with the same hash function: one process per
//! case. Keys are random numbers, or words. Each map gets the pages that it gets by default: entries of a `StableMap`
//! lie on huge ones beyond their first 2 MiB.
//!
//! The worst insertion is that of the quietest round, for each contender: see `Summary::Smallest`. By the wall clock,
//! which counts whatever the machine does meanwhile, and by processor time, which leaves out other programs. Each is
//! timed alone: a few together may have a page to clear and a table to make.

use super::Group;
use crate::figure::{Figure, Rivals, Summary};
use crate::ways::{self, Way};
use crate::{Result, clock, memory};
use std::hash::Hash;
use std::hint::black_box;
use v_alloc::{Arena, DefaultHasher, StableMap};

pub const GROUP: Group = Group {
    name: "maps",
    title: "maps of u64 to u64, and of words",
    measure: |effort| ways::measure(GROUP.name, WAYS, effort),
    run_case: |case| ways::run_case(WAYS, case),
};

type HashMap<K, V> = hashbrown::HashMap<K, V, DefaultHasher>;
type IndexMap<K, V> = indexmap::IndexMap<K, V, DefaultHasher>;

const STABLE: &str = "StableMap";
const HASHBROWN: &str = "hashbrown";
const INDEXMAP: &str = "indexmap";
const WORDS: &str = "StableMap<&str> and Arena";
const STRINGS: &str = "hashbrown<String>";

const ENTRIES: u32 = 1_000_000;
/// So few that the processor's caches hold them.
const FEW: u32 = 10_000;
/// Lookups of so few are repeated.
const REPEATED: u32 = 100;
/// Bytes; more than the map of strings needs, and twice as much as the others do.
const MEMORY: usize = 192 << 20;

const NO_TARGETS: Rivals = &[(HASHBROWN, None), (INDEXMAP, None)];

const WAYS: &[Way] = &[
    Way {
        name: "each of 10^6 insertions",
        memory: MEMORY / 2,
        contenders: &[
            (STABLE, || Ok(worst::<StableMap<u64, u64>>())),
            (HASHBROWN, || Ok(worst::<HashMap<u64, u64>>())),
            (INDEXMAP, || Ok(worst::<IndexMap<u64, u64>>())),
        ],
        figures: &[longest(0), longest(1)],
    },
    Way {
        name: "10^6 entries",
        memory: MEMORY / 2,
        contenders: &[
            (STABLE, many::<StableMap<u64, u64>>),
            (HASHBROWN, many::<HashMap<u64, u64>>),
            (INDEXMAP, many::<IndexMap<u64, u64>>),
        ],
        figures: &[
            figure(0, "ms for 10^6 insertions", &[(HASHBROWN, Some(2.0)), (INDEXMAP, Some(1.0))]),
            figure(1, "MiB at the peak, 10^6 entries", NO_TARGETS),
            figure(2, "ns per get, 10^6 entries", &[(HASHBROWN, Some(1.4)), (INDEXMAP, Some(1.0))]),
            figure(3, "ns per get of an absent key, 10^6 entries", NO_TARGETS),
            figure(4, "ns to remove and insert, 10^6 entries", NO_TARGETS),
        ],
    },
    Way {
        name: "10^4 entries",
        memory: MEMORY / 16,
        contenders: &[
            (STABLE, few::<StableMap<u64, u64>>),
            (HASHBROWN, few::<HashMap<u64, u64>>),
            (INDEXMAP, few::<IndexMap<u64, u64>>),
        ],
        figures: &[figure(0, "ns per get, 10^4 entries", NO_TARGETS)],
    },
    Way {
        name: "words",
        memory: MEMORY,
        contenders: &[(WORDS, words_in_arena), (STRINGS, strings)],
        figures: &[Figure {
            name: "ms for 10^6 words",
            place: 0,
            summary: Summary::Median,
            ours: WORDS,
            limit: None,
            rivals: &[(STRINGS, Some(0.7))],
        }],
    },
];

const fn figure(place: usize, name: &'static str, rivals: Rivals) -> Figure {
    Figure { name, place, summary: Summary::Median, ours: STABLE, limit: None, rivals }
}

const fn longest(place: usize) -> Figure {
    let name = ["us of the worst of 10^6 insertions", "us of processor time of the worst of 10^6 insertions"];
    let rivals: Rivals = &[(HASHBROWN, Some(1.0 / 50.0)), (INDEXMAP, Some(1.0))];
    Figure { summary: Summary::Smallest, ..figure(place, name[place], rivals) }
}

/// A map under test.
trait Map<K, V>: Default {
    fn insert(&mut self, key: K, value: V) -> Option<V>;
    fn get(&self, key: &K) -> Option<&V>;
    fn remove(&mut self, key: &K) -> Option<V>;
    fn len(&self) -> usize;
}

/// Each by its own methods; `$remove` is the fastest way to remove.
macro_rules! map {
    ($map:ident, $remove:ident) => {
        impl<K: Eq + Hash, V> Map<K, V> for $map<K, V> {
            #[inline(always)]
            fn insert(&mut self, key: K, value: V) -> Option<V> {
                self.insert(key, value)
            }

            #[inline(always)]
            fn get(&self, key: &K) -> Option<&V> {
                self.get(key)
            }

            #[inline(always)]
            fn remove(&mut self, key: &K) -> Option<V> {
                self.$remove(key)
            }

            fn len(&self) -> usize {
                self.len()
            }
        }
    };
}

map!(StableMap, remove);
map!(HashMap, remove);
map!(IndexMap, swap_remove);

/// Microseconds of the longest insertion.
fn worst<M: Map<u64, u64>>() -> Vec<f64> {
    let keys = keys(0, ENTRIES);
    let mut map = M::default();
    // The clock might write to what this gives: so no write to the map can wait until after its reading.
    let map = black_box(&mut map);
    let longest = clock::longest(keys.iter().zip(0..), |(&key, value)| {
        map.insert(key, value);
    });
    longest.map(|nanoseconds| nanoseconds / 1e3).to_vec()
}

/// Milliseconds to fill a new map, MiB that it has resident at most, and nanoseconds of each operation on it.
fn many<M: Map<u64, u64>>() -> Result<Vec<f64>> {
    let (present, absent, new) = (keys(0, ENTRIES), keys(ENTRIES, ENTRIES), keys(2 * ENTRIES, ENTRIES));
    let lookups = shuffled(&present);
    let (peak, (filling, mut map)) = memory::peak(|| clock::nanoseconds(|| fill::<M>(&present)))?;
    let gets = gets(&map, &lookups, 1)?;
    let (misses, found) = clock::nanoseconds(|| sum(&map, &absent));
    let (churn, removed) = clock::nanoseconds(|| replace(&mut map, &lookups, &new));
    if found != 0 || removed != sum_of_values(ENTRIES) || map.len() != present.len() {
        return Err("a wrong map".into());
    }
    let each = f64::from(ENTRIES);
    Ok(vec![filling / 1e6, peak / f64::from(1 << 20), gets, misses / each, churn / each])
}

/// Nanoseconds of a lookup in a map that the caches hold.
fn few<M: Map<u64, u64>>() -> Result<Vec<f64>> {
    let keys = keys(0, FEW);
    Ok(vec![gets(&fill::<M>(&keys), &shuffled(&keys), REPEATED)?])
}

#[inline(never)]
fn fill<M: Map<u64, u64>>(keys: &[u64]) -> M {
    let mut map = M::default();
    for (&key, value) in keys.iter().zip(0..) {
        map.insert(key, value);
    }
    map
}

/// Nanoseconds of a lookup: all keys are there, and were looked up once before.
fn gets(map: &impl Map<u64, u64>, keys: &[u64], times: u32) -> Result<f64> {
    let count = u32::try_from(keys.len())?;
    let mut found = sum(map, keys);
    let (nanoseconds, ()) = clock::nanoseconds(|| {
        for _ in 0..times {
            found += sum(map, keys);
        }
    });
    if found != sum_of_values(count) * u64::from(times + 1) {
        return Err("a wrong map".into());
    }
    Ok(nanoseconds / f64::from(times) / f64::from(count))
}

/// The values of the keys, added; 0 for those that are not there.
#[inline(never)]
fn sum(map: &impl Map<u64, u64>, keys: &[u64]) -> u64 {
    let mut sum = 0;
    for key in keys {
        sum += map.get(key).copied().unwrap_or(0);
    }
    black_box(sum)
}

/// Removes each of the keys, and inserts another in its stead: the values that were removed, added.
#[inline(never)]
fn replace(map: &mut impl Map<u64, u64>, keys: &[u64], others: &[u64]) -> u64 {
    let mut sum = 0;
    for (key, (&other, value)) in keys.iter().zip(others.iter().zip(0..)) {
        sum += map.remove(key).unwrap_or(0);
        map.insert(other, value);
    }
    black_box(sum)
}

/// The values of a map are numbered.
fn sum_of_values(count: u32) -> u64 {
    u64::from(count) * (u64::from(count) - 1) / 2
}

/// Milliseconds to fill a new map with words that are copied into an arena.
fn words_in_arena() -> Result<Vec<f64>> {
    let words = words(ENTRIES);
    let arena = Arena::new();
    word_map(&words, |map: &mut StableMap<&str, u32>, word, number| map.insert(arena.alloc_str(word), number))
}

/// The same with a `String` each.
fn strings() -> Result<Vec<f64>> {
    let words = words(ENTRIES);
    word_map(&words, |map: &mut HashMap<String, u32>, word, number| map.insert(word.to_owned(), number))
}

#[inline(never)]
fn word_map<K, M: Map<K, u32>>(
    words: &Words,
    insert: impl Fn(&mut M, &str, u32) -> Option<u32>,
) -> Result<Vec<f64>> {
    let (nanoseconds, map) = clock::nanoseconds(|| {
        let mut map = M::default();
        for (word, number) in words.iter().zip(0..) {
            insert(&mut map, word, number);
        }
        map
    });
    if map.len() != ENTRIES as usize {
        return Err("a wrong map".into());
    }
    Ok(vec![nanoseconds / 1e6])
}

/// Numbers without an order, a different one for each index: every step can be undone.
fn random(index: u32) -> u64 {
    let mut number = (u64::from(index) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for _ in 0..2 {
        number = (number ^ (number >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    number ^ (number >> 32)
}

/// Keys that are all different, and different for other indices.
fn keys(first: u32, count: u32) -> Vec<u64> {
    (first..first + count).map(random).collect()
}

/// The same keys in an order that has nothing to do with theirs.
fn shuffled(keys: &[u64]) -> Vec<u64> {
    let mut keys = keys.to_vec();
    for (last, index) in (1..keys.len()).zip(0..) {
        let other = random(index) % (last as u64 + 1);
        keys.swap(last, usize::try_from(other).unwrap_or(last));
    }
    keys
}

/// Words in one buffer.
struct Words {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Words {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.text[start..end])
    }
}

/// Words of 8 to 24 letters. None comes twice among those that are measured, or the map would be too small.
fn words(count: u32) -> Words {
    let mut words = Words { text: String::new(), ends: Vec::new() };
    for index in 0..count {
        let mut letters = [random(2 * index), random(2 * index + 1)];
        let length = 8 + random(!index) % 17;
        for place in 0..length {
            let letters = &mut letters[usize::from(place >= 12)];
            words.text.push((b'a'..=b'z').nth((*letters % 26) as usize).map_or(' ', char::from));
            *letters /= 26;
        }
        words.ends.push(words.text.len());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_different_and_shuffling_loses_none() {
        let (keys, others) = (keys(0, 1000), keys(1000, 1000));
        let shuffled = shuffled(&keys);
        assert_ne!(keys, shuffled);
        assert_eq!(HashSet::<u64>::from_iter(keys.clone()), HashSet::from_iter(shuffled));
        assert_eq!(keys.iter().chain(&others).collect::<HashSet<_>>().len(), 2000);
    }

    #[test]
    fn words_are_different_and_of_all_lengths() {
        let words = words(1000);
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), 1000);
        let lengths: HashSet<_> = words.iter().map(str::len).collect();
        assert_eq!(lengths, (8..=24).collect());
    }
}
