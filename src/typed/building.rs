//! Slices and strings that are made by the caller's code: closures, iterators, clones, formatters.
//!
//! That code may allocate in the same arena, panic, or lie about lengths. So nothing is assumed across a call
//! to it: the block is ours before, an element counts only after it is written, and a block that is no longer
//! the last one is moved when it must grow.

use super::Blocks;
use super::behind::Behind;
use super::values::array;
use crate::{AllocError, AllocOrInitError};
use core::fmt;
use core::ptr::{self, NonNull};

/// A slice in the making. If it is dropped before [`finish`](Self::finish), its elements are dropped, and its
/// block goes back if nothing follows it.
pub(crate) struct Building<'a, B: Blocks, T> {
    blocks: &'a B,
    start: NonNull<T>,
    len: usize,
    /// Elements that the block has room for.
    capacity: usize,
}

/// Room that a hint of an iterator may claim at once, in bytes; beyond, it has to deliver.
const TRUSTED_HINT: usize = 64 << 10;

/// Bytes to begin with, where nothing is known of how many will be needed. What is not needed goes back.
const FIRST_ROOM: usize = 64;

impl<'a, B: Blocks, T> Building<'a, B, T> {
    pub(crate) fn with_capacity(blocks: &'a B, capacity: usize) -> Result<Self, AllocError> {
        let start = blocks.allocate_block(array::<T>(capacity)?)?.cast();
        Ok(Self { blocks, start, len: 0, capacity: if size_of::<T>() == 0 { usize::MAX } else { capacity } })
    }

    #[inline(always)]
    fn push(&mut self, value: T) -> Result<(), AllocError> {
        if self.len == self.capacity {
            self.reserve(1)?;
        }
        // SAFETY: the block has room for one more.
        unsafe { self.start.add(self.len).write(value) };
        self.len += 1;
        Ok(())
    }

    /// Adds what an iterator yields, at most so many, and as far as there is room; tells whether it went on for so long. A loop
    /// whose end is known: a compiler can make copying of it.
    #[inline(always)]
    fn fill<E>(
        &mut self,
        items: &mut impl Iterator<Item = Result<T, E>>,
        most: usize,
    ) -> Result<bool, AllocOrInitError<E>> {
        let room = self.capacity - self.len;
        // SAFETY: the block has room for as many elements as there are.
        let next = unsafe { self.start.add(self.len) };
        let mut behind = Behind::new(next, |count| self.len += count);
        for _ in 0..most.min(room) {
            let Some(item) = items.next() else { return Ok(false) };
            // SAFETY: there is room.
            unsafe { behind.push(item.map_err(AllocOrInitError::Init)?) };
        }
        Ok(true)
    }

    /// Makes room for `more` elements: for twice as many as there are, if there is memory for that.
    #[cold]
    fn reserve(&mut self, more: usize) -> Result<(), AllocError> {
        let needed = self.len.checked_add(more).ok_or(AllocError)?;
        if needed <= self.capacity {
            return Ok(());
        }
        let old = array::<T>(self.capacity)?;
        let few = const { FIRST_ROOM.checked_div(size_of::<T>()) }.unwrap_or(0).max(4);
        let doubled = needed.max(self.capacity.saturating_mul(2)).max(few);
        for capacity in [doubled, needed] {
            let Ok(new) = array::<T>(capacity) else { continue };
            // SAFETY: the block is live, of the layout of `capacity` elements, which is smaller.
            if let Ok(grown) = unsafe { self.blocks.grow_block(self.start.cast(), old, new) } {
                (self.start, self.capacity) = (grown.cast(), capacity);
                return Ok(());
            }
        }
        Err(AllocError)
    }

    /// The slice; room that was not used goes back if nothing follows it.
    #[inline(always)]
    pub(crate) fn finish(self) -> &'a mut [T] {
        let this = core::mem::ManuallyDrop::new(self);
        if this.len != this.capacity && size_of::<T>() != 0 {
            let size = size_of::<T>();
            // SAFETY: the block is live and of this size.
            unsafe { this.blocks.shrink_block(this.start.cast(), this.capacity * size, this.len * size) };
        }
        // SAFETY: that many elements were written, and the block is the caller's from here on.
        unsafe { NonNull::slice_from_raw_parts(this.start, this.len).as_mut() }
    }
}

impl<B: Blocks, T> Drop for Building<'_, B, T> {
    fn drop(&mut self) {
        struct GiveBack<'b, 'a, B: Blocks, T>(&'b Building<'a, B, T>);
        impl<B: Blocks, T> Drop for GiveBack<'_, '_, B, T> {
            fn drop(&mut self) {
                let Building { blocks, start, capacity, .. } = *self.0;
                if size_of::<T>() != 0 {
                    // SAFETY: the block is live and of this size, and its elements are gone.
                    unsafe { blocks.shrink_block(start.cast(), capacity * size_of::<T>(), 0) };
                }
            }
        }
        let len = core::mem::take(&mut self.len);
        let give_back = GiveBack(self); // also when an element's destructor panics
        // SAFETY: that many elements were written, and nobody else has them.
        unsafe { ptr::slice_from_raw_parts_mut(give_back.0.start.as_ptr(), len).drop_in_place() };
    }
}

/// A slice of `len` elements, each made by `make` from its index.
#[inline(always)]
pub(crate) fn try_fill<B: Blocks, T, E>(
    blocks: &B,
    len: usize,
    make: impl FnMut(usize) -> Result<T, E>,
) -> Result<&mut [T], AllocOrInitError<E>> {
    let mut building = Building::with_capacity(blocks, len)?;
    building.fill(&mut (0..len).map(make), len)?;
    Ok(building.finish())
}

/// As [`try_fill`], for a `make` that cannot fail.
#[inline(always)]
pub(crate) fn try_fill_with<B: Blocks, T>(
    blocks: &B,
    len: usize,
    mut make: impl FnMut(usize) -> T,
) -> Result<&mut [T], AllocError> {
    try_fill(blocks, len, |index| Ok::<T, core::convert::Infallible>(make(index))).map_err(without_init)
}

/// A slice of what an iterator yields, however many that are.
#[inline(always)]
pub(crate) fn try_collect<B: Blocks, T, E>(
    blocks: &B,
    items: impl IntoIterator<Item = Result<T, E>>,
) -> Result<&mut [T], AllocOrInitError<E>> {
    let mut items = items.into_iter();
    let promised = items.size_hint().0.min(TRUSTED_HINT / size_of::<T>().max(1));
    let Ok(mut building) = Building::with_capacity(blocks, promised) else {
        // A hint that does not fit is no reason to fail: it may be wrong.
        return collect_more(Building::with_capacity(blocks, 0)?, items);
    };
    if !building.fill(&mut items, promised)? {
        return Ok(building.finish());
    }
    match items.next() {
        None => Ok(building.finish()),
        Some(item) => {
            building.push(item.map_err(AllocOrInitError::Init)?)?;
            collect_more(building, items)
        }
    }
}

/// Adds all that follows. Out of line, because most iterators keep what they promised, and then none of this is needed; often the
/// compiler knows so.
#[inline(never)]
fn collect_more<B: Blocks, T, E>(
    mut building: Building<'_, B, T>,
    mut items: impl Iterator<Item = Result<T, E>>,
) -> Result<&mut [T], AllocOrInitError<E>> {
    loop {
        let promised = items.size_hint().0;
        if !building.fill(&mut items, promised)? {
            return Ok(building.finish());
        }
        // One by one, until something is promised again.
        loop {
            let Some(item) = items.next() else { return Ok(building.finish()) };
            building.push(item.map_err(AllocOrInitError::Init)?)?; // makes more room
            if items.size_hint().0 > 0 {
                break;
            }
        }
    }
}

pub(crate) fn without_init(error: AllocOrInitError<core::convert::Infallible>) -> AllocError {
    match error {
        AllocOrInitError::Alloc(error) => error,
        AllocOrInitError::Init(never) => match never {},
    }
}

/// The text of `arguments`.
pub(crate) fn try_format<'a, B: Blocks>(
    blocks: &'a B,
    arguments: fmt::Arguments<'_>,
) -> Result<&'a mut str, AllocError> {
    if let Some(text) = arguments.as_str() {
        return super::values::try_str(blocks, text);
    }
    let mut text = Text { building: Building::with_capacity(blocks, 0)?, failed: false };
    let written = fmt::write(&mut text, arguments);
    if written.is_err() || text.failed {
        return Err(AllocError);
    }
    // SAFETY: only whole strings were written.
    Ok(unsafe { core::str::from_utf8_unchecked_mut(text.building.finish()) })
}

/// A string in the making. It remembers a failure, which a formatting trait implementation may ignore.
struct Text<'a, B: Blocks> {
    building: Building<'a, B, u8>,
    failed: bool,
}

impl<B: Blocks> fmt::Write for Text<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Self { building, failed } = self;
        if *failed || (text.len() > building.capacity - building.len && building.reserve(text.len()).is_err())
        {
            *failed = true;
            return Err(fmt::Error);
        }
        // SAFETY: the block has room for the text, which cannot lie in it.
        unsafe {
            building.start.add(building.len).copy_from_nonoverlapping(NonNull::from(text).cast(), text.len());
        }
        building.len += text.len();
        Ok(())
    }
}
