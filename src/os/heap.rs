//! A backend on the Rust allocator, for Miri and other tools that do not know system calls.
//!
//! `RUSTFLAGS="--cfg v_alloc_heap_os"` selects it on any machine. Memory is committed from the start, so no
//! failure comes from `commit`, and nothing becomes inaccessible; all else keeps the contracts.
//!
//! What is not committed is zero here: `decommit` wipes, not `commit`, since committing keeps contents (two
//! threads may commit the same pages).

extern crate alloc;

use super::{Advice, OsError, Pages, Placement};
use core::alloc::Layout;
use core::ptr::NonNull;

#[path = "sharing_private.rs"]
mod sharing;
pub(crate) use sharing::{share, unshare};

/// Default reservations, largest first, in bytes: real memory here, hence small, but enough for the examples.
pub(crate) const RESERVATION_TIERS: &[usize] = &[16 << 20, 1 << 20, 256 << 10];

/// Default reservations of blocks that never move, largest first, in bytes.
pub(crate) const BLOCK_TIERS: &[usize] = &[1 << 20, 256 << 10, 64 << 10];

/// The most addresses to reserve at once for blocks to share, in bytes.
pub(crate) const LARGEST_SPACE: usize = 8 << 20;

/// Every block has a page of bookkeeping before it, aligned to this much.
pub(super) const GUARANTEED_ALIGNMENT: usize = PAGE;

/// Whether an end of a range can be released by itself.
pub(crate) const RELEASES_PARTS: bool = false;

/// Whether blocks lie below `bump::LOW_ADDRESSES_END`.
pub(crate) const ADDRESSES_ARE_LOW: bool = cfg!(target_pointer_width = "64");

const PAGE: usize = 4096;
const ENOMEM: OsError = OsError(12);

/// What `release` must know, at the end of the page before the range.
#[derive(Clone, Copy)]
struct Header {
    block: NonNull<u8>,
    layout: Layout,
}

/// The number of this process; only where `share`d memory tells other processes whose it is.
pub(crate) fn process_number() -> u32 {
    0
}

pub(crate) fn page_size() -> usize {
    PAGE
}

pub(crate) fn allocation_granularity() -> usize {
    PAGE
}

pub(crate) fn huge_page_size() -> Option<Pages> {
    None
}

pub(crate) fn address_space() -> usize {
    1 << 30
}

pub(crate) fn reserve(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    // block                                   range
    //   |   padding, at least a page   | Header |   size   |   rest   |
    let bytes =
        size.bytes().checked_add(placement.slack()).and_then(|sum| sum.checked_add(PAGE)).ok_or(ENOMEM)?;
    let layout = Layout::from_size_align(bytes, PAGE).map_err(|_| ENOMEM)?;
    // SAFETY: the layout has at least a page.
    let block = NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) }).ok_or(ENOMEM)?;
    let padding = if placement.slack() == 0 { 0 } else { placement.padding(block.addr().get() + PAGE) };
    // SAFETY: a page plus the padding lies within the block, which has `size` and the slack besides; the header
    // fits the page before the range and is aligned as the range is.
    unsafe {
        let range = block.add(PAGE + padding);
        range.cast::<Header>().sub(1).write(Header { block, layout });
        Ok(range)
    }
}

pub(crate) fn reserve_accessible(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    reserve(size, placement)
}

/// # Safety
/// The range lies in one reservation of ours.
#[allow(clippy::unnecessary_wraps, reason = "the signature of every platform")]
pub(crate) unsafe fn commit(_start: NonNull<u8>, _size: Pages) -> Result<(), OsError> {
    Ok(())
}

/// # Safety
/// The range lies in one reservation of ours, and nothing in it will be used before it is committed again.
#[allow(clippy::unnecessary_wraps, reason = "the signature of every platform")]
pub(crate) unsafe fn decommit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    // SAFETY: the range is ours, and the caller gives up the contents.
    unsafe { start.write_bytes(0, size.bytes()) };
    Ok(())
}

/// # Safety
/// The range is committed, and nothing in it is in use.
pub(crate) unsafe fn discard(start: NonNull<u8>, size: Pages) -> Result<bool, OsError> {
    // SAFETY: forwarded from the caller.
    unsafe { decommit(start, size) }.map(|()| false)
}

/// # Safety
/// The range is committed.
pub(crate) unsafe fn populate(_start: NonNull<u8>, _size: Pages) {}

/// # Safety
/// The range is ours, committed for a name, and no reference to anything in it exists.
pub(crate) unsafe fn advise(_start: NonNull<u8>, _size: Pages, advice: Advice<'_>) {
    if let Advice::Name(_name) = advice {
        // Blocks of the heap have no names.
    }
}

/// # Safety
/// The range is one that `reserve` returned, whole, and nothing in it will be used again.
pub(crate) unsafe fn release(start: NonNull<u8>, _size: Pages) -> Result<(), OsError> {
    // SAFETY: `reserve` wrote the header there, and made the block with its layout.
    unsafe {
        let header = start.cast::<Header>().sub(1).read();
        alloc::alloc::dealloc(header.block.as_ptr(), header.layout);
    }
    Ok(())
}

/// Ends the process.
pub(crate) fn abort(_message: &[u8]) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}
