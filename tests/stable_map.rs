//! `StableMap` is a `HashMap` whose entries keep their index and their address until they are removed: against a
//! model, with bad hash functions, with panics in the caller's code, and counting what is dropped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]
#![cfg(feature = "map")]

use proptest::prelude::*;
use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use v_alloc::{Entry, StableMap, StableSet};

/// How to hash, well or badly, and the same in each run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hashing {
    Well,
    Constant,
    Identity,
    LowBits,
    HighBits,
}

impl BuildHasher for Hashing {
    type Hasher = Bad;
    fn build_hasher(&self) -> Bad {
        Bad { hashing: *self, inner: DefaultHasher::new(), last: 0 }
    }
}

struct Bad {
    hashing: Hashing,
    inner: DefaultHasher,
    last: u64,
}

impl Hasher for Bad {
    fn write(&mut self, bytes: &[u8]) {
        self.inner.write(bytes);
    }
    fn write_u64(&mut self, number: u64) {
        self.inner.write_u64(number);
        self.last = number;
    }
    fn finish(&self) -> u64 {
        match self.hashing {
            Hashing::Well => self.inner.finish(),
            Hashing::Constant => 0x1234_5678_9ABC_DEF0,
            Hashing::Identity => self.last,
            Hashing::LowBits => self.inner.finish() & 0xFFFF,
            Hashing::HighBits => self.inner.finish() << 48,
        }
    }
}

/// Knows each thing that is alive, and whether one was dropped that was not.
#[derive(Default)]
struct Tally {
    alive: RefCell<HashSet<u64>>,
    made: Cell<u64>,
    dropped_twice: Cell<bool>,
    /// The call of the caller's code that panics, counted down to 0; 0 is none.
    panics_after: Cell<u32>,
}

impl Tally {
    fn call(&self) {
        let left = self.panics_after.get();
        if left > 0 {
            self.panics_after.set(left - 1);
            assert!(left > 1, "as asked for");
        }
    }

    fn check(&self, alive: usize) {
        assert!(!self.dropped_twice.get());
        assert_eq!(self.alive.borrow().len(), alive);
    }
}

/// A key or a value: a number, and a serial number by which it is counted.
struct Thing {
    number: u64,
    serial: u64,
    tally: Rc<Tally>,
}

impl Thing {
    fn new(tally: &Rc<Tally>, number: u64) -> Self {
        let serial = tally.made.get();
        tally.made.set(serial + 1);
        tally.alive.borrow_mut().insert(serial);
        Self { number, serial, tally: tally.clone() }
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        if !self.tally.alive.borrow_mut().remove(&self.serial) {
            self.tally.dropped_twice.set(true);
        }
        if !std::thread::panicking() {
            self.tally.call();
        }
    }
}

impl Clone for Thing {
    fn clone(&self) -> Self {
        self.tally.call();
        Self::new(&self.tally, self.number)
    }
}

impl PartialEq for Thing {
    fn eq(&self, other: &Self) -> bool {
        self.tally.call();
        self.number == other.number
    }
}

impl Eq for Thing {}

impl Hash for Thing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tally.call();
        self.number.hash(state);
    }
}

impl Borrow<u64> for Thing {
    fn borrow(&self) -> &u64 {
        &self.number
    }
}

impl Debug for Thing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number.fmt(formatter)
    }
}

type Map = StableMap<Thing, Thing, Hashing>;

/// What can be said of any map: what iteration finds is found by key and by index, at one address; iteration is
/// in the order of indices and of the right length from both ends.
fn check_whole(map: &Map) {
    let mut entries = Vec::new();
    for (key, value) in map {
        let (index, key_there, value_there) =
            map.get_full(&key.number).expect("what iteration finds is there");
        assert!(std::ptr::eq(key, key_there) && std::ptr::eq(value, value_there));
        let (key_there, value_there) = map.get_index(index).unwrap();
        assert!(std::ptr::eq(key, key_there) && std::ptr::eq(value, value_there));
        entries.push((index, key.number));
    }
    assert_eq!(entries.len(), map.len());
    assert_eq!(map.is_empty(), entries.is_empty());
    assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
    assert!(entries.last().is_none_or(|last| last.0 < map.index_end()));
    let by_index = (0..map.index_end()).filter_map(|index| Some((index, map.get_index(index)?.0.number)));
    assert!(by_index.eq(entries.iter().copied()));
    assert!(map.get_index(map.index_end()).is_none());
    assert!(map.keys().map(|key| key.number).eq(entries.iter().map(|entry| entry.1)));
}

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
        assert_eq!(clone.index_end(), clone.len());
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
                self.index_end = self.map.len();
                for (index, (key, value)) in self.map.iter().enumerate() {
                    self.model.insert(key.number, (index, address(value), value.number));
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
            Op::Shrink => self.map.shrink_to_fit(),
            Op::Move => {
                let moved = Box::new(std::mem::replace(&mut self.map, StableMap::with_hasher(Hashing::Well)));
                self.map = *moved;
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
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
    Shrink,
    Move,
}

/// Operations on up to `most` keys, a few or many at once.
fn op(most: u64) -> impl Strategy<Value = Op> {
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
        1 => Just(Op::Shrink),
        1 => Just(Op::Move),
    ]
}

fn run_all(hashing: Hashing, ops: &[Op]) {
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

/// A map of `count` keys, with holes.
fn with_holes(tally: &Rc<Tally>, count: u64) -> Map {
    let mut map = StableMap::with_hasher(Hashing::Well);
    for key in 0..count {
        map.insert(Thing::new(tally, key), Thing::new(tally, key));
    }
    for key in (0..count).step_by(7) {
        map.remove(&key);
    }
    map
}

/// Runs `work` again and again, and panics in the first, the second, ... call of the caller's code, until there are no
/// more. After each the map is whole, and nothing was dropped twice. What a function returns is lost if the drop of
/// something else at its end panics (rust-lang/rust#47949), so one thing may be left; never more.
fn panics_everywhere(name: &str, work: impl Fn(&mut Option<Map>, &Rc<Tally>)) {
    // With few entries, and while entries migrate to the second table.
    for (count, stride) in [(0, 1), (12, 1), (800, 97)] {
        let mut call = 1;
        loop {
            let tally = Rc::<Tally>::default();
            let mut map = Some(with_holes(&tally, count));
            tally.panics_after.set(call);
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut map, &tally)));
            let came_to_it = tally.panics_after.replace(0) == 0;
            assert_eq!(result.is_err(), came_to_it, "{name}: something else panicked");
            let kept = map.as_ref().map_or(0, |map| 2 * map.len());
            let leaked = tally.alive.borrow().len() - kept;
            assert!(leaked <= usize::from(came_to_it), "{name}, call {call}: {leaked} are lost");
            if let Some(map) = &mut map {
                check_whole(map);
                // It goes on to work.
                for key in 0..count + 5 {
                    map.insert(Thing::new(&tally, key), Thing::new(&tally, key));
                }
                assert_eq!((0..count + 5).filter(|key| map.contains_key(key)).count() as u64, count + 5);
                check_whole(map);
                tally.check(2 * map.len() + leaked);
            }
            drop(map);
            tally.check(leaked);
            if !came_to_it {
                break;
            }
            call += stride;
        }
    }
}

fn map(slot: &mut Option<Map>) -> &mut Map {
    slot.as_mut().unwrap()
}

#[test]
fn a_map_survives_panics_of_keys_and_values() {
    let thing = Thing::new;
    panics_everywhere("insert a new key", |slot, tally| {
        map(slot).insert(thing(tally, 10_000), thing(tally, 1));
    });
    panics_everywhere("insert a key that is there", |slot, tally| {
        map(slot).insert(thing(tally, 3), thing(tally, 1));
    });
    panics_everywhere("insert many", |slot, tally| {
        let (from, to) = (map(slot).len() as u64, map(slot).len() as u64 + 30);
        map(slot).extend((from..to).map(|key| (thing(tally, key), thing(tally, key))));
    });
    panics_everywhere("get", |slot, tally| {
        let key = thing(tally, 4);
        map(slot).get(&key);
        map(slot).get_mut(&key);
    });
    panics_everywhere("remove", |slot, tally| {
        let key = thing(tally, 5);
        map(slot).remove(&key);
        map(slot).remove_full(&key);
    });
    panics_everywhere("remove an index", |slot, _| {
        map(slot).remove_index(1);
    });
    panics_everywhere("an entry, there or not", |slot, tally| {
        for key in [5, 10_000] {
            map(slot).entry(thing(tally, key)).and_modify(|_| tally.call()).or_insert_with(|| {
                tally.call();
                thing(tally, 7)
            });
        }
    });
    panics_everywhere("remove an entry", |slot, tally| {
        if let Entry::Occupied(entry) = map(slot).entry(thing(tally, 6)) {
            entry.remove();
        }
    });
    panics_everywhere("retain", |slot, tally| {
        map(slot).retain(|key, _| {
            tally.call();
            key.number % 3 == 0
        });
    });
    panics_everywhere("clear", |slot, _| map(slot).clear());
    panics_everywhere("drain", |slot, _| map(slot).drain().take(9).for_each(drop));
    panics_everywhere("drop", |slot, _| drop(slot.take()));
    panics_everywhere("into_iter", |slot, _| slot.take().unwrap().into_iter().take(9).for_each(drop));
    panics_everywhere("clone", |slot, _| drop(map(slot).clone()));
    panics_everywhere("eq", |slot, _| assert!(slot == slot));
    panics_everywhere("replace by a clone", |slot, _| *map(slot) = map(slot).clone());
}

#[test]
fn borrowed_keys() {
    let mut map = StableMap::new();
    let (index, _) = map.insert_full(String::from("one"), 1);
    map.insert(String::from("two"), 2);
    assert_eq!((map.get("one"), map["two"], map.get("three")), (Some(&1), 2, None));
    assert_eq!(map.get_full("one"), Some((index, &String::from("one"), &1)));
    assert_eq!(map.get_key_value("two"), Some((&String::from("two"), &2)));
    *map.get_mut("one").unwrap() += 10;
    assert!(map.contains_key("one"));
    assert_eq!(map.remove_full("one"), Some((index, String::from("one"), 11)));
    assert_eq!(map.remove_entry("one"), None);
    assert_eq!(map.remove("two"), Some(2));
    // What is empty does not hash.
    assert_eq!(map.get_index_of("two"), None);
}

#[test]
#[should_panic(expected = "no entry found for key")]
fn indexing_panics_for_a_missing_key() {
    let map = StableMap::from([("a", 1)]);
    assert_eq!(map["b"], 1);
}

#[test]
fn traits_of_a_map() {
    let map = StableMap::from([(1, "a"), (2, "b"), (1, "c")]);
    assert_eq!(format!("{map:?}"), r#"{1: "c", 2: "b"}"#);
    assert_eq!(map.len(), 2);
    let other: StableMap<_, _> = [(2, "b"), (1, "c")].into_iter().collect();
    assert_eq!(map, other);
    assert_eq!(map.clone(), map);
    assert_ne!(map, StableMap::from([(1, "c")]));
    assert_ne!(map, StableMap::from([(1, "c"), (2, "x")]));
    assert_ne!(map, StableMap::from([(1, "c"), (3, "b")]));
    let empty = StableMap::<i32, &str>::default();
    assert!(empty.is_empty() && empty.iter().next().is_none() && empty.get(&1).is_none());
    assert_eq!((empty.len(), empty.index_end(), empty == StableMap::new()), (0, 0, true));
    // By reference, and with another hasher.
    let mut copies = StableMap::with_hasher(Hashing::Well);
    copies.extend(&map);
    assert!(copies == map);
    for (_, value) in &mut copies {
        *value = "z";
    }
    assert!(copies.values().eq(&["z", "z"]));
    assert_eq!(*copies.entry(9).or_default(), "");
    assert_eq!(*copies.entry(10).or_insert_with_key(|key| if *key == 10 { "ten" } else { "" }), "ten");
    assert_eq!(copies.entry(10).key(), &10);
    for value in copies.values_mut() {
        *value = "y";
    }
    assert!(copies.into_iter().rev().map(|(key, _)| key).eq([10, 9, 2, 1]));
}

#[test]
fn keys_and_values_of_no_size() {
    let mut map = const { StableMap::<(), (), _>::with_hasher(Hashing::Well) };
    assert_eq!((map.insert_full((), ()), map.insert_full((), ())), ((0, None), (0, Some(()))));
    assert_eq!((map.remove_full(&()), map.len()), (Some((0, (), ())), 0));
}

#[test]
fn a_set() {
    let mut set: StableSet<String> = ["a", "b", "a"].into_iter().map(String::from).collect();
    assert_eq!((set.len(), set.is_empty()), (2, false));
    let (index, new) = set.insert_full("c".into());
    assert!(new && set.contains("c") && !set.contains("d"));
    assert_eq!((set.get_index_of("c"), set.get_index(index).unwrap().as_str()), (Some(index), "c"));
    assert_eq!(set.insert_full("c".into()), (index, false));
    let at = set.get("c").unwrap().as_ptr();
    assert!(set.remove("a") && !set.remove("a"));
    assert_eq!(set.take("b").as_deref(), Some("b"));
    set.extend((0..5000).map(|number| number.to_string()));
    assert_eq!(set.get("c").unwrap().as_ptr(), at);
    assert_eq!((set.len(), set.iter().len()), (5001, 5001));
    assert!((0..5000).all(|number| set.contains(&number.to_string())));
    let clone = set.clone();
    assert!(clone == set);
    set.retain(|element| element.len() == 1);
    assert!(clone != set);
    assert_eq!(set.len(), 11);
    assert_eq!(set.remove_index(index).as_deref(), Some("c"));
    let mut drained: Vec<_> = set.drain().collect();
    drained.sort_unstable();
    assert_eq!(drained.concat(), "0123456789");
    assert!(set.is_empty() && set.iter().next().is_none());
    set.insert("x".into());
    assert_eq!(format!("{set:?}"), r#"{"x"}"#);
    assert_eq!((&set).into_iter().count(), 1);
    set.clear();
    assert_eq!(set, StableSet::new());
    assert_eq!(set, StableSet::<String>::default());
}

const fn send<T: Send>() {}
const fn sync<T: Sync>() {}

const _: () = {
    send::<StableMap<u64, String>>();
    send::<StableMap<u64, Cell<u64>>>();
    send::<StableSet<String>>();
    send::<v_alloc::IntoIter<u64, Cell<u64>>>();
    send::<v_alloc::Iter<'_, u64, String>>();
    sync::<v_alloc::Iter<'_, u64, String>>();
    send::<v_alloc::IterMut<'_, u64, Cell<u64>>>();
    send::<v_alloc::Keys<'_, u64, String>>();
};

/// Does not compile if `$type: $trait`: then there are two of `Unlike`.
macro_rules! is_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {
        const _: () = {
            trait Unlike<A> {
                const HERE: () = ();
            }
            impl<T: ?Sized> Unlike<()> for T {}
            impl<T: ?Sized + $trait> Unlike<u8> for T {}
            $(let () = <$type as Unlike<_>>::HERE;)+
        };
    };
}

is_not!(Send: StableMap<u64, Rc<u64>>, StableMap<Rc<u64>, u64>, StableMap<u64, u64, Rc<u64>>, StableSet<Rc<u64>>);
is_not!(Send: v_alloc::Iter<'static, u64, Cell<u64>>, v_alloc::IntoIter<u64, Rc<u64>>);
is_not!(Sync: StableMap<u64, Cell<u64>>, StableMap<Cell<u64>, u64>, StableSet<Cell<u64>>);

#[test]
fn a_map_goes_to_another_thread_with_its_entries() {
    let mut map = StableMap::new();
    for key in 0..1000_u64 {
        map.insert(key, key.to_string());
    }
    let at = std::ptr::from_ref(&map[&500]).addr();
    let map = std::thread::spawn(move || {
        map.extend((1000..5000).map(|key| (key, key.to_string())));
        assert_eq!(std::ptr::from_ref(&map[&500]).addr(), at);
        map
    })
    .join()
    .unwrap();
    assert!((0..5000).all(|key| map[&key] == key.to_string()));
}
