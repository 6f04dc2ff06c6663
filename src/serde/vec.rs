//! A vector is a sequence, a string is a string.

use super::Elements;
use crate::{StableString, StableVec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// As a sequence.
impl<T: Serialize> Serialize for StableVec<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

/// # Errors
/// Those of the format, and what the vector meets where its reservation or the memory ends.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for StableVec<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements::new(Self::new(), |vec: &mut Self, element| {
            vec.try_push(element).map(drop).map_err(|refused| refused.error)
        }))
    }
}

impl Serialize for StableString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// # Errors
/// As for [`StableVec`].
impl<'de> Deserialize<'de> for StableString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = StableString;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StableString, E> {
        let string = StableString::new();
        string.try_push_str(text).map_err(E::custom)?;
        Ok(string)
    }

    /// Some formats do not tell text from bytes.
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<StableString, E> {
        match core::str::from_utf8(bytes) {
            Ok(text) => self.visit_str(text),
            Err(_) => Err(E::invalid_value(Unexpected::Bytes(bytes), &self)),
        }
    }
}
