//! What a `StableMap` is to the standard library.

use super::{StableMap, give_up};
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::{Index, IndexMut};

/// Entries that an iterator is believed to have when it says so.
const MOST_EXPECTED: usize = 1 << 16;

impl<K, V, S: Default> Default for StableMap<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for StableMap<K, V, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

/// The clone has the same options, and each entry the same index. Nothing is hashed or compared.
///
/// ```
/// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2), ("three", 3)]);
/// map.remove("two");
/// let clone = map.clone();
/// assert_eq!((clone.get_index_of("three"), clone.get_index(1)), (Some(2), None));
/// ```
impl<K: Clone, V: Clone, S: Clone> Clone for StableMap<K, V, S> {
    #[track_caller]
    fn clone(&self) -> Self {
        let mut slots = self.slots.empty();
        let room = slots.try_reserve(self.slots.count()).and_then(|()| self.index.copy(self.slots.tags()));
        let index = room.unwrap_or_else(|error| give_up(error));
        slots.clone_from(&self.slots);
        Self { slots, index, ready: 0, hasher: self.hasher.clone() }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Extend<(K, V)> for StableMap<K, V, S> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        let entries = entries.into_iter();
        // So that a table need not grow again and again; but what an iterator says need not be so, nor need all keys be new.
        let expected = entries.size_hint().0.min(MOST_EXPECTED);
        let _ = self.try_reserve(if self.is_empty() { expected } else { expected / 2 });
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'a, K: Copy + Eq + Hash, V: Copy, S: BuildHasher> Extend<(&'a K, &'a V)> for StableMap<K, V, S> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = (&'a K, &'a V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> FromIterator<(K, V)> for StableMap<K, V, S> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        map.extend(entries);
        map
    }
}

impl<K: Eq + Hash, V, const N: usize> From<[(K, V); N]> for StableMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Eq + Hash, V: PartialEq, S: BuildHasher, S2: BuildHasher> PartialEq<StableMap<K, V, S2>>
    for StableMap<K, V, S>
{
    fn eq(&self, other: &StableMap<K, V, S2>) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: Eq + Hash, V: Eq, S: BuildHasher> Eq for StableMap<K, V, S> {}

/// The value of a key.
///
/// # Panics
/// If the key is not there.
impl<K: Eq + Hash + Borrow<Q>, V, S: BuildHasher, Q: Eq + Hash + ?Sized> Index<&Q> for StableMap<K, V, S> {
    type Output = V;

    #[track_caller]
    fn index(&self, key: &Q) -> &V {
        there(self.get(key), "no entry found for key")
    }
}

/// The value of a key, to be changed.
///
/// # Panics
/// If the key is not there.
impl<K: Eq + Hash + Borrow<Q>, V, S: BuildHasher, Q: Eq + Hash + ?Sized> IndexMut<&Q> for StableMap<K, V, S> {
    #[track_caller]
    fn index_mut(&mut self, key: &Q) -> &mut V {
        there(self.get_mut(key), "no entry found for key")
    }
}

/// The value of the entry with this index. Numbers are indices, even where keys are numbers: a key is given by reference.
///
/// # Panics
/// If there is none.
///
/// ```
/// let mut map = v_alloc::StableMap::new();
/// let (index, _) = map.insert_full("key", 1);
/// map[index] += 1;
/// assert_eq!((map[index], map["key"]), (2, 2));
/// ```
impl<K, V, S> Index<usize> for StableMap<K, V, S> {
    type Output = V;

    #[track_caller]
    fn index(&self, index: usize) -> &V {
        there(self.get_index(index), "no entry has this index").1
    }
}

/// The value of the entry with this index, to be changed.
///
/// # Panics
/// If there is none.
impl<K, V, S> IndexMut<usize> for StableMap<K, V, S> {
    #[track_caller]
    fn index_mut(&mut self, index: usize) -> &mut V {
        there(self.get_index_mut(index), "no entry has this index").1
    }
}

#[track_caller]
#[allow(clippy::expect_used, reason = "as `HashMap` does")]
fn there<T>(found: Option<T>, or: &str) -> T {
    found.expect(or)
}
