//! Iteration in the order of symbols.

use super::{Interned, Interner, Place, Symbol};
use core::iter::{Enumerate, FusedIterator};
use core::slice;

/// The strings of an [`Interner`] with their symbols, as many as there were when it was made.
///
/// ```
/// let names = v_alloc::Interner::new();
/// names.intern("one");
/// let mut all: v_alloc::InternerIter<'_, str> = names.iter();
/// names.intern("two");
/// assert_eq!(all.len(), 1); // as many as there were
/// assert_eq!(all.next().unwrap().1, "one");
/// ```
pub struct InternerIter<'a, T: Interned + ?Sized> {
    interner: &'a Interner<T>,
    places: Enumerate<slice::Iter<'a, Place>>,
}

impl<T: Interned + ?Sized> Interner<T> {
    /// All strings with their symbols, in the order of symbols. Strings may be interned meanwhile; they are left out.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// ["one", "two", "one"].map(|name| names.intern(name));
    /// assert!(names.iter().map(|(_, name)| name).eq(["one", "two"]));
    /// ```
    pub fn iter(&self) -> InternerIter<'_, T> {
        InternerIter { interner: self, places: self.places.iter().enumerate() }
    }
}

impl<'a, T: Interned + ?Sized> InternerIter<'a, T> {
    fn pair(&self, (index, &place): (usize, &Place)) -> Option<(Symbol, &'a T)> {
        Some((Symbol::from_index(index)?, self.interner.string(place)))
    }
}

impl<'a, T: Interned + ?Sized> Iterator for InternerIter<'a, T> {
    type Item = (Symbol, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        let numbered = self.places.next()?;
        self.pair(numbered)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<T: Interned + ?Sized> DoubleEndedIterator for InternerIter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let numbered = self.places.next_back()?;
        self.pair(numbered)
    }
}

impl<T: Interned + ?Sized> ExactSizeIterator for InternerIter<'_, T> {}
impl<T: Interned + ?Sized> FusedIterator for InternerIter<'_, T> {}

impl<T: Interned + ?Sized> Clone for InternerIter<'_, T> {
    fn clone(&self) -> Self {
        Self { interner: self.interner, places: self.places.clone() }
    }
}

impl<'a, T: Interned + ?Sized> IntoIterator for &'a Interner<T> {
    type Item = (Symbol, &'a T);
    type IntoIter = InternerIter<'a, T>;

    fn into_iter(self) -> InternerIter<'a, T> {
        self.iter()
    }
}
