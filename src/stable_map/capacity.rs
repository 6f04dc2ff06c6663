//! Room in a map before its entries come.

use super::{DefaultHasher, StableMap, give_up};
use crate::ReserveError;

impl<K, V> StableMap<K, V> {
    /// An empty map with room for `capacity` entries; see [`reserve`](Self::reserve).
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// let map = v_alloc::StableMap::<u64, u64>::with_capacity(1000);
    /// assert!(map.capacity() >= 1000);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, DefaultHasher::default())
    }
}

impl<K, V, S> StableMap<K, V, S> {
    /// An empty map with this hasher and room for `capacity` entries; see [`reserve`](Self::reserve).
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let map = v_alloc::StableMap::<u64, u64, _>::with_capacity_and_hasher(1000, RandomState::new());
    /// assert!(map.capacity() >= 1000);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        let mut map = Self::with_hasher(hasher);
        map.reserve(capacity);
        map
    }

    /// How many entries can be held without asking the system for memory.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::new();
    /// assert_eq!(map.capacity(), 0);
    /// map.insert(1, 1);
    /// assert!(map.capacity() >= 36, "as many as the smallest table finds");
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.capacity().min(self.index.room())
    }

    /// Makes sure that `additional` entries can be inserted without asking the system for memory. O(1), and no entry is looked at,
    /// unless the table that finds them is still growing from the last time: that is brought to its end.
    ///
    /// # Panics
    /// If the reservation or the memory does not suffice.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([(0, 0)]);
    /// map.reserve(100_000);
    /// assert!(map.capacity() >= 100_001);
    /// ```
    #[track_caller]
    pub fn reserve(&mut self, additional: usize) {
        if let Err(error) = self.try_reserve(additional) {
            give_up(error);
        }
    }

    /// As [`reserve`](Self::reserve), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; the entries stay as they were.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::<u64, u64>::new();
    /// assert!(map.try_reserve(usize::MAX / 2).is_err());
    /// assert!(map.try_reserve(1000).is_ok());
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        self.ready = 0; // the index may have to be split again
        self.slots.try_reserve(additional)?;
        self.index.reserve_for(self.slots.len() + additional, self.slots.tags())
    }

    /// Gives back memory behind the last entry, and what the table of hashes does not need. Entries keep their indices, so holes
    /// between them stay. O(capacity).
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([(0, 0)]);
    /// map.reserve(100_000);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 100_000);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.shrink_to(0);
    }

    /// As [`shrink_to_fit`](Self::shrink_to_fit), but keeps room for so many entries in all, if there is.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([(0, 0)]);
    /// map.reserve(100_000);
    /// map.shrink_to(1000);
    /// assert!((1000..100_000).contains(&map.capacity()));
    /// ```
    pub fn shrink_to(&mut self, capacity: usize) {
        let capacity = capacity.max(self.len());
        self.ready = 0;
        self.slots.shrink_to(capacity);
        self.index.shrink_to(capacity, self.slots.tags());
    }
}
