//! Iteration in the order of indices, over holes.

use super::{Slot, StableMap};
use core::iter::FusedIterator;
use core::slice;

/// An iterator over slots that knows how many entries are left.
macro_rules! iterator {
    ($(#[$documentation:meta])* $name:ident <$($lifetime:lifetime)?> ($slots:ty), $item:ty, $of_slot:expr) => {
        $(#[$documentation])*
        pub struct $name<$($lifetime,)? K, V> {
            slots: $slots,
            left: usize,
        }

        impl<$($lifetime,)? K, V> Iterator for $name<$($lifetime,)? K, V> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                let entry = self.slots.by_ref().find_map($of_slot)?;
                self.left -= 1;
                Some(entry)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (self.left, Some(self.left))
            }
        }

        impl<$($lifetime,)? K, V> DoubleEndedIterator for $name<$($lifetime,)? K, V> {
            fn next_back(&mut self) -> Option<$item> {
                let entry = self.slots.by_ref().rev().find_map($of_slot)?;
                self.left -= 1;
                Some(entry)
            }
        }

        impl<$($lifetime,)? K, V> ExactSizeIterator for $name<$($lifetime,)? K, V> {}
        impl<$($lifetime,)? K, V> FusedIterator for $name<$($lifetime,)? K, V> {}
    };
}

iterator!(
    /// The entries of a [`StableMap`].
    Iter<'a>(slice::Iter<'a, Slot<K, V>>), (&'a K, &'a V), Slot::entry
);
iterator!(
    /// The entries of a [`StableMap`], with values that may be changed.
    IterMut<'a>(slice::IterMut<'a, Slot<K, V>>), (&'a K, &'a mut V), Slot::entry_mut
);
iterator!(
    /// The entries of a [`StableMap`], by value.
    IntoIter<>(crate::stable_vec::IntoIter<Slot<K, V>>), (K, V), Slot::into_entry
);
iterator!(
    /// The keys of a [`StableMap`].
    Keys<'a>(slice::Iter<'a, Slot<K, V>>), &'a K, |slot| slot.entry().map(|(key, _)| key)
);
iterator!(
    /// The values of a [`StableMap`].
    Values<'a>(slice::Iter<'a, Slot<K, V>>), &'a V, |slot| slot.entry().map(|(_, value)| value)
);
iterator!(
    /// The values of a [`StableMap`], to be changed.
    ValuesMut<'a>(slice::IterMut<'a, Slot<K, V>>), &'a mut V, |slot| slot.entry_mut().map(|(_, value)| value)
);

impl<K, V, S> StableMap<K, V, S> {
    /// All entries.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { slots: self.slots.iter(), left: self.len }
    }

    /// All entries, with values that may be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut { left: self.len, slots: self.slots.iter_mut() }
    }

    /// All keys.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys { slots: self.slots.iter(), left: self.len }
    }

    /// All values.
    pub fn values(&self) -> Values<'_, K, V> {
        Values { slots: self.slots.iter(), left: self.len }
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> ValuesMut<'_, K, V> {
        ValuesMut { left: self.len, slots: self.slots.iter_mut() }
    }
}

impl<K, V, S> IntoIterator for StableMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { left: self.len, slots: self.slots.into_iter() }
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
