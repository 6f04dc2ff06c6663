//! The source of an arena that owns one reserved range: `refill` commits more of it; the cursor stays.

use super::Arena;
use super::options::ArenaOptions;
use super::source::{Refill, Rewind, Source, Statistics, Window, sealed};
use crate::error::{Cause, Operation};
use crate::os::{self, Pages};
use crate::registry::Kind;
use crate::reservation::Reservation;
use crate::traps::{self, Segments};
use crate::{AllocError, ReserveError, bump};
use core::alloc::Layout;
use core::cell::{Cell, OnceCell};
use core::mem::MaybeUninit;

traps::in_force! {
    mod elsewhere;
}

/// One reserved range of addresses, committed from its start as far as needed.
///
/// ```text
///  base          cursor        limit = base + committed             base + size
///   |   handed out  |   free      |            inaccessible             |
/// ```
///
/// ```
/// use v_alloc::{Arena, Reserved};
/// struct Document {
///     memory: Arena<Reserved>, // which is what `Arena` alone means
/// }
/// let document = Document { memory: Arena::new() };
/// assert_eq!(document.memory.alloc_str("text"), "text");
/// ```
#[derive(Debug)]
pub struct Reserved {
    options: ArenaOptions,
    /// Made by the first allocation, if not before.
    range: OnceCell<Reservation>,
    /// The address of the highest cursor of late, as far as it has been lowered since: what [`settle`](Self::settle) takes. All
    /// that must be noted when a block goes back. 0: none.
    highest: Cell<usize>,
    /// The most bytes in use before that.
    peak: Cell<usize>,
    /// Beyond this many bytes from the base, what was not handed out of late reads zero.
    written: Cell<usize>,
    /// What the latest tasks needed, in bytes: see [`give_back_surplus`](Self::give_back_surplus).
    needed: Cell<usize>,
    #[allow(dead_code, reason = "empty, but for builds with traps")]
    segments: Segments,
    last_error: Cell<Option<ReserveError>>,
}

impl sealed::Sealed for Reserved {}

impl Reserved {
    const fn new(options: ArenaOptions) -> Self {
        Self {
            options,
            range: OnceCell::new(),
            highest: Cell::new(0),
            peak: Cell::new(0),
            written: Cell::new(0),
            needed: Cell::new(0),
            segments: Segments::new(),
            last_error: Cell::new(None),
        }
    }

    /// The range, reserved now if it was not.
    fn range(&self) -> Result<&Reservation, ReserveError> {
        if let Some(range) = self.range.get() {
            return Ok(range);
        }
        let reserve = Reservation::placed;
        traps::in_force! {
            let _ = reserve;
            let reserve = Reservation::movable;
        }
        let range = self.options.recycle_or_reserve(reserve)?;
        range.list_as(Kind::Arena);
        self.written.set(range.ready().bytes());
        let lost = ReserveError::new(Operation::Reserve, range.size().bytes(), Cause::BeyondBudget);
        // Not `get_or_init`, which panics if the cell was filled meanwhile; nothing here could fill it.
        let _ = self.range.set(range);
        self.range.get().ok_or(lost)
    }

    fn try_refill(&self, now: Window, need: Layout) -> Result<Window, ReserveError> {
        let range = self.range()?;
        let window = Self::window(range, now);
        let (cursor, end) = (window.cursor.addr(), range.base().addr().get() + range.size().bytes());
        let Some(fit) = bump::fit_any::<1>(cursor, end, need.size(), need.align()) else {
            return Err(ReserveError::new(Operation::Commit, need.size(), Cause::BeyondReservation));
        };
        self.options.commit(range, fit.end - range.base().addr().get())?;
        Ok(Self::window(range, window))
    }

    /// `now` with the limit where it belongs; a window from before the reservation becomes its first.
    fn window(range: &Reservation, now: Window) -> Window {
        let base = range.base().as_ptr();
        let cursor = if now.cursor.addr() < base.addr() { base } else { now.cursor };
        let limit = base.wrapping_add(range.committed().bytes());
        traps::in_force! {
            // The first page after a rewind need not be committed, and its start is never used.
            let limit = limit.max(cursor);
        }
        Window { cursor, limit }
    }

    #[inline]
    fn used(&self, cursor: *mut u8) -> usize {
        self.range.get().map_or(0, |range| cursor.addr().saturating_sub(range.base().addr().get()))
    }

    /// The most bytes in use of late.
    fn latest(&self) -> usize {
        self.range.get().map_or(0, |range| self.highest.get().saturating_sub(range.base().addr().get()))
    }

    /// Enters what was in use of late in the other accounts, and returns it.
    fn settle(&self) -> usize {
        let latest = self.latest();
        self.highest.set(0);
        self.peak.set(self.peak.get().max(latest));
        self.written.set(self.written.get().max(latest));
        self.needed.set(self.needed.get().max(latest));
        latest
    }

    /// Gives back what lies beyond both what may be kept and what the latest tasks needed, if that is much. For an arena
    /// that has just been emptied.
    #[cold]
    fn give_back_surplus(&self, range: &Reservation) {
        let needed = self.needed.get();
        let latest = self.settle();
        // A task that needed less lowers it by an eighth: to a half after five or six.
        let needed = latest.max(needed - needed / 8);
        self.needed.set(needed);
        // Whole pages, so that a task that is like the latest ones commits nothing.
        let keep = Pages::round_up(needed.max(self.options.retain)).unwrap_or(range.size());
        if range.committed().bytes() / 2 > keep.bytes() {
            // SAFETY: nothing is handed out.
            let given_back = unsafe { range.decommit_from(keep) };
            // An arena that keeps what the system does not take back is as good. Then nothing is known to be zero anew: what another
            // arena left in the range may reach beyond what is committed.
            if given_back.is_ok() {
                self.written.set(self.written.get().min(range.committed().bytes()));
            }
        }
    }

    fn remember(&self, error: ReserveError) -> ReserveError {
        self.last_error.set(Some(error));
        error
    }
}

// SAFETY: windows are committed parts of the reservation beyond the cursor; the reservation is released when
// the source is dropped, and moving the source moves no memory.
unsafe impl Source for Reserved {
    const LOW_ADDRESSES: bool = os::ADDRESSES_ARE_LOW;
    const CONTIGUOUS: bool = true;

    fn refill(&self, now: Window, need: Layout) -> Result<Refill, AllocError> {
        match self.try_refill(now, need) {
            Ok(window) => Ok(Refill::Window(window)),
            Err(error) => {
                self.remember(error);
                Err(AllocError)
            }
        }
    }

    #[inline]
    fn before_lowering(&self, cursor: *mut u8) {
        // Not `max`, which stores each time, and waits for what it stored before: most tasks are no larger than those before.
        if cursor.addr() > self.highest.get() {
            self.highest.set(cursor.addr());
        }
    }

    #[inline]
    fn zero_from(&self) -> usize {
        let written = |range: &Reservation| range.base().addr().get() + self.written.get();
        self.range.get().map_or(usize::MAX, |range| written(range).max(self.highest.get()))
    }

    fn statistics(&self, now: Window) -> Statistics {
        let used = self.used(now.cursor);
        let committed = self.range.get().map_or(0, |range| range.committed().bytes());
        traps::in_force! {
            let committed = Pages::round_up(used).map_or(committed, |used| used.bytes().max(committed));
        }
        Statistics {
            reserved: self.range.get().map_or(0, |range| range.size().bytes()),
            committed,
            used,
            peak: self.peak.get().max(self.latest()).max(used),
        }
    }

    traps::in_force! {
        fn join(&self, now: Window, end: usize, more: usize) -> Option<Window> {
            self.join_window(self.range.get()?, now, end, more)
        }
    }

    fn free(&self, now: Window) -> (usize, usize) {
        let Some(range) = self.range.get() else {
            // What the first allocation will ask for, at an address that is aligned to no more than is asked for.
            let bytes = match self.options.reservation {
                Some(bytes) => Pages::round_up(bytes.max(1)).map_or(0, Pages::bytes),
                None => os::RESERVATION_TIERS.first().copied().unwrap_or_default(),
            };
            return (self.options.least_aligned_base(), bytes);
        };
        let cursor = Self::window(range, now).cursor;
        (cursor.addr(), range.size().bytes() - self.used(cursor))
    }
}

// SAFETY: memory at or beyond a mark was handed out after it was made.
unsafe impl Rewind for Reserved {
    /// The address of the cursor, which takes nothing to compute. With traps, as the base moves, the bytes in use.
    type Mark = usize;

    #[inline]
    fn mark(&self, now: Window) -> usize {
        let mark = now.cursor.addr();
        traps::in_force! {
            let _ = mark;
            let mark = self.used(now.cursor);
        }
        mark
    }

    #[inline]
    fn start(&self) -> usize {
        0
    }

    traps::in_force! {
        fn part(&self, now: Window) -> Window {
            self.range.get().map_or(now, |range| self.part_window(range, now))
        }
    }

    #[inline]
    unsafe fn rewind(&self, now: Window, mark: usize) -> Window {
        let range = self.range.get();
        traps::in_force! {
            if let Some(range) = range {
                // SAFETY: forwarded from the caller.
                return unsafe { self.rewind_elsewhere(range, now, mark) };
            }
        }
        match range {
            Some(range) if mark < now.cursor.addr() => {
                let base = range.base().as_ptr();
                if mark > base.addr() {
                    return Window { cursor: now.cursor.with_addr(mark), ..now };
                }
                if now.cursor <= base {
                    return now; // nothing is handed out, or not even the first window was committed
                }
                let emptied = Window { cursor: base, ..now };
                if range.committed().bytes() <= self.options.retain {
                    return emptied;
                }
                self.give_back_surplus(range);
                Self::window(range, emptied)
            }
            _ => now,
        }
    }
}

impl Arena {
    /// An arena that reserves its range on the first allocation. Fit for a `static`; costs nothing by itself.
    ///
    /// The reservation is a default one: 64 GiB on 64-bit Unix, 8 GiB on Windows, 64 MiB on 32-bit machines,
    /// and less when the process is short of address space or has many arenas.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// let number = arena.alloc(41);
    /// *number += 1;
    /// assert_eq!(*number, 42);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::lazy(ArenaOptions::new())
    }

    /// An arena over a range of exactly `bytes`, rounded up to whole pages, reserved now.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range.
    ///
    /// ```
    /// let arena = v_alloc::Arena::with_reservation(1 << 20)?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// assert!(arena.try_alloc_slice_zeroed::<u8>(2 << 20).is_err());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn with_reservation(bytes: usize) -> Result<Self, ReserveError> {
        ArenaOptions::new().reservation(bytes).build()
    }

    /// The options of an arena: reservation, name, huge pages, core dumps, throughput or latency.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().name(c"tokens").huge_pages(false).build()?;
    /// arena.alloc_str("let");
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn options() -> ArenaOptions {
        ArenaOptions::new()
    }
}

impl<const MIN_ALIGN: usize> Arena<Reserved, MIN_ALIGN> {
    /// As [`Arena::new`], with every block aligned to at least `MIN_ALIGN` bytes (1, 2, 4, 8 or 16).
    ///
    /// Values that are no whole words then need no alignment arithmetic: with 8, a `u32` takes three instructions less. Whole words
    /// gain nothing, and a `Layout` known at run time takes one more. Sizes are rounded up.
    ///
    /// ```
    /// use v_alloc::{Arena, Reserved};
    /// let arena = Arena::<Reserved, 8>::with_min_align();
    /// arena.alloc(1_u8);
    /// assert_eq!(arena.used_bytes(), 8);
    /// ```
    #[must_use]
    pub const fn with_min_align() -> Self {
        Self::lazy(ArenaOptions::new())
    }

    pub(super) const fn lazy(options: ArenaOptions) -> Self {
        Self::from_parts(Window::nowhere(), Reserved::new(options))
    }

    /// Reserves the range, if that has not happened yet.
    pub(super) fn reserve_now(&self) -> Result<(), ReserveError> {
        let range = self.source().range().map_err(|error| self.source().remember(error))?;
        self.set_window(Reserved::window(range, self.window()));
        Ok(())
    }

    /// Commits and populates the next `bytes`, so that allocating them makes no system call and no page fault.
    ///
    /// Alignment padding counts. Populating is best effort; committing is not.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; the arena stays as it was.
    ///
    /// ```
    /// let arena = v_alloc::Arena::new();
    /// arena.prepare(64 << 10)?;
    /// assert!(arena.committed_bytes() >= 64 << 10);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn prepare(&self, bytes: usize) -> Result<(), ReserveError> {
        self.reserve_now()?;
        let (source, window) = (self.source(), self.window());
        let range = source.range()?;
        let used = source.used(window.cursor);
        let too_much = ReserveError::new(Operation::Commit, bytes, Cause::BeyondReservation);
        let end = used.checked_add(bytes).filter(|&end| end <= range.size().bytes()).ok_or(too_much);
        end.and_then(|end| {
            if end > range.committed().bytes() {
                source.options.commit(range, end)?;
            }
            // Not the cursor's own page: it may hold values that another thread is using.
            range.populate(
                Pages::round_up(used).unwrap_or(range.size()),
                Pages::round_up(end).unwrap_or(range.size()),
            );
            Ok(())
        })
        .map_err(|error| source.remember(error))?;
        let window = Reserved::window(range, window);
        self.set_window(window);
        if window.cursor < window.limit {
            traps::handed_out(window.cursor, 1);
            // SAFETY: the byte at the cursor is committed, and free; this makes the cursor's page present.
            unsafe {
                let byte = window.cursor.cast::<MaybeUninit<u8>>();
                byte.write_volatile(byte.read_volatile());
            }
            traps::free(window.cursor, 1);
        }
        Ok(())
    }

    /// Gives memory back to the operating system: all but the greater of what is in use and `keep` bytes,
    /// rounded up to whole pages. Returns the number of bytes given back.
    ///
    /// Nothing that is allocated moves or changes.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; all stays as it was.
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::new();
    /// arena.alloc_slice_fill_copy(100_000, 0_u64);
    /// arena.reset();
    /// assert!(arena.trim(0)? >= 800_000);
    /// assert_eq!(arena.committed_bytes(), 0);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn trim(&self, keep: usize) -> Result<usize, ReserveError> {
        let (source, window) = (self.source(), self.window());
        let Some(range) = source.range.get() else { return Ok(0) };
        let committed = range.committed();
        let Some(start) = Pages::round_up(keep.max(source.used(window.cursor))) else { return Ok(0) };
        // SAFETY: nothing beyond the cursor is handed out.
        unsafe { range.decommit_from(start) }.map_err(|error| source.remember(error))?;
        source.settle();
        source.written.set(source.written.get().min(start.bytes()));
        self.set_window(Reserved::window(range, window));
        Ok(committed.bytes() - range.committed().bytes())
    }

    /// What the operating system, or the end of the reservation, last refused this arena, and why; `None` if
    /// nothing was. The call that met it may have succeeded with less: a growing slice asks for twice its size
    /// first.
    ///
    /// ```
    /// let arena = v_alloc::Arena::with_reservation(4096)?;
    /// assert!(arena.try_alloc_slice_fill_copy(1 << 20, 0_u8).is_err());
    /// let error = arena.last_error().unwrap();
    /// assert_eq!(error.bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn last_error(&self) -> Option<ReserveError> {
        self.source().last_error.get()
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}
