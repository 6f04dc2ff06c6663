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
//! The allocator may be the caller's and may allocate in the same arena when it is called. So it is called either
//! before the lists and figures are read, or after they are whole again.

use super::Arena;
use super::source::{Refill, Rewind, Source, Statistics, Window, sealed};
use crate::{AllocError, Allocator, bump};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

/// Chunks double in size from the hint up to this many bytes (or the hint, if that is larger): large enough that
/// a chain of them is short, and small enough that the last one wastes little.
const LARGEST_CHUNK: usize = 16 << 20;

/// Bookkeeping at the start of each block.
#[repr(align(16))]
struct Header {
    /// The next older block of the same list.
    previous: Cell<Link>,
    /// Bytes of the block, as the allocator gave them: the header counts.
    size: usize,
    /// Counts the blocks that were linked, up to this one.
    number: usize,
    /// Where the request lies, in a block of its own.
    payload: *mut u8,
}

type Link = Option<NonNull<Header>>;

/// Blocks from an allocator, linked.
#[derive(Debug)]
pub struct Chain<A: Allocator> {
    /// The newest is the one that the window lies in.
    chunks: Cell<Link>,
    own_blocks: Cell<Link>,
    /// The largest block that was freed, kept for the next chunk.
    spare: Cell<Link>,
    /// Blocks linked so far.
    count: Cell<usize>,
    /// Bytes of the next chunk.
    next_chunk: Cell<usize>,
    /// Bytes of all blocks.
    reserved: Cell<usize>,
    /// Bytes of all blocks in the lists but the current chunk.
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

    /// A block of at least `bytes` from the allocator, not linked yet.
    fn allocate(&self, bytes: usize) -> Result<(NonNull<Header>, usize), AllocError> {
        let block = self.allocator.allocate(block_layout(bytes)?)?; // may re-enter the arena
        self.reserved.set(self.reserved.get() + block.len());
        // Chunks keep step with what there is: a large block that comes and goes does not drive them up.
        let chunk = self.next_chunk.get();
        if chunk <= self.reserved.get() {
            self.next_chunk.set(chunk.saturating_mul(2).min(LARGEST_CHUNK).max(chunk));
        }
        Ok((block.cast(), block.len()))
    }

    /// Returns a block that is in no list.
    fn deallocate(&self, block: NonNull<Header>) {
        let size = Self::size(block);
        self.reserved.set(self.reserved.get() - size);
        // SAFETY: the block is live, and nobody else knows of it any more; its layout is the one that it was
        // allocated with, but for the excess. May re-enter the arena.
        unsafe {
            let layout = Layout::from_size_align_unchecked(size, align_of::<Header>());
            self.allocator.deallocate(block.cast(), layout);
        }
    }

    /// Writes a block's header and puts it in a list, which is in order of the numbers.
    fn link(list: &Cell<Link>, block: NonNull<Header>, size: usize, number: usize, payload: *mut u8) {
        // Usually the first. When the allocator allocates in the arena while a block is resized, that block finds
        // newer ones before it.
        let mut place = list;
        while let Some(newer) = place.get().filter(|&other| Self::header(other).number > number) {
            place = &Self::header(newer).previous;
        }
        let previous = Cell::new(place.get());
        // SAFETY: every block is aligned for a header, has room for it, and starts with it.
        unsafe { block.write(Header { previous, size, number, payload }) };
        place.set(Some(block));
    }

    /// Takes the first block out of a list, if it was linked after the first `count`.
    fn unlink(list: &Cell<Link>, count: usize) -> Link {
        let first = list.get().filter(|&first| Self::header(first).number > count)?;
        list.set(Self::header(first).previous.take());
        Some(first)
    }

    /// The number for a block to be linked.
    fn count_one(&self) -> usize {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    fn header<'a>(block: NonNull<Header>) -> &'a Header {
        // SAFETY: whoever passes a block has it from a list, or just out of one: it is live and has its header,
        // and only its cell is ever changed. No caller keeps the reference.
        unsafe { block.as_ref() }
    }

    fn size(block: NonNull<Header>) -> usize {
        Self::header(block).size
    }

    /// Makes a block the current chunk. The one before counts as full from now on.
    fn open(&self, block: NonNull<Header>, size: usize) -> Window {
        self.full.set(self.full.get() + self.chunks.get().map_or(0, Self::size));
        Self::link(&self.chunks, block, size, self.count_one(), ptr::null_mut());
        Self::room(block, size)
    }

    /// The window over all of a block but its header.
    fn room(block: NonNull<Header>, size: usize) -> Window {
        Window::over(block.as_ptr().wrapping_add(1).cast(), size - size_of::<Header>())
    }

    /// A block of its own for `need`: the spare one unless it is far too large, or if there is no other.
    fn own_block(&self, need: Layout, bytes: usize) -> Result<Refill, AllocError> {
        let (block, size) = match self.take_spare(need, bytes.saturating_mul(4)) {
            Some(spare) => spare,
            None => self.allocate(bytes).or_else(|error| self.take_spare(need, usize::MAX).ok_or(error))?,
        };
        let payload = Self::payload(block, need);
        Self::link(&self.own_blocks, block, size, self.count_one(), payload.as_ptr());
        self.full.set(self.full.get() + size);
        Ok(Refill::Block(payload))
    }

    /// Takes the spare block, if `need` fits in it and it has at most `most` bytes.
    fn take_spare(&self, need: Layout, most: usize) -> Option<(NonNull<Header>, usize)> {
        let spare = self.spare.get()?;
        let size = Self::size(spare);
        let room = Self::room(spare, size);
        bump::fit_any::<1>(room.cursor.addr(), room.limit.addr(), need.size(), need.align())?;
        if size > most {
            return None;
        }
        self.spare.set(None);
        Some((spare, size))
    }

    /// The first address behind the header that is aligned for `need`.
    fn payload(block: NonNull<Header>, need: Layout) -> NonNull<u8> {
        let behind = block.addr().get() + size_of::<Header>();
        let padding = behind.wrapping_neg() & (need.align() - 1);
        // SAFETY: `block_bytes` counted the header and the largest padding, or `take_spare` saw that it fits, so
        // that is still in the block.
        unsafe { block.cast::<u8>().add(size_of::<Header>() + padding) }
    }

    /// Takes back a block that was in a list: keeps it if it is the largest, else returns it to the allocator.
    fn recycle(&self, block: NonNull<Header>) {
        let kept = self.spare.get();
        let surplus = if kept.is_some_and(|kept| Self::size(kept) >= Self::size(block)) {
            Some(block)
        } else {
            self.spare.set(Some(block));
            kept
        };
        if let Some(surplus) = surplus {
            self.deallocate(surplus);
        }
    }

    fn used(&self, now: Window) -> usize {
        let current = self.chunks.get().map_or(0, |chunk| now.cursor.addr() - chunk.addr().get());
        self.full.get() + current
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
        if large && self.chunks.get().is_some() {
            return self.own_block(need, bytes);
        }
        if let Some((spare, size)) = self.take_spare(need, usize::MAX) {
            return Ok(Refill::Window(self.open(spare, size)));
        }
        let (block, size) = self.allocate(chunk.max(bytes)).or_else(|AllocError| self.allocate(bytes))?;
        Ok(Refill::Window(self.open(block, size)))
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
        let window = match (self.chunks.get(), self.spare.get()) {
            (None, Some(spare)) => Self::room(spare, Self::size(spare)), // what the next allocation opens
            _ => now,
        };
        (window.cursor.addr(), window.remaining())
    }

    unsafe fn resize_own_block(
        &self,
        block: NonNull<u8>,
        new: Layout,
    ) -> Option<Result<NonNull<u8>, AllocError>> {
        let first = self.own_blocks.get().filter(|&first| Self::header(first).payload == block.as_ptr())?;
        let Header { size, number, .. } = *Self::header(first);
        if new.size() == 0 {
            Self::unlink(&self.own_blocks, 0);
            self.full.set(self.full.get() - size);
            self.deallocate(first);
            return Some(Ok(block));
        }
        let room = first.addr().get() + size - block.addr().get();
        if new.align() <= align_of::<Header>() && new.size() <= room {
            return Some(Ok(block));
        }
        // A block that moves keeps the distance of its request, and so an alignment up to its own.
        let behind = Self::payload(first, no_padding());
        let bytes =
            block_bytes(new).ok().filter(|_| behind == block && new.align() <= align_of::<Header>())?;
        Some(self.grow_own_block(first, size, number, bytes))
    }
}

impl<A: Allocator> Chain<A> {
    /// Lets the allocator grow a block of its own, which may move it.
    fn grow_own_block(
        &self,
        block: NonNull<Header>,
        size: usize,
        number: usize,
        bytes: usize,
    ) -> Result<NonNull<u8>, AllocError> {
        let (old, new) = (block_layout(size)?, block_layout(bytes)?);
        // Out of the list, because it is nowhere while the allocator works, which may re-enter the arena.
        Self::unlink(&self.own_blocks, 0);
        // SAFETY: the block is live, fits the layout of its size, and grows: its room was too small.
        let grown = unsafe { self.allocator.grow(block.cast(), old, new) };
        // In the list again, under its old number: rewinding to a mark from before it was made frees it.
        let (block, new_size) = grown.map_or((block, size), |grown| (grown.cast(), grown.len()));
        let payload = Self::payload(block, no_padding());
        Self::link(&self.own_blocks, block, new_size, number, payload.as_ptr());
        self.full.set(self.full.get() - size + new_size);
        self.reserved.set(self.reserved.get() - size + new_size);
        grown.map(|_| payload)
    }
}

/// A request that lies right behind the header.
const fn no_padding() -> Layout {
    Layout::new::<u8>()
}

/// A point to come back to: how many blocks there were, and where the cursor stood.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    count: usize,
    cursor: *mut u8,
}

// SAFETY: all blocks that were linked after the mark are freed, and the cursor is lowered to it; a request that
// was larger than the window got a block that was linked after the mark, too.
unsafe impl<A: Allocator> Rewind for Chain<A> {
    type Mark = Mark;

    fn mark(&self, now: Window) -> Mark {
        Mark { count: self.count.get(), cursor: now.cursor }
    }

    fn start(&self) -> Mark {
        Mark { count: 0, cursor: ptr::null_mut() }
    }

    unsafe fn rewind(&self, now: Window, mark: Mark) -> Window {
        while let Some(block) = Self::unlink(&self.own_blocks, mark.count) {
            self.full.set(self.full.get() - Self::size(block));
            self.recycle(block);
        }
        let mut window = now;
        while let Some(chunk) = Self::unlink(&self.chunks, mark.count) {
            // The older chunk is the current one again, and full until the mark tells better.
            let older = self.chunks.get();
            self.full.set(self.full.get() - older.map_or(0, Self::size));
            window = older.map_or(Window::nowhere(), |older| {
                let room = Self::room(older, Self::size(older));
                Window { cursor: room.limit, ..room }
            });
            self.recycle(chunk);
        }
        let within = |chunk| {
            Self::room(chunk, Self::size(chunk)).cursor <= mark.cursor && mark.cursor <= window.cursor
        };
        if self.chunks.get().is_some_and(within) { Window { cursor: mark.cursor, ..window } } else { window }
    }
}

impl<A: Allocator> Drop for Chain<A> {
    fn drop(&mut self) {
        for list in [&self.own_blocks, &self.chunks, &self.spare] {
            while let Some(block) = Self::unlink(list, 0) {
                self.deallocate(block);
            }
        }
    }
}

/// An arena over blocks from any `Allocator`, linked: it asks for another when the current one is full.
///
/// Chunks grow from the hint, doubling up to 16 MiB, and fall back to the exact size needed when the allocator
/// refuses more. A request that is large for a chunk gets a block of its own, so that the rest of the current chunk
/// stays in use. All blocks go back when the arena is dropped; [`reset`](Arena::reset) and scopes keep the largest for reuse.
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
    pub const fn new_in(chunk_size_hint: usize, allocator: A) -> Self {
        Self::with_min_align_in(chunk_size_hint, allocator)
    }
}

impl<A: Allocator, const MIN_ALIGN: usize> ChainAllocator<A, MIN_ALIGN> {
    /// As [`new_in`](ChainAllocator::new_in), with every block aligned to at least `MIN_ALIGN` bytes (1, 2, 4, 8 or
    /// 16): two instructions less for small types, and sizes rounded up.
    ///
    /// ```
    /// use v_alloc::{ChainAllocator, VirtualAllocator};
    /// let arena = ChainAllocator::<_, 8>::with_min_align_in(4096, VirtualAllocator {});
    /// let (first, second) = (arena.alloc(1_u8) as *mut u8, arena.alloc(2_u8) as *mut u8);
    /// assert_eq!(second.addr() - first.addr(), 8);
    /// ```
    pub const fn with_min_align_in(chunk_size_hint: usize, allocator: A) -> Self {
        let smallest = Chain::<A>::SMALLEST_CHUNK;
        let source = Chain {
            chunks: Cell::new(None),
            own_blocks: Cell::new(None),
            spare: Cell::new(None),
            count: Cell::new(0),
            next_chunk: Cell::new(if chunk_size_hint < smallest { smallest } else { chunk_size_hint }),
            reserved: Cell::new(0),
            full: Cell::new(0),
            peak: Cell::new(0),
            allocator,
        };
        Self::from_parts(Window::nowhere(), source)
    }
}
