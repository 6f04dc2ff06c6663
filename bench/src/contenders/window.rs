//! Windows that a loop holds in registers: it borrows the arena, and gives back what is left when it ends.

use super::{Contender, Emptied, MALLOC, Reusable};
use crate::Result;
use std::alloc::Layout;
use std::ptr::NonNull;

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

/// What a window costs at least: two local variables, and memory that never grows.
pub struct ByHand {
    memory: NonNull<[u8]>,
    /// Bytes that were handed out.
    used: usize,
}

pub struct LocalVariables<'a> {
    lender: &'a mut ByHand,
    cursor: NonNull<u8>,
    left: usize,
}

impl Lending for ByHand {
    type Window<'a> = LocalVariables<'a>;

    #[inline(always)]
    fn window(&mut self) -> LocalVariables<'_> {
        let left = self.memory.len() - self.used;
        // SAFETY: so many bytes of the memory are used.
        let cursor = unsafe { self.memory.cast::<u8>().add(self.used) };
        LocalVariables { lender: self, cursor, left }
    }
}

impl Drop for LocalVariables<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lender.used = self.lender.memory.len() - self.left;
    }
}

impl Window for LocalVariables<'_> {
    #[inline(always)]
    fn value<T: 'static>(&mut self, value: T) -> Option<NonNull<T>> {
        let padding = self.cursor.align_offset(align_of::<T>());
        let size = padding.checked_add(size_of::<T>())?;
        self.left = self.left.checked_sub(size)?;
        // SAFETY: so many bytes are left of the memory.
        let place = unsafe { self.cursor.add(padding) }.cast::<T>();
        // SAFETY: as above; it is aligned, and handed out once.
        unsafe { place.write(value) };
        // SAFETY: as above.
        self.cursor = unsafe { self.cursor.add(size) };
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
