//! `realloc` for blocks that never move: the block is found by its pointer alone.
//!
//! ```text
//!  base             base + 64                            base + reserved
//!   |  Header, unused  |   data: the caller's bytes   |        |
//! ```

use super::StableBlockOptions;
use super::block::{Block, Room, Wanted, no_block};
use crate::error::{Cause, Operation, ReserveError};
use core::ptr::NonNull;

/// Before the data. What the library relies on is kept elsewhere: a program that writes before its block spoils
/// its own size, and nothing else.
#[repr(C, align(64))]
struct Header {
    /// As last asked for, in bytes.
    size: usize,
}

/// What data is aligned to: a cache line.
const HEADER: usize = size_of::<Header>();

/// Makes, resizes or frees a block that never moves, as the C library's `realloc` does with one that does.
///
/// | `data` | `size` | what happens |
/// |---|---|---|
/// | `None` | 0 | nothing: `None` |
/// | `None` | more | a block of `size` bytes, aligned to 64, that read zero |
/// | a block | 0 | frees it: `None` |
/// | a block | more | makes it `size` bytes long where it is; returns `data` |
///
/// Pages are given back when a block shrinks below half of what it has committed. A block gets a
/// [default reservation](super::default_reservation) of address space, and can grow within that; a first size above
/// it reserves what it needs. A small block costs one page; a freed one may keep some for the next:
/// see [`StableBlock`](super::StableBlock). Lock-free; from any thread; no system call for most
/// calls. Safe in a signal handler: at most the system calls of [`StableBlock`](super::StableBlock).
///
/// # Safety
/// `data`, if it is a live block, is not in use by another thread, and what it loses is not used again. (A pointer that is no live
/// block, because it never was or was freed already, is an error and not followed, unless the addresses are those of
/// a newer block by now.)
///
/// # Errors
/// [`ReserveError`] if `data` is no live block, or the reservation, the address space or the memory does not suffice;
/// the block stays as it was.
///
/// ```
/// // SAFETY: every pointer is the block's, and it is not used after it was freed.
/// unsafe {
///     let data = v_alloc::realloc(None, 100)?;
///     data.unwrap().write(42);
///     assert_eq!(v_alloc::realloc(data, 1 << 19)?, data);
///     assert_eq!(data.unwrap().read(), 42);
///     v_alloc::realloc(data, 0)?;
///     assert!(v_alloc::realloc(data, 0).is_err(), "freed already");
/// }
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
pub unsafe fn realloc(data: Option<NonNull<u8>>, size: usize) -> Result<Option<NonNull<u8>>, ReserveError> {
    // SAFETY: forwarded from the caller.
    unsafe { realloc_with(data, size, &super::StableBlock::options()) }
}

/// As [`realloc`], with options for a block that is made now. They mean nothing to one that exists.
///
/// # Safety
/// As for [`realloc`].
///
/// # Errors
/// As for [`realloc`].
///
/// ```
/// let options = v_alloc::StableBlock::options().reservation(1 << 20);
/// // SAFETY: the pointer is the block's, and it is not used after it was freed.
/// unsafe {
///     let data = v_alloc::realloc_with(None, 100, &options)?;
///     assert!(v_alloc::realloc(data, 2 << 20).is_err()); // it has 1 MiB to grow to
///     v_alloc::realloc(data, 0)?;
/// }
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
pub unsafe fn realloc_with(
    data: Option<NonNull<u8>>,
    size: usize,
    options: &StableBlockOptions,
) -> Result<Option<NonNull<u8>>, ReserveError> {
    // SAFETY: forwarded from the caller.
    unsafe { realloc_wanted(data, size, options.wanted()) }
}

/// # Safety
/// As for [`realloc`].
pub(crate) unsafe fn realloc_wanted(
    data: Option<NonNull<u8>>,
    size: usize,
    wanted: Wanted<'_>,
) -> Result<Option<NonNull<u8>>, ReserveError> {
    let operation = if data.is_none() { Operation::Reserve } else { Operation::Commit };
    let too_large = ReserveError::new(operation, size, Cause::TooLarge);
    let whole = size.checked_add(HEADER).filter(|&whole| isize::try_from(whole).is_ok()).ok_or(too_large);
    let block = match data {
        None if size == 0 => return Ok(None),
        None => {
            let whole = whole?;
            let reservation = match wanted.reservation {
                // A default is for the data. What is chosen is exact, so that blocks lie as near as they may.
                Room::UpTo(bytes) => Room::UpTo(bytes.saturating_add(HEADER)),
                exactly @ Room::Exactly(_) => exactly,
            };
            Block::new(whole, Wanted { has_header: true, reservation, ..wanted })
                .map_err(|error| error.for_size(size))?
        }
        Some(data) => {
            let operation = if size == 0 { Operation::Free } else { Operation::Resize };
            let block = block_of(data).ok_or(no_block(operation, size))?;
            if size == 0 {
                // SAFETY: forwarded from the caller.
                unsafe { block.free()? };
                return Ok(None);
            }
            // SAFETY: forwarded from the caller.
            unsafe { block.resize(whole?) }.map_err(|error| error.for_size(size))?;
            block
        }
    };
    // SAFETY: the block has a header, which is committed, and room for data behind it.
    unsafe {
        block.base().cast::<Header>().write(Header { size });
        Ok(Some(block.base().add(HEADER)))
    }
}

/// The size of a block of [`realloc`] in bytes, as last asked for; `None` if `data` is no live block. O(1).
///
/// # Safety
/// No other thread resizes or frees the block.
///
/// ```
/// // SAFETY: the pointer is the block's, and it is not used after it was freed.
/// unsafe {
///     let data = v_alloc::realloc(None, 100)?;
///     assert_eq!(v_alloc::realloc_size(data.unwrap()), Some(100));
///     v_alloc::realloc(data, 0)?;
///     assert_eq!(v_alloc::realloc_size(data.unwrap()), None);
/// }
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[must_use]
pub unsafe fn realloc_size(data: NonNull<u8>) -> Option<usize> {
    let block = block_of(data)?;
    // SAFETY: a live block at that address has a header, which is committed.
    Some(unsafe { block.base().cast::<Header>().read() }.size)
}

fn block_of(data: NonNull<u8>) -> Option<Block> {
    Block::at(data.addr().get().checked_sub(HEADER)?).filter(|block| block.has_header())
}
