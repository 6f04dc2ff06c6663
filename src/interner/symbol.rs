//! `Symbol`: the number of an interned string.

use core::fmt;
use core::num::NonZeroU32;

/// The number of a string in an [`Interner`](crate::Interner). 4 bytes, also in an `Option`.
///
/// Symbols of one interner are equal if their strings are, and ordered as these were first interned.
///
/// ```
/// use v_alloc::{Interner, Symbol};
/// let names = Interner::new();
/// let symbols: [Symbol; 3] = ["let", "x", "let"].map(|word| names.intern(word));
/// assert!(symbols[0] == symbols[2] && symbols[0] < symbols[1]);
/// assert_eq!(size_of::<Option<Symbol>>(), 4);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(
    /// The number + 1.
    NonZeroU32,
);

impl Symbol {
    /// The symbol with this index, for whoever has kept one; `None` above `u32::MAX - 1`, which no interner reaches.
    ///
    /// ```
    /// let symbol = v_alloc::Interner::new().intern("first");
    /// assert_eq!(v_alloc::Symbol::from_index(0), Some(symbol));
    /// ```
    #[inline]
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(NonZeroU32::new).map(Self)
    }

    /// How many strings were interned before this one.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let mut uses = vec![0; 2]; // by symbol
    /// for word in ["let", "x", "let"] {
    ///     uses[names.intern(word).index()] += 1;
    /// }
    /// assert_eq!(uses, [2, 1]);
    /// ```
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.to_u32() as usize
    }

    /// [`index`](Self::index), in 32 bits.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// assert_eq!(names.intern("first").to_u32(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        self.0.get() - 1
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Symbol").field(&self.to_u32()).finish()
    }
}
