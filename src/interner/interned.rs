//! What can be interned: `str` and `[u8]`. Nothing of a caller's, whose code could run in the middle of an insertion.

/// What an [`Interner`](crate::Interner) can hold: `str` or `[u8]`. Sealed.
///
/// ```
/// use v_alloc::{Interned, Interner};
/// fn count<T: Interned + ?Sized>(strings: &Interner<T>) -> usize {
///     strings.len()
/// }
/// assert_eq!(count(&Interner::new()) + count(&Interner::of_bytes()), 0);
/// ```
pub trait Interned: sealed::Sealed {}

impl Interned for str {}
impl Interned for [u8] {}

pub(super) mod sealed {
    /// What is its bytes, and equal if they are.
    pub trait Sealed {
        fn bytes(&self) -> &[u8];

        /// # Safety
        /// The bytes are a copy of those of a value.
        unsafe fn from_bytes(bytes: &[u8]) -> &Self;
    }

    impl Sealed for str {
        #[inline]
        fn bytes(&self) -> &[u8] {
            self.as_bytes()
        }

        #[inline]
        unsafe fn from_bytes(bytes: &[u8]) -> &Self {
            // SAFETY: a copy of a text is one.
            unsafe { core::str::from_utf8_unchecked(bytes) }
        }
    }

    impl Sealed for [u8] {
        #[inline]
        fn bytes(&self) -> &[u8] {
            self
        }

        #[inline]
        unsafe fn from_bytes(bytes: &[u8]) -> &Self {
            bytes
        }
    }
}
