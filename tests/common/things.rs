//! Keys and values that are counted, and whose code may panic; hash functions, good and bad; and what can be said of any
//! map.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;
use v_alloc::StableMap;

/// How to hash, well or badly, and the same in each run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hashing {
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

pub struct Bad {
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
pub struct Tally {
    pub alive: RefCell<HashSet<u64>>,
    pub made: Cell<u64>,
    pub dropped_twice: Cell<bool>,
    /// The call of the caller's code that panics, counted down to 0; 0 is none.
    pub panics_after: Cell<u32>,
}

impl Tally {
    pub fn call(&self) {
        let left = self.panics_after.get();
        if left > 0 {
            self.panics_after.set(left - 1);
            assert!(left > 1, "as asked for");
        }
    }

    pub fn check(&self, alive: usize) {
        assert!(!self.dropped_twice.get());
        assert_eq!(self.alive.borrow().len(), alive);
    }
}

/// A key or a value: a number, and a serial number by which it is counted.
pub struct Thing {
    pub number: u64,
    pub serial: u64,
    pub tally: Rc<Tally>,
}

impl Thing {
    pub fn new(tally: &Rc<Tally>, number: u64) -> Self {
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
        self.tally.call();
        &self.number
    }
}

impl Debug for Thing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number.fmt(formatter)
    }
}

pub type Map = StableMap<Thing, Thing, Hashing>;

/// What can be said of any map: what iteration finds is found by key and by index, at one address; iteration is
/// in the order of indices and of the right length from both ends.
pub fn check_whole(map: &Map) {
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
