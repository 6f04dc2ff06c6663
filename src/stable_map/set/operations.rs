//! What two sets have in common, and what not. Iterators borrow both, and come in the order of indices.

use super::StableSet;
use core::hash::{BuildHasher, Hash};
use core::ops::{BitAnd, BitOr, BitXor, Sub};

impl<T: Eq + Hash, S: BuildHasher> StableSet<T, S> {
    /// The elements that are in both, in the order of this set, through all of which it goes: let it be the smaller one.
    ///
    /// ```
    /// use v_alloc::StableSet;
    /// let (small, even) = (StableSet::from([1, 2, 3, 4]), StableSet::from([2, 4, 6]));
    /// assert!(small.intersection(&even).eq(&[2, 4]));
    /// assert!(small.difference(&even).eq(&[1, 3]));
    /// assert!(small.symmetric_difference(&even).eq(&[1, 3, 6]));
    /// assert!(small.union(&even).eq(&[1, 2, 3, 4, 6]));
    /// ```
    pub fn intersection<'a, S2: BuildHasher>(
        &'a self,
        other: &'a StableSet<T, S2>,
    ) -> impl DoubleEndedIterator<Item = &'a T> + Clone {
        self.iter().filter(move |element| other.contains(*element))
    }

    /// The elements of this set that are not in the other.
    ///
    /// ```
    /// let (small, even) = (v_alloc::StableSet::from([1, 2, 3, 4]), v_alloc::StableSet::from([2, 4, 6]));
    /// assert!(small.difference(&even).eq(&[1, 3]));
    /// ```
    pub fn difference<'a, S2: BuildHasher>(
        &'a self,
        other: &'a StableSet<T, S2>,
    ) -> impl DoubleEndedIterator<Item = &'a T> + Clone {
        self.iter().filter(move |element| !other.contains(*element))
    }

    /// The elements that are in one set only: first those of this one.
    ///
    /// ```
    /// let (small, even) = (v_alloc::StableSet::from([1, 2, 3, 4]), v_alloc::StableSet::from([2, 4, 6]));
    /// assert!(small.symmetric_difference(&even).eq(&[1, 3, 6]));
    /// ```
    pub fn symmetric_difference<'a, S2: BuildHasher>(
        &'a self,
        other: &'a StableSet<T, S2>,
    ) -> impl DoubleEndedIterator<Item = &'a T> + Clone {
        self.difference(other).chain(other.difference(self))
    }

    /// The elements of this set, and those of the other that are not in it.
    ///
    /// ```
    /// let (small, even) = (v_alloc::StableSet::from([1, 2, 3, 4]), v_alloc::StableSet::from([2, 4, 6]));
    /// assert!(small.union(&even).eq(&[1, 2, 3, 4, 6]));
    /// ```
    pub fn union<'a, S2: BuildHasher>(
        &'a self,
        other: &'a StableSet<T, S2>,
    ) -> impl DoubleEndedIterator<Item = &'a T> + Clone {
        self.iter().chain(other.difference(self))
    }

    /// Whether no element is in both.
    ///
    /// ```
    /// let (odd, even) = (v_alloc::StableSet::from([1, 3]), v_alloc::StableSet::from([2, 4]));
    /// assert!(odd.is_disjoint(&even) && !odd.is_disjoint(&odd));
    /// ```
    pub fn is_disjoint<S2: BuildHasher>(&self, other: &StableSet<T, S2>) -> bool {
        if self.len() <= other.len() {
            self.iter().all(|value| !other.contains(value))
        } else {
            other.iter().all(|value| !self.contains(value))
        }
    }

    /// Whether all elements are in the other set.
    ///
    /// ```
    /// let (few, more) = (v_alloc::StableSet::from([1, 3]), v_alloc::StableSet::from([1, 2, 3]));
    /// assert!(few.is_subset(&more) && !more.is_subset(&few));
    /// ```
    pub fn is_subset<S2: BuildHasher>(&self, other: &StableSet<T, S2>) -> bool {
        self.len() <= other.len() && self.difference(other).next().is_none()
    }

    /// Whether all elements of the other set are in this one.
    ///
    /// ```
    /// let (few, more) = (v_alloc::StableSet::from([1, 3]), v_alloc::StableSet::from([1, 2, 3]));
    /// assert!(more.is_superset(&few) && !few.is_superset(&more));
    /// ```
    pub fn is_superset<S2: BuildHasher>(&self, other: &StableSet<T, S2>) -> bool {
        other.is_subset(self)
    }
}

/// The operators of sets, which make a set of clones.
macro_rules! operators {
    ($($(#[$documentation:meta])* $operator:ident::$function:ident => $method:ident;)*) => {$(
        $(#[$documentation])*
        impl<T: Clone + Eq + Hash, S: BuildHasher + Default> $operator for &StableSet<T, S> {
            type Output = StableSet<T, S>;

            #[track_caller]
            fn $function(self, other: Self) -> StableSet<T, S> {
                self.$method(other).cloned().collect()
            }
        }
    )*};
}

operators!(
    /// Clones of what is in both.
    ///
    /// ```
    /// use v_alloc::StableSet;
    /// let (small, even) = (StableSet::from([1, 2, 3, 4]), StableSet::from([2, 4, 6]));
    /// assert!((&small & &even).iter().eq(&[2, 4]));
    /// assert!((&small | &even).iter().eq(&[1, 2, 3, 4, 6]));
    /// assert!((&small ^ &even).iter().eq(&[1, 3, 6]));
    /// assert!((&small - &even).iter().eq(&[1, 3]));
    /// ```
    BitAnd::bitand => intersection;
    /// Clones of what is in either.
    BitOr::bitor => union;
    /// Clones of what is in one only.
    BitXor::bitxor => symmetric_difference;
    /// Clones of what is in the first only.
    Sub::sub => difference;
);
