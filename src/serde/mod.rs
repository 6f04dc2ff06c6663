//! `Serialize` and `Deserialize` for the containers, with the feature `serde`.
//!
//! What is read may be hostile. Lengths that it announces are not believed, and need not be: containers that grow in
//! place gain little by knowing. Limits are the format's errors, not panics.

#[cfg(feature = "map")]
mod interner;
#[cfg(feature = "map")]
mod map;
mod vec;

use crate::ReserveError;
use core::fmt;
use core::marker::PhantomData;
use serde::de::{Deserialize, Error, SeqAccess, Visitor};

/// Reads a sequence into a container, one element after the other.
struct Elements<C, T, F> {
    into: C,
    push: F,
    element: PhantomData<T>,
}

impl<C, T, F: FnMut(&mut C, T) -> Result<(), ReserveError>> Elements<C, T, F> {
    fn new(into: C, push: F) -> Self {
        Self { into, push, element: PhantomData }
    }
}

impl<'de, C, T, F> Visitor<'de> for Elements<C, T, F>
where
    T: Deserialize<'de>,
    F: FnMut(&mut C, T) -> Result<(), ReserveError>,
{
    type Value = C;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<C, A::Error> {
        while let Some(element) = sequence.next_element()? {
            (self.push)(&mut self.into, element).map_err(A::Error::custom)?;
        }
        Ok(self.into)
    }
}
