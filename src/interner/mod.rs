//! `Interner`: each string once, in an arena, with a number; through a shared borrow.
//!
//! ```text
//!  index   : 31 bits of a hash -> place
//!  places  : number -> place
//!  strings : at each place a symbol, a length, those 31 bits and the bytes
//! ```
//!
//! A search goes from the index right to the string: one step less than by a table of strings.

mod interned;
mod iter;
mod strings;
mod symbol;
mod traits;

pub use interned::Interned;
pub use iter::InternerIter;
pub use symbol::Symbol;

use crate::error::{Cause, Operation};
use crate::stable_map::DefaultHasher;
use crate::stable_map::index::{self, Index, MOST_ENTRIES, Tag, tag_of};
use crate::{Arena, ReserveError, StableBlock, StableVec};
use core::cell::{OnceCell, UnsafeCell};
use core::hash::{BuildHasher, Hasher};
use core::marker::PhantomData;
use core::panic::RefUnwindSafe;
use strings::{Place, Short, Strings};

/// Keeps each string once, and gives it a small number: a [`Symbol`].
///
/// Interning takes `&self`, and what is interned never moves: a `&str` from an interner is good for as long as the
/// interner is borrowed. Equal strings have equal symbols, so comparing and hashing names is comparing and hashing
/// numbers. Symbols count up from 0 in the order in which strings are first seen, so a `Vec` can be a map from them.
///
/// `T` is `str` or `[u8]`: [`Interner::new`] and [`Interner::of_bytes`].
///
/// * **Cost**: a string that is there takes one hash, one search and one comparison; a new one also a copy. No
///   insertion waits for all strings to be hashed anew. An empty interner costs nothing, a small one three pages; a
///   string takes its bytes, 16 to 19 bytes, and 8 to 16 bytes of the index.
/// * **Failure**: short forms panic where there is no room or no memory, [`try_intern`](Self::try_intern) has an error.
///   Either way the interner stays as it was.
/// * **Limits**: 2^27 strings, and 16 GiB for them with 12 to 15 bytes more for each, on 64-bit Unix, or what
///   [`with_reservation`](Self::with_reservation) says; never more than 16 GiB, nor a string of 4 GiB.
/// * **Threads**: `Send`, never `Sync`.
///
/// The hash function is that of [`DefaultHasher`], with a seed of its own for each interner: fast, but not meant for
/// strings that an attacker chooses.
///
/// ```
/// use v_alloc::Interner;
/// let names = Interner::new();
/// let (main, text) = names.intern_full("main");
/// let print = names.intern("print");
/// assert_eq!(names.intern(&String::from("main")), main);
/// assert_ne!(main, print);
/// assert_eq!((text, names.resolve(print), names.len()), ("main", "print", 2));
/// ```
pub struct Interner<T: Interned + ?Sized = str> {
    strings: Strings,
    /// By number.
    places: StableVec<Place>,
    /// Never borrowed while code of the caller runs: hashing and comparing bytes is not the caller's.
    index: UnsafeCell<Index>,
    /// Made by the first search, because a seed cannot be chosen in a `const`.
    hasher: OnceCell<DefaultHasher>,
    interned: PhantomData<T>,
}

/// It is whole whenever code of the caller runs.
impl<T: Interned + ?Sized> RefUnwindSafe for Interner<T> {}

/// Of text. (Only here is a `new`, so that `Interner::new()` says what is interned.)
impl Interner {
    /// An empty interner of text. O(1), no system call. Fit for a `static Mutex`.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// static NAMES: Mutex<v_alloc::Interner> = Mutex::new(v_alloc::Interner::new());
    /// assert_eq!(NAMES.lock().unwrap().intern("first").index(), 0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::in_parts(Strings::new(Arena::new()), StableVec::new())
    }

    /// An empty interner with room for at least so many symbols, and for strings of so many bytes together, in address
    /// space. The range for strings is reserved now, that for symbols by the first one.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range, or for more symbols than an index can find: some 2^30,
    /// and 2^25 on 32-bit machines.
    ///
    /// ```
    /// let names = v_alloc::Interner::with_reservation(1000, 64 << 10)?;
    /// assert!(names.try_intern(&"x".repeat(64 << 10)).is_ok());
    /// let error = names.try_intern(&"y".repeat(64 << 10)).unwrap_err();
    /// assert!(error.to_string().contains("more than is left of the reservation"));
    /// assert_eq!(names.len(), 1);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn with_reservation(symbols: usize, bytes: usize) -> Result<Self, ReserveError> {
        Self::reserved(symbols, bytes)
    }
}

/// Of bytes.
impl Interner<[u8]> {
    /// An empty interner of bytes, as [`Interner::new`] is one of text.
    ///
    /// ```
    /// let paths = v_alloc::Interner::of_bytes();
    /// let path = paths.intern(b"/\xFF");
    /// assert_eq!(paths.resolve(path), [b'/', 0xFF]);
    /// ```
    #[must_use]
    pub const fn of_bytes() -> Self {
        Self::in_parts(Strings::new(Arena::new()), StableVec::new())
    }

    /// As [`Interner::with_reservation`].
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// let paths = v_alloc::Interner::of_bytes_with_reservation(1000, 64 << 10)?;
    /// assert!(paths.try_intern(&[b'/'; 100_000]).is_err());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn of_bytes_with_reservation(symbols: usize, bytes: usize) -> Result<Self, ReserveError> {
        Self::reserved(symbols, bytes)
    }
}

impl<T: Interned + ?Sized> Interner<T> {
    fn reserved(symbols: usize, bytes: usize) -> Result<Self, ReserveError> {
        if symbols > MOST_ENTRIES {
            return Err(ReserveError::new(
                Operation::Reserve,
                symbols.saturating_mul(size_of::<Place>()),
                Cause::TooLarge,
            ));
        }
        let places = StableVec::options().reservation(symbols).build();
        let index = Index::new(index::with_room_for(StableBlock::options(), symbols));
        Ok(Self {
            index: UnsafeCell::new(index),
            ..Self::in_parts(Strings::reserved(symbols, bytes)?, places)
        })
    }

    const fn in_parts(strings: Strings, places: StableVec<Place>) -> Self {
        let index = UnsafeCell::new(Index::new(StableBlock::options()));
        Self { strings, places, index, hasher: OnceCell::new(), interned: PhantomData }
    }

    /// The same strings with the same symbols at the same places, with the limits of a new interner. Nothing is hashed.
    fn copy(&self) -> Result<Self, ReserveError> {
        let strings = match self.places.last() {
            // SAFETY: it is the last place that was returned for what the strings have now.
            Some(&last) => unsafe { self.strings.copy(last)? },
            None => Strings::new(Arena::new()),
        };
        let mut places = StableVec::new();
        places.try_reserve(self.places.len())?;
        places.extend_from_slice(&self.places);
        // SAFETY: as in `find`.
        let index = unsafe { &*self.index.get() };
        // SAFETY: as there.
        let index = index.copy(|place| unsafe { self.strings.tag(place) })?;
        let (index, hasher) = (UnsafeCell::new(index), self.hasher.clone());
        Ok(Self { strings, places, index, hasher, interned: PhantomData })
    }

    /// The symbol of a string, which is copied if it is new. O(1) besides the string's length.
    ///
    /// # Panics
    /// If there is no room or no memory.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let (first, second) = (names.intern("one"), names.intern("two"));
    /// assert!(first != second && first == names.intern("one"));
    /// ```
    #[inline]
    #[track_caller]
    pub fn intern(&self, string: &T) -> Symbol {
        or_panic(self.try_intern(string))
    }

    /// As [`intern`](Self::intern), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no room or no memory; the interner stays as it was.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let symbol = names.try_intern("one")?;
    /// assert_eq!(names.resolve(symbol), "one");
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[inline]
    pub fn try_intern(&self, string: &T) -> Result<Symbol, ReserveError> {
        let bytes = string.bytes();
        match self.search(bytes) {
            (_, Some(symbol)) => Ok(symbol),
            (tag, None) => self.add(tag, bytes),
        }
    }

    /// As [`intern`](Self::intern), and returns the string where it is now.
    ///
    /// # Panics
    /// As for [`intern`](Self::intern).
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let (symbol, text) = names.intern_full(&"one".to_string());
    /// assert!(std::ptr::eq(text, names.resolve(symbol)));
    /// ```
    #[inline]
    #[track_caller]
    pub fn intern_full(&self, string: &T) -> (Symbol, &T) {
        or_panic(self.try_intern_full(string))
    }

    /// As [`intern_full`](Self::intern_full), with an error.
    ///
    /// # Errors
    /// As for [`try_intern`](Self::try_intern).
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let (symbol, text) = names.try_intern_full("one")?;
    /// assert_eq!((symbol.index(), text), (0, "one"));
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[inline]
    pub fn try_intern_full(&self, string: &T) -> Result<(Symbol, &T), ReserveError> {
        let symbol = self.try_intern(string)?;
        Ok((symbol, self.resolve(symbol)))
    }

    /// The symbol of a string, if it was interned.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// let one = names.intern("one");
    /// assert_eq!((names.get("one"), names.get("two")), (Some(one), None));
    /// ```
    #[inline]
    #[must_use]
    pub fn get(&self, string: &T) -> Option<Symbol> {
        self.search(string.bytes()).1
    }

    /// The string of a symbol. O(1), without hashing.
    ///
    /// # Panics
    /// If there is no such symbol here: it is another interner's, or from before [`clear`](Self::clear). (If there is
    /// one with this number, its string is returned: symbols do not know their interner.)
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// assert_eq!(names.resolve(names.intern("one")), "one");
    /// ```
    #[inline]
    #[must_use]
    #[track_caller]
    pub fn resolve(&self, symbol: Symbol) -> &T {
        match self.try_resolve(symbol) {
            Some(string) => string,
            None => no_such_symbol(symbol),
        }
    }

    /// The string of a symbol, or `None` where [`resolve`](Self::resolve) panics.
    ///
    /// ```
    /// let (names, others) = (v_alloc::Interner::new(), v_alloc::Interner::new());
    /// assert_eq!(others.try_resolve(names.intern("one")), None); // the other has no symbols at all
    /// ```
    #[inline]
    #[must_use]
    pub fn try_resolve(&self, symbol: Symbol) -> Option<&T> {
        self.places.get(symbol.index()).map(|&place| self.string(place))
    }

    /// How many strings there are.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// ["one", "two", "one"].map(|name| names.intern(name));
    /// assert_eq!(names.len(), 2);
    /// ```
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(v_alloc::Interner::new().is_empty());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The bytes of all strings together.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// ["one", "two", "one"].map(|name| names.intern(name));
    /// assert_eq!(names.string_bytes(), 6);
    /// ```
    #[must_use]
    pub fn string_bytes(&self) -> usize {
        self.strings.bytes()
    }

    /// Memory for strings and symbols that can be used without asking the system, in bytes. The index comes on top, with
    /// 8 to 16 bytes for each string.
    ///
    /// ```
    /// let names = v_alloc::Interner::new();
    /// assert_eq!(names.committed_bytes(), 0);
    /// names.intern("one");
    /// assert!(names.committed_bytes() > 0);
    /// ```
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.strings.committed_bytes() + self.places.capacity() * size_of::<Place>()
    }

    /// Forgets all strings; symbols count from 0 again. Memory for strings and symbols stays.
    ///
    /// ```
    /// let mut names = v_alloc::Interner::new();
    /// names.intern("one");
    /// names.clear();
    /// assert_eq!(names.intern("two").index(), 0);
    /// ```
    pub fn clear(&mut self) {
        let strings = &self.strings;
        // SAFETY: all places are of strings that are there still.
        let tag = |&place: &Place| (Some(unsafe { strings.tag(place) }), place);
        self.index.get_mut().clear(self.places.iter().map(tag));
        self.places.clear();
        self.strings.clear();
    }

    /// The tag of a string, and its symbol if it is there.
    #[inline]
    fn search(&self, bytes: &[u8]) -> (Tag, Option<Symbol>) {
        let Some(short) = Short::of(bytes) else { return self.search_any(bytes) };
        let tag = self.tag(|hasher| hasher.write_u128(short.all()));
        // SAFETY: as `find` says.
        (tag, self.find(tag, |place| unsafe { self.strings.symbol_if_short(place, short) }))
    }

    /// By itself, so that the search for a short string calls nothing.
    #[inline(never)]
    fn search_any(&self, bytes: &[u8]) -> (Tag, Option<Symbol>) {
        let tag = self.tag(|hasher| hasher.write(bytes)); // which tells lengths apart by itself
        // SAFETY: as `find` says.
        (tag, self.find(tag, |place| unsafe { self.strings.symbol_if(place, bytes) }))
    }

    #[inline(always)]
    fn tag(&self, hash: impl FnOnce(&mut <DefaultHasher as BuildHasher>::Hasher)) -> Tag {
        let mut hasher = self.hasher.get_or_init(DefaultHasher::default).build_hasher();
        hash(&mut hasher);
        tag_of(hasher.finish())
    }

    /// What `look` makes of the first place with this tag that it makes something of: one that was returned for what the strings
    /// have now, as all in the index.
    #[inline(always)]
    fn find(&self, tag: Tag, look: impl Fn(Place) -> Option<Symbol>) -> Option<Symbol> {
        // SAFETY: it is borrowed exclusively only within `add`, which does not come here, and through `&mut self`.
        let index = unsafe { &*self.index.get() };
        index.find(tag, index.home(tag), look)
    }

    /// Adds a string that is not there.
    #[inline(never)]
    fn add(&self, tag: Tag, bytes: &[u8]) -> Result<Symbol, ReserveError> {
        let too_large = ReserveError::new(Operation::Commit, bytes.len(), Cause::TooLarge);
        let symbol = Symbol::from_index(self.places.len()).ok_or(too_large)?;
        // Room first, which may stay if what follows fails; then the copy, the last that can fail.
        self.places.try_reserve(1)?;
        // SAFETY: nobody borrows the index, and no code of the caller runs: what it asks for is a field of a head.
        let index = unsafe { &mut *self.index.get() };
        // SAFETY: as in `find`.
        index.reserve(|place| unsafe { self.strings.tag(place) })?;
        let place = self.strings.add(symbol, tag, bytes)?;
        self.places.push(place);
        index.insert(tag, index.home(tag), place);
        Ok(symbol)
    }

    #[inline]
    fn string(&self, place: Place) -> &T {
        // SAFETY: `places` has only what was returned for what it has now, and the bytes are those of a `T`.
        unsafe { T::from_bytes(self.strings.at(place)) }
    }
}

/// Where the short forms end.
#[inline]
#[track_caller]
fn or_panic<R>(result: Result<R, ReserveError>) -> R {
    match result {
        Ok(done) => done,
        Err(error) => give_up(error),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "as `Vec` does; the `try_` forms do not")]
fn give_up(error: ReserveError) -> ! {
    panic!("Interner: {error}")
}

#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "as an index out of range does; `try_resolve` does not")]
fn no_such_symbol(symbol: Symbol) -> ! {
    panic!("Interner: no string has {symbol:?} here")
}

#[cfg(test)]
mod tests;
