//! `ArenaPool`: arenas that are lent, come back empty and warm, and are lent again.
//!
//! ```text
//!  states:  | 16,384 | out | 0 | ...      what an idle arena has committed
//!  arenas:  | cursor, limit, range | cursor, limit, range | ...
//! ```
//!
//! An arena belongs to whoever changed its state to "out", until that one writes another state. Nothing here waits:
//! whoever finds all of them out gets an arena from outside the pool.

pub(crate) mod guard;

use crate::arena::options::ArenaOptions;
use crate::lock_free::state::State;
use crate::{Arena, ReserveError, Scope, ScopeGuard};
use core::cell::{Cell, UnsafeCell};
use core::fmt;
use guard::{RETAIN, lends_an_arena, put_to_rest, trim_to};

/// Lends arenas to threads and signal handlers, takes them back warm, and lends them again.
///
/// [`get`](Self::get) gives an empty [`Arena`] for as long as its guard lives. Up to `SLOTS` arenas are kept; each
/// reserves its range when it is first allocated from. The first slot that is not out is lent, so that a few arenas
/// are in use again and again, and the others cost nothing.
///
/// An arena that comes back is reset, and if it has more than [`retain`](Self::retain) bytes committed, the rest is
/// given back to the operating system. So a task that stays below that makes no system call when it is repeated.
///
/// * **All slots out**: `get` gives a fresh arena, which is dropped with its guard. A leaked guard
///   ([`mem::forget`](core::mem::forget)) loses its slot for good.
/// * **Cost**: `get` reads one word for each slot that is out, and exchanges one; the drop of a guard writes one.
/// * **System calls**: `get` makes none. The drop of a guard makes one, `mmap`, if there is more than the arena may
///   keep (and `madvise`, if its options are to be told again), and `munmap` if it has no slot. Allocating makes those of
///   [`Arena`]. `errno` is kept.
/// * **Signal handlers** may use a pool that they interrupt, at any point; one in a `static` too. Nothing locks, and
///   nobody waits. An arena that was [prepared](Arena::prepare) and returned is a prepared one for the next user, as
///   far as it may be kept.
/// * **After a fork**, the child has what lies idle, and memory of its own there. What other threads of the parent
///   held stays out.
///
/// ```
/// use v_alloc::ArenaPool;
/// static POOL: ArenaPool = ArenaPool::new();
///
/// let sum: u64 = std::thread::scope(|threads| {
///     let work = |n| move || POOL.get().alloc_slice_fill_iter(0..n).iter().sum::<u64>();
///     [threads.spawn(work(10)), threads.spawn(work(100))].map(|thread| thread.join().unwrap()).iter().sum()
/// });
/// assert_eq!(sum, 45 + 4950);
/// assert_eq!(POOL.idle(), 32);
/// assert!(POOL.retained_bytes() >= 80);
/// ```
pub struct ArenaPool<const SLOTS: usize = 32> {
    retain: usize,
    options: ArenaOptions,
    /// Apart from the arenas, which change all the time.
    states: [State; SLOTS],
    arenas: [Slot; SLOTS],
}

/// On cache lines of its own, because the window changes with every allocation.
#[repr(align(64))]
struct Slot {
    arena: UnsafeCell<Arena>,
    /// Whether the arena was made by the pool's options: when it is first lent.
    is_made: Cell<bool>,
}

// SAFETY: all of it, which is `Send`, belongs to whoever took it by its state, and that makes visible all that was done
// to it before.
unsafe impl Sync for Slot {}

/// An arena of an [`ArenaPool`], from [`get`](ArenaPool::get) until it is dropped.
///
/// It dereferences to the [`Arena`], which is empty at first; [`peak_bytes`](Arena::peak_bytes) and
/// [`last_error`](Arena::last_error) tell of earlier users, too. What is allocated cannot outlive the guard. The guard
/// may go to another thread, and be dropped there, but not be shared between threads.
///
/// ```
/// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
/// let mut arena = pool.get();
/// arena.alloc_str("kept until the guard is dropped");
/// let len = arena.scoped(|scope| scope.alloc_str("kept until here").len());
/// assert_eq!((len, arena.used_bytes()), (15, 31));
/// ```
#[must_use = "the arena goes back when the guard is dropped: at once, if it is not kept"]
pub struct PooledArena<'p> {
    place: Place<'p>,
}

#[allow(clippy::large_enum_variant, reason = "there is no heap to put it on, and it is rare")]
enum Place<'p> {
    /// Taken by the state.
    Slot { state: &'p State, slot: &'p Slot, retain: usize },
    /// All slots were out.
    Outside(Arena),
}

/// Of 32 slots. (Only here is a `new`, so that a pool needs no number.)
impl ArenaPool {
    /// A pool of 32 arenas, none of which is reserved yet. O(1), no system call. Fit for a `static`.
    ///
    /// ```
    /// static POOL: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
    /// assert_eq!(POOL.get().alloc_str("a request"), "a request");
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_slots()
    }
}

impl<const SLOTS: usize> ArenaPool<SLOTS> {
    /// As [`ArenaPool::new`], with a chosen number of slots.
    ///
    /// ```
    /// use v_alloc::ArenaPool;
    /// static POOL: ArenaPool<4> = ArenaPool::with_slots();
    /// let guards = [(); 5].map(|()| POOL.get());
    /// guards[4].alloc("a fifth arena, from outside the pool");
    /// assert_eq!(POOL.idle(), 0);
    /// drop(guards);
    /// assert_eq!(POOL.idle(), 4);
    /// ```
    #[must_use]
    pub const fn with_slots() -> Self {
        let states = [const { State::new(0) }; SLOTS];
        let arenas =
            [const { Slot { arena: UnsafeCell::new(Arena::new()), is_made: Cell::new(false) } }; SLOTS];
        Self { retain: RETAIN, options: Arena::options(), states, arenas }
    }

    /// How many bytes an arena may keep committed when it comes back, rounded down to whole pages. Default: 3 MiB.
    ///
    /// Arenas with more are trimmed to just that. Choose it above what most tasks need: each that needs more commits
    /// and gives back the difference. Where there are huge pages an odd number of MiB cuts none of them in two, so what is given
    /// back comes again in a fifth of the time.
    ///
    /// ```
    /// use v_alloc::ArenaPool;
    /// static POOL: ArenaPool = ArenaPool::new().retain(1 << 20);
    /// POOL.get().alloc_slice_fill_copy(3 << 20, 0_u8);
    /// assert_eq!(POOL.retained_bytes(), 1 << 20);
    /// ```
    #[must_use]
    pub const fn retain(mut self, bytes: usize) -> Self {
        self.retain = bytes;
        self
    }

    /// The [options](Arena::options) of the arenas. Those that were lent before keep what they have.
    ///
    /// ```
    /// use v_alloc::{Arena, ArenaPool};
    /// static POOL: ArenaPool = ArenaPool::new().options(Arena::options().reservation(16 << 20).name(c"request"));
    /// let arena = POOL.get();
    /// arena.alloc_str("GET /");
    /// assert_eq!(arena.reserved_bytes(), 16 << 20);
    /// ```
    #[must_use]
    pub const fn options(mut self, options: ArenaOptions) -> Self {
        self.options = options;
        self
    }

    /// An empty arena; a fresh one that is dropped with its guard, if all slots are out. O(`SLOTS`) at worst, no system
    /// call.
    ///
    /// ```
    /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
    /// let address = pool.get().alloc(1_u64) as *mut u64;
    /// assert_eq!(pool.get().alloc(2_u64) as *mut u64, address); // the same arena, warm
    /// ```
    #[inline]
    pub fn get(&self) -> PooledArena<'_> {
        match take_first(&self.states, &self.arenas) {
            Some((state, slot)) => {
                if !slot.is_made.get() {
                    slot.make(&self.options);
                }
                PooledArena { place: Place::Slot { state, slot, retain: self.retain } }
            }
            None => PooledArena::outside(self.options),
        }
    }

    /// Gives memory of the idle arenas back to the operating system: each keeps at most `keep` bytes, rounded down to
    /// whole pages. Returns the number of bytes given back.
    ///
    /// O(`SLOTS`), and one system call for each arena that has more; that one is out meanwhile. A signal handler may
    /// call it.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; that arena keeps its memory, and all others are trimmed.
    ///
    /// ```
    /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
    /// pool.get().alloc_slice_fill_copy(100_000, 0_u8);
    /// let retained = pool.retained_bytes();
    /// assert_eq!(pool.trim(0)?, retained);
    /// assert_eq!(pool.retained_bytes(), 0);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn trim(&self, keep: usize) -> Result<usize, ReserveError> {
        let mut result = Ok(0);
        for (state, slot) in
            self.states.iter().zip(&self.arenas).filter(|(state, _)| state.take(|_| true).is_some())
        {
            // SAFETY: it was taken.
            let arena = unsafe { &*slot.arena.get() };
            match trim_to(arena, keep) {
                Ok(bytes) => result = result.map(|sum| sum + bytes),
                Err(error) => result = Err(error),
            }
            state.put_back(arena.committed_bytes());
        }
        result
    }

    /// How many arenas lie idle. Exact while nobody uses the pool; O(`SLOTS`), no system call.
    ///
    /// ```
    /// let pool: v_alloc::ArenaPool<4> = v_alloc::ArenaPool::with_slots();
    /// let arena = pool.get();
    /// assert_eq!(pool.idle(), 3);
    /// drop(arena);
    /// assert_eq!(pool.idle(), 4);
    /// ```
    pub fn idle(&self) -> usize {
        self.retained().flatten().count()
    }

    /// What all idle arenas together have committed, in bytes. Exact while nobody uses the pool; O(`SLOTS`), no system
    /// call.
    ///
    /// ```
    /// let pool: v_alloc::ArenaPool = v_alloc::ArenaPool::new();
    /// pool.get().alloc_slice_fill_copy(10_000, 0_u8);
    /// assert!(pool.retained_bytes() >= 10_000);
    /// ```
    pub fn retained_bytes(&self) -> usize {
        self.retained().flatten().sum()
    }

    /// For each slot what its arena has committed, in bytes; `None` if it is out.
    ///
    /// ```
    /// let pool: v_alloc::ArenaPool<2> = v_alloc::ArenaPool::with_slots();
    /// let arena = pool.get();
    /// assert_eq!(pool.retained().collect::<Vec<_>>(), [None, Some(0)]);
    /// drop(arena);
    /// assert_eq!(pool.retained().collect::<Vec<_>>(), [Some(0), Some(0)]);
    /// ```
    pub fn retained(&self) -> impl Iterator<Item = Option<usize>> {
        self.states.iter().map(State::idle)
    }
}

/// The same code for all numbers of slots, and not unrolled.
#[inline(never)]
fn take_first<'p>(states: &'p [State], arenas: &'p [Slot]) -> Option<(&'p State, &'p Slot)> {
    states.iter().zip(arenas).find(|(state, _)| state.take(|_| true).is_some())
}

impl Slot {
    /// Makes the arena of a slot that was taken. What was there owns nothing.
    #[cold]
    #[inline(never)]
    fn make(&self, options: &ArenaOptions) {
        // SAFETY: whoever took the slot is the only one who uses it.
        unsafe { self.arena.get().write(options.build_lazily()) };
        self.is_made.set(true);
    }
}

impl PooledArena<'_> {
    #[cold]
    #[inline(never)]
    fn outside(options: ArenaOptions) -> Self {
        Self { place: Place::Outside(options.build_lazily()) }
    }

    #[inline]
    fn arena(&self) -> &Arena {
        match &self.place {
            // SAFETY: the slot is this guard's, which is borrowed.
            Place::Slot { slot, .. } => unsafe { &*slot.arena.get() },
            Place::Outside(arena) => arena,
        }
    }

    fn arena_mut(&mut self) -> &mut Arena {
        match &mut self.place {
            // SAFETY: the slot is this guard's, which is borrowed exclusively.
            Place::Slot { slot, .. } => unsafe { &mut *slot.arena.get() },
            Place::Outside(arena) => arena,
        }
    }
}

lends_an_arena!(<'p> PooledArena);

impl Drop for PooledArena<'_> {
    fn drop(&mut self) {
        if let Place::Slot { state, retain, .. } = self.place {
            state.put_back(put_to_rest(self.arena_mut(), retain));
        }
    }
}

impl Default for ArenaPool {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLOTS: usize> fmt::Debug for ArenaPool<SLOTS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ArenaPool")
            .field("slots", &SLOTS)
            .field("idle", &self.idle())
            .field("retained", &self.retained_bytes())
            .finish()
    }
}
