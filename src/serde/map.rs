//! A map is a map, a set is a sequence, both in the order of indices. Holes are left out.

use super::Elements;
use crate::{StableMap, StableSet};
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// As a map, in the order of indices. Indices are not kept: what is read has no holes.
impl<K: Serialize, V: Serialize, H> Serialize for StableMap<K, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

/// Of entries with equal keys the last one counts, at the index of the first.
///
/// # Errors
/// Those of the format, and what the map meets where its reservation or the memory ends.
impl<'de, K, V, H> Deserialize<'de> for StableMap<K, V, H>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<M>(PhantomData<M>);

impl<'de, K, V, H> Visitor<'de> for Entries<StableMap<K, V, H>>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    type Value = StableMap<K, V, H>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = StableMap::default();
        while let Some((key, value)) = entries.next_entry()? {
            map.try_insert_full(key, value).map_err(A::Error::custom)?;
        }
        Ok(map)
    }
}

/// As a sequence, in the order of indices.
impl<T: Serialize, H> Serialize for StableSet<T, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// Equal elements are one, the first.
///
/// # Errors
/// As for [`StableMap`].
impl<'de, T, H> Deserialize<'de> for StableSet<T, H>
where
    T: Deserialize<'de> + Eq + Hash,
    H: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements::new(Self::default(), |set: &mut Self, element| {
            set.try_insert_full(element).map(drop).map_err(|refused| refused.error)
        }))
    }
}
