//! As long as no entry is removed, and after a clone, a `StableMap` is an `IndexMap`: the same entries in the same order
//! with the same indices. When entries are removed the others stay in order, as with `shift_remove`.
#![cfg(feature = "map")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

use indexmap::map::Entry as ModelEntry;
use indexmap::{IndexMap, IndexSet};
use proptest::prelude::*;
use v_alloc::{Entry, StableMap, StableSet};

#[derive(Clone, Debug)]
enum Op {
    Insert(u64, u64),
    EntryInsert(u64, u64),
    EntryModify(u64, u64),
    EntryRemove(u64),
    Extend(u64, u64),
    Change(u64),
    ChangeIndex(usize),
    Remove(u64),
    RemoveIndex(usize),
    Retain(u64),
    Drain(usize, usize),
    Clear,
    Reserve(usize),
    Shrink,
    Take(usize, usize),
}

fn op(most: u64) -> impl Strategy<Value = Op> {
    let key = move || 0..most;
    let index = move || 0..usize::try_from(most).unwrap();
    prop_oneof![
        8 => (key(), key()).prop_map(|(key, value)| Op::Insert(key, value)),
        4 => (key(), key()).prop_map(|(key, value)| Op::EntryInsert(key, value)),
        4 => (key(), key()).prop_map(|(key, value)| Op::EntryModify(key, value)),
        2 => key().prop_map(Op::EntryRemove),
        8 => (key(), 1..most).prop_map(|(from, count)| Op::Extend(from, count)),
        4 => key().prop_map(Op::Change),
        4 => index().prop_map(Op::ChangeIndex),
        3 => key().prop_map(Op::Remove),
        2 => index().prop_map(Op::RemoveIndex),
        1 => (2..9_u64).prop_map(Op::Retain),
        1 => (0..9_usize, 0..9_usize).prop_map(|(front, back)| Op::Drain(front, back)),
        1 => Just(Op::Clear),
        2 => (0..3000_usize).prop_map(Op::Reserve),
        1 => Just(Op::Shrink),
        2 => (0..9_usize, 0..9_usize).prop_map(|(front, back)| Op::Take(front, back)),
    ]
}

/// Takes some from both ends.
fn take<T>(
    mut items: impl DoubleEndedIterator<Item = T> + ExactSizeIterator,
    front: usize,
    back: usize,
) -> Vec<T> {
    let len = items.len();
    let mut taken: Vec<T> = items.by_ref().take(front).collect();
    taken.extend(items.by_ref().rev().take(back));
    assert_eq!(items.len(), len - taken.len());
    taken
}

/// A map with no holes, as that which is compared with has none.
fn without_holes(map: &mut StableMap<u64, u64>) {
    if map.index_end() > map.len() {
        *map = map.drain().collect();
    }
    assert_eq!(map.index_end(), map.len());
}

#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn run(op: &Op, map: &mut StableMap<u64, u64>, model: &mut IndexMap<u64, u64>) {
    match *op {
        Op::Insert(key, value) => {
            without_holes(map);
            assert_eq!(map.insert_full(key, value), model.insert_full(key, value));
        }
        Op::EntryInsert(key, value) => {
            without_holes(map);
            let (entry, its_model) = (map.entry(key), model.entry(key));
            assert_eq!((entry.index(), entry.key()), (its_model.index(), its_model.key()));
            match (entry, its_model) {
                (Entry::Vacant(entry), ModelEntry::Vacant(its_model)) => {
                    assert_eq!(entry.index(), its_model.index());
                    assert_eq!(entry.try_insert(value).unwrap(), its_model.insert(value));
                }
                (entry @ Entry::Occupied(_), ModelEntry::Occupied(mut its_model)) => {
                    let mut entry = entry.insert_entry(value);
                    its_model.insert(value);
                    assert_eq!((entry.index(), entry.get()), (its_model.index(), its_model.get()));
                    assert_eq!(entry.insert(value + 1), value);
                    its_model.insert(value + 1);
                }
                _ => panic!("there in one and not in the other"),
            }
        }
        Op::EntryModify(key, value) => {
            without_holes(map);
            let changed = *map.entry(key).and_modify(|value| *value += 1).or_insert(value);
            assert_eq!(changed, *model.entry(key).and_modify(|value| *value += 1).or_insert(value));
        }
        Op::EntryRemove(key) => match (map.entry(key), model.entry(key)) {
            (Entry::Occupied(entry), ModelEntry::Occupied(its_model)) => {
                assert_eq!(entry.remove_entry(), its_model.shift_remove_entry());
            }
            (Entry::Vacant(entry), ModelEntry::Vacant(_)) => assert_eq!(entry.into_key(), key),
            _ => panic!("there in one and not in the other"),
        },
        Op::Extend(from, count) => {
            without_holes(map);
            map.extend((from..from + count).map(|key| (key, 3 * key)));
            model.extend((from..from + count).map(|key| (key, 3 * key)));
        }
        Op::Change(key) => {
            let there = map.get_full_mut(&key).map(|(_, key, value)| {
                *value += 1;
                (*key, *value)
            });
            let in_model = model.get_full_mut(&key).map(|(_, key, value)| {
                *value += 1;
                (*key, *value)
            });
            assert_eq!(there, in_model);
        }
        Op::ChangeIndex(index) => {
            without_holes(map);
            if index < model.len() {
                map[index] += 1;
                model[index] += 1;
                assert_eq!(map[index], model[index]);
            }
            assert_eq!(map.get_index_mut(index), model.get_index_mut(index));
        }
        Op::Remove(key) => {
            let removed = map.remove_full(&key).map(|(_, key, value)| (key, value));
            assert_eq!(removed, model.shift_remove_entry(&key));
        }
        Op::RemoveIndex(index) => {
            without_holes(map);
            assert_eq!(map.remove_index(index), model.shift_remove_index(index));
        }
        Op::Retain(modulus) => {
            map.retain(|key, value| (*key + *value) % modulus > 0);
            model.retain(|key, value| (*key + *value) % modulus > 0);
        }
        Op::Drain(front, back) => {
            let drain = map.drain();
            assert_eq!(format!("{drain:?}"), format!("{:?}", model.iter().collect::<Vec<_>>()));
            assert_eq!(take(drain, front, back), take(model.drain(..), front, back));
        }
        Op::Clear => {
            map.clear();
            model.clear();
        }
        Op::Reserve(more) => {
            map.reserve(more);
            assert!(map.capacity() >= map.len() + more);
        }
        Op::Shrink => map.shrink_to_fit(),
        Op::Take(front, back) => {
            let shown = format!("{:?}", model.iter().collect::<Vec<_>>());
            assert_eq!(format!("{:?}", map.iter()), shown);
            assert_eq!(format!("{:?}", map.clone().into_iter()), shown);
            assert_eq!(
                take(map.clone().into_iter(), front, back),
                take(model.clone().into_iter(), front, back)
            );
            let (keys, values) = (map.clone().into_keys(), map.clone().into_values());
            assert_eq!(format!("{keys:?} {values:?}"), format!("{:?} {:?}", map.keys(), map.values()));
            assert_eq!(take(keys, front, back), take(model.clone().into_keys(), front, back));
            assert_eq!(take(values, front, back), take(model.clone().into_values(), front, back));
            let keys = map.keys();
            assert!(keys.clone().eq(keys) && map.iter().clone().eq(map.iter()));
            assert!(map.values().clone().eq(model.values()) && map.keys().eq(model.keys()));
            assert!(map.values_mut().eq(model.values_mut()) && map.iter_mut().eq(model.iter_mut()));
        }
    }
}

fn same(map: &StableMap<u64, u64>, model: &IndexMap<u64, u64>) {
    assert!(map.iter().eq(model));
    assert!(map.iter().rev().eq(model.iter().rev()));
    assert_eq!(map.len(), model.len());
    if map.index_end() == map.len() {
        for (index, (key, value)) in model.iter().enumerate() {
            assert_eq!(map.get_full(key), Some((index, key, value)));
            assert_eq!(map.get_index(index), Some((key, value)));
        }
    } else {
        assert!(model.iter().all(|(key, value)| map.get_key_value(key) == Some((key, value))));
    }
    assert_eq!(map.get_index(map.index_end()), None);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 120 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_sequence_of_operations_leaves_what_it_leaves_in_an_index_map(
        ops in (20..if cfg!(miri) { 60 } else { 900_u64 }).prop_flat_map(|most| prop::collection::vec(op(most), 1..40))
    ) {
        let (mut map, mut model) = (StableMap::new(), IndexMap::new());
        for op in ops {
            run(&op, &mut map, &mut model);
            same(&map, &model);
        }
        prop_assert!(map.into_iter().eq(model));
    }

    #[test]
    fn sets_have_in_common_what_index_sets_have(
        left in prop::collection::vec(0..40_u64, 0..40),
        right in prop::collection::vec(0..40_u64, 0..40),
        removed in prop::collection::vec(0..40_u64, 0..9),
    ) {
        let (mut a, mut b): (StableSet<_>, StableSet<_>) = (left.iter().copied().collect(), right.iter().copied().collect());
        let (mut x, mut y): (IndexSet<_>, IndexSet<_>) = (left.iter().copied().collect(), right.iter().copied().collect());
        for key in &removed {
            prop_assert_eq!(a.take(key), x.shift_take(key));
            prop_assert_eq!(b.remove(key), y.shift_remove(key));
        }
        prop_assert!(a.union(&b).eq(x.union(&y)));
        prop_assert!(a.intersection(&b).eq(x.intersection(&y)));
        prop_assert!(a.difference(&b).eq(x.difference(&y)));
        prop_assert!(a.symmetric_difference(&b).eq(x.symmetric_difference(&y)));
        prop_assert!(a.union(&b).rev().eq(x.union(&y).rev()));
        prop_assert_eq!(a.is_disjoint(&b), x.is_disjoint(&y));
        prop_assert_eq!(a.is_subset(&b), x.is_subset(&y));
        prop_assert_eq!(a.is_superset(&b), x.is_superset(&y));
        prop_assert_eq!(a == b, x == y);
        prop_assert!(a.clone().is_subset(&a) && a.is_superset(&a));
        prop_assert!(a.into_iter().eq(x));
    }
}
