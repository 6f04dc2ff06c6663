//! Any sequence of operations leaves in a `StableMap` what it leaves in a map of the standard library, and entries keep
//! index and address until they are removed. Every key and value is dropped once.
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

pub(crate) use common::things::Hashing;
use common::things::{Map, Tally, Thing, check_whole};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use v_alloc::{Entry, StableMap};

/// A map and what it must be.
struct Modelled {
    map: Map,
    /// By key: index, address of the value, value.
    model: HashMap<u64, (usize, usize, u64)>,
    index_end: usize,
    tally: Rc<Tally>,
    next_value: u64,
}

fn address(value: &Thing) -> usize {
    std::ptr::from_ref(value).addr()
}

impl Modelled {
    fn new(hashing: Hashing) -> Self {
        Self {
            map: StableMap::with_hasher(hashing),
            model: HashMap::new(),
            index_end: 0,
            tally: Rc::default(),
            next_value: 0,
        }
    }

    fn pair(&mut self, key: u64) -> (Thing, Thing) {
        self.next_value += 1;
        (Thing::new(&self.tally, key), Thing::new(&self.tally, self.next_value))
    }

    /// The key was inserted, or its value replaced: by whatever way.
    fn inserted(&mut self, key: u64, index: usize, before: Option<u64>) {
        let at = address(self.map.get_index(index).unwrap().1);
        let holes = self.index_end - self.model.len();
        let there = self.model.insert(key, (index, at, self.next_value));
        assert_eq!(before, there.map(|there| there.2));
        match there {
            Some((old_index, old_at, _)) => assert_eq!((index, at), (old_index, old_at)),
            None if holes > 0 => assert!(index < self.index_end, "a hole is there to be filled"),
            None => {
                assert_eq!(index, self.index_end);
                self.index_end += 1;
            }
        }
        assert_eq!(self.map.index_end(), self.index_end);
    }

    fn insert(&mut self, key: u64, how: u8) {
        let (new_key, value) = self.pair(key);
        match how % 4 {
            0 => {
                let (index, before) = self.map.insert_full(new_key, value);
                self.inserted(key, index, before.map(|before| before.number));
            }
            1 => {
                let (index, before) = self.map.try_insert_full(new_key, value).unwrap();
                self.inserted(key, index, before.map(|before| before.number));
            }
            2 => {
                let before = match self.map.entry(new_key) {
                    Entry::Occupied(mut entry) => {
                        assert_eq!(entry.key().number, key);
                        assert_eq!(entry.index(), self.model[&key].0);
                        Some(entry.insert(value).number)
                    }
                    Entry::Vacant(entry) => {
                        assert_eq!(entry.key().number, key);
                        let number = value.number;
                        assert_eq!(entry.insert(value).number, number);
                        None
                    }
                };
                let index = self.map.get_index_of(&key).unwrap();
                self.inserted(key, index, before);
            }
            _ => {
                let before = self.model.get(&key).map(|there| there.2);
                let number = value.number;
                let there =
                    self.map.entry(new_key).and_modify(|value| value.number = number).or_insert(value);
                assert_eq!(there.number, number);
                let index = self.map.get_index_of(&key).unwrap();
                self.inserted(key, index, before);
            }
        }
    }

    fn remove(&mut self, key: u64, how: u8) {
        let there = self.model.remove(&key);
        let removed = match how % 5 {
            0 => self.map.remove_full(&key).map(|(index, key, value)| (index, key.number, value.number)),
            1 => self.map.remove(&key).map(|value| (there.unwrap().0, key, value.number)),
            2 => self.map.remove_entry(&key).map(|(key, value)| (there.unwrap().0, key.number, value.number)),
            3 => there.map(|(index, ..)| {
                let (key, value) = self.map.remove_index(index).unwrap();
                assert!(self.map.remove_index(index).is_none());
                (index, key.number, value.number)
            }),
            _ => match self.map.entry(Thing::new(&self.tally, key)) {
                Entry::Occupied(entry) => {
                    let index = entry.index();
                    let (key, value) = entry.remove_entry();
                    Some((index, key.number, value.number))
                }
                Entry::Vacant(entry) => {
                    assert_eq!(entry.into_key().number, key);
                    None
                }
            },
        };
        assert_eq!(removed, there.map(|(index, _, value)| (index, key, value)));
        assert!(!self.map.contains_key(&key));
    }

    fn look(&mut self, key: u64) {
        let there = self.model.get(&key).copied();
        let is = |value: &Thing| (address(value), value.number);
        assert_eq!(self.map.get(&key).map(is), there.map(|there| (there.1, there.2)));
        assert_eq!(self.map.get_index_of(&key), there.map(|there| there.0));
        assert_eq!(
            self.map.get_full(&key).map(|(index, _, value)| (index, address(value), value.number)),
            there
        );
        assert_eq!(self.map.get_key_value(&key).map(|(key, _)| key.number), there.map(|_| key));
        self.next_value += 1;
        if let Some(value) = self.map.get_mut(&key) {
            value.number = self.next_value;
            self.model.get_mut(&key).unwrap().2 = self.next_value;
        }
        if let Some((index, ..)) = there {
            let (found, value) = self.map.get_index_mut(index).unwrap();
            assert_eq!((found.number, value.number), (key, self.next_value));
        }
    }

    fn emptied(&mut self) {
        self.model.clear();
        self.index_end = 0;
    }

    /// The entries in the order of indices.
    fn expected(&self) -> Vec<(u64, u64)> {
        let by_index: BTreeMap<_, _> =
            self.model.iter().map(|(key, (index, _, value))| (*index, (*key, *value))).collect();
        by_index.into_values().collect()
    }

    fn check(&mut self) {
        assert_eq!((self.map.len(), self.map.index_end()), (self.model.len(), self.index_end));
        assert_eq!(self.map.is_empty(), self.model.is_empty());
        for (key, there) in &self.model {
            let (index, its_key, value) = self.map.get_full(key).expect("no entry is lost");
            assert_eq!((its_key.number, (index, address(value), value.number)), (*key, *there));
        }
        check_whole(&self.map);
        self.tally.check(2 * self.model.len());
        let expected = self.expected();
        self.check_iterators(&expected);
    }

    /// Every iterator, from both ends in turn.
    fn check_iterators(&mut self, expected: &[(u64, u64)]) {
        fn both_ends<I: DoubleEndedIterator + ExactSizeIterator>(
            mut iterator: I,
            expected: &[(u64, u64)],
            same: impl Fn(I::Item, (u64, u64)) -> bool,
        ) {
            let mut left = expected;
            for step in 0_usize.. {
                assert_eq!(
                    (iterator.len(), iterator.size_hint()),
                    (left.len(), (left.len(), Some(left.len())))
                );
                let (item, end);
                if step % 3 == 0 {
                    (item, end) = (iterator.next_back(), left.split_last());
                } else {
                    (item, end) = (iterator.next(), left.split_first());
                }
                match (item, end) {
                    (Some(item), Some((end, rest))) => {
                        assert!(same(item, *end));
                        left = rest;
                    }
                    (None, None) => break,
                    _ => panic!("too many or too few"),
                }
            }
            assert!(iterator.next().is_none() && iterator.next_back().is_none());
        }
        both_ends(self.map.iter(), expected, |(key, value), is| (key.number, value.number) == is);
        both_ends(self.map.iter_mut(), expected, |(key, value), is| (key.number, value.number) == is);
        both_ends(self.map.keys(), expected, |key, is| key.number == is.0);
        both_ends(self.map.values(), expected, |value, is| value.number == is.1);
        both_ends(self.map.values_mut(), expected, |value, is| value.number == is.1);
        let clone = self.map.clone();
        assert_eq!(clone.hasher(), self.map.hasher());
        assert_eq!(clone.index_end(), self.map.index_end());
        assert!(clone == self.map);
        check_whole(&clone);
        both_ends(clone.into_iter(), expected, |(key, value), is| (key.number, value.number) == is);
        self.tally.check(2 * self.model.len());
    }

    #[allow(clippy::too_many_lines, reason = "one case after another")]
    fn run(&mut self, op: &Op) {
        match *op {
            Op::Insert { from, count, step, how } => {
                for key in (from..).step_by(step).take(count) {
                    self.insert(key, how);
                }
            }
            Op::Remove { from, count, step, how } => {
                for key in (from..).step_by(step).take(count) {
                    self.remove(key, how);
                }
            }
            Op::Look { from, count } => (from..from + count).for_each(|key| self.look(key)),
            // The number of entries stays what it is.
            Op::Cycle { from, count, distance, how } => {
                for key in from..from + count {
                    self.remove(key, how);
                    self.insert(key + distance, how);
                }
            }
            Op::RemoveIndex { from, count } => {
                for index in from..from + count {
                    let key = self.map.get_index(index).map(|(key, _)| key.number);
                    let removed = self.map.remove_index(index);
                    assert_eq!(removed.map(|(key, _)| key.number), key);
                    if let Some(key) = key {
                        assert_eq!(self.model.remove(&key).unwrap().0, index);
                    }
                }
            }
            Op::Retain { modulus, rest } => {
                let mut seen = Vec::new();
                self.map.retain(|key, value| {
                    seen.push((key.number, value.number));
                    value.number += 1;
                    key.number % modulus != rest
                });
                assert_eq!(seen, self.expected());
                self.model.retain(|key, there| {
                    there.2 += 1;
                    key % modulus != rest
                });
                self.next_value += 1;
            }
            Op::Extend { from, count } => {
                let pairs: Vec<_> = (from..from + count).map(|key| self.pair(key)).collect();
                let values: Vec<_> = pairs.iter().map(|(_, value)| value.number).collect();
                let before: Vec<_> = (from..from + count).map(|key| self.model.get(&key).copied()).collect();
                self.map.extend(pairs);
                let last = self.next_value;
                for ((key, value), before) in (from..).zip(values).zip(before) {
                    let (index, its_key, its_value) = self.map.get_full(&key).unwrap();
                    assert_eq!((its_key.number, its_value.number), (key, value));
                    let at = address(its_value);
                    assert!(before.is_none_or(|before| (before.0, before.1) == (index, at)));
                    self.model.insert(key, (index, at, value));
                }
                self.next_value = last;
                // All holes are filled before the map gets longer.
                self.index_end = self.index_end.max(self.model.len());
            }
            Op::Clear => {
                self.map.clear();
                self.emptied();
            }
            Op::Drain { take, forget } => {
                let expected = self.expected();
                let mut drain = self.map.drain();
                for expected in expected.iter().take(take) {
                    let (key, value) = drain.next().unwrap();
                    assert_eq!((key.number, value.number), *expected);
                }
                if forget {
                    // What is left leaks, and the map is empty.
                    std::mem::forget(drain);
                    self.tally.alive.borrow_mut().clear();
                } else {
                    drop(drain);
                }
                self.emptied();
            }
            Op::Clone => {
                let expected = self.expected();
                self.map = self.map.clone();
                assert!(self.map.iter().map(|(key, value)| (key.number, value.number)).eq(expected));
                for (key, value) in &self.map {
                    let entry = self.model.get_mut(&key.number).unwrap();
                    *entry = (entry.0, address(value), value.number); // where it was, in another memory
                }
            }
            Op::IntoIter { take } => {
                let expected = self.expected();
                let hashing = *self.map.hasher();
                let mut entries =
                    std::mem::replace(&mut self.map, StableMap::with_hasher(hashing)).into_iter();
                for expected in expected.iter().take(take) {
                    let (key, value) = entries.next().unwrap();
                    assert_eq!((key.number, value.number), *expected);
                }
                drop(entries);
                self.emptied();
            }
            Op::Reserve(more) => self.map.reserve(more),
            Op::Shrink(capacity) => {
                let before = self.map.capacity();
                self.map.shrink_to(capacity);
                assert!(self.map.capacity() >= before.min(capacity));
                self.index_end = self.model.values().map(|there| there.0 + 1).max().unwrap_or(0);
            }
            Op::Move => {
                let moved = Box::new(std::mem::replace(&mut self.map, StableMap::with_hasher(Hashing::Well)));
                self.map = *moved;
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Insert { from: u64, count: usize, step: usize, how: u8 },
    Remove { from: u64, count: usize, step: usize, how: u8 },
    Look { from: u64, count: u64 },
    Cycle { from: u64, count: u64, distance: u64, how: u8 },
    RemoveIndex { from: usize, count: usize },
    Retain { modulus: u64, rest: u64 },
    Extend { from: u64, count: u64 },
    Clear,
    Drain { take: usize, forget: bool },
    Clone,
    IntoIter { take: usize },
    Reserve(usize),
    Shrink(usize),
    Move,
}

/// Operations on up to `most` keys, a few or many at once. (`fuzz/` takes them from here, too.)
pub(crate) fn op(most: u64) -> impl Strategy<Value = Op> {
    let count = prop_oneof![3 => 1..8_u64, 2 => 1..most / 2, 1 => most / 2..most];
    let how = any::<u8>();
    let keys = (0..most, count, 1..4_usize, how);
    let all = most as usize;
    prop_oneof![
        10 => keys.clone().prop_map(|(from, count, step, how)| Op::Insert { from, count: count as usize, step, how }),
        6 => keys.clone().prop_map(|(from, count, step, how)| Op::Remove { from, count: count as usize, step, how }),
        3 => keys.clone().prop_map(|(from, count, ..)| Op::Look { from, count }),
        4 => (keys.clone(), 0..most * 2)
            .prop_map(|((from, count, _, how), distance)| Op::Cycle { from, count, distance, how }),
        2 => (0..all, 1..all).prop_map(|(from, count)| Op::RemoveIndex { from, count }),
        2 => (1..5_u64, 0..5_u64).prop_map(|(modulus, rest)| Op::Retain { modulus, rest }),
        2 => keys.prop_map(|(from, count, ..)| Op::Extend { from, count }),
        1 => Just(Op::Clear),
        1 => (0..all, any::<bool>()).prop_map(|(take, forget)| Op::Drain { take, forget }),
        1 => Just(Op::Clone),
        1 => (0..all).prop_map(|take| Op::IntoIter { take }),
        1 => (0..5000_usize).prop_map(Op::Reserve),
        1 => prop_oneof![Just(0), 0..3000_usize].prop_map(Op::Shrink),
        1 => Just(Op::Move),
    ]
}

pub(crate) fn run_all(hashing: Hashing, ops: &[Op]) {
    let mut modelled = Modelled::new(hashing);
    for op in ops {
        modelled.run(op);
        modelled.check();
    }
    let tally = modelled.tally.clone();
    drop(modelled);
    tally.check(0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_agrees_with_the_model(ops in prop::collection::vec(op(600), 1..24)) {
        run_all(Hashing::Well, &ops);
    }

    #[test]
    fn any_sequence_of_operations_with_one_hash_for_all_keys(ops in prop::collection::vec(op(60), 1..24)) {
        run_all(Hashing::Constant, &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_on_thousands(ops in prop::collection::vec(op(6000), 1..16)) {
        run_all(Hashing::Well, &ops);
    }

    #[test]
    fn any_sequence_of_operations_with_bad_hashes(
        hashing in prop::sample::select(vec![Hashing::Identity, Hashing::LowBits, Hashing::HighBits]),
        ops in prop::collection::vec(op(2500), 1..16),
    ) {
        run_all(hashing, &ops);
    }
}
