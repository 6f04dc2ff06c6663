//! The blocks of a chain: a header at the start of each, and lists of them.

use crate::arena::source::Window;
use core::cell::Cell;
use core::ptr::NonNull;

/// Bookkeeping at the start of each block.
#[repr(align(16))]
pub(super) struct Header {
    /// The next older block of the same list.
    previous: Cell<Option<Block>>,
    /// Bytes of the block, as the allocator gave them: the header counts.
    size: usize,
    /// Counts the blocks that were linked, up to this one. 64 bits, so that it never wraps.
    number: u64,
    /// Where the request lies, in a block of its own.
    payload: *mut u8,
}

/// A block of a chain: it is live, and starts with its header. Only a list, or whoever is moving it from one to
/// another, has it, and none has it any more when it is given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block(NonNull<Header>);

impl Block {
    /// Makes a block of live memory by writing its header.
    ///
    /// # Safety
    /// `start .. start + size` is memory of the chain alone, aligned for a header and large enough for it.
    pub(super) unsafe fn new(start: NonNull<u8>, size: usize, number: u64, payload: *mut u8) -> Self {
        let block = Self(start.cast());
        // SAFETY: forwarded from the caller.
        unsafe { block.0.write(Header { previous: Cell::new(None), size, number, payload }) };
        block
    }

    fn header(&self) -> &Header {
        // SAFETY: a block is live and has its header, of which only the cell is ever changed.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn start(self) -> NonNull<u8> {
        self.0.cast()
    }

    pub(super) fn size(self) -> usize {
        self.header().size
    }

    pub(super) fn number(self) -> u64 {
        self.header().number
    }

    pub(super) fn payload(self) -> *mut u8 {
        self.header().payload
    }

    /// All of it but the header.
    pub(super) fn room(self) -> Window {
        Window::over(self.0.as_ptr().wrapping_add(1).cast(), self.size() - size_of::<Header>())
    }
}

/// Blocks, linked through their headers, the newest first.
#[derive(Debug)]
pub(super) struct List(Cell<Option<Block>>);

impl List {
    pub(super) const fn new() -> Self {
        Self(Cell::new(None))
    }

    pub(super) fn first(&self) -> Option<Block> {
        self.0.get()
    }

    /// Puts a block first, whatever its number.
    pub(super) fn push(&self, block: Block) {
        block.header().previous.set(self.0.replace(Some(block)));
    }

    /// Puts a block where its number belongs. That is first, unless the allocator allocated in the arena while it
    /// worked on this block.
    pub(super) fn insert(&self, block: Block) {
        match self.first().filter(|newer| newer.number() > block.number()) {
            None => self.push(block),
            Some(newer) => {
                let mut newer = newer;
                while let Some(next) =
                    newer.header().previous.get().filter(|next| next.number() > block.number())
                {
                    newer = next;
                }
                block.header().previous.set(newer.header().previous.replace(Some(block)));
            }
        }
    }

    /// Takes the first block out, if it was linked after the first `count`.
    pub(super) fn pop_after(&self, count: u64) -> Option<Block> {
        let first = self.first().filter(|first| first.number() > count)?;
        self.0.set(first.header().previous.take());
        Some(first)
    }

    /// Takes out the block with this request, if it is the latest or the one before: a request that moves is the
    /// one before.
    pub(super) fn take(&self, payload: NonNull<u8>) -> Option<Block> {
        let first = self.first()?;
        if first.payload() == payload.as_ptr() {
            return self.pop_after(0);
        }
        let second = first.header().previous.get().filter(|second| second.payload() == payload.as_ptr())?;
        first.header().previous.set(second.header().previous.take());
        Some(second)
    }
}
