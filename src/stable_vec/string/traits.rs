//! What a `StableString` is to the standard library: a `str`, a writer, a collection of characters and texts.

extern crate alloc;

use super::StableString;
use alloc::borrow::Cow;
use alloc::string::String;
use core::borrow::Borrow;
use core::convert::Infallible;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Add, AddAssign, Deref, DerefMut};
use core::str::FromStr;

/// As [`StableVec`](super::StableVec)'s.
impl Clone for StableString {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone() }
    }

    #[track_caller]
    fn clone_from(&mut self, source: &Self) {
        self.bytes.clone_from(&source.bytes);
    }
}

impl Deref for StableString {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for StableString {
    fn as_ref(&self) -> &str {
        self
    }
}

impl DerefMut for StableString {
    fn deref_mut(&mut self) -> &mut str {
        self.as_mut_str()
    }
}

impl AsRef<[u8]> for StableString {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<str> for StableString {
    fn borrow(&self) -> &str {
        self
    }
}

/// As a `str`, by which it can be found in a map.
impl Hash for StableString {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Write for StableString {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (&*self).write_str(text)
    }
}

/// Pushing needs no exclusive borrow, and so neither does writing.
impl fmt::Write for &StableString {
    #[inline]
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

impl From<String> for StableString {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Cow<'_, str>> for StableString {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl From<char> for StableString {
    fn from(character: char) -> Self {
        [character].into_iter().collect()
    }
}

impl FromStr for StableString {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

/// As [`StableString::push_str`].
impl AddAssign<&str> for StableString {
    #[inline]
    #[track_caller]
    fn add_assign(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// As [`StableString::push_str`].
impl Add<&str> for StableString {
    type Output = Self;

    #[track_caller]
    fn add(self, text: &str) -> Self {
        self.push_str(text);
        self
    }
}

/// What a string is made of, one after the other.
macro_rules! extend_with {
    ($([$($lifetime:lifetime)?] $type:ty, $piece:ident => $method:ident($argument:expr);)*) => {$(
        impl$(<$lifetime>)? Extend<$type> for StableString {
            #[track_caller]
            fn extend<I: IntoIterator<Item = $type>>(&mut self, pieces: I) {
                for $piece in pieces {
                    self.$method($argument);
                }
            }
        }

        impl$(<$lifetime>)? FromIterator<$type> for StableString {
            #[track_caller]
            fn from_iter<I: IntoIterator<Item = $type>>(pieces: I) -> Self {
                let mut string = Self::new();
                string.extend(pieces);
                string
            }
        }
    )*};
}

extend_with!(
    [] char, piece => push(piece);
    ['a] &'a char, piece => push(*piece);
    ['a] &'a str, piece => push_str(piece);
    [] String, piece => push_str(&piece);
    ['a] Cow<'a, str>, piece => push_str(&piece);
);

/// Either way round, as for a `String`.
macro_rules! equal_as_texts {
    ($($other:ty),*) => {$(
        impl PartialEq<$other> for StableString {
            fn eq(&self, other: &$other) -> bool {
                self.as_str() == &other[..]
            }
        }

        impl PartialEq<StableString> for $other {
            fn eq(&self, other: &StableString) -> bool {
                other == self
            }
        }
    )*};
}

equal_as_texts!(str, &str, String);
