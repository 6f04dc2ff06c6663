//! `StableSet`: a `StableMap` without values.

mod operations;

use super::iter::IntoKeys;
use super::{DefaultHasher, InsertError, Keys, StableMap};
use crate::ReserveError;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::FusedIterator;
use core::mem;
use core::ops::Index;

/// A set whose elements never move, with stable indices: see [`StableMap`].
///
/// ```
/// let mut words = v_alloc::StableSet::new();
/// let (first, new) = words.insert_full("window");
/// assert!(new && !words.insert("window"));
/// assert_eq!(words.get_index(first), Some(&"window"));
/// ```
pub struct StableSet<T, S = DefaultHasher> {
    map: StableMap<T, (), S>,
}

impl<T> StableSet<T> {
    /// An empty set. It takes no memory until the first insertion.
    ///
    /// ```
    /// let mut words = v_alloc::StableSet::new();
    /// assert!(words.insert("window"));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty set with room for `capacity` elements; see [`StableMap::reserve`].
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// assert!(v_alloc::StableSet::<u64>::with_capacity(1000).capacity() >= 1000);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(capacity: usize) -> Self {
        StableMap::with_capacity(capacity).into()
    }
}

impl<T, S> StableSet<T, S> {
    /// An empty set with this hasher.
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let mut words = v_alloc::StableSet::with_hasher(RandomState::new());
    /// assert!(words.insert("window"));
    /// ```
    #[must_use]
    pub const fn with_hasher(hasher: S) -> Self {
        Self { map: StableMap::with_hasher(hasher) }
    }

    /// An empty set with this hasher and room for `capacity` elements; see [`StableMap::reserve`].
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let words = v_alloc::StableSet::<u64, _>::with_capacity_and_hasher(1000, RandomState::new());
    /// assert!(words.capacity() >= 1000);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        StableMap::with_capacity_and_hasher(capacity, hasher).into()
    }

    /// How many elements there are.
    ///
    /// ```
    /// assert_eq!(v_alloc::StableSet::from([1, 2, 2]).len(), 2);
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(v_alloc::StableSet::<u8>::new().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All indices are below this: elements, and holes that removed ones left.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one", "two"]);
    /// set.remove("one");
    /// assert_eq!((set.len(), set.index_end()), (1, 2));
    /// ```
    #[must_use]
    pub fn index_end(&self) -> usize {
        self.map.index_end()
    }

    /// How many elements can be held without asking the system for memory for them.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::new();
    /// assert_eq!(set.capacity(), 0);
    /// set.insert(1_u64);
    /// assert!(set.capacity() >= 36, "as many as the smallest table finds");
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.map.capacity()
    }

    /// Makes sure that `additional` elements can be inserted without asking the system; see [`StableMap::reserve`].
    ///
    /// # Panics
    /// If the reservation or the memory does not suffice.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1_u64]);
    /// set.reserve(100_000);
    /// assert!(set.capacity() >= 100_001);
    /// ```
    #[track_caller]
    pub fn reserve(&mut self, additional: usize) {
        self.map.reserve(additional);
    }

    /// As [`reserve`](Self::reserve), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; the elements stay as they were.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::<u64>::new();
    /// assert!(set.try_reserve(usize::MAX / 2).is_err());
    /// assert!(set.try_reserve(1000).is_ok());
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        self.map.try_reserve(additional)
    }

    /// Gives back memory behind the last element. Holes stay.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1_u64]);
    /// set.reserve(100_000);
    /// set.shrink_to_fit();
    /// assert!(set.capacity() < 100_000);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.map.shrink_to_fit();
    }

    /// As [`shrink_to_fit`](Self::shrink_to_fit), but keeps room for so many elements in all, if there is.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1_u64]);
    /// set.reserve(100_000);
    /// set.shrink_to(1000);
    /// assert!((1000..100_000).contains(&set.capacity()));
    /// ```
    pub fn shrink_to(&mut self, capacity: usize) {
        self.map.shrink_to(capacity);
    }

    /// The hasher.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    /// let set = v_alloc::StableSet::from(["one"]);
    /// assert_eq!(set.hasher().hash_one("one"), set.hasher().hash_one("one"));
    /// ```
    #[must_use]
    pub const fn hasher(&self) -> &S {
        self.map.hasher()
    }

    /// The element with this index, if there is one. O(1), without hashing.
    ///
    /// ```
    /// let set = v_alloc::StableSet::from(["one", "two"]);
    /// assert_eq!((set.get_index(1), set.get_index(2)), (Some(&"two"), None));
    /// ```
    #[must_use]
    pub fn get_index(&self, index: usize) -> Option<&T> {
        self.map.get_index(index).map(|(element, ())| element)
    }

    /// Removes the element with this index, if there is one. No other moves.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one", "two"]);
    /// assert_eq!(set.remove_index(0), Some("one"));
    /// assert_eq!(set.get_index(1), Some(&"two")); // where it was
    /// ```
    pub fn remove_index(&mut self, index: usize) -> Option<T> {
        self.map.remove_index(index).map(|(element, ())| element)
    }

    /// All elements, in the order of indices.
    ///
    /// ```
    /// assert!(v_alloc::StableSet::from([1, 2, 3]).iter().eq(&[1, 2, 3]));
    /// ```
    pub fn iter(&self) -> Keys<'_, T, ()> {
        self.map.keys()
    }

    /// Keeps the elements for which `keep` is true.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1, 2, 3]);
    /// set.retain(|number| number % 2 == 1);
    /// assert!(set.iter().eq(&[1, 3]));
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// Removes the elements for which `remove` is true, one with each step of the iterator; see
    /// [`StableMap::extract_if`].
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1, 2, 3]);
    /// assert!(set.extract_if(|number| number % 2 == 1).eq([1, 3]));
    /// assert!(set.iter().eq(&[2]));
    /// ```
    pub fn extract_if(&mut self, mut remove: impl FnMut(&T) -> bool) -> impl Iterator<Item = T> {
        self.map.extract_if(move |element, ()| remove(element)).map(|(element, ())| element)
    }

    /// Drops all elements. The memory stays.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1, 2, 3]);
    /// set.clear();
    /// assert!(set.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.map.clear();
    }

    /// Removes all elements and iterates over them.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from([1, 2, 3]);
    /// assert_eq!(set.drain().sum::<i32>(), 6);
    /// assert!(set.is_empty());
    /// ```
    pub fn drain(&mut self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + FusedIterator + '_ {
        self.map.drain().map(|(element, ())| element)
    }
}

impl<T: Eq + Hash, S: BuildHasher> StableSet<T, S> {
    /// Inserts an element; tells whether it is new. One that is there stays.
    ///
    /// # Panics
    /// If there is no room or no memory.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::new();
    /// assert!(set.insert("one") && !set.insert("one"));
    /// ```
    #[track_caller]
    pub fn insert(&mut self, element: T) -> bool {
        self.insert_full(element).1
    }

    /// As [`insert`](Self::insert), with the index.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one"]);
    /// assert_eq!(set.insert_full("two"), (1, true));
    /// assert_eq!(set.insert_full("one"), (0, false));
    /// ```
    #[track_caller]
    pub fn insert_full(&mut self, element: T) -> (usize, bool) {
        let (index, before) = self.map.insert_full(element, ());
        (index, before.is_none())
    }

    /// As [`insert_full`](Self::insert_full), with an error that gives the element back, as a key.
    ///
    /// # Errors
    /// [`InsertError`] if there is no room or no memory; the set stays as it was.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::new();
    /// let (index, new) = set.try_insert_full("one")?;
    /// assert!(new && set[index] == "one");
    /// # Ok::<(), v_alloc::InsertError<&str, ()>>(())
    /// ```
    pub fn try_insert_full(&mut self, element: T) -> Result<(usize, bool), InsertError<T, ()>> {
        self.map.try_insert_full(element, ()).map(|(index, before)| (index, before.is_none()))
    }

    /// Inserts an element, in the place of an equal one if there is one, which it returns.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one".to_string()]);
    /// assert_eq!(set.replace("one".to_string()), Some("one".to_string())); // the older of the two
    /// ```
    #[track_caller]
    pub fn replace(&mut self, element: T) -> Option<T> {
        let there = self.get_index_of(&element).and_then(|index| self.map.slots.get_mut(index));
        if let Some((there, ())) = there {
            return Some(mem::replace(there, element));
        }
        self.insert(element);
        None
    }

    /// The element that is equal to this; if there is none, the one that `make` makes of it, inserted.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut words = v_alloc::StableSet::<String>::new();
    /// let first = words.get_or_insert_with("window", |text| text.to_string()).as_ptr();
    /// assert_eq!(words.get_or_insert_with("window", |_| unreachable!()).as_ptr(), first);
    /// ```
    #[track_caller]
    pub fn get_or_insert_with<Q: Eq + Hash + ?Sized>(&mut self, element: &Q, make: impl FnOnce(&Q) -> T) -> &T
    where
        T: Borrow<Q>,
    {
        let index = match self.get_index_of(element) {
            Some(index) => index,
            None => self.insert_full(make(element)).0,
        };
        &self[index]
    }

    /// The element that is equal to this.
    ///
    /// ```
    /// let set = v_alloc::StableSet::from(["one".to_string()]);
    /// assert_eq!((set.get("one").map(String::as_str), set.get("two")), (Some("one"), None));
    /// ```
    pub fn get<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> Option<&T>
    where
        T: Borrow<Q>,
    {
        self.map.get_full(element).map(|(_, element, ())| element)
    }

    /// The index of an element, and it.
    ///
    /// ```
    /// let set = v_alloc::StableSet::from(["one", "two"]);
    /// assert_eq!(set.get_full("two"), Some((1, &"two")));
    /// ```
    pub fn get_full<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> Option<(usize, &T)>
    where
        T: Borrow<Q>,
    {
        self.map.get_full(element).map(|(index, element, ())| (index, element))
    }

    /// The index of an element.
    ///
    /// ```
    /// let set = v_alloc::StableSet::from(["one", "two"]);
    /// assert_eq!(set.get_index_of("two"), Some(1));
    /// ```
    pub fn get_index_of<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> Option<usize>
    where
        T: Borrow<Q>,
    {
        self.map.get_index_of(element)
    }

    /// Whether an element is there.
    ///
    /// ```
    /// let set = v_alloc::StableSet::from(["one"]);
    /// assert!(set.contains("one") && !set.contains("two"));
    /// ```
    pub fn contains<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.map.contains_key(element)
    }

    /// Removes an element; tells whether it was there.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one"]);
    /// assert!(set.remove("one") && !set.remove("one"));
    /// ```
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.take(element).is_some()
    }

    /// Removes an element, and returns it.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one".to_string()]);
    /// assert_eq!(set.take("one"), Some("one".to_string()));
    /// ```
    pub fn take<Q: Eq + Hash + ?Sized>(&mut self, element: &Q) -> Option<T>
    where
        T: Borrow<Q>,
    {
        self.map.remove_entry(element).map(|(element, ())| element)
    }

    /// Removes an element; returns the index that it had, and it.
    ///
    /// ```
    /// let mut set = v_alloc::StableSet::from(["one", "two"]);
    /// assert_eq!(set.remove_full("two"), Some((1, "two")));
    /// ```
    pub fn remove_full<Q: Eq + Hash + ?Sized>(&mut self, element: &Q) -> Option<(usize, T)>
    where
        T: Borrow<Q>,
    {
        self.map.remove_full(element).map(|(index, element, ())| (index, element))
    }
}

impl<T, S: Default> Default for StableSet<T, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<T: fmt::Debug, S> fmt::Debug for StableSet<T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self).finish()
    }
}

impl<T: Clone, S: Clone> Clone for StableSet<T, S> {
    #[track_caller]
    fn clone(&self) -> Self {
        Self { map: self.map.clone() }
    }
}

/// The keys of a map, where they are.
impl<T, S> From<StableMap<T, (), S>> for StableSet<T, S> {
    fn from(map: StableMap<T, (), S>) -> Self {
        Self { map }
    }
}

impl<T: Eq + Hash, const N: usize> From<[T; N]> for StableSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

/// The element with this index.
///
/// # Panics
/// If there is none.
impl<T, S> Index<usize> for StableSet<T, S> {
    type Output = T;

    #[track_caller]
    #[allow(clippy::expect_used, reason = "as a slice does")]
    fn index(&self, index: usize) -> &T {
        self.get_index(index).expect("no element has this index")
    }
}

impl<T: Eq + Hash, S: BuildHasher> Extend<T> for StableSet<T, S> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        self.map.extend(elements.into_iter().map(|element| (element, ())));
    }
}

impl<'a, T: Copy + Eq + Hash + 'a, S: BuildHasher> Extend<&'a T> for StableSet<T, S> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, elements: I) {
        self.extend(elements.into_iter().copied());
    }
}

impl<T: Eq + Hash, S: BuildHasher + Default> FromIterator<T> for StableSet<T, S> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut set = Self::default();
        set.extend(elements);
        set
    }
}

impl<T: Eq + Hash, S: BuildHasher, S2: BuildHasher> PartialEq<StableSet<T, S2>> for StableSet<T, S> {
    fn eq(&self, other: &StableSet<T, S2>) -> bool {
        self.map == other.map
    }
}

impl<T: Eq + Hash, S: BuildHasher> Eq for StableSet<T, S> {}

impl<'a, T, S> IntoIterator for &'a StableSet<T, S> {
    type Item = &'a T;
    type IntoIter = Keys<'a, T, ()>;

    fn into_iter(self) -> Keys<'a, T, ()> {
        self.iter()
    }
}

impl<T, S> IntoIterator for StableSet<T, S> {
    type Item = T;
    type IntoIter = IntoKeys<T, ()>;

    fn into_iter(self) -> IntoKeys<T, ()> {
        self.map.into_keys()
    }
}
