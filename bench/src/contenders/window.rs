//! Windows that a loop holds in registers: it borrows the arena, and gives back what is left when it ends.

use super::{Contender, Emptied, MALLOC, Reusable};
use crate::Result;
use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{Arena, Bulk, Reserved};

/// A contender that lends its window.
pub trait Lending: Reusable {
    type Window<'a>: Window
    where
        Self: 'a;

    fn window(&mut self) -> Self::Window<'_>;
}

/// Hands out memory of a borrowed contender.
pub trait Window {
    /// Moves a value into memory of the contender; `None` if there is none.
    fn value<T: 'static>(&mut self, value: T) -> Option<NonNull<T>>;
}

impl<const MIN_ALIGN: usize> Lending for Arena<Reserved, MIN_ALIGN> {
    type Window<'a> = Bulk<'a, 'a, Reserved, MIN_ALIGN>;

    #[inline(always)]
    fn window(&mut self) -> Self::Window<'_> {
        self.bulk()
    }
}

impl<const MIN_ALIGN: usize> Window for Bulk<'_, '_, Reserved, MIN_ALIGN> {
    #[inline(always)]
    fn value<T: 'static>(&mut self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }
}

/// What a window costs at least: two local variables, and memory that never grows.
pub struct ByHand {
    memory: NonNull<[u8]>,
    /// Bytes that were handed out.
    used: usize,
}

pub struct LocalVariables<'a> {
    lender: &'a mut ByHand,
    cursor: NonNull<u8>,
    /// The address after the last byte.
    limit: usize,
}

impl Lending for ByHand {
    type Window<'a> = LocalVariables<'a>;

    #[inline(always)]
    fn window(&mut self) -> LocalVariables<'_> {
        let limit = self.memory.addr().get() + self.memory.len();
        // SAFETY: so many bytes of the memory are used.
        let cursor = unsafe { self.memory.cast::<u8>().add(self.used) };
        LocalVariables { lender: self, cursor, limit }
    }
}

impl Drop for LocalVariables<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lender.used = self.cursor.addr().get() - self.lender.memory.addr().get();
    }
}

impl Window for LocalVariables<'_> {
    #[inline(always)]
    fn value<T: 'static>(&mut self, value: T) -> Option<NonNull<T>> {
        // No address is so high that these sums could wrap.
        let start = (self.cursor.addr().get() + align_of::<T>() - 1) & !(align_of::<T>() - 1);
        let end = start + size_of::<T>();
        if end > self.limit {
            return None;
        }
        let place = self.cursor.as_ptr().with_addr(start).cast::<T>();
        // SAFETY: from here to `end` lies in the memory; it is aligned, and handed out once.
        unsafe { place.write(value) };
        // SAFETY: neither lies before the memory, which does not begin at null.
        let (place, cursor) =
            unsafe { (NonNull::new_unchecked(place), NonNull::new_unchecked(place.with_addr(end))) };
        self.cursor = cursor.cast();
        Some(place)
    }
}

/// Only through its window.
impl Contender for ByHand {
    fn block(&self, _: Layout) -> Option<NonNull<u8>> {
        None
    }
}

impl Emptied for ByHand {
    #[inline(always)]
    fn empty(&mut self) -> Result<()> {
        self.used = 0;
        Ok(())
    }
}

impl Reusable for ByHand {
    fn with_room(size: usize) -> Result<Self> {
        let memory = MALLOC.block(Layout::from_size_align(size, 16)?).ok_or("no memory")?;
        Ok(Self { memory: NonNull::slice_from_raw_parts(memory, size), used: 0 })
    }
}
