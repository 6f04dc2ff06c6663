//! Types for which zero bytes are a value.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::num::{NonZero, Wrapping};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicUsize};

/// A type for which zero bytes are a valid value, so that fresh pages can be handed out as they are.
///
/// # Safety
/// All bytes zero is a valid value of the type.
///
/// ```
/// #[derive(Debug, PartialEq)]
/// struct Counter { hits: u64, last: Option<&'static str> }
/// // SAFETY: zero is a number, and the all-zero pattern of an optional reference is `None`.
/// unsafe impl v_alloc::Zeroable for Counter {}
///
/// let arena = v_alloc::Arena::new();
/// let counters = arena.alloc_slice_zeroed::<Counter>(1000);
/// assert_eq!(counters[999], Counter { hits: 0, last: None });
/// ```
pub unsafe trait Zeroable {}

macro_rules! zeroable {
    ($($type:ty),*) => {
        $(
            // SAFETY: zero is a value of every such type.
            unsafe impl Zeroable for $type {}
        )*
    };
}

// Of atomics, those that every target has.
zeroable!(AtomicU8, AtomicU16, AtomicU32, AtomicUsize, AtomicI32, AtomicIsize, AtomicBool);
zeroable!(Option<NonZero<u8>>, Option<NonZero<u16>>, Option<NonZero<u32>>, Option<NonZero<u64>>);
zeroable!(Option<NonZero<usize>>, Option<NonZero<i32>>, Option<NonZero<i64>>, Option<NonZero<isize>>);
zeroable!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, ());

// SAFETY: an array is its elements.
unsafe impl<T: Zeroable, const N: usize> Zeroable for [T; N] {}
// SAFETY: any bytes are a value, or none.
unsafe impl<T> Zeroable for MaybeUninit<T> {}
// SAFETY: a null pointer is a pointer.
unsafe impl<T> Zeroable for *const T {}
// SAFETY: a null pointer is a pointer.
unsafe impl<T> Zeroable for *mut T {}
// SAFETY: the null pointer optimisation is guaranteed for these.
unsafe impl<T> Zeroable for Option<NonNull<T>> {}
// SAFETY: the null pointer optimisation is guaranteed for these.
unsafe impl<T> Zeroable for Option<&T> {}
// SAFETY: the null pointer optimisation is guaranteed for these.
unsafe impl<T> Zeroable for Option<&mut T> {}
// SAFETY: it has no bytes.
unsafe impl<T: ?Sized> Zeroable for PhantomData<T> {}
// SAFETY: it is its value.
unsafe impl<T: Zeroable> Zeroable for Wrapping<T> {}
// SAFETY: a cell is its value.
unsafe impl<T: Zeroable> Zeroable for core::cell::Cell<T> {}
// SAFETY: a cell is its value.
unsafe impl<T: Zeroable> Zeroable for core::cell::UnsafeCell<T> {}
