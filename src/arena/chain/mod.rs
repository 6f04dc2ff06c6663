//! The source of an arena over many blocks from any allocator.
//!
//! ```text
//!  chunks:  current -> older -> oldest          own blocks:  latest -> earlier
//!          +--------+------------+--------+                 +--------+---------+
//!          | Header | handed out |  free  |                 | Header | request |
//!          +--------+------------+--------+                 +--------+---------+
//!                             cursor    limit
//! ```
//!
//! The window is the rest of the current chunk. A request that is large compared with a chunk gets a block of its
//! own, in a second list, so that the rest of the current chunk is not lost. Each header has the number that its
//! block got when it was linked; rewinding to a mark frees all blocks with a later number.
//!
//! The allocator may be the caller's, may allocate in the same arena when it is called, and may panic. So it is called
//! either before the lists, the figures and the window are read, or after they are whole again.

mod list;

use super::Arena;
use super::source::{Refill, Rewind, Source, Statistics, Window, sealed};
use crate::{AllocError, Allocator, bump, traps};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use list::{Block, Header, List};

/// Chunks double in size from the hint up to this many bytes (or the hint, if that is larger): large enough that
/// a chain of them is short, and small enough that the last one wastes little.
const LARGEST_CHUNK: usize = 16 << 20;

/// Blocks from an allocator, linked.
#[derive(Debug)]
pub struct Chain<A: Allocator> {
    /// The newest is the one that the window lies in.
    chunks: List,
    own_blocks: List,
    /// The largest block that was freed, kept for the next chunk.
    spare: Cell<Option<Block>>,
    /// Blocks that a rewind took out, to be given back once the arena has its window.
    returning: List,
    /// Blocks linked so far.
    count: Cell<u64>,
    /// Bytes of the next chunk.
    next_chunk: Cell<usize>,
    /// Up to where chunks double.
    largest_chunk: usize,
    /// Bytes of all blocks.
    reserved: Cell<usize>,
    /// Bytes of the chunks and own blocks, but for the current chunk.
    full: Cell<usize>,
    /// The most bytes ever in use, as far as less were in use since.
    peak: Cell<usize>,
    allocator: A,
}

// SAFETY: the blocks belong to the chain alone, so only the allocator can be bound to a thread.
unsafe impl<A: Allocator + Send> Send for Chain<A> {}

impl<A: Allocator> sealed::Sealed for Chain<A> {}

/// The layout of a block of that many bytes.
fn block_layout(bytes: usize) -> Result<Layout, AllocError> {
    Layout::from_size_align(bytes, align_of::<Header>()).map_err(|_| AllocError)
}

/// The bytes of a block that holds a header and `need` wherever the block lies.
fn block_bytes(need: Layout) -> Result<usize, AllocError> {
    let padding = need.align().saturating_sub(align_of::<Header>());
    need.size().checked_add(padding).and_then(|sum| sum.checked_add(size_of::<Header>())).ok_or(AllocError)
}

impl<A: Allocator> Chain<A> {
    const SMALLEST_CHUNK: usize = 4 * size_of::<Header>();

    /// A block of at least `bytes` from the allocator, without a header yet.
    fn allocate(&self, bytes: usize) -> Result<(NonNull<u8>, usize), AllocError> {
        let block = self.allocator.allocate(block_layout(bytes)?)?; // may re-enter the arena
        self.reserved.set(self.reserved.get() + block.len());
        // Chunks keep step with what there is: a large block that comes and goes does not drive them up.
        let chunk = self.next_chunk.get();
        if chunk <= self.reserved.get() {
            self.next_chunk.set(chunk.saturating_mul(2).min(self.largest_chunk).max(chunk));
        }
        Ok((block.cast(), block.len()))
    }

    /// Returns a block that is in no list.
    fn deallocate(&self, block: Block) {
        let size = block.size();
        self.reserved.set(self.reserved.get() - size);
        traps::usable(block.start(), size);
        // SAFETY: the block is live, and nobody else knows of it any more; its layout is the one that it was
        // allocated with, but for the excess. May re-enter the arena.
        unsafe {
            let layout = Layout::from_size_align_unchecked(size, align_of::<Header>());
            self.allocator.deallocate(block.start(), layout);
        }
    }

    /// Writes the header of a block that is to be linked, with the next number.
    ///
    /// # Safety
    /// The block came from [`allocate`](Self::allocate) or the spare place, and is in no list.
    unsafe fn describe(&self, (start, size): (NonNull<u8>, usize), payload: *mut u8) -> Block {
        self.count.set(self.count.get() + 1);
        // SAFETY: every block is aligned for a header and has room for it.
        unsafe { Block::new(start, size, self.count.get(), payload) }
    }

    /// Makes a block the current chunk. The one before counts as full from now on.
    ///
    /// # Safety
    /// As for [`describe`](Self::describe).
    unsafe fn open(&self, block: (NonNull<u8>, usize)) -> Window {
        self.full.set(self.full.get() + self.chunks.first().map_or(0, Block::size));
        // SAFETY: forwarded from the caller.
        let chunk = unsafe { self.describe(block, ptr::null_mut()) };
        self.chunks.push(chunk);
        chunk.room()
    }

    /// A block of its own for `need`: the spare one unless it is far too large, or if there is no other.
    fn own_block(&self, need: Layout, bytes: usize) -> Result<Refill, AllocError> {
        let block = match self.take_spare(need, bytes.saturating_mul(4)) {
            Some(spare) => spare,
            None => self.allocate(bytes).or_else(|error| self.take_spare(need, usize::MAX).ok_or(error))?,
        };
        let payload = Self::payload(block.0, need);
        // SAFETY: the block is new, or was the spare one.
        let own = unsafe { self.describe(block, payload.as_ptr()) };
        self.own_blocks.push(own);
        self.full.set(self.full.get() + own.size());
        Ok(Refill::Block(payload))
    }

    /// Takes the spare block, if `need` fits in it and it has at most `most` bytes.
    fn take_spare(&self, need: Layout, most: usize) -> Option<(NonNull<u8>, usize)> {
        let spare = self.spare.get().filter(|spare| spare.size() <= most)?;
        let room = spare.room();
        bump::fit_any::<1>(room.cursor.addr(), room.limit.addr(), need.size(), need.align())?;
        self.spare.set(None);
        traps::usable(spare.start(), spare.size());
        Some((spare.start(), spare.size()))
    }

    /// The first address behind the header of a block that is aligned for `need`.
    fn payload(start: NonNull<u8>, need: Layout) -> NonNull<u8> {
        let behind = start.addr().get() + size_of::<Header>();
        let padding = behind.wrapping_neg() & (need.align() - 1);
        // SAFETY: `block_bytes` counted the header and the largest padding, or `take_spare` saw that it fits, so
        // that is still in the block.
        unsafe { start.add(size_of::<Header>() + padding) }
    }

    /// Takes back a block that was in a list: keeps it if it is the largest, else returns it to the allocator.
    fn recycle(&self, block: Block) {
        let kept = self.spare.get();
        let surplus = if kept.is_some_and(|kept| kept.size() >= block.size()) {
            Some(block)
        } else {
            self.spare.set(Some(block));
            kept
        };
        traps::in_force! {
            if let Some(room) = self.spare.get().map(Block::room) {
                traps::free(room.cursor, room.remaining());
            }
        }
        if let Some(surplus) = surplus {
            self.deallocate(surplus);
        }
    }

    fn used(&self, now: Window) -> usize {
        let start = self.chunks.first().map_or(now.cursor.addr(), |chunk| chunk.start().addr().get());
        self.full.get() + now.cursor.addr().saturating_sub(start)
    }

    fn note_peak(&self, now: Window) {
        self.peak.set(self.peak.get().max(self.used(now)));
    }
}

// SAFETY: windows and blocks lie in blocks from the allocator that stay allocated until they are rewound, given
// back, or the source is dropped; an allocator's blocks stay where they are when it is moved.
unsafe impl<A: Allocator> Source for Chain<A> {
    const LOW_ADDRESSES: bool = false;
    const CONTIGUOUS: bool = false;

    fn refill(&self, now: Window, need: Layout) -> Result<Refill, AllocError> {
        let bytes = block_bytes(need)?;
        let chunk = self.next_chunk.get();
        // A chunk that the request fills would leave no window. With a larger one, leaving the rest of the present
        // window costs at most an eighth of what a large request takes anyway.
        let large = bytes >= chunk || (bytes > chunk / 4 && now.remaining() > bytes / 8);
        if large && self.chunks.first().is_some() {
            return self.own_block(need, bytes);
        }
        let block = match self.take_spare(need, usize::MAX) {
            Some(spare) => spare,
            None => self.allocate(chunk.max(bytes)).or_else(|AllocError| {
                self.next_chunk.set(self.next_chunk.get().min(self.largest_chunk));
                self.allocate(bytes)
            })?,
        };
        // SAFETY: the block is new, or was the spare one.
        Ok(Refill::Window(unsafe { self.open(block) }))
    }

    fn before_lowering(&self, cursor: *mut u8) {
        self.note_peak(Window { cursor, limit: cursor });
    }

    fn zero_from(&self) -> usize {
        usize::MAX
    }

    fn statistics(&self, now: Window) -> Statistics {
        let (reserved, used) = (self.reserved.get(), self.used(now));
        Statistics { reserved, committed: reserved, used, peak: self.peak.get().max(used) }
    }

    fn free(&self, now: Window) -> (usize, usize) {
        let window = match (self.chunks.first(), self.spare.get()) {
            (None, Some(spare)) => spare.room(), // what the next allocation opens
            _ => now,
        };
        (window.cursor.addr(), window.remaining())
    }

    unsafe fn resize_own_block(
        &self,
        payload: NonNull<u8>,
        _old_size: usize,
        new: Layout,
    ) -> Option<Result<NonNull<u8>, AllocError>> {
        let block = self.own_blocks.take(payload)?;
        // Out of the list and off the account: it is nowhere while the allocator works on it, which may re-enter the
        // arena, or panic.
        self.full.set(self.full.get() - block.size());
        if new.size() == 0 {
            self.deallocate(block);
            return Some(Ok(payload));
        }
        let offset = payload.addr().get() - block.start().addr().get();
        let resized = if new.align() > align_of::<Header>() {
            None
        } else if new.size() <= block.size() - offset {
            Some(Ok(block))
        } else if offset == size_of::<Header>() {
            Some(self.grow(block, new))
        } else {
            None // a block that moves keeps the distance of its request, but not an alignment above its own
        };
        let kept = match resized {
            Some(Ok(grown)) => grown,
            _ => block,
        };
        self.own_blocks.insert(kept);
        self.full.set(self.full.get() + kept.size());
        resized.map(|resized| NonNull::new(resized?.payload()).ok_or(AllocError))
    }
}

impl<A: Allocator> Chain<A> {
    /// Lets the allocator grow a block of its own that is in no list, which may move it. It keeps its number: rewinding
    /// to a mark from before it was made frees it.
    fn grow(&self, block: Block, new: Layout) -> Result<Block, AllocError> {
        let (size, number) = (block.size(), block.number());
        let (old, new) = (block_layout(size)?, block_layout(block_bytes(new)?)?);
        self.reserved.set(self.reserved.get() - size);
        // SAFETY: the block is live, fits the layout of its size, and grows: its room was too small.
        let grown = unsafe { self.allocator.grow(block.start(), old, new) };
        let kept = grown.as_ref().map_or(size, |grown| grown.len());
        self.reserved.set(self.reserved.get() + kept);
        let start = grown?.cast::<u8>();
        let payload = Self::payload(start, no_padding());
        // SAFETY: the allocator returned a block of that size, with the alignment of the old one.
        Ok(unsafe { Block::new(start, kept, number, payload.as_ptr()) })
    }
}

/// A request that lies right behind the header.
const fn no_padding() -> Layout {
    Layout::new::<u8>()
}

/// A point to come back to: how many blocks there were, and the address of the cursor.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    count: u64,
    cursor: usize,
}

// SAFETY: all blocks that were linked after the mark are taken out, and the cursor is lowered to it; a request that
// was larger than the window got a block that was linked after the mark, too.
unsafe impl<A: Allocator> Rewind for Chain<A> {
    type Mark = Mark;

    fn mark(&self, now: Window) -> Mark {
        Mark { count: self.count.get(), cursor: now.cursor.addr() }
    }

    fn start(&self) -> Mark {
        Mark { count: 0, cursor: 0 }
    }

    unsafe fn rewind(&self, now: Window, mark: Mark) -> Window {
        let mut taken_out = 0_usize;
        while let Some(block) = self.own_blocks.pop_after(mark.count) {
            taken_out = taken_out.saturating_add(block.size());
            self.full.set(self.full.get() - block.size());
            self.returning.push(block);
        }
        let mut window = now;
        while let Some(chunk) = self.chunks.pop_after(mark.count) {
            // The older chunk is the current one again, and full until the mark tells better.
            let older = self.chunks.first();
            self.full.set(self.full.get() - older.map_or(0, Block::size));
            window = older.map_or(Window::nowhere(), |older| {
                let room = older.room();
                Window { cursor: room.limit, ..room }
            });
            taken_out = taken_out.saturating_add(chunk.size());
            self.returning.push(chunk);
        }
        let Some(chunk) = self.chunks.first() else {
            // The next task may be like this one; then a chunk for all of it is kept, and used again.
            let usual = self.next_chunk.get().min(self.largest_chunk);
            self.next_chunk.set(if taken_out > self.largest_chunk { taken_out } else { usual });
            return window;
        };
        if chunk.room().cursor.addr() <= mark.cursor && mark.cursor <= window.cursor.addr() {
            window.cursor = window.cursor.with_addr(mark.cursor);
        }
        window
    }

    fn give_back(&self) {
        while let Some(block) = self.returning.pop_after(0) {
            self.recycle(block);
        }
    }
}

impl<A: Allocator> Drop for Chain<A> {
    fn drop(&mut self) {
        for list in [&self.own_blocks, &self.chunks, &self.returning] {
            while let Some(block) = list.pop_after(0) {
                self.deallocate(block);
            }
        }
        if let Some(spare) = self.spare.take() {
            self.deallocate(spare);
        }
    }
}

/// An arena over blocks from any `Allocator`, linked: it asks for another when the current one is full.
///
/// Chunks grow from the hint, doubling up to 16 MiB, and fall back to the exact size needed when the allocator
/// refuses more. A request that is large for a chunk gets a block of its own, so that the rest of the current chunk
/// stays in use. All blocks go back when the arena is dropped; [`reset`](Arena::reset) and scopes keep the largest for reuse. If
/// more than the largest chunk was in use when the arena was emptied, the next chunk is for as much: so tasks that are alike ask the
/// allocator for nothing from the third on.
///
/// See [`Arena`] for what all arenas promise. Only asking the allocator makes its system calls; in a signal
/// handler it is as safe as its allocator, if only the handler uses it.
///
/// The figures: `reserved_bytes` and `committed_bytes` are the bytes of all blocks, `used_bytes` is those of the
/// current chunk up to the cursor and of all other blocks, with the bookkeeping, and `remaining_capacity` what is
/// left of the current chunk.
///
/// ```
/// use v_alloc::{ChainAllocator, VirtualAllocator};
///
/// let arena = ChainAllocator::new_in(64 << 10, VirtualAllocator {});
/// let lines: Vec<&str> = (0..10_000).map(|n| &*arena.alloc_fmt(format_args!("line {n}"))).collect();
/// assert_eq!(lines[9_999], "line 9999");
/// assert!(arena.reserved_bytes() < 256 << 10);
/// ```
pub type ChainAllocator<A, const MIN_ALIGN: usize = 1> = Arena<Chain<A>, MIN_ALIGN>;

impl<A: Allocator> ChainAllocator<A> {
    /// Bytes that each block of the chain uses for bookkeeping, at its start.
    pub const CHAIN_NODE_OVERHEAD: usize = size_of::<Header>();

    /// An arena whose first chunk has `chunk_size_hint` bytes (at least four times
    /// [`CHAIN_NODE_OVERHEAD`](Self::CHAIN_NODE_OVERHEAD), which is taken from it), or more if the first request
    /// needs more. Nothing is allocated yet.
    ///
    /// ```
    /// use v_alloc::{ChainAllocator, Global};
    /// let arena = ChainAllocator::new_in(4096, Global); // blocks of the heap
    /// assert_eq!(arena.reserved_bytes(), 0);
    /// arena.alloc_slice_fill_copy(100_000, 0_u8);
    /// assert!(arena.reserved_bytes() >= 100_000);
    /// ```
    #[must_use]
    pub const fn new_in(chunk_size_hint: usize, allocator: A) -> Self {
        Self::with_min_align_in(chunk_size_hint, allocator)
    }
}

impl<A: Allocator, const MIN_ALIGN: usize> ChainAllocator<A, MIN_ALIGN> {
    /// As [`new_in`](ChainAllocator::new_in), with every block aligned to at least `MIN_ALIGN` bytes (1, 2, 4, 8 or
    /// 16). What that saves: see [`Arena::with_min_align`]. Sizes are rounded up.
    ///
    /// ```
    /// use v_alloc::{ChainAllocator, VirtualAllocator};
    /// let arena = ChainAllocator::<_, 8>::with_min_align_in(4096, VirtualAllocator {});
    /// let (first, second) = (arena.alloc(1_u8) as *mut u8, arena.alloc(2_u8) as *mut u8);
    /// assert_eq!(second.addr() - first.addr(), 8);
    /// ```
    #[must_use]
    pub const fn with_min_align_in(chunk_size_hint: usize, allocator: A) -> Self {
        let smallest = Chain::<A>::SMALLEST_CHUNK;
        let hint = if chunk_size_hint < smallest { smallest } else { chunk_size_hint };
        let source = Chain {
            chunks: List::new(),
            own_blocks: List::new(),
            spare: Cell::new(None),
            returning: List::new(),
            count: Cell::new(0),
            next_chunk: Cell::new(hint),
            largest_chunk: if hint < LARGEST_CHUNK { LARGEST_CHUNK } else { hint },
            reserved: Cell::new(0),
            full: Cell::new(0),
            peak: Cell::new(0),
            allocator,
        };
        Self::from_parts(Window::nowhere(), source)
    }
}
