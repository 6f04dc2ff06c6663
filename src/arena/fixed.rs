//! The source of an arena over one block that never grows: from an allocator, or the caller's own.

use super::Arena;
use super::source::{Refill, Rewind, Source, Statistics, Window, sealed};
use crate::AllocError;
use core::alloc::Layout;
use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// One block of memory, which `O` owns or borrows. When it is full, it is full.
///
/// ```text
///  start          cursor             limit
///   |  handed out   |      free        |
/// ```
#[derive(Debug)]
pub struct Fixed<O> {
    start: *mut u8,
    bytes: usize,
    /// The most bytes ever in use, as far as the cursor has been lowered since.
    peak: Cell<usize>,
    /// Returns the block when the arena is dropped.
    _owner: O,
}

// SAFETY: the block belongs to the source alone, so only its owner can be bound to a thread.
unsafe impl<O: Send> Send for Fixed<O> {}

impl<O> sealed::Sealed for Fixed<O> {}

impl<O> Fixed<O> {
    /// The window, which is opened by the first use: in a constant, an address is not known yet.
    fn open(&self, now: Window) -> Window {
        let whole = Window::over(self.start, self.bytes);
        let opened = self.start.addr() <= now.cursor.addr() && now.cursor.addr() <= whole.limit.addr();
        if opened { now } else { whole }
    }

    fn used(&self, now: Window) -> usize {
        self.open(now).cursor.addr() - self.start.addr()
    }
}

// SAFETY: the window lies in the block, which the owner keeps for as long as the source lives.
unsafe impl<O> Source for Fixed<O> {
    const LOW_ADDRESSES: bool = false;
    const CONTIGUOUS: bool = true;

    fn refill(&self, now: Window, _need: Layout) -> Result<Refill, AllocError> {
        let window = self.open(now);
        let first_use = window.cursor != now.cursor;
        if first_use { Ok(Refill::Window(window)) } else { Err(AllocError) }
    }

    fn before_lowering(&self, cursor: *mut u8) {
        let used = self.used(Window { cursor, limit: cursor });
        self.peak.set(self.peak.get().max(used));
    }

    fn zero_from(&self) -> usize {
        usize::MAX
    }

    fn statistics(&self, now: Window) -> Statistics {
        let used = self.used(now);
        let peak = self.peak.get().max(used);
        Statistics { reserved: self.bytes, committed: self.bytes, used, peak }
    }

    fn free(&self, now: Window) -> (usize, usize) {
        let window = self.open(now);
        (window.cursor.addr(), window.remaining())
    }
}

// SAFETY: a mark is a number of bytes in use, so the memory beyond it was handed out after it was made.
unsafe impl<O> Rewind for Fixed<O> {
    type Mark = usize;

    fn mark(&self, now: Window) -> usize {
        self.used(now)
    }

    fn start(&self) -> usize {
        0
    }

    unsafe fn rewind(&self, now: Window, mark: usize) -> Window {
        let window = self.open(now);
        if mark < self.used(window) {
            Window { cursor: self.start.wrapping_add(mark), ..window }
        } else {
            window
        }
    }
}

/// An arena over one block from any `Allocator`. It never asks for more.
///
/// The block goes back to the allocator when the arena is dropped. See [`Arena`] for what all arenas promise.
/// Making and dropping it makes the system calls of the allocator; nothing else makes any, so it is as safe in a
/// signal handler as its owner is alone with it.
///
/// ```
/// use v_alloc::{LinearAllocator, VirtualAllocator};
/// use core::alloc::Layout;
///
/// let arena = LinearAllocator::new_in(Layout::new::<[u64; 512]>(), VirtualAllocator {})?;
/// let numbers = arena.alloc_slice_fill_iter(0..10);
/// assert_eq!(numbers[9], 9);
/// assert!(arena.try_alloc_slice_zeroed::<u8>(1 << 20).is_err());
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
#[cfg(feature = "allocator-api2")]
pub type LinearAllocator<A> = Arena<Fixed<Allocated<A>>>;

/// A block from an allocator, to which it returns.
#[cfg(feature = "allocator-api2")]
#[derive(Debug)]
pub struct Allocated<A: crate::Allocator> {
    block: NonNull<u8>,
    layout: Layout,
    allocator: A,
}

// SAFETY: the block belongs to this value alone; the allocator is used from the thread that drops it.
#[cfg(feature = "allocator-api2")]
unsafe impl<A: crate::Allocator + Send> Send for Allocated<A> {}

#[cfg(feature = "allocator-api2")]
impl<A: crate::Allocator> Drop for Allocated<A> {
    fn drop(&mut self) {
        // SAFETY: the block came from this allocator, and fits the layout of its actual size.
        unsafe { self.allocator.deallocate(self.block, self.layout) };
    }
}

#[cfg(feature = "allocator-api2")]
impl<A: crate::Allocator> LinearAllocator<A> {
    /// Takes a block of this layout from the allocator. If the block is larger than asked for, all of it is used.
    ///
    /// # Errors
    /// [`AllocError`] if the allocator has no such block.
    pub fn new_in(layout: Layout, allocator: A) -> Result<Self, AllocError> {
        let block = allocator.allocate(layout)?;
        let start = block.cast::<u8>();
        // SAFETY: an allocator returns no block that a layout cannot describe.
        let layout = unsafe { Layout::from_size_align_unchecked(block.len(), layout.align()) };
        let source = Fixed {
            start: start.as_ptr(),
            bytes: block.len(),
            peak: Cell::new(0),
            _owner: Allocated { block: start, layout, allocator },
        };
        Ok(Self::from_parts(Window::over(source.start, source.bytes), source))
    }
}

/// An arena over memory that the caller brings: a buffer on the stack, or a `static` array. It needs neither an
/// operating system nor an allocator.
///
/// It makes no system call, takes no lock, and is as safe in a signal handler as its owner is alone with it. The
/// memory is uninitialised afterwards, whatever it held: that is why the buffer is one of `MaybeUninit`.
///
/// ```
/// use core::mem::MaybeUninit;
/// use v_alloc::BufferArena;
///
/// let mut buffer = [MaybeUninit::uninit(); 1024];
/// let arena = BufferArena::from_buffer(&mut buffer);
/// assert_eq!(arena.alloc_str("on the stack"), "on the stack");
/// assert_eq!(arena.remaining_capacity(), 1024 - 12);
/// ```
///
/// A crash handler's arena can lie in the program's zero-filled memory, ready before `main`:
///
/// ```
/// use core::mem::MaybeUninit;
/// use std::sync::Mutex;
/// use v_alloc::BufferArena;
///
/// static mut MEMORY: [MaybeUninit<u8>; 65_536] = [MaybeUninit::uninit(); 65_536];
/// // SAFETY: nothing else names `MEMORY`.
/// static REPORT: Mutex<BufferArena<'static>> =
///     Mutex::new(unsafe { BufferArena::from_raw_parts((&raw mut MEMORY).cast(), 65_536) });
///
/// assert_eq!(REPORT.lock().unwrap().alloc_fmt(format_args!("signal {}", 11)), "signal 11");
/// ```
pub type BufferArena<'a> = Arena<Fixed<Borrowed<'a>>>;

/// A buffer that is lent for `'a`.
#[derive(Debug)]
pub struct Borrowed<'a>(PhantomData<&'a mut [MaybeUninit<u8>]>);

impl<'a> BufferArena<'a> {
    /// An arena over this buffer. O(1).
    #[must_use]
    pub const fn from_buffer(buffer: &'a mut [MaybeUninit<u8>]) -> Self {
        // SAFETY: the buffer is valid and lent exclusively for `'a`.
        unsafe { Self::from_raw_parts(buffer.as_mut_ptr().cast(), buffer.len()) }
    }

    /// An arena over `bytes` bytes at `start`, which may be a `static mut`. O(1).
    ///
    /// # Safety
    /// `start` is not null. The memory is valid for reads and writes, and nothing else uses it, for `'a`.
    #[must_use]
    pub const unsafe fn from_raw_parts(start: *mut u8, bytes: usize) -> Self {
        let source = Fixed { start, bytes, peak: Cell::new(0), _owner: Borrowed(PhantomData) };
        Self::from_parts(Window::nowhere(1), source)
    }
}
