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

use common::panics::panic_of;
use common::things::Hashing;
use v_alloc::{Entry, StableMap, StableSet};

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

/// Of entries so small that the table which finds them is full before their own block is.
#[cfg(all(unix, not(miri)))]
#[test]
fn small_entries_are_as_many_as_the_reservation_says() {
    common::isolated("small_entries_are_as_many_as_the_reservation_says", || {
        v_alloc::set_default_reservation(16 * common::page());
        let options = StableMap::<u32, ()>::options;
        for (options, least) in
            [(options(), 16 * common::page() / 8), (options().reservation(10_000), 10_000)]
        {
            let mut map = options.build();
            let reserved = map.reserved();
            assert!(reserved >= least, "{reserved}");
            for key in 0..reserved as u32 {
                assert_eq!(map.try_insert_full(key, ()), Ok((key as usize, None)));
            }
            let error = map.try_insert_full(u32::MAX, ()).unwrap_err();
            assert!(error.to_string().contains("more than is left of the reservation"), "{error}");
            assert_eq!((map.len(), map.reserved()), (reserved, reserved));
            assert!((0..reserved as u32).all(|key| map.get_index_of(&key) == Some(key as usize)));
        }
        // Of what was once asked for at first the addresses stay.
        let many = 20 * common::page() as u32;
        let mut map = StableMap::<u32, ()>::with_capacity(many as usize);
        assert!(map.reserved() >= many as usize);
        map.insert(0, ());
        map.shrink_to_fit();
        for key in 1..many {
            assert_eq!(map.try_insert_full(key, ()), Ok((key as usize, None)));
        }
    });
}

/// Of the entries, whose number is limited by the default reservation: that is the process's.
#[cfg(all(unix, not(miri)))]
#[test]
fn the_reservation_is_the_limit_and_nothing_is_lost_at_it() {
    common::isolated("the_reservation_is_the_limit_and_nothing_is_lost_at_it", || {
        let room = 16 * common::page() / size_of::<(u64, [u64; 3])>();
        v_alloc::set_default_reservation(16 * common::page());
        let mut map = StableMap::new();
        let value = |key: u64| [key, !key, 7];
        for key in 0..room as u64 {
            assert_eq!(map.try_insert_full(key, value(key)), Ok((key as usize, None)));
        }
        let whole = |map: &StableMap<u64, [u64; 3]>| {
            assert!(
                map.iter()
                    .map(|(key, value)| (*key, *value))
                    .eq((0..room as u64).map(|key| (key, value(key))))
            );
            assert!(
                (0..room as u64).all(|key| map.get_full(&key) == Some((key as usize, &key, &value(key))))
            );
            assert!(!map.contains_key(&(room as u64)));
        };
        assert_eq!(map.capacity(), room);
        let failed = map.try_insert_full(room as u64, [1; 3]).unwrap_err();
        assert_eq!((failed.key, failed.value), (room as u64, [1; 3]));
        assert!(failed.to_string().starts_with("cannot commit "), "{failed}");
        assert_eq!(format!("{failed:?}"), format!("InsertError({:?})", failed.error));
        let Entry::Vacant(entry) = map.entry(room as u64) else { panic!("it is not there") };
        assert_eq!(entry.index(), room);
        assert_eq!(entry.try_insert([1; 3]).unwrap_err(), failed);
        whole(&map);
        let panic = Some(format!("StableMap: {failed}"));
        assert_eq!(panic_of(|| map.insert(room as u64, [1; 3])), panic);
        assert_eq!(panic_of(|| *map.entry(room as u64).or_insert([1; 3])), panic);
        assert_eq!(panic_of(|| map.extend([(room as u64, [1; 3])])), panic);
        assert!(map.try_reserve(1).is_err() && panic_of(|| map.reserve(1)) == panic);
        assert_eq!(map.try_reserve(0), Ok(()));
        whole(&map);
        // What is there can be replaced, and what is removed makes room.
        assert_eq!(map.insert(5, [1; 3]), Some(value(5)));
        *map.entry(5).or_insert([2; 3]) = value(5);
        assert_eq!(map.remove(&9), Some(value(9)));
        assert_eq!(map.try_reserve(1), Ok(()));
        assert!(map.try_reserve(2).is_err());
        let Entry::Vacant(entry) = map.entry(9) else { panic!("it was removed") };
        assert_eq!((entry.index(), *entry.try_insert(value(9)).unwrap()), (9, value(9)));
        whole(&map);
        let larger = StableMap::<u64, [u64; 3]>::with_capacity(room + 1);
        assert!(larger.capacity() > room, "what is asked for at first may be more than the default");
        let mut set: StableSet<[u64; 4]> = (0..room as u64).map(|key| [key; 4]).collect();
        assert_eq!(set.try_insert_full([4; 4]), Ok((4, false)));
        assert_eq!(set.try_insert_full([room as u64; 4]).unwrap_err().key, [room as u64; 4]);
        assert!(set.replace([3; 4]).is_some() && set.try_reserve(1).is_err());
    });
}

#[test]
fn a_map_keeps_its_options() {
    let options = StableMap::<u64, u64>::options().reservation(100).huge_pages(false);
    let mut map = options.build_with_hasher(Hashing::Well);
    let room = map.reserved();
    let entry = size_of::<(u64, u64)>();
    let whole_pages = (100 * entry).next_multiple_of(common::page()) / entry;
    assert!((100..=whole_pages).contains(&room) && map.capacity() == 0, "{room}");
    map.extend((0..room as u64).map(|key| (key, key)));
    let full = |map: &StableMap<u64, u64, Hashing>| {
        let mut clone = map.clone();
        assert_eq!((clone.reserved(), clone.len()), (room, room));
        assert!(clone.try_insert_full(u64::MAX, 1).is_err());
    };
    full(&map);
    map.clear();
    map.shrink_to_fit();
    map.extend((0..room as u64).map(|key| (key, key)));
    full(&map);
    assert_eq!(map.drain().count(), room);
    map.extend((0..room as u64).map(|key| (key, key)));
    full(&map);
    std::mem::forget(map.drain());
    map.extend((0..room as u64).map(|key| (key, key)));
    full(&map);
    assert_eq!(options.build().reserved(), room, "options can be used again");
}

#[test]
fn what_was_emptied_takes_as_many_again_without_the_systems_memory() {
    common::isolated("what_was_emptied_takes_as_many_again_without_the_systems_memory", || {
        let fill = |map: &mut StableMap<u64, u64>| map.extend((0..50_000).map(|key| (key, !key)));
        let ways: [fn(&mut StableMap<u64, u64>); 4] = [
            StableMap::clear,
            |map| drop(map.drain()),
            |map| map.retain(|_, _| false),
            |map| (0..50_000).for_each(|key| assert!(map.remove(&key).is_some())),
        ];
        for empty in ways {
            let mut map = StableMap::with_capacity(50_000);
            fill(&mut map);
            let (capacity, before) = (map.capacity(), v_alloc::process_committed_bytes());
            empty(&mut map);
            assert!(map.is_empty() && !map.contains_key(&7));
            assert_eq!((map.capacity(), v_alloc::process_committed_bytes()), (capacity, before));
            fill(&mut map);
            assert!((0..50_000).all(|key| map[&key] == !key));
            assert_eq!(v_alloc::process_committed_bytes(), before);
        }
        let mut names = v_alloc::Interner::new();
        let symbols = |names: &v_alloc::Interner| {
            (0..20_000).map(|number| names.intern(&format!("{number}"))).collect::<Vec<_>>()
        };
        let first = symbols(&names);
        let before = v_alloc::process_committed_bytes();
        names.clear();
        assert_eq!(symbols(&names), first);
        assert!(v_alloc::process_committed_bytes() <= before);
    });
}

#[test]
fn a_clone_grows_by_itself_wherever_the_entries_were() {
    for count in [0, 1, 10, 600, 5000] {
        let mut map: StableMap<u64, u64> = (0..count).map(|key| (key, !key)).collect();
        map.reserve(100_000); // the table that the entries are to come to has none yet
        let mut clone = map.clone();
        clone.extend((count..20_000).map(|key| (key, !key)));
        assert!(clone.len() == 20_000 && (0..20_000).all(|key| clone[&key] == !key));
        assert!(map.len() as u64 == count && (0..count).all(|key| map[&key] == !key));
    }
}

#[test]
fn after_a_peak_only_what_the_entries_need_is_kept() {
    common::isolated("after_a_peak_only_what_the_entries_need_is_kept", || {
        let map = || (0..100_000).map(|key| (key, !key)).collect::<StableMap<u64, u64>>();
        // Makes what all blocks share, of tables of each size.
        for left in [50_000, 1000, 3] {
            let mut map = map();
            map.retain(|&key, _| key < left);
            map.shrink_to_fit();
        }
        let before = v_alloc::process_committed_bytes();
        let mut map = map();
        for left in [50_000, 1000, 3, 0] {
            // In steps, so that there are holes before the last entry as well.
            for key in 0..100_000 {
                if key >= 2 * left || key % 2 == 1 {
                    map.remove(&key);
                }
            }
            map.shrink_to_fit();
            let bytes = v_alloc::process_committed_bytes() - before;
            assert!(
                bytes <= 100 * left as usize + 4 * common::page().max(16 << 10),
                "{bytes} bytes for {left} entries"
            );
            assert_eq!(map.index_end(), (2 * left as usize).saturating_sub(1));
            assert!(map.keys().copied().eq((0..left).map(|key| 2 * key)));
            assert!((0..left).all(|key| map[&(2 * key)] == !(2 * key)));
            // Holes are used first, then what lies behind.
            let end = map.index_end();
            let indices: Vec<_> = (0..end + 5).map(|key| map.insert_full(key as u64, 7).0).collect();
            assert_eq!((map.len(), map.index_end()), (end + 5, end + 5));
            assert!(indices.iter().all(|&index| index < end + 5));
            map.retain(|&key, _| key % 2 == 0 && key < 2 * left);
            map.values_mut().for_each(|value| *value = 0);
            map.iter_mut().for_each(|(key, value)| *value = !key);
        }
        map.shrink_to_fit();
        assert_eq!((map.capacity(), map.index_end()), (0, 0));
    });
}

#[test]
fn room_that_was_reserved_is_there_and_stays() {
    for count in [0_usize, 1, 700, 5000, 50_000] {
        let mut map = StableMap::<u64, u64>::with_capacity(count);
        let capacity = map.capacity();
        assert!(capacity >= count && (count > 0 || capacity == 0), "an empty map takes no memory");
        map.extend((0..count as u64).map(|key| (key, !key)));
        assert_eq!(map.capacity(), capacity);
        // Again, with entries of which some are still in the table before, and holes.
        map.extend((count as u64..count as u64 + 900).map(|key| (key, !key)));
        for key in (0..map.len() as u64).step_by(3) {
            map.remove(&key);
        }
        let left: Vec<_> = map.keys().copied().collect();
        map.reserve(3 * count + 2000);
        let capacity = map.capacity();
        assert!(capacity >= map.len() + 3 * count + 2000);
        assert!(left.iter().all(|key| map[key] == !key) && map.keys().eq(&left));
        map.extend((1_000_000..1_000_000 + 3 * count as u64 + 2000).map(|key| (key, !key)));
        assert_eq!(map.capacity(), capacity);
        assert!(left.iter().all(|key| map[key] == !key) && map.iter().all(|(key, value)| *value == !key));
    }
    let mut map = StableMap::<u64, u64>::new();
    for more in [usize::MAX, usize::MAX / 2, isize::MAX as usize, 1 << (usize::BITS - 4)] {
        map.insert(1, more as u64);
        assert!(map.try_reserve(more).is_err(), "{more}");
        assert_eq!((map.len(), map[&1]), (1, more as u64));
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn what_the_index_cannot_find_is_not_promised_and_costs_nothing() {
    const MOST: usize = (1 << 30) + 4;
    let mut map = StableMap::<(), ()>::options().reservation(1_300_000_000).build();
    assert_eq!(map.reserved(), MOST);
    assert!(map.try_reserve(MOST + 1).is_err());
    assert_eq!(map.capacity(), 0);
    let error = StableMap::<u64, u64>::new().try_reserve(MOST + 1).unwrap_err();
    let text = format!(
        "cannot commit {} bytes of memory: that is more than is left of the reservation",
        16 * (MOST + 1)
    );
    assert_eq!(error.to_string(), text);
    assert!(v_alloc::Interner::with_reservation(MOST + 1, 1).is_err());
    assert!(v_alloc::Interner::with_reservation(MOST, 1).is_ok());
}
