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
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use v_alloc::{Entry, StableMap};

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
