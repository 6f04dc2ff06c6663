//! A `StableMap` works at any size, with any hash function, and within its reservation.
#![cfg(feature = "map")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]

mod common;

use common::things::Hashing;
use v_alloc::StableMap;

#[test]
fn a_constant_size_with_many_removed_entries() {
    let mut map = StableMap::new();
    for size in [1_u64, 10, 700, 767, 768, 5000] {
        map.clear();
        for key in 0..size {
            assert_eq!(map.insert_full(key, key), (key as usize, None));
        }
        for key in size..size + 50_000 {
            assert_eq!(map.remove(&(key - size)), Some(key - size));
            assert_eq!(map.insert(key, key), None);
            assert!(map.get(&(key - size)).is_none());
            assert_eq!(map[&(key - size / 2)], key - size / 2);
        }
        assert_eq!((map.len(), map.index_end()), (size as usize, size as usize));
        let mut keys: Vec<_> = map.keys().copied().collect();
        keys.sort_unstable();
        assert!(keys.into_iter().eq(50_000..50_000 + size));
    }
}

#[test]
fn many_hash_functions_with_only_some_bits() {
    for shift in [0, 1, 3, 8, 12, 16, 20, 24, 31, 32, 33, 40, 48] {
        let mut map = StableMap::with_hasher(Hashing::Identity);
        let keys = (0..20_000_u64.min(u64::MAX >> shift)).map(|number| number << shift);
        for key in keys.clone() {
            map.insert(key, !key);
        }
        for key in keys.clone() {
            assert_eq!(map.get(&key), Some(&!key));
            assert!(!map.contains_key(&(key | 1 << 63)));
        }
        for key in keys.clone().step_by(2) {
            assert_eq!(map.remove(&key), Some(!key));
        }
        assert!(keys.clone().all(|key| map.contains_key(&key) == ((key >> shift) % 2 == 1)));
    }
    for hashing in [Hashing::LowBits, Hashing::HighBits] {
        let mut map = StableMap::with_hasher(hashing);
        for key in 0..100_000_u64 {
            map.insert(key, key);
        }
        assert!((0..100_000).all(|key| map[&key] == key));
        assert!((100_000..200_000).all(|key: u64| !map.contains_key(&key)));
    }
    // All in one way through the table; past the first growth.
    let mut map = StableMap::with_hasher(Hashing::Constant);
    for key in 0..1000_u64 {
        map.insert(key, key);
    }
    for key in (0..1000).step_by(3) {
        assert_eq!(map.remove(&key), Some(key));
    }
    assert!((0..1000).all(|key: u64| map.contains_key(&key) == (key % 3 != 0)));
}
