//! The entry of a key, there or not.

use super::index::{Home, Tag};
use super::{InsertError, StableMap, give_up};
use core::fmt;
use core::hash::{BuildHasher, Hash};

/// The entry of a key: see [`StableMap::entry`].
///
/// ```
/// use v_alloc::{Entry, StableMap};
/// let mut map = StableMap::from([("one", 1)]);
/// match map.entry("one") {
///     Entry::Occupied(entry) => assert_eq!(entry.remove(), 1),
///     Entry::Vacant(entry) => _ = entry.insert(1),
/// }
/// assert!(map.is_empty());
/// ```
pub enum Entry<'a, K, V, S> {
    /// The key is there.
    Occupied(OccupiedEntry<'a, K, V, S>),
    /// The key is not there.
    Vacant(VacantEntry<'a, K, V, S>),
}

/// The entry of a key that is there.
///
/// ```
/// use v_alloc::{Entry, StableMap};
/// let mut map = StableMap::from([("one", 1)]);
/// if let Entry::Occupied(mut entry) = map.entry("one") {
///     assert_eq!((*entry.key(), *entry.get()), ("one", 1));
///     entry.insert(11);
/// }
/// assert_eq!(map["one"], 11);
/// ```
pub struct OccupiedEntry<'a, K, V, S> {
    map: &'a mut StableMap<K, V, S>,
    index: usize,
}

/// The entry of a key that is not there.
///
/// ```
/// use v_alloc::{Entry, StableMap};
/// let mut map = StableMap::new();
/// if let Entry::Vacant(entry) = map.entry("one") {
///     let length = entry.key().len();
///     entry.insert(length);
/// }
/// assert_eq!(map["one"], 3);
/// ```
pub struct VacantEntry<'a, K, V, S> {
    map: &'a mut StableMap<K, V, S>,
    tag: Tag,
    home: Home,
    key: K,
}

impl<'a, K: Eq + Hash, V, S: BuildHasher> Entry<'a, K, V, S> {
    /// The value, inserted if it is not there.
    ///
    /// # Panics
    /// If it must be inserted and there is no room or no memory.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// *map.entry("one").or_insert(0) += 1;
    /// *map.entry("one").or_insert(0) += 1;
    /// assert_eq!(map["one"], 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, made and inserted if it is not there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// map.entry("one").or_insert_with(|| unreachable!("it is there"));
    /// map.entry("two").or_insert_with(|| 2);
    /// assert_eq!(map["two"], 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| make())
    }

    /// The value, made from the key and inserted if it is not there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let mut lengths = v_alloc::StableMap::new();
    /// assert_eq!(*lengths.entry("three").or_insert_with_key(|key| key.len()), 5);
    /// ```
    #[track_caller]
    #[inline]
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
    ///
    /// ```
    /// let mut lines = v_alloc::StableMap::<_, Vec<u32>>::new();
    /// lines.entry("word").or_default().push(7);
    /// assert_eq!(lines["word"], [7]);
    /// ```
    #[track_caller]
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Inserts the value, or replaces the one that is there.
    ///
    /// # Panics
    /// As for [`or_insert`](Self::or_insert).
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let entry = map.entry("one").insert_entry(11);
    /// assert_eq!((entry.index(), *entry.get()), (0, 11));
    /// ```
    #[track_caller]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V, S> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }

    /// Changes the value, if it is there.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// for _ in 0..3 {
    ///     map.entry("word").and_modify(|count| *count += 1).or_insert(1);
    /// }
    /// assert_eq!(map["word"], 3);
    /// ```
    #[must_use]
    #[inline]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }

    /// The key.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::<_, u32>::new();
    /// assert_eq!(*map.entry("one").key(), "one");
    /// ```
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => &entry.key,
        }
    }

    /// The index that the entry has, or will get.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// assert_eq!((map.entry("one").index(), map.entry("two").index()), (0, 1));
    /// ```
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::Occupied(entry) => entry.index(),
            Self::Vacant(entry) => entry.index(),
        }
    }
}

impl<'a, K, V, S> OccupiedEntry<'a, K, V, S> {
    /// `index` is that of an entry.
    pub(super) fn new(map: &'a mut StableMap<K, V, S>, index: usize) -> Self {
        Self { map, index }
    }

    /// The index.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.entry("two").insert_entry(2).index(), 1);
    /// ```
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The key in the map.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// assert_eq!(*map.entry("one").insert_entry(1).key(), "one");
    /// ```
    #[must_use]
    pub fn key(&self) -> &K {
        there(self.map.get_index(self.index)).0
    }

    /// The value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// assert_eq!(*map.entry("one").insert_entry(2).get(), 2);
    /// ```
    #[must_use]
    pub fn get(&self) -> &V {
        there(self.map.get_index(self.index)).1
    }

    /// The value, to be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let mut entry = map.entry("one").insert_entry(2);
    /// *entry.get_mut() += 1;
    /// assert_eq!(map["one"], 3);
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut V {
        // SAFETY: the slot is taken as long as there is this entry, which has the map to itself.
        unsafe { &mut self.map.slots.taken_mut(self.index).1 }
    }

    /// The value, for as long as the map is borrowed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let value: &mut i32 = map.entry("one").insert_entry(2).into_mut();
    /// *value += 1;
    /// assert_eq!(map["one"], 3);
    /// ```
    #[inline]
    #[must_use]
    pub fn into_mut(self) -> &'a mut V {
        // SAFETY: as above.
        unsafe { &mut self.map.slots.taken_mut(self.index).1 }
    }

    /// Replaces the value, and returns the one before.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let v_alloc::Entry::Occupied(mut entry) = map.entry("one") else { unreachable!("it is there") };
    /// assert_eq!((entry.insert(2), *entry.get()), (1, 2));
    /// ```
    pub fn insert(&mut self, value: V) -> V {
        core::mem::replace(self.get_mut(), value)
    }

    /// Removes the entry; returns the value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// assert_eq!(map.entry("one").insert_entry(1).remove(), 1);
    /// assert!(map.is_empty());
    /// ```
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Removes the entry; returns key and value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// assert_eq!(map.entry("one").insert_entry(1).remove_entry(), ("one", 1));
    /// ```
    pub fn remove_entry(self) -> (K, V) {
        there(self.map.remove_index(self.index))
    }
}

impl<'a, K: Eq + Hash, V, S: BuildHasher> VacantEntry<'a, K, V, S> {
    pub(super) fn new(map: &'a mut StableMap<K, V, S>, tag: Tag, home: Home, key: K) -> Self {
        Self { map, tag, home, key }
    }

    /// The key.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::<_, u32>::new();
    /// let v_alloc::Entry::Vacant(entry) = map.entry("one") else { unreachable!("it is not there") };
    /// assert_eq!(*entry.key(), "one");
    /// ```
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The key, by value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::<_, u32>::new();
    /// let v_alloc::Entry::Vacant(entry) = map.entry("one".to_string()) else { unreachable!("it is not there") };
    /// assert_eq!(entry.into_key(), "one");
    /// ```
    #[must_use]
    pub fn into_key(self) -> K {
        self.key
    }

    /// The index that the entry will get.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let v_alloc::Entry::Vacant(entry) = map.entry("two") else { unreachable!("it is not there") };
    /// let index = entry.index();
    /// entry.insert(2);
    /// assert_eq!(map.get_index_of("two"), Some(index));
    /// ```
    #[must_use]
    pub fn index(&self) -> usize {
        self.map.slots.next() as usize
    }

    /// Inserts the value.
    ///
    /// # Panics
    /// If there is no room or no memory.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// let v_alloc::Entry::Vacant(entry) = map.entry("one") else { unreachable!("it is not there") };
    /// *entry.insert(1) += 10;
    /// assert_eq!(map["one"], 11);
    /// ```
    #[track_caller]
    pub fn insert(self, value: V) -> &'a mut V {
        self.insert_entry(value).into_mut()
    }

    /// As [`insert`](Self::insert), and returns the entry.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// let v_alloc::Entry::Vacant(entry) = map.entry("one") else { unreachable!("it is not there") };
    /// assert_eq!(entry.insert_entry(1).index(), 0);
    /// ```
    #[track_caller]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V, S> {
        match self.try_insert_entry(value) {
            Ok(entry) => entry,
            Err(InsertError { error, .. }) => give_up(error),
        }
    }

    /// As [`insert`](Self::insert), with an error that gives key and value back.
    ///
    /// # Errors
    /// [`InsertError`] if there is no room or no memory; the map stays as it was.
    ///
    /// ```
    /// use v_alloc::{Entry, StableMap};
    /// let mut map = StableMap::new();
    /// if let Entry::Vacant(entry) = map.entry("key") {
    ///     let index = entry.index();
    ///     *entry.try_insert(1)? += 1;
    ///     assert_eq!(map.get_index(index), Some((&"key", &2)));
    /// }
    /// # Ok::<(), v_alloc::InsertError<&str, u32>>(())
    /// ```
    pub fn try_insert(self, value: V) -> Result<&'a mut V, InsertError<K, V>> {
        self.try_insert_entry(value).map(OccupiedEntry::into_mut)
    }

    fn try_insert_entry(self, value: V) -> Result<OccupiedEntry<'a, K, V, S>, InsertError<K, V>> {
        let Self { map, tag, home, key } = self;
        match map.make_room(tag, home) {
            Ok(home) => {
                // SAFETY: room was made.
                let index = unsafe { map.insert_new(tag, home, key, value) };
                Ok(OccupiedEntry { map, index })
            }
            Err(error) => Err(InsertError { key, value, error }),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for Entry<'_, K, V, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => formatter.debug_tuple("Entry").field(entry).finish(),
            Self::Vacant(entry) => formatter.debug_tuple("Entry").field(entry).finish(),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for OccupiedEntry<'_, K, V, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OccupiedEntry").field("key", self.key()).field("value", self.get()).finish()
    }
}

impl<K: fmt::Debug, V, S> fmt::Debug for VacantEntry<'_, K, V, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("VacantEntry").field(&self.key).finish()
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
