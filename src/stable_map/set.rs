//! `StableSet`: a `StableMap` without values.

use super::{DefaultHasher, Keys, StableMap};
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

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
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T, S> StableSet<T, S> {
    /// An empty set with this hasher.
    #[must_use]
    pub const fn with_hasher(hasher: S) -> Self {
        Self { map: StableMap::with_hasher(hasher) }
    }

    /// How many elements there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The element with this index, if there is one.
    #[must_use]
    pub fn get_index(&self, index: usize) -> Option<&T> {
        self.map.get_index(index).map(|(element, ())| element)
    }

    /// Removes the element with this index, if there is one. No other moves.
    pub fn remove_index(&mut self, index: usize) -> Option<T> {
        self.map.remove_index(index).map(|(element, ())| element)
    }

    /// All elements, in the order of indices.
    pub fn iter(&self) -> Keys<'_, T, ()> {
        self.map.keys()
    }

    /// Keeps the elements for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// Drops all elements. The memory stays.
    pub fn clear(&mut self) {
        self.map.clear();
    }

    /// Removes all elements and iterates over them.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.map.drain().map(|(element, ())| element)
    }
}

impl<T: Eq + Hash, S: BuildHasher> StableSet<T, S> {
    /// Inserts an element; tells whether it is new. One that is there stays.
    ///
    /// # Panics
    /// If there is no room or no memory.
    pub fn insert(&mut self, element: T) -> bool {
        self.insert_full(element).1
    }

    /// As [`insert`](Self::insert), with the index.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    pub fn insert_full(&mut self, element: T) -> (usize, bool) {
        let (index, before) = self.map.insert_full(element, ());
        (index, before.is_none())
    }

    /// The element that is equal to this.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> Option<&T>
    where
        T: Borrow<Q>,
    {
        self.map.get_full(element).map(|(_, element, ())| element)
    }

    /// The index of an element.
    pub fn get_index_of<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> Option<usize>
    where
        T: Borrow<Q>,
    {
        self.map.get_index_of(element)
    }

    /// Whether an element is there.
    pub fn contains<Q: Eq + Hash + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.map.contains_key(element)
    }

    /// Removes an element; tells whether it was there.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.take(element).is_some()
    }

    /// Removes an element, and returns it.
    pub fn take<Q: Eq + Hash + ?Sized>(&mut self, element: &Q) -> Option<T>
    where
        T: Borrow<Q>,
    {
        self.map.remove_entry(element).map(|(element, ())| element)
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

impl<T: Clone + Eq + Hash, S: BuildHasher + Clone> Clone for StableSet<T, S> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone() }
    }
}

impl<T: Eq + Hash, S: BuildHasher> Extend<T> for StableSet<T, S> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        self.map.extend(elements.into_iter().map(|element| (element, ())));
    }
}

impl<T: Eq + Hash, S: BuildHasher + Default> FromIterator<T> for StableSet<T, S> {
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
