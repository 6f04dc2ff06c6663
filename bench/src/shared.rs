//! The allocators and vectors that threads share.

use crate::Result;
use crate::contenders::{self, Contender, Emptied};
use blink_alloc::{LocalBlinkAlloc, SyncBlinkAlloc};
use bumpalo::Bump;
use std::alloc::{Layout, System};
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use v_alloc::{LocalArena, SyncArena, SyncVec};

/// An allocator that threads share, each through a handle of its own.
pub trait Shared: Send + Sync + Sized {
    type Handle<'a>: Contender
    where
        Self: 'a;

    /// With at least `bytes` of memory at hand.
    fn with_room(bytes: usize) -> Result<Self>;

    /// For one thread. What it must give back goes back when it is dropped.
    fn handle(&self) -> Self::Handle<'_>;

    /// Takes back all that was handed out.
    fn empty(&mut self);
}

/// `SyncArena` through a `LocalArena` for each thread.
pub struct ByLocals(SyncArena);

impl Shared for ByLocals {
    type Handle<'a> = LocalArena<'a>;

    fn with_room(bytes: usize) -> Result<Self> {
        let arena = SyncArena::new();
        arena.prepare(bytes)?;
        Ok(Self(arena))
    }

    fn handle(&self) -> LocalArena<'_> {
        self.0.local()
    }

    fn empty(&mut self) {
        self.0.reset();
    }
}

impl Contender for LocalArena<'_> {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }
}

/// Each thread allocates from the one `SyncArena`.
impl Shared for SyncArena {
    type Handle<'a> = &'a Self;

    fn with_room(bytes: usize) -> Result<Self> {
        Ok(ByLocals::with_room(bytes)?.0)
    }

    fn handle(&self) -> &Self {
        self
    }

    fn empty(&mut self) {
        self.reset();
    }
}

impl Contender for SyncArena {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        Some(NonNull::from(self.alloc(value)))
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.alloc_layout(layout))
    }
}

/// It comes to have room by itself: its chunks become as large as what was handed out before.
impl Shared for SyncBlinkAlloc {
    type Handle<'a> = LocalBlinkAlloc<'a>;

    fn with_room(_: usize) -> Result<Self> {
        Ok(Self::new())
    }

    fn handle(&self) -> LocalBlinkAlloc<'_> {
        self.local()
    }

    fn empty(&mut self) {
        self.reset();
    }
}

impl Contender for LocalBlinkAlloc<'_> {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        let place = self.block(Layout::new::<T>())?.cast::<T>();
        // SAFETY: the block was just handed out for a `T`.
        unsafe { place.write(value) };
        Some(place)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        Some(self.allocate(layout).ok()?.cast())
    }
}

impl Shared for Mutex<Bump> {
    type Handle<'a> = &'a Self;

    fn with_room(bytes: usize) -> Result<Self> {
        Ok(Self::new(Bump::with_capacity(bytes)))
    }

    fn handle(&self) -> &Self {
        self
    }

    fn empty(&mut self) {
        if let Ok(bump) = self.get_mut() {
            bump.reset();
        }
    }
}

impl Contender for Mutex<Bump> {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        self.lock().ok()?.value(value)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.lock().ok()?.block(layout)
    }
}

/// The least that sharing one cursor costs: one atomic step, without alignment, in memory that never grows.
pub struct FetchAdd {
    memory: NonNull<u8>,
    size: usize,
    cursor: AtomicUsize,
}

// SAFETY: the memory is its own.
unsafe impl Send for FetchAdd {}
// SAFETY: threads write to parts of the memory that they claimed.
unsafe impl Sync for FetchAdd {}

impl Shared for FetchAdd {
    type Handle<'a> = &'a Self;

    fn with_room(bytes: usize) -> Result<Self> {
        let memory = NonNull::from(Box::leak(vec![0_u128; bytes.div_ceil(16)].into_boxed_slice())).cast();
        Ok(Self { memory, size: bytes, cursor: AtomicUsize::new(0) })
    }

    fn handle(&self) -> &Self {
        self
    }

    fn empty(&mut self) {
        *self.cursor.get_mut() = 0;
    }
}

impl Contender for FetchAdd {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        let place = self.block(Layout::new::<T>())?.cast::<T>();
        // SAFETY: the block was just handed out for a `T`, and no loop has other values among those of one size.
        unsafe { place.write(value) };
        Some(place)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        let start = self.cursor.fetch_add(layout.size(), Relaxed);
        // SAFETY: the block lies in the memory.
        (start + layout.size() <= self.size).then(|| unsafe { self.memory.add(start) })
    }
}

/// `malloc` and `free`: every thread frees its own blocks.
pub struct Malloc {
    room: usize,
}

pub struct Freed(contenders::Freed<System>);

impl Shared for Malloc {
    type Handle<'a> = Freed;

    fn with_room(room: usize) -> Result<Self> {
        Ok(Self { room })
    }

    fn handle(&self) -> Freed {
        Freed(contenders::Freed::with_list(self.room / 16))
    }

    fn empty(&mut self) {}
}

impl Contender for Freed {
    #[inline(always)]
    fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
        self.0.value(value)
    }

    #[inline(always)]
    fn block(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.block(layout)
    }
}

impl Drop for Freed {
    fn drop(&mut self) {
        let _ = self.0.empty(); // it never fails
    }
}

/// A vector that threads push to.
pub trait Pushed: Send + Sync + Default {
    fn push(&self, number: u64);

    /// Keeps its memory.
    fn clear(&mut self);
}

impl Pushed for SyncVec<u64> {
    #[inline(always)]
    fn push(&self, number: u64) {
        Self::push(self, number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl Pushed for boxcar::Vec<u64> {
    #[inline(always)]
    fn push(&self, number: u64) {
        self.push(number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}
