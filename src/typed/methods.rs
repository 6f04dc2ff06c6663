//! The methods themselves, once, for every handle: [`typed_methods!`] adds names, docs and lifetimes to the
//! functions of `values` and `building`.

use super::Blocks;
use super::building::{try_collect, try_fill, try_fill_with, try_format, without_init};
use super::values::{
    slice_failed, try_slice_copy, try_slice_zeroed, try_str, try_value, try_value_try_with, try_value_with,
    value,
};
use crate::arena::source::{Rewind, Source};
use crate::error::{allocation_failed, formatting_failed};
use crate::{AllocError, AllocOrInitError, Arena, Bulk, Scope, Zeroable};
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
use crate::{LocalArena, SyncArena};
use core::alloc::Layout;
use core::convert::Infallible;
use core::fmt;
use core::ptr::NonNull;

/// `lifetime` is how long results live; `borrow` repeats it where it is that of the method's own borrow;
/// `blocks` gives the [`Blocks`] for that lifetime.
macro_rules! typed_methods {
    (
        impl[$($generics:tt)*] $type:ty,
        lifetime $out:lifetime, borrow [$($borrow:lifetime)?],
        blocks $blocks:expr
    ) => {
        /// # Allocating
        ///
        /// Each method has a `try_` form that returns [`AllocError`] where the short form aborts the process with
        /// a line on standard error. When there is no memory, the arena stays as it was. Values are not dropped
        /// by the arena.
        ///
        /// All are O(1) besides writing the value, as long as memory is committed, and then make no system call.
        /// Closures, iterators, clones and formatters may allocate in the same arena. If they fail, what was made is
        /// dropped, and its memory (but not padding before it) goes back if nothing follows it; likewise if they
        /// panic while they make a slice or a string.
        ///
        /// Requests for no bytes succeed with an aligned pointer; they take padding at most.
        impl<$($generics)*> $type {
            /// Moves a value into the arena.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let number = arena.alloc(41);
            /// *number += 1;
            /// assert_eq!(*number, 42);
            /// ```
            #[inline]
            pub fn alloc<$($borrow,)? T>(&$($borrow)? self, value: T) -> &$out mut T {
                self::value($blocks(self), value)
            }

            /// As `alloc`. On failure the value is dropped; `try_alloc_with` makes none.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert!(arena.try_alloc(7).is_ok());
            /// assert!(arena.try_alloc([0_u8; 64 << 10]).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc<$($borrow,)? T>(&$($borrow)? self, value: T) -> Result<&$out mut T, AllocError> {
                try_value($blocks(self), value)
            }

            /// Makes a value in the arena, in place where the compiler can.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let table = arena.alloc_with(|| [7_u8; 4096]);
            /// assert_eq!(table[4095], 7);
            /// ```
            #[inline]
            pub fn alloc_with<$($borrow,)? T>(&$($borrow)? self, make: impl FnOnce() -> T) -> &$out mut T {
                match try_value_with($blocks(self), make) {
                    Ok(value) => value,
                    Err(AllocError) => allocation_failed(Layout::new::<T>()),
                }
            }

            /// As `alloc_with`. On failure `make` is not called.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert!(arena.try_alloc_with(|| [7_u8; 100]).is_ok());
            /// assert!(arena.try_alloc_with(|| -> [u8; 1 << 17] { unreachable!("there is no room for it") }).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_with<$($borrow,)? T>(
                &$($borrow)? self,
                make: impl FnOnce() -> T,
            ) -> Result<&$out mut T, AllocError> {
                try_value_with($blocks(self), make)
            }

            /// Makes a value in the arena by a function that can fail.
            ///
            /// # Errors
            /// The function's error; the memory goes back then, if nothing follows it.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let number = arena.alloc_try_with(|| "42".parse::<u64>())?;
            /// assert_eq!(*number, 42);
            /// assert!(arena.alloc_try_with(|| "many".parse::<u64>()).is_err());
            /// assert_eq!(arena.used_bytes(), 8);
            /// # Ok::<(), core::num::ParseIntError>(())
            /// ```
            #[inline]
            pub fn alloc_try_with<$($borrow,)? T, E>(
                &$($borrow)? self,
                make: impl FnOnce() -> Result<T, E>,
            ) -> Result<&$out mut T, E> {
                match try_value_try_with($blocks(self), make) {
                    Ok(value) => Ok(value),
                    Err(AllocOrInitError::Init(error)) => Err(error),
                    Err(AllocOrInitError::Alloc(AllocError)) => allocation_failed(Layout::new::<T>()),
                }
            }

            /// As `alloc_try_with`.
            ///
            /// # Errors
            /// [`AllocOrInitError`]: there is no memory, or the function's error.
            ///
            /// ```
            /// use v_alloc::AllocOrInitError;
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_try_with(|| "42".parse::<u64>()).map(|number| *number), Ok(42));
            /// let not_made = arena.try_alloc_try_with(|| "many".parse::<u64>());
            /// assert!(matches!(not_made, Err(AllocOrInitError::Init(_))));
            /// ```
            #[inline]
            pub fn try_alloc_try_with<$($borrow,)? T, E>(
                &$($borrow)? self,
                make: impl FnOnce() -> Result<T, E>,
            ) -> Result<&$out mut T, AllocOrInitError<E>> {
                try_value_try_with($blocks(self), make)
            }

            /// Copies a slice into the arena.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.alloc_slice_copy(&[1, 2, 3]), &[1, 2, 3]);
            /// ```
            #[inline]
            pub fn alloc_slice_copy<$($borrow,)? T: Copy>(&$($borrow)? self, source: &[T]) -> &$out mut [T] {
                match try_slice_copy($blocks(self), source) {
                    Ok(slice) => slice,
                    Err(AllocError) => allocation_failed(Layout::for_value(source)),
                }
            }

            /// As `alloc_slice_copy`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert_eq!(arena.try_alloc_slice_copy(&[1, 2, 3]).unwrap(), &[1, 2, 3]);
            /// assert!(arena.try_alloc_slice_copy(&[0_u8; 100_000]).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_copy<$($borrow,)? T: Copy>(
                &$($borrow)? self,
                source: &[T],
            ) -> Result<&$out mut [T], AllocError> {
                try_slice_copy($blocks(self), source)
            }

            /// Clones a slice into the arena.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let names = arena.alloc_slice_clone(&["a".to_string(), "b".to_string()]);
            /// assert_eq!(names.concat(), "ab");
            /// # for name in names { std::mem::take(name); } // an arena drops nothing
            /// ```
            #[inline]
            pub fn alloc_slice_clone<$($borrow,)? T: Clone>(&$($borrow)? self, source: &[T]) -> &$out mut [T] {
                match self.try_alloc_slice_clone(source) {
                    Ok(slice) => slice,
                    Err(AllocError) => allocation_failed(Layout::for_value(source)),
                }
            }

            /// As `alloc_slice_clone`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let words = arena.try_alloc_slice_clone(&[Some("a"), None])?;
            /// assert_eq!(words, &[Some("a"), None]);
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_clone<$($borrow,)? T: Clone>(
                &$($borrow)? self,
                source: &[T],
            ) -> Result<&$out mut [T], AllocError> {
                // SAFETY: `try_fill_with` passes indices below the length that it is given.
                let element = |index| unsafe { source.get_unchecked(index) };
                try_fill_with($blocks(self), source.len(), |index| T::clone(element(index)))
            }

            /// A slice of `len` values, each made from its index.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.alloc_slice_fill_with(4, |index| index * index), &[0, 1, 4, 9]);
            /// ```
            #[inline]
            pub fn alloc_slice_fill_with<$($borrow,)? T>(
                &$($borrow)? self,
                len: usize,
                make: impl FnMut(usize) -> T,
            ) -> &$out mut [T] {
                match try_fill_with($blocks(self), len, make) {
                    Ok(slice) => slice,
                    Err(AllocError) => slice_failed::<T>(len),
                }
            }

            /// As `alloc_slice_fill_with`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory; `make` is not called then.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_slice_fill_with(4, |index| index * index)?, &[0, 1, 4, 9]);
            /// assert!(arena.try_alloc_slice_fill_with(usize::MAX, |index| index).is_err());
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_fill_with<$($borrow,)? T>(
                &$($borrow)? self,
                len: usize,
                make: impl FnMut(usize) -> T,
            ) -> Result<&$out mut [T], AllocError> {
                try_fill_with($blocks(self), len, make)
            }

            /// A slice of `len` values, each made from its index by a function that can fail.
            ///
            /// # Errors
            /// The function's first error; the values made until then are dropped.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let texts = ["1", "2", "x"];
            /// let numbers = arena.alloc_slice_try_fill_with(2, |index| texts[index].parse::<u8>())?;
            /// assert_eq!(numbers, &[1, 2]);
            /// assert!(arena.alloc_slice_try_fill_with(3, |index| texts[index].parse::<u8>()).is_err());
            /// # Ok::<(), core::num::ParseIntError>(())
            /// ```
            #[inline]
            pub fn alloc_slice_try_fill_with<$($borrow,)? T, E>(
                &$($borrow)? self,
                len: usize,
                make: impl FnMut(usize) -> Result<T, E>,
            ) -> Result<&$out mut [T], E> {
                match try_fill($blocks(self), len, make) {
                    Ok(slice) => Ok(slice),
                    Err(AllocOrInitError::Init(error)) => Err(error),
                    Err(AllocOrInitError::Alloc(AllocError)) => slice_failed::<T>(len),
                }
            }

            /// As `alloc_slice_try_fill_with`.
            ///
            /// # Errors
            /// [`AllocOrInitError`]: there is no memory, or the function's first error.
            ///
            /// ```
            /// use v_alloc::AllocOrInitError;
            /// let arena = v_alloc::Arena::new();
            /// let failed = arena.try_alloc_slice_try_fill_with(3, |index| [Ok(7), Ok(8), Err("no more")][index]);
            /// assert_eq!(failed, Err(AllocOrInitError::Init("no more")));
            /// ```
            #[inline]
            pub fn try_alloc_slice_try_fill_with<$($borrow,)? T, E>(
                &$($borrow)? self,
                len: usize,
                make: impl FnMut(usize) -> Result<T, E>,
            ) -> Result<&$out mut [T], AllocOrInitError<E>> {
                try_fill($blocks(self), len, make)
            }

            /// A slice of `len` copies of a value.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.alloc_slice_fill_copy(3, b'-'), b"---");
            /// ```
            #[inline]
            pub fn alloc_slice_fill_copy<$($borrow,)? T: Copy>(
                &$($borrow)? self,
                len: usize,
                value: T,
            ) -> &$out mut [T] {
                self.alloc_slice_fill_with(len, |_| value)
            }

            /// As `alloc_slice_fill_copy`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_slice_fill_copy(3, b'-')?, b"---");
            /// assert!(arena.try_alloc_slice_fill_copy(usize::MAX, b'-').is_err());
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_fill_copy<$($borrow,)? T: Copy>(
                &$($borrow)? self,
                len: usize,
                value: T,
            ) -> Result<&$out mut [T], AllocError> {
                self.try_alloc_slice_fill_with(len, |_| value)
            }

            /// A slice of `len` clones of a value.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.alloc_slice_fill_clone(2, &Some(1)), &[Some(1), Some(1)]);
            /// ```
            #[inline]
            pub fn alloc_slice_fill_clone<$($borrow,)? T: Clone>(
                &$($borrow)? self,
                len: usize,
                value: &T,
            ) -> &$out mut [T] {
                self.alloc_slice_fill_with(len, |_| value.clone())
            }

            /// As `alloc_slice_fill_clone`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_slice_fill_clone(2, &Some(1))?, &[Some(1), Some(1)]);
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_fill_clone<$($borrow,)? T: Clone>(
                &$($borrow)? self,
                len: usize,
                value: &T,
            ) -> Result<&$out mut [T], AllocError> {
                self.try_alloc_slice_fill_with(len, |_| value.clone())
            }

            /// A slice of `len` default values.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.alloc_slice_fill_default::<u16>(2), &[0, 0]);
            /// ```
            #[inline]
            pub fn alloc_slice_fill_default<$($borrow,)? T: Default>(
                &$($borrow)? self,
                len: usize,
            ) -> &$out mut [T] {
                self.alloc_slice_fill_with(len, |_| T::default())
            }

            /// As `alloc_slice_fill_default`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_slice_fill_default::<u16>(2)?, &[0, 0]);
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_fill_default<$($borrow,)? T: Default>(
                &$($borrow)? self,
                len: usize,
            ) -> Result<&$out mut [T], AllocError> {
                self.try_alloc_slice_fill_with(len, |_| T::default())
            }

            /// A slice of all that an iterator yields. Its length need not be known, and a wrong `size_hint` does
            /// no harm.
            ///
            /// Amortised O(1) per item; nothing is copied while nothing else is allocated in between.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let words = arena.alloc_slice_fill_iter("never move a byte".split(' '));
            /// assert_eq!(words, &["never", "move", "a", "byte"]);
            /// ```
            #[inline]
            pub fn alloc_slice_fill_iter<$($borrow,)? T>(
                &$($borrow)? self,
                items: impl IntoIterator<Item = T>,
            ) -> &$out mut [T] {
                match self.try_alloc_slice_fill_iter(items) {
                    Ok(slice) => slice,
                    Err(AllocError) => allocation_failed(Layout::new::<T>()),
                }
            }

            /// As `alloc_slice_fill_iter`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory; the items taken until then are dropped.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert_eq!(arena.try_alloc_slice_fill_iter(1..=3).unwrap(), &[1, 2, 3]);
            /// assert!(arena.try_alloc_slice_fill_iter(0..1_000_000).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_fill_iter<$($borrow,)? T>(
                &$($borrow)? self,
                items: impl IntoIterator<Item = T>,
            ) -> Result<&$out mut [T], AllocError> {
                let items = items.into_iter().map(Ok::<T, Infallible>);
                try_collect($blocks(self), items).map_err(without_init)
            }

            /// A slice of all that an iterator yields, up to its first error.
            ///
            /// # Errors
            /// The first error that the iterator yields; the items before it are dropped.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let numbers = arena.alloc_slice_try_fill_iter("1 2 3".split(' ').map(str::parse::<u8>))?;
            /// assert_eq!(numbers, &[1, 2, 3]);
            /// # Ok::<(), core::num::ParseIntError>(())
            /// ```
            #[inline]
            pub fn alloc_slice_try_fill_iter<$($borrow,)? T, E>(
                &$($borrow)? self,
                items: impl IntoIterator<Item = Result<T, E>>,
            ) -> Result<&$out mut [T], E> {
                match try_collect($blocks(self), items) {
                    Ok(slice) => Ok(slice),
                    Err(AllocOrInitError::Init(error)) => Err(error),
                    Err(AllocOrInitError::Alloc(AllocError)) => allocation_failed(Layout::new::<T>()),
                }
            }

            /// As `alloc_slice_try_fill_iter`.
            ///
            /// # Errors
            /// [`AllocOrInitError`]: there is no memory, or the iterator's first error.
            ///
            /// ```
            /// use v_alloc::AllocOrInitError;
            /// let arena = v_alloc::Arena::new();
            /// let numbers = arena.try_alloc_slice_try_fill_iter("1 2 x".split(' ').map(str::parse::<u8>));
            /// assert!(matches!(numbers, Err(AllocOrInitError::Init(_))));
            /// ```
            #[inline]
            pub fn try_alloc_slice_try_fill_iter<$($borrow,)? T, E>(
                &$($borrow)? self,
                items: impl IntoIterator<Item = Result<T, E>>,
            ) -> Result<&$out mut [T], AllocOrInitError<E>> {
                try_collect($blocks(self), items)
            }

            /// A slice of `len` values whose bytes are all zero.
            ///
            /// O(1) on fresh pages, which read zero by themselves; O(n) where memory is reused.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let table = arena.alloc_slice_zeroed::<u64>(1 << 20);
            /// assert_eq!(table[12345], 0);
            /// ```
            #[inline]
            pub fn alloc_slice_zeroed<$($borrow,)? T: Zeroable>(&$($borrow)? self, len: usize) -> &$out mut [T] {
                match try_slice_zeroed($blocks(self), len) {
                    Ok(slice) => slice,
                    Err(AllocError) => slice_failed::<T>(len),
                }
            }

            /// As `alloc_slice_zeroed`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// assert_eq!(arena.try_alloc_slice_zeroed::<u64>(1 << 20)?[12345], 0);
            /// assert!(arena.try_alloc_slice_zeroed::<u64>(usize::MAX).is_err());
            /// # Ok::<(), v_alloc::AllocError>(())
            /// ```
            #[inline]
            pub fn try_alloc_slice_zeroed<$($borrow,)? T: Zeroable>(
                &$($borrow)? self,
                len: usize,
            ) -> Result<&$out mut [T], AllocError> {
                try_slice_zeroed($blocks(self), len)
            }

            /// Copies a string into the arena.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let name = arena.alloc_str("ada");
            /// name.make_ascii_uppercase();
            /// assert_eq!(name, "ADA");
            /// ```
            #[inline]
            pub fn alloc_str<$($borrow)?>(&$($borrow)? self, source: &str) -> &$out mut str {
                match try_str($blocks(self), source) {
                    Ok(text) => text,
                    Err(AllocError) => allocation_failed(Layout::for_value(source)),
                }
            }

            /// As `alloc_str`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert_eq!(arena.try_alloc_str("ada").unwrap(), "ada");
            /// assert!(arena.try_alloc_str(&"ada".repeat(100_000)).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_str<$($borrow)?>(&$($borrow)? self, source: &str) -> Result<&$out mut str, AllocError> {
                try_str($blocks(self), source)
            }

            /// Formats into the arena. A formatting trait implementation that returns an error aborts, too.
            ///
            /// O(length) while the implementations allocate nothing in the arena.
            ///
            /// ```
            /// let arena = v_alloc::Arena::new();
            /// let label = arena.alloc_fmt(format_args!("{}-{:03}", "node", 7));
            /// assert_eq!(label, "node-007");
            /// ```
            #[inline]
            pub fn alloc_fmt<$($borrow)?>(&$($borrow)? self, arguments: fmt::Arguments<'_>) -> &$out mut str {
                match try_format($blocks(self), arguments) {
                    Ok(text) => text,
                    Err(AllocError) => formatting_failed(),
                }
            }

            /// As `alloc_fmt`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory, or if a formatting trait implementation returns an error.
            ///
            /// ```
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert_eq!(arena.try_alloc_fmt(format_args!("{:03}", 7)).unwrap(), "007");
            /// assert!(arena.try_alloc_fmt(format_args!("{0:50000}{0:50000}", 7)).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_fmt<$($borrow)?>(
                &$($borrow)? self,
                arguments: fmt::Arguments<'_>,
            ) -> Result<&$out mut str, AllocError> {
                try_format($blocks(self), arguments)
            }

            /// A block of this layout, uninitialised; an aligned dangling pointer for no bytes.
            ///
            /// ```
            /// use core::alloc::Layout;
            /// let arena = v_alloc::Arena::new();
            /// let block = arena.alloc_layout(Layout::from_size_align(100, 64)?);
            /// assert_eq!(block.addr().get() % 64, 0);
            /// # Ok::<(), core::alloc::LayoutError>(())
            /// ```
            #[inline]
            pub fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
                match self.try_alloc_layout(layout) {
                    Ok(block) => block,
                    Err(AllocError) => allocation_failed(layout),
                }
            }

            /// As `alloc_layout`.
            ///
            /// # Errors
            /// [`AllocError`] if there is no memory.
            ///
            /// ```
            /// use core::alloc::Layout;
            /// let arena = v_alloc::Arena::with_reservation(4096)?;
            /// assert!(arena.try_alloc_layout(Layout::new::<u64>()).is_ok());
            /// assert!(arena.try_alloc_layout(Layout::new::<[u8; 1 << 20]>()).is_err());
            /// # Ok::<(), v_alloc::ReserveError>(())
            /// ```
            #[inline]
            pub fn try_alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
                Blocks::allocate_block($blocks(self), layout)
            }
        }
    };
}

typed_methods! {
    impl[S: Source, const MIN_ALIGN: usize] Arena<S, MIN_ALIGN>,
    lifetime 'a, borrow ['a],
    blocks core::convert::identity::<&Self>
}

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
typed_methods! {
    impl[] SyncArena,
    lifetime 'a, borrow ['a],
    blocks core::convert::identity::<&Self>
}

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
typed_methods! {
    impl['a] LocalArena<'a>,
    lifetime 'a, borrow [],
    blocks Self::arena
}

typed_methods! {
    impl['s, S: Rewind, const MIN_ALIGN: usize] Scope<'s, S, MIN_ALIGN>,
    lifetime 's, borrow [],
    blocks Self::arena
}

typed_methods! {
    impl['a, S: Source, const MIN_ALIGN: usize] Bulk<'_, 'a, S, MIN_ALIGN>,
    lifetime 'a, borrow [],
    blocks Self::handle
}
