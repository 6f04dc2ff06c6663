//! `StableString`: text that grows without moving.

mod draining;
mod traits;

use super::StableVec;
use crate::ReserveError;
use core::fmt;
use core::ops::{Range, RangeBounds};
use core::str::Utf8Error;

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
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StableString {
    /// UTF-8.
    bytes: StableVec<u8>,
}

/// Bytes that are not text, and where: see [`StableString::from_utf8`].
///
/// ```
/// use v_alloc::{StableString, StableVec};
/// let error = StableString::from_utf8(StableVec::from([b'x', 0xFF])).unwrap_err();
/// assert_eq!((error.error.valid_up_to(), error.bytes.len()), (1, 2));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FromUtf8Error {
    /// The bytes, untouched.
    pub bytes: StableVec<u8>,
    /// What is wrong with them.
    pub error: Utf8Error,
}

impl fmt::Debug for FromUtf8Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("FromUtf8Error").field(&self.error).finish()
    }
}

impl fmt::Display for FromUtf8Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl core::error::Error for FromUtf8Error {}

impl StableString {
    /// An empty string. O(1), no system call.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// assert_eq!((text.push_str("never"), text.len()), ("never", 5));
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: StableVec::new() }
    }

    /// An empty string with room for `bytes` bytes, committed now.
    ///
    /// # Panics
    /// If there is no memory.
    ///
    /// ```
    /// assert!(v_alloc::StableString::with_capacity(100).capacity() >= 100);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: StableVec::with_capacity(bytes) }
    }

    /// The text in this vector, where it is. O(n): every byte is looked at.
    ///
    /// # Errors
    /// [`FromUtf8Error`] if the bytes are not UTF-8; it gives them back.
    ///
    /// ```
    /// use v_alloc::{StableString, StableVec};
    /// let text = StableString::from_utf8(StableVec::from(b"caf\xC3\xA9")).unwrap();
    /// assert_eq!(text, "café");
    /// let error = StableString::from_utf8(StableVec::from([b'x', 0xFF])).unwrap_err();
    /// assert_eq!((error.error.valid_up_to(), &error.bytes[..]), (1, &b"x\xFF"[..]));
    /// ```
    #[allow(clippy::result_large_err, reason = "it has the vector in it, as that of `String` has")]
    pub fn from_utf8(bytes: StableVec<u8>) -> Result<Self, FromUtf8Error> {
        match core::str::from_utf8(&bytes) {
            Ok(_) => Ok(Self { bytes }),
            Err(error) => Err(FromUtf8Error { bytes, error }),
        }
    }

    /// An empty string in this vector, which gives it its reservation. The vector is cleared.
    ///
    /// ```
    /// let log = v_alloc::StableString::in_vec(v_alloc::StableVec::options().reservation(1 << 20).build());
    /// assert_eq!(log.reserved(), 1 << 20);
    /// ```
    #[must_use]
    pub fn in_vec(mut bytes: StableVec<u8>) -> Self {
        bytes.clear();
        Self { bytes }
    }

    /// Adds text at the end, and returns it where it is now. No text moves.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// let first = text.push_str("never ");
    /// text.push_str("moves");
    /// assert_eq!((first, text.as_str()), ("never ", "never moves"));
    /// ```
    #[inline]
    #[track_caller]
    pub fn push_str(&self, text: &str) -> &str {
        self.reserve(text.len());
        // SAFETY: room was made.
        unsafe { self.push_within_capacity(text) }
    }

    /// As [`push_str`](Self::push_str), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation is used up or there is no memory; nothing was added then.
    ///
    /// ```
    /// let page = v_alloc::os::page_size()?;
    /// let text = v_alloc::StableString::in_vec(v_alloc::StableVec::options().reservation(page).build());
    /// assert!(text.try_push_str(&"x".repeat(page)).is_ok());
    /// assert!(text.try_push_str("y").is_err());
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_push_str(&self, text: &str) -> Result<&str, ReserveError> {
        self.bytes.try_reserve(text.len())?;
        // SAFETY: room was made.
        Ok(unsafe { self.push_within_capacity(text) })
    }

    /// # Safety
    /// There is room.
    #[inline]
    unsafe fn push_within_capacity(&self, text: &str) -> &str {
        // SAFETY: there is room; and a copy of a text is one.
        unsafe { core::str::from_utf8_unchecked(self.bytes.copy_within_capacity(text.as_bytes())) }
    }

    /// Adds a character at the end.
    ///
    /// # Panics
    /// If the reservation is used up or there is no memory.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// text.push('é');
    /// assert_eq!(text, "é");
    /// ```
    #[inline]
    #[track_caller]
    pub fn push(&self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    /// As [`push`](Self::push), with an error.
    ///
    /// # Errors
    /// As for [`try_push_str`](Self::try_push_str).
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// text.try_push('é')?;
    /// assert_eq!(text.len(), 2);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[inline]
    pub fn try_push(&self, character: char) -> Result<(), ReserveError> {
        self.try_push_str(character.encode_utf8(&mut [0; 4])).map(|_| ())
    }

    /// How many bytes can be held without asking the system.
    ///
    /// ```
    /// let text = v_alloc::StableString::from("text");
    /// assert!(text.capacity() >= 4);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes the string can grow to; see [`StableVec::reserved`].
    ///
    /// ```
    /// let text = v_alloc::StableString::in_vec(v_alloc::StableVec::options().reservation(1 << 20).build());
    /// assert_eq!(text.reserved(), 1 << 20);
    /// ```
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.bytes.reserved()
    }

    /// Makes sure that `additional` bytes can be pushed without asking the system; see [`StableVec::try_reserve`].
    ///
    /// # Panics
    /// If the reservation or the memory does not suffice.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// text.reserve(100);
    /// assert!(text.capacity() >= 100);
    /// ```
    #[inline]
    #[track_caller]
    pub fn reserve(&self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// As [`reserve`](Self::reserve), with an error.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; nothing has changed then.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// assert!(text.try_reserve(usize::MAX).is_err());
    /// assert!(text.try_reserve(100).is_ok());
    /// ```
    pub fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        self.bytes.try_reserve(additional)
    }

    /// As [`reserve`](Self::reserve), and asks for no more than it must: the memory grows to whole pages.
    ///
    /// # Panics
    /// As there.
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// text.reserve_exact(1_000_000);
    /// assert_eq!(text.capacity(), 1_000_000);
    /// ```
    #[track_caller]
    pub fn reserve_exact(&self, additional: usize) {
        self.bytes.reserve_exact(additional);
    }

    /// As [`reserve_exact`](Self::reserve_exact), with an error.
    ///
    /// # Errors
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// ```
    /// let text = v_alloc::StableString::new();
    /// text.try_reserve_exact(1_000_000)?;
    /// assert_eq!(text.capacity(), 1_000_000);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn try_reserve_exact(&self, additional: usize) -> Result<(), ReserveError> {
        self.bytes.try_reserve_exact(additional)
    }

    /// Gives back the memory behind the text; see [`StableVec::shrink_to_fit`].
    ///
    /// ```
    /// let mut text = v_alloc::StableString::with_capacity(1 << 20);
    /// text.push_str("text");
    /// text.shrink_to_fit();
    /// assert!(text.capacity() < 1 << 20);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// As [`shrink_to_fit`](Self::shrink_to_fit), but keeps room for so many bytes, if there is.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::with_capacity(1 << 20);
    /// text.shrink_to(1000);
    /// assert!((1000..1 << 20).contains(&text.capacity()));
    /// ```
    pub fn shrink_to(&mut self, capacity: usize) {
        self.bytes.shrink_to(capacity);
    }

    /// The text, which is never dropped. As [`StableVec::leak`].
    ///
    /// ```
    /// let name: &'static mut str = v_alloc::StableString::from("name").leak();
    /// assert_eq!(name, "name");
    /// ```
    #[must_use]
    pub fn leak<'a>(self) -> &'a mut str {
        // SAFETY: they are the bytes of a text.
        unsafe { core::str::from_utf8_unchecked_mut(self.bytes.leak()) }
    }

    /// Removes the last character.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("né");
    /// assert_eq!((text.pop(), text.pop(), text.pop()), (Some('é'), Some('n'), None));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Option<char> {
        let last = self.chars().next_back()?;
        self.bytes.truncate(self.bytes.len() - last.len_utf8());
        Some(last)
    }

    /// Removes all from byte `len` on.
    ///
    /// # Panics
    /// If a character lies across `len`.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("never moves");
    /// text.truncate(5);
    /// assert_eq!(text, "never");
    /// ```
    #[track_caller]
    pub fn truncate(&mut self, len: usize) {
        self.check_boundary(len.min(self.len()));
        self.bytes.truncate(len);
    }

    /// Inserts a character before byte `at`; the text behind it moves.
    ///
    /// # Panics
    /// If `at` is beyond the length or within a character, or there is no room.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("nver");
    /// text.insert(1, 'e');
    /// assert_eq!(text, "never");
    /// ```
    #[track_caller]
    pub fn insert(&mut self, at: usize, character: char) {
        self.insert_str(at, character.encode_utf8(&mut [0; 4]));
    }

    /// Inserts text before byte `at`; the text behind it moves.
    ///
    /// # Panics
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("moves");
    /// text.insert_str(0, "never ");
    /// assert_eq!(text, "never moves");
    /// ```
    #[track_caller]
    pub fn insert_str(&mut self, at: usize, text: &str) {
        self.replace_range(at..at, text);
    }

    /// Removes the character that begins at byte `at`, and returns it; the text behind it moves.
    ///
    /// # Panics
    /// If `at` is not below the length, or lies within a character.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("né");
    /// assert_eq!((text.remove(1), text.as_str()), ('é', "n"));
    /// ```
    #[track_caller]
    pub fn remove(&mut self, at: usize) -> char {
        self.check_boundary(at);
        let character = self[at..].chars().next();
        assert!(character.is_some(), "no character at {at}");
        let character = character.unwrap_or_default();
        self.replace_range(at..at + character.len_utf8(), "");
        character
    }

    /// Puts a text in the place of a range of bytes; the text behind it moves.
    ///
    /// # Panics
    /// If the range is not within the length, begins or ends within a character, or there is no room.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("red green blue");
    /// text.replace_range(4..9, "yellow");
    /// assert_eq!(text, "red yellow blue");
    /// ```
    #[track_caller]
    pub fn replace_range(&mut self, range: impl RangeBounds<usize>, with: &str) {
        let range = self.of_whole_characters(&range);
        self.reserve(with.len().saturating_sub(range.len()));
        // SAFETY: the range is of the text, and there is room for what is more.
        unsafe { self.bytes.replace(range.start, range.len(), with.as_bytes()) };
    }

    /// Moves the text from byte `at` on into a string of its own, with the same options.
    ///
    /// # Panics
    /// If `at` is beyond the length or within a character, or there is no memory.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("never moves");
    /// assert_eq!((text.split_off(5).as_str(), text.as_str()), (" moves", "never"));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split_off(&mut self, at: usize) -> Self {
        self.check_boundary(at);
        Self { bytes: self.bytes.split_off(at) }
    }

    /// Keeps the characters for which `keep` is true. If it panics, the character it was asked about and all behind
    /// that stay.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("a-b-c");
    /// text.retain(|character| character != '-');
    /// assert_eq!(text, "abc");
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(char) -> bool) {
        let mut kept = Kept { bytes: &mut self.bytes, len: 0, run: 0, next: 0 };
        while let Some(character) = kept.next_character() {
            if !keep(character) {
                kept.keep_run();
                kept.run = kept.next + character.len_utf8();
            }
            kept.next += character.len_utf8();
        }
    }

    /// A range, if it is within the length and has whole characters.
    #[track_caller]
    fn of_whole_characters(&self, range: &impl RangeBounds<usize>) -> Range<usize> {
        let range = self.bytes.within(range);
        self.check_boundary(range.start);
        self.check_boundary(range.end);
        range
    }

    #[track_caller]
    fn check_boundary(&self, at: usize) {
        assert!(at <= self.len(), "{at} is beyond the length");
        assert!(self.is_char_boundary(at), "{at} lies within a character");
    }

    /// Adds a part of the text at its end.
    ///
    /// # Panics
    /// If the range is not within the length or begins or ends within a character, or there is no room.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("so-");
    /// text.extend_from_within(..2);
    /// assert_eq!(text, "so-so");
    /// ```
    #[track_caller]
    pub fn extend_from_within(&mut self, range: impl RangeBounds<usize>) {
        let range = self.of_whole_characters(&range);
        self.bytes.extend_from_within(range);
    }

    /// Removes all. The memory stays.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("text");
    /// text.clear();
    /// assert_eq!(text, "");
    /// ```
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The text.
    ///
    /// ```
    /// assert_eq!(v_alloc::StableString::from("text").as_str(), "text");
    /// ```
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: only text is pushed, and removed in whole characters.
        unsafe { core::str::from_utf8_unchecked(&self.bytes) }
    }

    /// The text, to be changed where it is.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("text");
    /// text.as_mut_str().make_ascii_uppercase();
    /// assert_eq!(text, "TEXT");
    /// ```
    #[must_use]
    pub fn as_mut_str(&mut self) -> &mut str {
        // SAFETY: as in `as_str`.
        unsafe { core::str::from_utf8_unchecked_mut(&mut self.bytes) }
    }

    /// The bytes.
    ///
    /// ```
    /// assert_eq!(v_alloc::StableString::from("text").into_bytes(), *b"text");
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> StableVec<u8> {
        self.bytes
    }
}

/// A text of which some characters are removed: what was kept so far, `..len`, and what is kept where it is, `run..`, are text;
/// what lies between need not be.
struct Kept<'a> {
    bytes: &'a mut StableVec<u8>,
    len: usize,
    run: usize,
    /// The character that is looked at.
    next: usize,
}

impl Kept<'_> {
    #[inline]
    fn next_character(&self) -> Option<char> {
        // SAFETY: it was text, `next` moves by whole characters, and nothing behind it was changed.
        unsafe { core::str::from_utf8_unchecked(&self.bytes[self.next..]) }.chars().next()
    }

    /// Keeps the run, up to the character that is looked at.
    fn keep_run(&mut self) {
        if self.len < self.run {
            self.bytes.copy_within(self.run..self.next, self.len);
        }
        self.len += self.next - self.run;
    }
}

/// At the end nothing is left to be looked at, unless the caller's code panicked: that stays.
impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.next = self.bytes.len();
        self.keep_run();
        self.bytes.truncate(self.len);
    }
}
