//! `StableString`: text that grows without moving.

use super::StableVec;
use crate::ReserveError;
use core::fmt;
use core::ops::Deref;

/// A string that grows without moving: what was pushed stays where it is, and a `&str` to it stays good.
///
/// ```
/// use core::fmt::Write;
/// let log = v_alloc::StableString::new();
/// let first: &str = log.push_str("first");
/// write!(&log, ", {} more", 41)?;
/// assert_eq!((first, &*log), ("first", "first, 41 more"));
/// # Ok::<(), core::fmt::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StableString {
    /// UTF-8.
    bytes: StableVec<u8>,
}

impl StableString {
    /// An empty string. O(1), no system call.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: StableVec::new() }
    }

    /// An empty string in this vector, which gives it its reservation. The vector is cleared.
    #[must_use]
    pub fn in_vec(mut bytes: StableVec<u8>) -> Self {
        bytes.clear();
        Self { bytes }
    }

    /// Adds text at the end, and returns it where it is now. No text moves.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    pub fn push_str(&self, text: &str) -> &str {
        super::or_panic(self.bytes.try_reserve(text.len()));
        // SAFETY: room was made.
        unsafe { self.push_within_capacity(text) }
    }

    /// As [`push_str`](Self::push_str), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation is used up or there is no memory; nothing was added then.
    pub fn try_push_str(&self, text: &str) -> Result<&str, ReserveError> {
        self.bytes.try_reserve(text.len())?;
        // SAFETY: room was made.
        Ok(unsafe { self.push_within_capacity(text) })
    }

    /// # Safety
    /// There is room.
    unsafe fn push_within_capacity(&self, text: &str) -> &str {
        // SAFETY: there is room; and a copy of a text is one.
        unsafe { core::str::from_utf8_unchecked(self.bytes.copy_within_capacity(text.as_bytes())) }
    }

    /// Adds a character at the end.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    pub fn push(&self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    /// Removes the last character.
    pub fn pop(&mut self) -> Option<char> {
        let last = self.chars().next_back()?;
        self.bytes.truncate(self.bytes.len() - last.len_utf8());
        Some(last)
    }

    /// Removes all from byte `len` on.
    ///
    /// # Panics
    /// If a character lies across `len`.
    pub fn truncate(&mut self, len: usize) {
        assert!(len >= self.len() || self.is_char_boundary(len), "{len} lies within a character");
        self.bytes.truncate(len);
    }

    /// Removes all. The memory stays.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: only text is pushed, and removed in whole characters.
        unsafe { core::str::from_utf8_unchecked(&self.bytes) }
    }

    /// The text, to be changed where it is.
    #[must_use]
    pub fn as_mut_str(&mut self) -> &mut str {
        // SAFETY: as in `as_str`.
        unsafe { core::str::from_utf8_unchecked_mut(&mut self.bytes) }
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> StableVec<u8> {
        self.bytes
    }
}

impl Deref for StableString {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for StableString {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Write for StableString {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (&*self).write_str(text)
    }
}

/// Pushing needs no exclusive borrow, and so neither does writing.
impl fmt::Write for &StableString {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_push_str(text).map(|_| ()).map_err(|_| fmt::Error)
    }
}

impl fmt::Display for StableString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl fmt::Debug for StableString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl From<&str> for StableString {
    fn from(text: &str) -> Self {
        let string = Self::new();
        string.push_str(text);
        string
    }
}

impl<'a> Extend<&'a str> for StableString {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, texts: I) {
        for text in texts {
            self.push_str(text);
        }
    }
}

impl<'a> FromIterator<&'a str> for StableString {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut string = Self::new();
        string.extend(texts);
        string
    }
}

impl PartialEq<str> for StableString {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for StableString {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
