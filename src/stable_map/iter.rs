//! Iteration in the order of indices, over holes.

use super::StableMap;
use super::slots::{self, Slots};
use core::fmt;
use core::iter::FusedIterator;

/// An iterator over what `$inner` gives, which knows how many entries are left.
macro_rules! iterator {
    ($(#[$documentation:meta])* $name:ident<$($lifetime:lifetime)?>($inner:ty), $item:ty, $of_entry:expr) => {
        $(#[$documentation])*
        pub struct $name<$($lifetime,)? K, V>($inner);

        impl<$($lifetime,)? K, V> Iterator for $name<$($lifetime,)? K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                self.0.next().map($of_entry)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }

            #[inline]
            fn fold<B, F: FnMut(B, $item) -> B>(self, first: B, add: F) -> B {
                self.0.map($of_entry).fold(first, add)
            }

            fn count(self) -> usize {
                self.len()
            }
        }

        impl<$($lifetime,)? K, V> DoubleEndedIterator for $name<$($lifetime,)? K, V> {
            fn next_back(&mut self) -> Option<$item> {
                self.0.next_back().map($of_entry)
            }
        }

        impl<$($lifetime,)? K, V> Default for $name<$($lifetime,)? K, V> {
            fn default() -> Self {
                Self(Default::default())
            }
        }

        impl<$($lifetime,)? K, V> ExactSizeIterator for $name<$($lifetime,)? K, V> {}
        impl<$($lifetime,)? K, V> FusedIterator for $name<$($lifetime,)? K, V> {}
    };
}

iterator!(
    /// The entries of a [`StableMap`].
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// let mut entries: v_alloc::Iter<'_, _, _> = map.iter();
    /// assert_eq!(entries.len(), 2);
    /// assert_eq!(entries.next_back(), Some((&"two", &2)));
    /// ```
    Iter<'a>(slots::Iter<'a, K, V>), (&'a K, &'a V), |(key, value)| (key, value)
);
iterator!(
    /// The entries of a [`StableMap`], with values that may be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// let entries: v_alloc::IterMut<'_, _, _> = map.iter_mut();
    /// entries.for_each(|(_, value)| *value *= 10);
    /// assert!(map.values().eq(&[10, 20]));
    /// ```
    IterMut<'a>(slots::IterMut<'a, K, V>), (&'a K, &'a mut V), |(key, value)| (&*key, value)
);
iterator!(
    /// The entries of a [`StableMap`], by value.
    ///
    /// ```
    /// let entries: v_alloc::IntoIter<_, _> = v_alloc::StableMap::from([("one", 1), ("two", 2)]).into_iter();
    /// assert_eq!(entries.collect::<Vec<_>>(), [("one", 1), ("two", 2)]);
    /// ```
    IntoIter<>(slots::IntoIter<K, V>), (K, V), |entry| entry
);
iterator!(
    /// The keys of a [`StableMap`].
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// let keys: v_alloc::Keys<'_, _, _> = map.keys();
    /// assert!(keys.eq(&["one", "two"]));
    /// ```
    Keys<'a>(slots::Iter<'a, K, V>), &'a K, |(key, _)| key
);
iterator!(
    /// The values of a [`StableMap`].
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// let values: v_alloc::Values<'_, _, _> = map.values();
    /// assert_eq!(values.sum::<i32>(), 3);
    /// ```
    Values<'a>(slots::Iter<'a, K, V>), &'a V, |(_, value)| value
);
iterator!(
    /// The values of a [`StableMap`], to be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// let values: v_alloc::ValuesMut<'_, _, _> = map.values_mut();
    /// values.for_each(|value| *value *= 10);
    /// assert_eq!(map["two"], 20);
    /// ```
    ValuesMut<'a>(slots::IterMut<'a, K, V>), &'a mut V, |(_, value)| value
);
iterator!(
    /// The keys of a [`StableMap`], by value.
    ///
    /// ```
    /// let keys: v_alloc::IntoKeys<_, _> = v_alloc::StableMap::from([("one", 1), ("two", 2)]).into_keys();
    /// assert_eq!(keys.collect::<String>(), "onetwo");
    /// ```
    IntoKeys<>(slots::IntoIter<K, V>), K, |(key, _)| key
);
iterator!(
    /// The values of a [`StableMap`], by value.
    ///
    /// ```
    /// let values: v_alloc::IntoValues<_, _> = v_alloc::StableMap::from([("one", 1), ("two", 2)]).into_values();
    /// assert_eq!(values.sum::<i32>(), 3);
    /// ```
    IntoValues<>(slots::IntoIter<K, V>), V, |(_, value)| value
);

/// What a clone of a borrowed iterator, or a look at it, gives.
macro_rules! seen_again {
    ($($name:ident: $($shown:ident),+;)+) => {
        $(
            impl<K, V> Clone for $name<'_, K, V> {
                fn clone(&self) -> Self {
                    Self(self.0.clone())
                }
            }

            impl<K, V> fmt::Debug for $name<'_, K, V>
            where
                $($shown: fmt::Debug,)+
            {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.debug_list().entries(self.clone()).finish()
                }
            }
        )+
    };
}

seen_again! {
    Iter: K, V;
    Keys: K;
    Values: V;
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter()).finish()
    }
}

impl<K: fmt::Debug, V> fmt::Debug for IntoKeys<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

impl<K, V: fmt::Debug> fmt::Debug for IntoValues<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(_, value)| value)).finish()
    }
}

/// The entries of a [`StableMap`], which leave it: see [`StableMap::drain`].
///
/// ```
/// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
/// let mut leaving: v_alloc::Drain<'_, _, _> = map.drain();
/// assert_eq!(leaving.next(), Some(("one", 1)));
/// drop(leaving); // and with it the other entry
/// assert!(map.is_empty());
/// ```
pub struct Drain<'a, K, V> {
    /// Where the slots go back to, empty; until then no others are there.
    home: &'a mut Slots<K, V>,
    entries: Option<slots::IntoIter<K, V>>,
}

impl<'a, K, V> Drain<'a, K, V> {
    pub(super) fn new(home: &'a mut Slots<K, V>) -> Self {
        let empty = home.empty();
        let entries = core::mem::replace(home, empty).into_iter();
        Self { home, entries: Some(entries) }
    }
}

impl<K, V> Iterator for Drain<'_, K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.entries.as_mut()?.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.as_ref().map_or((0, Some(0)), Iterator::size_hint)
    }
}

impl<K, V> DoubleEndedIterator for Drain<'_, K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        self.entries.as_mut()?.next_back()
    }
}

impl<K, V> ExactSizeIterator for Drain<'_, K, V> {}
impl<K, V> FusedIterator for Drain<'_, K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Drain<'_, K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.iter().flat_map(slots::IntoIter::iter);
        formatter.debug_list().entries(entries).finish()
    }
}

impl<K, V> Drop for Drain<'_, K, V> {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take() {
            *self.home = entries.into_empty();
        }
    }
}

impl<K, V, S> StableMap<K, V, S> {
    /// All entries.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert!(map.iter().eq([(&"one", &1), (&"two", &2)]));
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.slots.iter())
    }

    /// All entries, with values that may be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// map.iter_mut().for_each(|(key, value)| *value += key.len());
    /// assert_eq!((map["one"], map["two"]), (4, 5));
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.slots.iter_mut())
    }

    /// All keys.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert!(map.keys().eq(&["one", "two"]));
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.slots.iter())
    }

    /// All values.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// assert_eq!(map.values().max(), Some(&2));
    /// ```
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.slots.iter())
    }

    /// All values, to be changed.
    ///
    /// ```
    /// let mut map = v_alloc::StableMap::from([("one", 1), ("two", 2)]);
    /// map.values_mut().for_each(|value| *value = 0);
    /// assert!(map.values().eq(&[0, 0]));
    /// ```
    pub fn values_mut(&mut self) -> ValuesMut<'_, K, V> {
        ValuesMut(self.slots.iter_mut())
    }

    /// All keys, by value.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([("one".to_string(), 1)]);
    /// assert_eq!(map.into_keys().next().unwrap(), "one");
    /// ```
    pub fn into_keys(self) -> IntoKeys<K, V> {
        IntoKeys(self.slots.into_iter())
    }

    /// All values, by value.
    ///
    /// ```
    /// let map = v_alloc::StableMap::from([(1, "one".to_string())]);
    /// assert_eq!(map.into_values().next().unwrap(), "one");
    /// ```
    pub fn into_values(self) -> IntoValues<K, V> {
        IntoValues(self.slots.into_iter())
    }
}

impl<K, V, S> IntoIterator for StableMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter(self.slots.into_iter())
    }
}

impl<'a, K, V, S> IntoIterator for &'a StableMap<K, V, S> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut StableMap<K, V, S> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> IterMut<'a, K, V> {
        self.iter_mut()
    }
}
