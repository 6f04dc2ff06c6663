//! An interner is the sequence of its strings, in the order of symbols, so that symbols that are kept elsewhere mean
//! the same after reading. A symbol is its number.

use crate::{Interned, Interner, StableVec, Symbol};
use core::fmt;
use core::marker::PhantomData;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// As the number that [`Symbol::to_u32`] returns.
impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.to_u32())
    }
}

/// Whether an interner has the symbol is not known here: see [`Interner::try_resolve`].
impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        let symbol = usize::try_from(number).ok().and_then(Self::from_index);
        symbol.ok_or_else(|| D::Error::invalid_value(Unexpected::Unsigned(number.into()), &"a symbol"))
    }
}

/// As the sequence of strings, in the order of symbols.
impl Serialize for Interner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(_, text)| text))
    }
}

/// As the sequence of strings, in the order of symbols.
impl Serialize for Interner<[u8]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(_, bytes)| Bytes(bytes)))
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// # Errors
/// Those of the format; a string that comes twice, because the symbols behind it would mean other strings; and what the
/// interner meets where its reservation or the memory ends.
impl<'de, T: Interned + ?Sized> Deserialize<'de> for Interner<T>
where
    for<'a> Next<'a, T>: DeserializeSeed<'de, Value = ()>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Strings(PhantomData))
    }
}

struct Strings<T: ?Sized>(PhantomData<T>);

impl<'de, T: Interned + ?Sized> Visitor<'de> for Strings<T>
where
    for<'a> Next<'a, T>: DeserializeSeed<'de, Value = ()>,
{
    type Value = Interner<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut strings: A) -> Result<Interner<T>, A::Error> {
        let interner = Interner::default();
        while strings.next_element_seed(Next(&interner))?.is_some() {}
        Ok(interner)
    }
}

/// Interns the string that comes next, wherever the format has it: it is copied once.
pub struct Next<'a, T: Interned + ?Sized>(&'a Interner<T>);

impl<T: Interned + fmt::Debug + ?Sized> Next<'_, T> {
    fn intern<E: Error>(self, string: &T) -> Result<(), E> {
        let number = self.0.len();
        let symbol = self.0.try_intern(string).map_err(E::custom)?;
        if symbol.index() == number {
            Ok(())
        } else {
            Err(E::custom(format_args!("the string {string:?} comes twice")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Next<'_, str> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Next<'_, str> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.intern(text)
    }
}

impl<'de> DeserializeSeed<'de> for Next<'_, [u8]> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Next<'_, [u8]> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.intern(bytes)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.intern(text.as_bytes())
    }

    /// Some formats have no bytes, but sequences of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, numbers: A) -> Result<(), A::Error> {
        let bytes = StableVec::<u8>::deserialize(SeqAccessDeserializer::new(numbers))?;
        self.intern(&bytes)
    }
}
