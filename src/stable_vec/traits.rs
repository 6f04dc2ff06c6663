//! What a `StableVec` is to the standard library: a slice, a collection, a writer.

extern crate alloc;

use super::StableVec;
use alloc::vec::Vec;
use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::slice;

impl<T> Deref for StableVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T> DerefMut for StableVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T> AsRef<[T]> for StableVec<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T> AsMut<[T]> for StableVec<T> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T> Borrow<[T]> for StableVec<T> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T> BorrowMut<[T]> for StableVec<T> {
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T> Default for StableVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for StableVec<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(formatter)
    }
}

/// Clones the elements that there are when it begins: a `Clone` that pushes more is heeded in the original only. The
/// options are the same.
impl<T: Clone> Clone for StableVec<T> {
    fn clone(&self) -> Self {
        let mut other = self.empty();
        other.extend_from_slice(self);
        other
    }

    /// In the memory and with the options that the vector has.
    #[track_caller]
    fn clone_from(&mut self, source: &Self) {
        self.clear();
        self.extend_from_slice(source);
    }
}

/// Takes one by one, so that an iterator that lies about its length, or panics, leaves what it gave.
impl<T> Extend<T> for StableVec<T> {
    #[inline]
    #[track_caller]
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        let mut values = values.into_iter();
        if self.extend_by_few(&mut values) {
            extend_by_many(self, values);
        }
    }
}

/// By itself, so that of a few elements no more is known than is so: often all of it when compiling.
#[inline(never)]
#[track_caller]
fn extend_by_many<T>(vec: &mut StableVec<T>, mut values: impl Iterator<Item = T>) {
    while vec.extend_within_capacity(&mut values) {
        let Some(value) = values.next() else { break };
        vec.push(value); // makes more room
    }
}

impl<'a, T: Copy + 'a> Extend<&'a T> for StableVec<T> {
    #[inline]
    #[track_caller]
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, values: I) {
        self.extend(values.into_iter().copied());
    }
}

impl<T> FromIterator<T> for StableVec<T> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut vec = Self::new();
        vec.extend(values);
        vec
    }
}

impl<T, const N: usize> From<[T; N]> for StableVec<T> {
    #[track_caller]
    fn from(values: [T; N]) -> Self {
        let mut vec = Self::with_capacity(N);
        let values = ManuallyDrop::new(values);
        // SAFETY: there is room, and the array is not used again.
        unsafe { vec.move_in(values.as_ptr(), N) };
        vec
    }
}

impl<T: Clone> From<&[T]> for StableVec<T> {
    #[track_caller]
    fn from(values: &[T]) -> Self {
        let mut vec = Self::new();
        vec.extend_from_slice(values);
        vec
    }
}

impl From<&str> for StableVec<u8> {
    #[track_caller]
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

/// If there are exactly so many.
impl<T, const N: usize> TryFrom<StableVec<T>> for [T; N] {
    type Error = StableVec<T>;

    fn try_from(mut vec: StableVec<T>) -> Result<Self, StableVec<T>> {
        if vec.len() != N {
            return Err(vec);
        }
        // SAFETY: there are so many, which the vector does not own from then on.
        unsafe {
            let array = vec.as_ptr().cast::<Self>().read();
            vec.set_len(0);
            Ok(array)
        }
    }
}

impl<T: Clone> From<&mut [T]> for StableVec<T> {
    fn from(values: &mut [T]) -> Self {
        Self::from(&*values)
    }
}

impl<T: Clone, const N: usize> From<&[T; N]> for StableVec<T> {
    fn from(values: &[T; N]) -> Self {
        Self::from(values.as_slice())
    }
}

impl<T: Clone, const N: usize> From<&mut [T; N]> for StableVec<T> {
    fn from(values: &mut [T; N]) -> Self {
        Self::from(values.as_slice())
    }
}

/// Moves the elements, one last time.
impl<T> From<Vec<T>> for StableVec<T> {
    #[track_caller]
    fn from(mut values: Vec<T>) -> Self {
        let mut vec = Self::with_capacity(values.len());
        // SAFETY: there is room, and no element is used again where it was.
        unsafe {
            vec.move_in(values.as_ptr(), values.len());
            values.set_len(0);
        }
        vec
    }
}

impl<'a, T> IntoIterator for &'a StableVec<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.as_slice().iter()
    }
}

impl<'a, T> IntoIterator for &'a mut StableVec<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.as_mut_slice().iter_mut()
    }
}

macro_rules! equal_as_slices {
    ($(($($parameters:tt)*) $other:ty),*) => {$(
        impl<T: PartialEq<U>, U, $($parameters)*> PartialEq<$other> for StableVec<T> {
            fn eq(&self, other: &$other) -> bool {
                self.as_slice() == &other[..]
            }
        }
    )*};
}

equal_as_slices!(() StableVec<U>, () Vec<U>, () [U], () &[U], () &mut [U], (const N: usize) [U; N], (const N: usize) &[U; N]);

/// The other way round.
macro_rules! equal_to_a_vec {
    ($($other:ty),*) => {$(
        impl<T, U: PartialEq<T>> PartialEq<StableVec<T>> for $other {
            fn eq(&self, other: &StableVec<T>) -> bool {
                self[..] == *other.as_slice()
            }
        }
    )*};
}

equal_to_a_vec!(Vec<U>, [U], &[U], &mut [U]);

impl<T: Eq> Eq for StableVec<T> {}

impl<T: PartialOrd> PartialOrd for StableVec<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.as_slice().partial_cmp(other.as_slice())
    }
}

impl<T: Ord> Ord for StableVec<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl<T: Hash> Hash for StableVec<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

/// Writes at the end; an error if there is no memory, with the system's code if it has one.
#[cfg(feature = "std")]
impl std::io::Write for StableVec<u8> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let reserved = self.try_reserve(bytes.len());
        reserved.map_err(|error| std::io::Error::new(std::io::ErrorKind::OutOfMemory, error))?;
        // SAFETY: room was made.
        unsafe { self.copy_within_capacity(bytes) };
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write(bytes).map(|_| ()) // all of them
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
