//! The entry of a key, there or not.

use super::{StableMap, give_up};
use core::hash::{BuildHasher, Hash};

/// The entry of a key: see [`StableMap::entry`].
pub enum Entry<'a, K, V, S> {
    /// The key is there.
    Occupied(OccupiedEntry<'a, K, V, S>),
    /// The key is not there.
    Vacant(VacantEntry<'a, K, V, S>),
}

/// The entry of a key that is there.
pub struct OccupiedEntry<'a, K, V, S> {
    map: &'a mut StableMap<K, V, S>,
    index: usize,
}

/// The entry of a key that is not there.
pub struct VacantEntry<'a, K, V, S> {
    map: &'a mut StableMap<K, V, S>,
    tag: u32,
    key: K,
}

impl<'a, K: Eq + Hash, V, S: BuildHasher> Entry<'a, K, V, S> {
    /// The value, inserted if it is not there.
    ///
    /// # Panics
    /// If it must be inserted and there is no room or no memory.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, made and inserted if it is not there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| make())
    }

    /// The value, made from the key and inserted if it is not there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    pub fn or_insert_with_key(self, make: impl FnOnce(&K) -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = make(&entry.key);
                entry.insert(value)
            }
        }
    }

    /// The value, inserted as its type's default if it is not there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Changes the value, if it is there.
    #[must_use]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }

    /// The key.
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => &entry.key,
        }
    }
}

impl<'a, K, V, S> OccupiedEntry<'a, K, V, S> {
    /// `index` is that of an entry.
    pub(super) fn new(map: &'a mut StableMap<K, V, S>, index: usize) -> Self {
        Self { map, index }
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The key in the map.
    #[must_use]
    pub fn key(&self) -> &K {
        there(self.map.get_index(self.index)).0
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> &V {
        there(self.map.get_index(self.index)).1
    }

    /// The value, to be changed.
    pub fn get_mut(&mut self) -> &mut V {
        there(self.map.get_index_mut(self.index)).1
    }

    /// The value, for as long as the map is borrowed.
    #[must_use]
    pub fn into_mut(self) -> &'a mut V {
        there(self.map.get_index_mut(self.index)).1
    }

    /// Replaces the value, and returns the one before.
    pub fn insert(&mut self, value: V) -> V {
        core::mem::replace(self.get_mut(), value)
    }

    /// Removes the entry; returns the value.
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Removes the entry; returns key and value.
    pub fn remove_entry(self) -> (K, V) {
        there(self.map.remove_index(self.index))
    }
}

impl<'a, K: Eq + Hash, V, S: BuildHasher> VacantEntry<'a, K, V, S> {
    pub(super) fn new(map: &'a mut StableMap<K, V, S>, tag: u32, key: K) -> Self {
        Self { map, tag, key }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The key, by value.
    #[must_use]
    pub fn into_key(self) -> K {
        self.key
    }

    /// Inserts the value.
    ///
    /// # Panics
    /// If there is no room or no memory.
    pub fn insert(self, value: V) -> &'a mut V {
        if let Err(error) = self.map.make_room() {
            give_up(error);
        }
        let index = self.map.insert_new(self.tag, self.key, value);
        there(self.map.get_index_mut(index)).1
    }
}

/// What an entry knows to be there.
#[allow(
    clippy::unreachable,
    reason = "an entry borrows the map exclusively from the moment the slot is found"
)]
fn there<T>(found: Option<T>) -> T {
    match found {
        Some(found) => found,
        None => unreachable!("an occupied entry without its slot"),
    }
}
