//! What a map counts as ready, beside what its index does.

use super::*;

/// A map of so many numbers, whose index is to be split.
fn splitting(map: &mut StableMap<u32, u32>, count: u32) {
    map.reserve(count as usize);
    (0..count).for_each(|key| assert_eq!(map.insert(key, key), None));
    assert!(!map.index.is_splitting());
    map.reserve(map.index.room() + 1 - map.len());
    assert!(map.index.is_splitting());
}

#[test]
fn what_takes_the_place_of_another_splits_a_chunk_as_well() {
    let mut map = StableMap::new();
    splitting(&mut map, 5000);
    for key in 0..1024 {
        assert!(map.index.is_splitting(), "{key}");
        map.remove(&key);
        map.insert(5000 + key, key);
    }
    assert!(!map.index.is_splitting(), "there were so many chunks");
    assert!((1024..6024).all(|key| map.contains_key(&key)));
}

#[test]
fn what_leaves_is_ready_to_be_replaced() {
    let mut map = StableMap::new();
    (0..1000).for_each(|key| assert_eq!(map.insert(key, key), None));
    for key in 1000.. {
        if map.ready == 0 {
            break;
        }
        map.insert(key, key);
    }
    map.remove(&7);
    map.remove_index(9);
    assert_eq!(map.ready, 2);
    map.insert(7, 7);
    map.insert(9, 9);
    assert_eq!(map.ready, 0);
}
