//! A `StableMap` stays whole whatever the code of its user does: panic, lie, look into maps meanwhile.
#![cfg(feature = "map")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::things::{Hashing, Map, Tally, Thing, check_whole};
use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use v_alloc::{Entry, StableMap, StableSet};

/// Where a panic is caught a container may be looked into from outside, as a `HashMap` may.
const _: () = {
    const fn may_be_shared_with_what_panics<T: UnwindSafe + RefUnwindSafe>() {}
    may_be_shared_with_what_panics::<StableMap<u64, String>>();
    may_be_shared_with_what_panics::<StableSet<u64>>();
    may_be_shared_with_what_panics::<v_alloc::StableVec<String>>();
    may_be_shared_with_what_panics::<v_alloc::StableString>();
    may_be_shared_with_what_panics::<v_alloc::Interner>();
};

/// A map of `count` keys, without holes or with some.
fn of_keys(tally: &Rc<Tally>, count: u64, holes: bool) -> Map {
    let mut map = StableMap::with_hasher(Hashing::Well);
    for key in 0..count {
        map.insert(Thing::new(tally, key), Thing::new(tally, key));
    }
    for key in (0..count).step_by(7).filter(|_| holes) {
        map.remove(&key);
    }
    map
}

/// Runs `work` again and again, and panics in the first, the second, ... call of the caller's code, until there are no
/// more. After each the map is whole, and nothing was dropped twice. What a function returns is lost if the drop of
/// something else at its end panics (rust-lang/rust#47949), so one thing may be left; never more.
fn panics_everywhere(name: &str, work: impl Fn(&mut Option<Map>, &Rc<Tally>)) {
    // With few entries, and while the table grows: 516 to 580 entries.
    for (count, holes, stride) in [(0, false, 1), (12, false, 1), (12, true, 1), (530, true, 97)] {
        let mut call = 1;
        loop {
            let tally = Rc::<Tally>::default();
            let mut map = Some(of_keys(&tally, count, holes));
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
#[allow(clippy::too_many_lines, reason = "one way to use a map after the other")]
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
    panics_everywhere("extract", |slot, tally| {
        let ask = |key: &Thing, _: &mut Thing| {
            tally.call();
            key.number % 3 == 0
        };
        map(slot).extract_if(ask).take(9).for_each(drop);
    });
    panics_everywhere("several values", |slot, _| {
        let present = map(slot).contains_key(&4_u64);
        assert_eq!(
            map(slot).get_disjoint_mut([&4, &20_000_u64]).map(|value| value.is_some()),
            [present, false]
        );
    });
    panics_everywhere("clear", |slot, _| map(slot).clear());
    panics_everywhere("drain", |slot, _| map(slot).drain().take(9).for_each(drop));
    panics_everywhere("drop", |slot, _| drop(slot.take()));
    panics_everywhere("into_iter", |slot, _| slot.take().unwrap().into_iter().take(9).for_each(drop));
    panics_everywhere("clone", |slot, _| drop(map(slot).clone()));
    panics_everywhere("eq", |slot, _| assert!(slot == slot));
    panics_everywhere("replace by a clone", |slot, _| *map(slot) = map(slot).clone());
    panics_everywhere("find by what keys borrow as", |slot, _| {
        assert_eq!(map(slot).contains_key(&4_u64), map(slot).get_mut(&4_u64).is_some());
        map(slot).remove(&4_u64);
    });
    panics_everywhere("change by index and by key", |slot, tally| {
        if map(slot).contains_key(&5_u64) {
            map(slot)[5] = thing(tally, 50);
            map(slot)[&5_u64] = thing(tally, 51);
        }
    });
    panics_everywhere("an entry made of its key, or replaced", |slot, tally| {
        for key in [5, 10_000] {
            map(slot).entry(thing(tally, key)).or_insert_with_key(Clone::clone);
            map(slot).entry(thing(tally, key + 1)).insert_entry(thing(tally, 8)).insert(thing(tally, 9));
        }
        if let Entry::Vacant(entry) = map(slot).entry(thing(tally, 20_000)) {
            tally.call();
            drop(entry);
        }
        if let Entry::Vacant(entry) = map(slot).entry(thing(tally, 20_001)) {
            entry.try_insert(thing(tally, 10)).unwrap().number += 1;
        }
    });
    panics_everywhere("what an iterator that panics has given stays", |slot, tally| {
        let from = map(slot).len() as u64;
        map(slot).extend((from..from + 5).map(|key| {
            tally.call();
            (thing(tally, key), thing(tally, key))
        }));
    });
    panics_everywhere("collect", |slot, tally| {
        let entries = (0..20).map(|key| (thing(tally, key % 7), thing(tally, key)));
        *map(slot) = entries.fold(StableMap::with_hasher(Hashing::Well), |mut map: Map, (key, value)| {
            map.insert(key, value);
            map
        });
    });
    panics_everywhere("drain from behind", |slot, _| map(slot).drain().rev().take(9).for_each(drop));
    panics_everywhere("into_keys and into_values", |slot, _| {
        slot.take().unwrap().into_keys().take(9).for_each(drop);
        *slot = Some(StableMap::with_hasher(Hashing::Well));
    });
    panics_everywhere("into_values", |slot, _| {
        slot.take().unwrap().into_values().rev().take(9).for_each(drop);
        *slot = Some(StableMap::with_hasher(Hashing::Well));
    });
    panics_everywhere("reserve", |slot, _| {
        let more = 2 * map(slot).len() + 100;
        map(slot).reserve(more);
    });
    panics_everywhere("change all", |slot, tally| {
        for (_, value) in map(slot).iter_mut() {
            *value = thing(tally, value.number + 1);
        }
    });
    panics_everywhere("shrink", |slot, _| {
        map(slot).clear();
        map(slot).shrink_to_fit();
    });
}

#[test]
fn a_set_survives_panics_of_its_elements() {
    type Set = StableSet<Thing, Hashing>;
    let work = |name: &str, work: &dyn Fn(&mut Set, &Rc<Tally>)| {
        for call in 1.. {
            let tally = Rc::<Tally>::default();
            let mut set = Set::with_hasher(Hashing::Well);
            set.extend((0..12).map(|number| Thing::new(&tally, number)));
            set.remove(&5_u64);
            tally.panics_after.set(call);
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut set, &tally)));
            let came_to_it = tally.panics_after.replace(0) == 0;
            assert_eq!(result.is_err(), came_to_it, "{name}: something else panicked");
            for (place, element) in set.iter().enumerate() {
                let (index, there) = set.get_full(&element.number).unwrap();
                assert!(std::ptr::eq(there, element) && index >= place);
            }
            let leaked = tally.alive.borrow().len() - set.len();
            assert!(leaked <= usize::from(came_to_it), "{name}, call {call}: {leaked} are lost");
            drop(set);
            tally.check(leaked);
            if !came_to_it {
                break;
            }
        }
    };
    work("replace", &|set, tally| {
        let before = set.len();
        let replaced = [4, 77].map(|number| set.replace(Thing::new(tally, number)).is_some());
        assert_eq!((replaced, set.len()), ([true, false], before + 1));
    });
    work("get or insert", &|set, tally| {
        for number in [4, 77] {
            let made = set.get_or_insert_with(&number, |number| {
                tally.call();
                Thing::new(tally, *number)
            });
            assert_eq!(made.number, number);
        }
    });
    work("retain", &|set, tally| {
        set.retain(|element| {
            tally.call();
            element.number % 2 == 0
        });
    });
    work("extract", &|set, tally| {
        let ask = |element: &Thing| {
            tally.call();
            element.number % 2 == 0
        };
        set.extract_if(ask).for_each(drop);
    });
    work("compare", &|set, tally| {
        let other: Set = [3, 4, 80].iter().fold(Set::with_hasher(Hashing::Constant), |mut set, &number| {
            set.insert(Thing::new(tally, number));
            set
        });
        assert_eq!((set.union(&other).count(), set.intersection(&other).count()), (set.len() + 1, 2));
        assert!(!set.is_disjoint(&other) && !set.is_subset(&other));
    });
    work("take", &|set, tally| {
        assert_eq!(set.take(&Thing::new(tally, 4)).unwrap().number, 4);
        assert!(set.insert(Thing::new(tally, 4)));
        set.drain().take(3).for_each(drop);
    });
}

/// An iterator that does not know how long it is.
struct Lies<I>(I, (usize, Option<usize>));

impl<I: Iterator> Iterator for Lies<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

#[test]
fn iterators_may_lie() {
    for hint in [(0, Some(0)), (usize::MAX, None), (7, Some(7)), (usize::MAX / 64, Some(usize::MAX / 64))] {
        let mut map: StableMap<u64, u64> = Lies((0..3000).map(|key| (key, !key)), hint).collect();
        map.extend(Lies((2000..5000).map(|key| (key, key)), hint));
        assert_eq!((map.len(), map[&1999], map[&2000]), (5000, !1999, 2000), "{hint:?}");
        let mut set: StableSet<u64> = Lies(0..3000, hint).collect();
        set.extend(Lies(2000..5000, hint));
        assert!(set.into_iter().eq(0..5000), "{hint:?}");
    }
}

/// A key that is another one each time that it is hashed or compared.
struct Liar {
    thing: Thing,
    lies: Rc<Cell<u64>>,
}

impl Liar {
    fn lie(&self) -> u64 {
        random(&self.lies)
    }
}

fn random(state: &Cell<u64>) -> u64 {
    state.set(state.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    state.get() >> 33
}

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // What a map multiplies hashes by, the other way round: so entries crowd in few places, and may be taken for each other.
        const BACK: u64 = 0xF1DE_83E1_9937_733D;
        let tag = (self.lie() % 8) << 28 | 0x55;
        state.write_u64((tag << 33).wrapping_mul(BACK));
    }
}

impl PartialEq for Liar {
    fn eq(&self, _: &Self) -> bool {
        self.lie() % 200 == 0
    }
}

impl Eq for Liar {}

#[test]
fn hashes_and_equality_may_lie() {
    for seed in 0..40 {
        let (tally, lies) = (Rc::<Tally>::default(), Rc::new(Cell::new(seed)));
        let key = |number| Liar { thing: Thing::new(&tally, number), lies: lies.clone() };
        let is_alive = |thing: &Thing| tally.alive.borrow().contains(&thing.serial);
        let mut map = StableMap::with_hasher(Hashing::Identity);
        for step in 0..4000 {
            let number = random(&lies);
            match number % 16 {
                0..8 => drop(map.insert(key(number), Thing::new(&tally, number))),
                8..11 => drop(map.remove(&key(number))),
                11 => assert!(map.get(&key(number)).is_none_or(is_alive)),
                12 => drop(map.remove_index(usize::try_from(number).unwrap() % (map.index_end() + 1))),
                13 => drop(map.entry(key(number)).or_insert_with(|| Thing::new(&tally, number))),
                14 if step % 200 == 0 => map.retain(|_, value| value.number % 3 > 0),
                15 if step % 64 == 0 => map.shrink_to_fit(),
                _ => assert!(map.get_mut(&key(number)).is_none_or(|value| is_alive(value))),
            }
            if step % 32 == 0 {
                assert!(map.iter().all(|(key, value)| is_alive(&key.thing) && is_alive(value)));
                assert_eq!(map.iter().count(), map.len());
                tally.check(2 * map.len());
            }
        }
        assert!(map.len() > 100, "{}", map.len());
        drop(map);
        tally.check(0);
    }
}

/// A key that looks into maps whenever it is hashed, compared, cloned or dropped: into its own too, if it can.
struct Looks {
    number: u64,
    /// The map that it is in, while that is shared.
    home: Weak<StableMap<Looks, u64>>,
    /// One that it changes.
    other: Rc<RefCell<StableMap<u64, u64>>>,
    looked: Rc<Cell<u64>>,
}

impl Looks {
    fn look(&self) {
        self.looked.set(self.looked.get() + 1);
        let mut other = self.other.borrow_mut();
        let count = other.len() as u64;
        *other.entry(self.number).or_insert(0) += 1;
        other.insert(1_000_000 + count, 0);
        other.remove(&(1_000_000 + count / 2));
        drop(other);
        // Once deep: the keys that are looked at do not look.
        if let Some(home) = Weak::upgrade(&self.home) {
            assert_eq!(home.iter().filter(|(key, _)| key.number == self.number).count(), 1);
            let key = self.without_home((self.number + 1) % home.len() as u64);
            assert_eq!(home.get_full(&key.number).map(|found| found.2), Some(&(10 * key.number)));
        }
    }

    fn without_home(&self, number: u64) -> Self {
        Self { number, home: Weak::new(), other: self.other.clone(), looked: self.looked.clone() }
    }
}

impl Borrow<u64> for Looks {
    fn borrow(&self) -> &u64 {
        &self.number
    }
}

impl Hash for Looks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.look();
        self.number.hash(state);
    }
}

impl PartialEq for Looks {
    fn eq(&self, other: &Self) -> bool {
        self.look();
        self.number == other.number
    }
}

impl Eq for Looks {}

impl Clone for Looks {
    fn clone(&self) -> Self {
        self.look();
        self.without_home(self.number)
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn keys_may_look_into_maps_while_they_are_hashed_compared_cloned_and_dropped() {
    let (other, looked) = (Rc::<RefCell<StableMap<u64, u64>>>::default(), Rc::<Cell<u64>>::default());
    let shared = Rc::new_cyclic(|home| {
        let key = |number| Looks { number, home: home.clone(), other: other.clone(), looked: looked.clone() };
        (0..300).map(|number| (key(number), 10 * number)).collect::<StableMap<_, _>>()
    });
    assert!(looked.get() >= 300);
    let before = looked.get();
    let (first, _) = shared.get_key_value(&7).unwrap();
    let found = shared.get_full(first).unwrap();
    assert!(std::ptr::eq(found.1, first) && looked.get() >= before + 2, "hashed and compared");
    let mut clone = StableMap::clone(&*shared);
    assert!(clone.keys().map(|key| key.number).eq(0..300));
    assert!(clone == *shared);
    clone.retain(|key, _| key.clone().number % 3 == 0);
    assert!(clone.drain().map(|(key, _)| key.number).eq((0..300).step_by(3)));
    drop(clone);
    drop(shared); // the weak pointers know
    let counted = RefCell::borrow(&other);
    assert!((0..300).all(|number| counted[&number] > 4), "hashed, compared, cloned and dropped");
    assert_eq!(
        counted.iter().filter(|(key, _)| **key < 1_000_000).map(|(_, count)| count).sum::<u64>(),
        looked.get()
    );
}
