//! What an `Interner` is to the standard library.

use super::{Interned, Interner, Strings, Symbol, or_panic};
use crate::{Arena, StableVec};
use core::fmt;
use core::ops::Index;

impl<T: Interned + ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self::in_parts(Strings::new(Arena::new()), StableVec::new())
    }
}

/// The clone has the same strings with the same symbols, and the limits of a new interner.
///
/// # Panics
/// If there is no memory.
impl<T: Interned + ?Sized> Clone for Interner<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        or_panic(self.copy())
    }
}

/// Whether both have the same strings with the same symbols.
impl<T: Interned + PartialEq + ?Sized> PartialEq for Interner<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl<T: Interned + Eq + ?Sized> Eq for Interner<T> {}

impl<T: Interned + fmt::Debug + ?Sized> fmt::Debug for Interner<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

impl<T: Interned + ?Sized, S: AsRef<T>> Extend<S> for Interner<T> {
    fn extend<I: IntoIterator<Item = S>>(&mut self, strings: I) {
        for string in strings {
            self.intern(string.as_ref());
        }
    }
}

impl<T: Interned + ?Sized, S: AsRef<T>> FromIterator<S> for Interner<T> {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut interner = Self::default();
        interner.extend(strings);
        interner
    }
}

/// # Panics
/// As [`Interner::resolve`].
impl<T: Interned + ?Sized> Index<Symbol> for Interner<T> {
    type Output = T;

    #[inline]
    #[track_caller]
    fn index(&self, symbol: Symbol) -> &T {
        self.resolve(symbol)
    }
}
