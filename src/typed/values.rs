//! Single values, copies and zeroed slices: all that is made without running the caller's code in between.

use super::{Blocks, copying};
use crate::error::allocation_failed;
use crate::{AllocError, AllocOrInitError, Zeroable};
use core::alloc::Layout;
use core::hint::black_box;
use core::ptr::NonNull;

/// A place for one value, uninitialised.
#[inline(always)]
fn place<B: Blocks, T>(blocks: &B) -> Result<NonNull<T>, AllocError> {
    if size_of::<T>() == 0 {
        return Ok(NonNull::dangling());
    }
    match blocks.allocate_for::<T>() {
        Some(place) => Ok(place),
        None if B::ASKS_BY_ITSELF => Err(AllocError),
        None => place_slowly(blocks),
    }
}

#[cold]
#[inline(never)]
fn place_slowly<B: Blocks, T>(blocks: &B) -> Result<NonNull<T>, AllocError> {
    Ok(blocks.allocate_block(Layout::new::<T>())?.cast())
}

/// `alloc`: the cold path takes the value, so that the fast path needs no stack frame.
#[inline(always)]
pub(crate) fn value<B: Blocks, T>(blocks: &B, value: T) -> &mut T {
    if size_of::<T>() != 0 {
        return match blocks.allocate_for::<T>() {
            // SAFETY: the place is ours, aligned and large enough.
            Some(place) => unsafe { write(place, value) },
            None if B::ASKS_BY_ITSELF => allocation_failed(Layout::new::<T>()),
            None => value_slowly(blocks, value),
        };
    }
    // SAFETY: a value of no bytes may be written to and live at any aligned address.
    unsafe { write(NonNull::dangling(), value) }
}

#[cold]
#[inline(never)]
fn value_slowly<B: Blocks, T>(blocks: &B, value: T) -> &mut T {
    match try_value_slowly(blocks, value) {
        Ok(value) => value,
        Err(AllocError) => allocation_failed(Layout::new::<T>()),
    }
}

/// As [`value`], with an error.
#[inline(always)]
pub(crate) fn try_value<B: Blocks, T>(blocks: &B, value: T) -> Result<&mut T, AllocError> {
    if size_of::<T>() != 0 {
        return match blocks.allocate_for::<T>() {
            // SAFETY: the place is ours, aligned and large enough.
            Some(place) => Ok(unsafe { write(place, value) }),
            None if B::ASKS_BY_ITSELF => Err(AllocError),
            None => try_value_slowly(blocks, value),
        };
    }
    // SAFETY: as in `value`.
    Ok(unsafe { write(NonNull::dangling(), value) })
}

#[cold]
#[inline(never)]
fn try_value_slowly<B: Blocks, T>(blocks: &B, mut value: T) -> Result<&mut T, AllocError> {
    // Of what is only read here the compiler passes the caller's own variable, which then is in memory on the fast path too.
    black_box(&mut value);
    // SAFETY: the place is ours, aligned and large enough.
    Ok(unsafe { write(place_slowly(blocks)?, value) })
}

/// A value made in place. The place is taken before `make` runs, so `make` may allocate too.
#[inline(always)]
pub(crate) fn try_value_with<B: Blocks, T>(
    blocks: &B,
    make: impl FnOnce() -> T,
) -> Result<&mut T, AllocError> {
    let place = place(blocks)?;
    // SAFETY: the place is ours, aligned and large enough.
    Ok(unsafe { write(place, make()) })
}

/// As [`try_value_with`] for a `make` that can fail: the place goes back then, if nothing follows it.
#[inline(always)]
pub(crate) fn try_value_try_with<B: Blocks, T, E>(
    blocks: &B,
    make: impl FnOnce() -> Result<T, E>,
) -> Result<&mut T, AllocOrInitError<E>> {
    let place = place(blocks)?;
    match make() {
        // SAFETY: the place is ours, aligned and large enough.
        Ok(value) => Ok(unsafe { write(place, value) }),
        Err(error) => {
            // SAFETY: the block was allocated above with this size, and nobody else knows of it.
            unsafe { blocks.shrink_block(place.cast(), size_of::<T>(), 0) };
            Err(AllocOrInitError::Init(error))
        }
    }
}

/// # Safety
/// `place` is aligned, valid for writes of `T`, and not shared; it stays so for `'a`.
#[inline(always)]
unsafe fn write<'a, T>(mut place: NonNull<T>, value: T) -> &'a mut T {
    // SAFETY: forwarded from the caller.
    unsafe {
        place.write(value);
        place.as_mut()
    }
}

#[inline(always)]
pub(crate) fn try_slice_copy<'a, B: Blocks, T: Copy>(
    blocks: &'a B,
    source: &[T],
) -> Result<&'a mut [T], AllocError> {
    let start = blocks.allocate_block(Layout::for_value(source))?.cast::<T>();
    // SAFETY: the block has the size of the source and is new, so they are apart; the copy makes it
    // initialised.
    unsafe {
        if size_of::<T>() == 1 {
            copying::copy(NonNull::from(source).cast(), start.cast(), source.len());
        } else {
            start.copy_from_nonoverlapping(NonNull::from(source).cast(), source.len());
        }
        Ok(NonNull::slice_from_raw_parts(start, source.len()).as_mut())
    }
}

#[inline(always)]
pub(crate) fn try_str<'a, B: Blocks>(blocks: &'a B, source: &str) -> Result<&'a mut str, AllocError> {
    let copy = try_slice_copy(blocks, source.as_bytes())?;
    // SAFETY: a copy of UTF-8 is UTF-8.
    Ok(unsafe { core::str::from_utf8_unchecked_mut(copy) })
}

pub(crate) fn try_slice_zeroed<B: Blocks, T: Zeroable>(
    blocks: &B,
    len: usize,
) -> Result<&mut [T], AllocError> {
    let start = blocks.allocate_zeroed_block(array::<T>(len)?)?.cast::<T>();
    // SAFETY: the block has room for `len` values, and zero bytes are one each.
    Ok(unsafe { NonNull::slice_from_raw_parts(start, len).as_mut() })
}

/// The layout of a slice; an error if there can be none of that length.
#[inline(always)]
pub(crate) fn array<T>(len: usize) -> Result<Layout, AllocError> {
    Layout::array::<T>(len).map_err(|_| AllocError)
}

/// What a short form says when it aborts: the layout of the slice, or the largest if it has none.
#[cold]
#[inline(never)]
pub(crate) fn slice_failed<T>(len: usize) -> ! {
    let largest = usize::MAX / 2 - (align_of::<T>() - 1);
    // SAFETY: the largest size that is valid for an alignment.
    let fallback = unsafe { Layout::from_size_align_unchecked(largest, align_of::<T>()) };
    allocation_failed(Layout::array::<T>(len).unwrap_or(fallback))
}
