//! `StableMap`: a map whose values never move, and whose entries have stable numbers.
//!
//! Entries lie in `slots`, by number. A removed entry leaves a hole, which the next insertion fills. `index` finds the
//! number of an entry by hash, and grows a few entries at a time.

mod capacity;
mod entry;
pub(crate) mod index;
mod iter;
mod options;
mod set;
mod slots;
mod traits;

pub use entry::{Entry, OccupiedEntry, VacantEntry};
pub use iter::{Drain, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys, Values, ValuesMut};
pub use options::StableMapOptions;
pub use set::StableSet;

use crate::ReserveError;
use core::borrow::Borrow;
use core::convert::Infallible;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem;
use index::{Home, Index, Number, Tag, tag_of};
use slots::Slots;

/// The hasher of a [`StableMap`] if no other is chosen: fast, with a seed of its own for each process, but not meant
/// for keys that an attacker chooses.
///
/// ```
/// use v_alloc::{DefaultHasher, StableMap};
/// let mut map: StableMap<u32, u32, DefaultHasher> = StableMap::new();
/// map.insert(1, 2);
/// ```
pub type DefaultHasher = foldhash::fast::RandomState;

/// A map from keys to values that never move: an entry keeps its place, and its number, until it is removed.
///
/// The interface is that of `HashMap`, and of `IndexMap` where numbers are concerned. What differs:
///
/// * **Nothing moves.** The address of a value, and the index of an entry, hold until the entry is removed. Removing
///   one moves no other: its slot is left empty and given to a later entry, so indices need not be dense.
/// * **No insertion waits for the whole map.** When the table of hashes grows, each insertion moves a few
///   entries. There is no pause to rehash, ever, however large the map. (Only in a process so short of addresses, as one of 32 bits
///   may be, that there was no default reservation left for the table, it moves as a whole when it needs more.)
/// * Iteration is in the order of indices: that of insertion, as long as nothing is removed.
/// * `map[7]` is the entry with that *index*, as in an `IndexMap`; `map[&7]` is the value of a key.
///
/// A map has a page for its entries, one for their hashes and one for its table, and each of the three can grow to the reservation of
/// a [`StableVec`](crate::StableVec): entries of eight bytes or more until that is full, smaller ones up to 2^27 on 64-bit Unix.
/// [`reservation`](StableMapOptions::reservation) makes room for others.
/// Where `Hash`, `Eq`, `Clone` or `Drop` of the caller panic the map stays whole. Lookup, insertion and removal are
/// O(1) with a hash function worth its name.
///
/// ```
/// use v_alloc::StableMap;
/// let mut ages = StableMap::new();
/// let (ada, _) = ages.insert_full("Ada", 36);
/// ages.insert("Grace", 85);
/// let address = std::ptr::from_ref(&ages["Ada"]);
/// for year in 0..1000 {
///     ages.insert(["a", "b", "c"][year % 3], year);
/// }
/// assert_eq!(ages.get_index(ada), Some((&"Ada", &36)));
/// assert_eq!(std::ptr::from_ref(&ages["Ada"]), address);
/// ```
pub struct StableMap<K, V, S = DefaultHasher> {
    slots: Slots<K, V>,
    /// Has the number of every taken slot, and no other.
    index: Index,
    /// So many entries at least can be inserted before there is anything to do for it. More room only adds to them.
    ready: usize,
    hasher: S,
}

/// An entry that could not be inserted, and why.
///
/// ```
/// let mut map = v_alloc::StableMap::<usize, String>::options().reservation(1).build();
/// let full = (0..10_000).find_map(|key| map.try_insert_full(key, "text".to_string()).err()).unwrap();
/// assert_eq!(full.value, "text"); // not lost
/// assert!(full.to_string().contains("more than is left of the reservation"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InsertError<K, V> {
    /// The key, untouched.
    pub key: K,
    /// The value, untouched.
    pub value: V,
    /// What the map has met.
    pub error: ReserveError,
}

impl<K, V> fmt::Debug for InsertError<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("InsertError").field(&self.error).finish()
    }
}

impl<K, V> fmt::Display for InsertError<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl<K, V> core::error::Error for InsertError<K, V> {}

impl<K, V> StableMap<K, V> {
    /// An empty map. It takes no memory until the first insertion.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// map.insert("one", 1);
    /// assert_eq!(map["one"], 1);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(DefaultHasher::default())
    }
}

impl<K, V, S> StableMap<K, V, S> {
    /// An empty map with this hasher. Fit for a `static` if the hasher is.
    ///
    /// ```
    /// use std::hash::RandomState; // slower than the default, and fit for keys that an attacker chooses
    /// let mut map = v_alloc::StableMap::with_hasher(RandomState::new());
    /// map.insert("one", 1);
    /// assert_eq!(map["one"], 1);
    /// ```
    #[must_use]
    pub const fn with_hasher(hasher: S) -> Self {
        StableMap::options().build_with_hasher(hasher)
    }

    /// How many entries there are.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.len(), 2);
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(v_alloc::StableMap::<u8, u8>::new().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All indices are below this: entries, and holes that removed ones left.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// map.remove("one");
    /// assert_eq!((map.len(), map.index_end()), (1, 2));
    /// ```
    #[must_use]
    pub fn index_end(&self) -> usize {
        self.slots.numbers() as usize
    }

    /// The hasher.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    /// let map = v_alloc::StableMap::from([("one", 1)]);
    /// assert_eq!(map.hasher().hash_one("one"), map.hasher().hash_one("one"));
    /// ```
    #[must_use]
    pub const fn hasher(&self) -> &S {
        &self.hasher
    }

    /// The entry with this index, if there is one. O(1), without hashing.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// let (index, _) = map.insert_full("one", 1);
    /// assert_eq!(map.get_index(index), Some((&"one", &1)));
    /// assert_eq!(map.get_index(1000), None);
    /// ```
    #[must_use]
    pub fn get_index(&self, index: usize) -> Option<(&K, &V)> {
        let (key, value) = self.slots.get(index)?;
        Some((key, value))
    }

    /// As [`get_index`](Self::get_index), with a value that may be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// if let Some((_, value)) = map.get_index_mut(0) {
    ///     *value += 10;
    /// }
    /// assert_eq!(map["one"], 11);
    /// ```
    pub fn get_index_mut(&mut self, index: usize) -> Option<(&K, &mut V)> {
        let (key, value) = self.slots.get_mut(index)?;
        Some((key, value))
    }

    /// Removes the entry with this index, if there is one. No other moves.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.remove_index(0), Some(("one", 1)));
    /// assert_eq!(map.get_index(1), Some((&"two", &2))); // where it was
    /// ```
    pub fn remove_index(&mut self, index: usize) -> Option<(K, V)> {
        let number = Number::try_from(index).ok()?;
        let tag = self.slots.tag(number)?;
        self.index.remove(tag, |other| other == number, |_| tag);
        self.slot_of_removed(number)
    }

    /// Drops all entries. The memory for them stays.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// map.clear();
    /// assert!(map.is_empty() && map.capacity() > 0);
    /// ```
    pub fn clear(&mut self) {
        self.clear_index();
        self.slots.clear();
    }

    /// Empties the slot of an entry that is in the index no more.
    #[inline]
    fn slot_of_removed(&mut self, number: Number) -> Option<(K, V)> {
        // But while the index is splitting every insertion has something to do for it.
        self.ready += usize::from(!self.index.is_splitting());
        self.slots.remove(number)
    }

    fn clear_index(&mut self) {
        let slots = &self.slots;
        self.index.clear((0..slots.numbers()).map(|number| (slots.tag(number), number)));
    }

    /// Keeps the entries for which `keep` is true. In the order of indices; no entry moves.
    ///
    /// ```
    /// let mut map: v_alloc::StableMap<u32, u32> = (0..6).map(|n| (n, n * n)).collect();
    /// map.retain(|&number, _| number % 2 == 0);
    /// assert!(map.values().eq(&[0, 4, 16]));
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let mut next = 0;
        while let Some(index) = self.slots.position_from(next, |key, value| !keep(key, value)) {
            drop(self.remove_index(index));
            next = index + 1;
        }
    }

    /// Removes the entries for which `remove` is true, one with each step of the iterator, in the order of indices. What it
    /// does not come to stays. No entry moves.
    ///
    /// ```
    /// let mut map: v_alloc::StableMap<u32, u32> = (0..6).map(|n| (n, n * n)).collect();
    /// let odd: Vec<(u32, u32)> = map.extract_if(|&number, _| number % 2 == 1).collect();
    /// assert_eq!(odd, [(1, 1), (3, 9), (5, 25)]);
    /// assert!(map.keys().eq(&[0, 2, 4]));
    /// ```
    pub fn extract_if(&mut self, mut remove: impl FnMut(&K, &mut V) -> bool) -> impl Iterator<Item = (K, V)> {
        (0..self.index_end()).filter_map(move |index| {
            let (key, value) = self.get_index_mut(index)?;
            if remove(key, value) { self.remove_index(index) } else { None }
        })
    }

    /// Removes all entries and iterates over them. What the iterator does not come to is dropped with it.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.drain().map(|(_, value)| value).sum::<i32>(), 3);
    /// assert!(map.is_empty());
    /// ```
    pub fn drain(&mut self) -> Drain<'_, K, V> {
        self.clear_index();
        self.ready = 0; // the slots are the iterator's until it is dropped
        Drain::new(&mut self.slots)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> StableMap<K, V, S> {
    /// Inserts an entry; returns the value that the key had before. A key that is there stays, with its index.
    ///
    /// # Panics
    /// If there is no room or no memory; [`try_insert_full`](Self::try_insert_full) has an error.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// assert_eq!(map.insert("one", 1), None);
    /// assert_eq!(map.insert("one", 10), Some(1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.insert_full(key, value).1
    }

    /// As [`insert`](Self::insert), and returns the index of the entry.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// let (index, before) = map.insert_full("one", 1);
    /// assert_eq!((map.get_index_of("one"), before), (Some(index), None));
    /// assert_eq!(map.insert_full("one", 10), (index, Some(1)));
    /// ```
    #[inline]
    #[track_caller]
    pub fn insert_full(&mut self, key: K, value: V) -> (usize, Option<V>) {
        let Ok(inserted) = self.insert_or(key, value, |_, _, error| -> Infallible { give_up(error) });
        inserted
    }

    /// As [`insert_full`](Self::insert_full), with an error that gives key and value back.
    ///
    /// # Errors
    /// [`InsertError`] if there is no room or no memory; the map stays as it was.
    ///
    /// ```
    /// let page = v_alloc::os::page_size()?;
    /// let mut map = v_alloc::StableMap::<usize, u64>::options().reservation(1).build();
    /// let full = (0..page).find_map(|key| map.try_insert_full(key, 7).err()).unwrap();
    /// assert_eq!((full.key, full.value), (map.len(), 7)); // a page is the least reservation
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub fn try_insert_full(&mut self, key: K, value: V) -> Result<(usize, Option<V>), InsertError<K, V>> {
        self.insert_or(key, value, |key, value, error| InsertError { key, value, error })
    }

    /// As [`insert_full`](Self::insert_full), with whatever is to be made of a key and a value for which there is no room.
    #[inline(always)]
    fn insert_or<E>(
        &mut self,
        key: K,
        value: V,
        refuse: impl FnOnce(K, V, ReserveError) -> E,
    ) -> Result<(usize, Option<V>), E> {
        let tag = self.tag(&key);
        let home = self.index.home(tag);
        if let Some(index) = self.find(tag, home, &key) {
            // SAFETY: what was found lies in a slot that is taken, and none of the caller's code ran since.
            let old = unsafe { &mut self.slots.taken_mut(index).1 };
            return Ok((index, Some(mem::replace(old, value))));
        }
        match self.make_room(tag, home) {
            // SAFETY: room was made.
            Ok(home) => Ok((unsafe { self.insert_new(tag, home, key, value) }, None)),
            Err(error) => Err(refuse(key, value, error)),
        }
    }

    /// Room for one entry more, in the index and in the slots. Returns its home from then on.
    #[inline]
    fn make_room(&mut self, tag: Tag, home: Home) -> Result<Home, ReserveError> {
        if self.ready > 0 { Ok(home) } else { self.make_more_room(tag) }
    }

    #[cold]
    #[inline(never)]
    fn make_more_room(&mut self, tag: Tag) -> Result<Home, ReserveError> {
        self.slots.try_reserve(1)?;
        self.index.reserve(self.slots.tags())?;
        self.ready = self.index.ready().min(self.slots.ready());
        Ok(self.index.home(tag))
    }

    /// Inserts an entry that is not there. None of the caller's code runs.
    ///
    /// # Safety
    /// Room was made for it.
    #[inline]
    unsafe fn insert_new(&mut self, tag: Tag, home: Home, key: K, value: V) -> usize {
        self.ready -= 1;
        // SAFETY: as here. There are fewer than `MOST_ENTRIES`, because the index has room for one more.
        let number = unsafe { self.slots.insert(tag, key, value) };
        self.index.insert(tag, home, number);
        number as usize
    }

    /// The value of a key.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one".to_string(), 1)]);
    /// assert_eq!(map.get("one"), Some(&1));
    /// assert_eq!(map.get("two"), None);
    /// ```
    // `always`: it is more code than a compiler repeats of itself, and by a call a lookup takes a fifth longer.
    #[inline(always)]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let tag = self.tag(key);
        self.look(tag, self.index.home(tag), key, |_, (_, value)| value)
    }

    /// The value of a key, to be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// *map.get_mut("one").unwrap() += 10;
    /// assert_eq!(map["one"], 11);
    /// ```
    #[inline]
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let index = self.get_index_of(key)?;
        // SAFETY: what was found lies in a slot that is taken, and none of the caller's code ran since.
        Some(unsafe { &mut self.slots.taken_mut(index).1 })
    }

    /// The values of several keys, to be changed together. O(N²) comparisons of indices besides the N searches.
    ///
    /// # Panics
    /// If two of the keys are the same and there.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// if let [Some(one), Some(two), None] = map.get_disjoint_mut(["one", "two", "three"]) {
    ///     std::mem::swap(one, two);
    /// }
    /// assert_eq!((map["one"], map["two"]), (2, 1));
    /// ```
    #[track_caller]
    pub fn get_disjoint_mut<Q: Eq + Hash + ?Sized, const N: usize>(
        &mut self,
        keys: [&Q; N],
    ) -> [Option<&mut V>; N]
    where
        K: Borrow<Q>,
    {
        let indices = keys.map(|key| self.get_index_of(key));
        self.slots.get_disjoint_mut(indices).map(|entry| entry.map(|(_, value)| value))
    }

    /// The index, the key and the value of a key.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.get_full("two"), Some((1, &"two", &2)));
    /// ```
    #[inline]
    pub fn get_full<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<(usize, &K, &V)>
    where
        K: Borrow<Q>,
    {
        let tag = self.tag(key);
        self.look(tag, self.index.home(tag), key, |number, (key, value)| (number as usize, key, value))
    }

    /// As [`get_full`](Self::get_full), with a value that may be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// let (index, _, value) = map.get_full_mut("one").unwrap();
    /// *value += 10;
    /// assert_eq!(map.get_index(index), Some((&"one", &11)));
    /// ```
    pub fn get_full_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<(usize, &K, &mut V)>
    where
        K: Borrow<Q>,
    {
        let index = self.get_index_of(key)?;
        self.get_index_mut(index).map(|(key, value)| (index, key, value))
    }

    /// The key and the value of a key.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one".to_string(), 1)]);
    /// assert_eq!(map.get_key_value("one"), Some((&"one".to_string(), &1)));
    /// ```
    pub fn get_key_value<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.get_full(key).map(|(_, key, value)| (key, value))
    }

    /// The index of a key.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!((map.get_index_of("two"), map.get_index_of("three")), (Some(1), None));
    /// ```
    #[inline]
    pub fn get_index_of<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let tag = self.tag(key);
        self.find(tag, self.index.home(tag), key)
    }

    /// Whether a key is there.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1)]);
    /// assert!(map.contains_key("one") && !map.contains_key("two"));
    /// ```
    #[inline]
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Removes a key; returns its value. No other entry moves.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1)]);
    /// assert_eq!((map.remove("one"), map.remove("one")), (Some(1), None));
    /// ```
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.remove_full(key).map(|(_, _, value)| value)
    }

    /// Removes a key; returns it with its value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one".to_string(), 1)]);
    /// assert_eq!(map.remove_entry("one"), Some(("one".to_string(), 1)));
    /// ```
    pub fn remove_entry<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        self.remove_full(key).map(|(_, key, value)| (key, value))
    }

    /// Removes a key; returns the index that it had, and it with its value.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.remove_full("two"), Some((1, "two", 2)));
    /// assert_eq!(map.insert_full("three", 3).0, 1); // the hole is used again
    /// ```
    pub fn remove_full<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<(usize, K, V)>
    where
        K: Borrow<Q>,
    {
        let tag = self.tag(key);
        // SAFETY: as in `look`.
        let look = unsafe { self.slots.compare(key, |_, _| ()) };
        let own = |number| self.slots.tag(number).unwrap_or(tag); // it is there
        let number = self.index.remove(tag, move |number| look(number).is_some(), own)?;
        self.slot_of_removed(number).map(|(key, value)| (number as usize, key, value))
    }

    /// The entry of a key, there or not: to look once and then insert, change or remove.
    ///
    /// ```
    /// let mut counts = v_alloc::StableMap::new();
    /// for word in "to be or not to be".split(' ') {
    ///     *counts.entry(word).or_insert(0) += 1;
    /// }
    /// assert_eq!((counts["to"], counts["or"]), (2, 1));
    /// ```
    #[inline]
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V, S> {
        let tag = self.tag(&key);
        let home = self.index.home(tag);
        match self.find(tag, home, &key) {
            Some(index) => Entry::Occupied(OccupiedEntry::new(self, index)),
            None => Entry::Vacant(VacantEntry::new(self, tag, home, key)),
        }
    }

    #[inline]
    fn tag<Q: Hash + ?Sized>(&self, key: &Q) -> Tag {
        tag_of(self.hasher.hash_one(key))
    }

    #[inline]
    fn find<Q: Eq + ?Sized>(&self, tag: Tag, home: Home, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.look(tag, home, key, |number, _| number as usize)
    }

    /// What `found` makes of the entry with this key.
    #[inline(always)]
    fn look<'a, Q: Eq + ?Sized, R>(
        &'a self,
        tag: Tag,
        home: Home,
        key: &Q,
        found: impl Fn(Number, &'a (K, V)) -> R,
    ) -> Option<R>
    where
        K: Borrow<Q>,
    {
        // SAFETY: the index has numbers of taken slots only: it learns of each insertion and removal at once, and between the
        // two calls none of the caller's code runs.
        self.index.find(tag, home, unsafe { self.slots.compare(key, found) })
    }
}

#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "as `HashMap` does; the `try_` form does not")]
fn give_up(error: ReserveError) -> ! {
    panic!("StableMap: {error}")
}

#[cfg(test)]
mod tests;
