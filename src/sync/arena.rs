//! `SyncArena`: one arena for many threads, and for the handlers that interrupt them.

use super::LocalArena;
use crate::arena::options::ArenaOptions;
use crate::error::{Cause, Operation};
use crate::lock_free::{claim, raise};
use crate::os::Pages;
use crate::reservation::{Reservation, lazy::LazyReservation};
use crate::{AllocError, ReserveError, bump, traps};
use core::alloc::Layout;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// An arena that threads and signal handlers share, without a lock.
///
/// ```text
///  base          cursor         committed            base + size
///   |  handed out   |    free       |    inaccessible     |
/// ```
///
/// It has the methods of [`Arena`](crate::Arena), through `&self`, from any thread: what each hands out belongs to its
/// caller alone. `const fn new` makes it fit for a `static`; the first allocation reserves the range, whichever thread
/// makes it. A thread that allocates much takes a [`LocalArena`] from it.
///
/// * **Signal handlers: reentrant.** A handler may allocate from the very arena whose allocation it interrupts, at any
///   instruction, and gets memory of its own: memory is committed first and claimed by one atomic step after, so nobody
///   waits, and a failure leaves nothing claimed. After [`prepare`](Self::prepare) no system call is made until that many
///   bytes are used. Without: `mmap`, `munmap`, `mprotect`, `madvise`, `prlimit64` (the first allocation), and for a name
///   `prctl`. `errno` is kept. No call of `malloc`, no thread-local, no panic; less than 2 KiB of stack.
/// * **`fork`**: the child has a copy, as usable as the parent's, whatever other threads were doing.
/// * **Windows**: a thread that is suspended in the middle of an allocation holds nothing; others go on. The system
///   calls are `VirtualAlloc`, `VirtualFree`, `VirtualQuery` and `GetSystemInfo`. **macOS**: `mmap`, `mprotect`, `munmap`,
///   `posix_madvise`, `getrlimit` and, once, `sysconf`.
/// * **Cost**: O(1); one compare-and-swap. Several threads on one arena contend for it: see [`LocalArena`].
/// * Values are not dropped. Memory comes back by [`reset`](Self::reset); the last block also when it is freed or
///   shrunk.
///
/// ```
/// use v_alloc::SyncArena;
/// static NAMES: SyncArena = SyncArena::new();
///
/// let names: Vec<&str> = std::thread::scope(|scope| {
///     let threads: Vec<_> =
///         (0..4).map(|number| scope.spawn(move || &*NAMES.alloc_fmt(format_args!("thread {number}")))).collect();
///     threads.into_iter().map(|thread| thread.join().unwrap()).collect()
/// });
/// assert_eq!(names[3], "thread 3");
/// ```
pub struct SyncArena {
    /// Bytes from the base.
    cursor: AtomicUsize,
    range: LazyReservation,
    /// Beyond this many bytes from the base, what was never handed out reads zero.
    written: AtomicUsize,
    /// The most bytes in use before the cursor was lowered.
    peak: AtomicUsize,
    claimed: AtomicBool,
    options: ArenaOptions,
}

impl SyncArena {
    /// An arena that reserves its range on the first allocation. Fit for a `static`; costs nothing by itself.
    ///
    /// The reservation is a default one: see [`Arena::new`](crate::Arena::new).
    ///
    /// ```
    /// static ARENA: v_alloc::SyncArena = v_alloc::SyncArena::new();
    /// assert_eq!(ARENA.reserved_bytes(), 0);
    /// assert_eq!(*ARENA.alloc(7), 7);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        ArenaOptions::new().build_sync()
    }

    pub(crate) const fn with_options(options: ArenaOptions) -> Self {
        Self {
            cursor: AtomicUsize::new(0),
            range: options.lazily(),
            written: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            claimed: AtomicBool::new(false),
            options,
        }
    }

    /// An arena over a range of exactly `bytes`, rounded up to whole pages, reserved now.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system has no such range.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::with_reservation(1 << 20)?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn with_reservation(bytes: usize) -> Result<Self, ReserveError> {
        let arena = ArenaOptions::new().reservation(bytes).build_sync();
        arena.base()?;
        Ok(arena)
    }

    /// The options of an arena; see [`ArenaOptions::build_sync`].
    ///
    /// ```
    /// static REPORT: v_alloc::SyncArena = v_alloc::SyncArena::options().reservation(1 << 20).build_sync();
    /// assert_eq!(REPORT.alloc_str("crashed"), "crashed");
    /// ```
    pub const fn options() -> ArenaOptions {
        ArenaOptions::new()
    }

    fn base(&self) -> Result<NonNull<u8>, ReserveError> {
        let reserve = || self.options.recycle_or_reserve(Reservation::placed);
        self.range.get_or_reserve(reserve, |_, ready| _ = raise(&self.written, ready))
    }

    /// Where a block lies if the cursor is there: bytes from the base; and where it ends.
    #[inline(always)]
    fn fit(base: NonNull<u8>, cursor: usize, end: usize, layout: Layout) -> Option<(usize, usize)> {
        let base = base.addr().get();
        let fit = bump::fit_any::<1>(base + cursor, base + end, layout.size(), layout.align())?;
        Some((fit.start - base, fit.end - base))
    }

    /// A block of what is committed: `None` if that does not suffice.
    #[inline(always)]
    pub(super) fn take_committed(&self, layout: Layout) -> Option<NonNull<u8>> {
        let base = self.range.base()?;
        let fit = |cursor| Self::fit(base, cursor, self.range.committed().load(Acquire), layout).ok_or(());
        let start = claim(&self.cursor, self.range.committed(), fit, |_, _| Err(())).ok()?;
        // SAFETY: the block lies in the range.
        let block = unsafe { base.add(start) };
        traps::handed_out(block.as_ptr(), layout.size());
        Some(block)
    }

    /// A block, for which more may have to be committed.
    #[cold]
    #[inline(never)]
    pub(super) fn take(&self, layout: Layout) -> Result<NonNull<u8>, ReserveError> {
        let base = self.base()?;
        let size = self.range.size();
        let beyond = ReserveError::new(Operation::Commit, layout.size(), Cause::BeyondReservation);
        let fit = |cursor| Self::fit(base, cursor, size, layout).ok_or(beyond);
        let start = claim(&self.cursor, self.range.committed(), fit, |seen, end| self.commit(seen, end))?;
        // SAFETY: the block lies in the range.
        let block = unsafe { base.add(start) };
        traps::handed_out(block.as_ptr(), layout.size());
        Ok(block)
    }

    fn commit(&self, seen: usize, end: usize) -> Result<(), ReserveError> {
        self.range.commit(seen, |range| self.options.commit(range, end))
    }

    /// The address of a block, as a pointer that is good for all of the range.
    pub(super) fn at(&self, block: NonNull<u8>) -> NonNull<u8> {
        self.range.base().map_or(block, |base| base.with_addr(block.addr()))
    }

    /// Bytes between the base and the end of a block, if the block is the last one.
    fn end_if_last(&self, block: NonNull<u8>, size: usize) -> Option<usize> {
        let end = block.addr().get().wrapping_add(size).wrapping_sub(self.range.base()?.addr().get());
        (self.cursor.load(Acquire) == end).then_some(end)
    }

    /// Grows a block in place, if it is the last one and the memory suffices: the block never moves.
    ///
    /// Sizes are in bytes. On success the new bytes are uninitialised. O(1), and the system calls of an allocation if
    /// the arena must commit more.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `old_size` bytes, the caller's own, and `new_size` is not smaller.
    ///
    /// # Errors
    /// [`AllocError`] if another block follows or there is no memory; the block stays as it was.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let arena = v_alloc::SyncArena::new();
    /// let block = arena.alloc_layout(Layout::new::<[u8; 100]>());
    /// // SAFETY: the block is live, of 100 bytes, and nobody else's.
    /// unsafe { arena.try_grow(block, 100, 5000)? };
    /// assert_eq!(arena.used_bytes(), 5000);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub unsafe fn try_grow(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new_size: usize,
    ) -> Result<(), AllocError> {
        let end = self.end_if_last(block, old_size).ok_or(AllocError)?;
        let grown = (end - old_size).checked_add(new_size).filter(|&grown| grown <= self.range.size());
        let grown = grown.ok_or(AllocError)?;
        let fit = |cursor| if cursor == end { Ok(((), grown)) } else { Err(AllocError) };
        let commit = |seen, end| self.commit(seen, end).map_err(|_| AllocError);
        claim(&self.cursor, self.range.committed(), fit, commit)?;
        let start = self.at(block).as_ptr();
        traps::handed_out(start.wrapping_add(old_size), new_size - old_size);
        Ok(())
    }

    /// Shrinks a block in place, if it is the last one, so that its bytes go back to the arena.
    ///
    /// Sizes are in bytes; a new size of 0 frees the block. O(1), no system call.
    ///
    /// # Safety
    /// `block` is a live block of this arena of `old_size` bytes, the caller's own, and `new_size` is not larger.
    ///
    /// # Errors
    /// [`AllocError`] if another block follows; nothing has happened then, and the block may be used as a smaller
    /// one all the same.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// let arena = v_alloc::SyncArena::new();
    /// let block = arena.alloc_layout(Layout::new::<[u8; 5000]>());
    /// // SAFETY: the block is live, of 5000 bytes, and nobody else's.
    /// unsafe { arena.try_shrink(block, 5000, 100)? };
    /// assert_eq!(arena.used_bytes(), 100);
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    pub unsafe fn try_shrink(
        &self,
        block: NonNull<u8>,
        old_size: usize,
        new_size: usize,
    ) -> Result<(), AllocError> {
        let end = self.end_if_last(block, old_size).ok_or(AllocError)?;
        let rest = (self.at(block).as_ptr().wrapping_add(new_size), old_size - new_size);
        traps::free(rest.0, rest.1);
        // Before the bytes are free, so that whoever gets them knows.
        raise(&self.written, end);
        raise(&self.peak, end);
        let fit = |cursor| if cursor == end { Ok(((), end - old_size + new_size)) } else { Err(AllocError) };
        claim(&self.cursor, self.range.committed(), fit, |_, _| Err(AllocError))
            .inspect_err(|_| traps::handed_out(rest.0, rest.1))
    }

    /// Beyond this address, what was just handed out reads zero.
    pub(super) fn zero_from(&self) -> usize {
        self.range.base().map_or(usize::MAX, |base| base.addr().get() + self.written.load(Acquire))
    }

    /// Commits and populates the next `bytes`, so that allocating them makes no system call and no page fault.
    ///
    /// Alignment padding counts, and so does what other threads allocate meanwhile. Populating is best effort;
    /// committing is not.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation or the memory does not suffice; the arena stays as it was.
    ///
    /// ```
    /// static REPORT: v_alloc::SyncArena = v_alloc::SyncArena::new();
    /// REPORT.prepare(64 << 10)?; // when the program starts; then, in the handler:
    /// let report = REPORT.try_alloc_slice_fill_copy(64 << 10, b' ').unwrap();
    /// # report[0] = b'x';
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn prepare(&self, bytes: usize) -> Result<(), ReserveError> {
        self.base()?;
        let too_much = ReserveError::new(Operation::Commit, bytes, Cause::BeyondReservation);
        let size = self.range.size();
        let used = self.cursor.load(Acquire);
        let end = used.checked_add(bytes).filter(|&end| end <= size).ok_or(too_much)?;
        loop {
            let seen = self.range.committed().load(Acquire);
            if seen >= end {
                break;
            }
            self.commit(seen, end)?;
        }
        let size = Pages::round_down(size);
        self.range.populate(Pages::round_down(used), Pages::round_up(end).unwrap_or(size));
        Ok(())
    }

    /// Exclusive use, for the first who asks until the [`Claim`] is dropped: of two threads that crash at the same
    /// time, one writes the report. `None` for everyone else, at once.
    ///
    /// It excludes others who ask for it, not those who allocate without: those stay as safe as ever. O(1), no system
    /// call; reentrant.
    ///
    /// ```
    /// static REPORT: v_alloc::SyncArena = v_alloc::SyncArena::new();
    /// let first = REPORT.try_claim().expect("nobody has claimed it");
    /// assert!(REPORT.try_claim().is_none());
    /// first.alloc_str("this thread writes the report");
    /// ```
    pub fn try_claim(&self) -> Option<Claim<'_>> {
        // Not `then_some`: to drop a claim that was never made would end the one that was.
        self.claimed.compare_exchange(false, true, AcqRel, Relaxed).is_ok().then(|| Claim { arena: self })
    }

    /// A thread's own part of the arena: see [`LocalArena`]. It takes nothing before its first allocation.
    ///
    /// ```
    /// static NAMES: v_alloc::SyncArena = v_alloc::SyncArena::new();
    /// let name = std::thread::spawn(|| &*NAMES.local().alloc_str("from a thread")).join().unwrap();
    /// assert_eq!(name, "from a thread"); // it outlives the thread
    /// ```
    #[must_use]
    pub const fn local(&self) -> LocalArena<'_> {
        LocalArena::new(self)
    }

    /// Takes back all memory and keeps it for reuse. Values are not dropped. O(1), no system call.
    ///
    /// Nothing can be borrowed from the arena then, so no reference is left behind.
    ///
    /// ```
    /// let mut arena = v_alloc::SyncArena::new();
    /// arena.alloc_str("temporary");
    /// arena.reset();
    /// assert_eq!(arena.used_bytes(), 0);
    /// ```
    pub fn reset(&mut self) {
        let used = *self.cursor.get_mut();
        *self.written.get_mut() = used.max(*self.written.get_mut());
        *self.peak.get_mut() = used.max(*self.peak.get_mut());
        *self.cursor.get_mut() = 0;
        traps::in_force! {
            if let Some(base) = self.range.base() {
                traps::free(base.as_ptr(), used);
            }
        }
    }

    /// Gives memory back to the operating system: all but the greater of what is in use and `keep` bytes, rounded up to
    /// whole pages. Returns the number of bytes given back.
    ///
    /// # Errors
    /// [`ReserveError`] if the operating system refuses; all stays as it was.
    ///
    /// ```
    /// let mut arena = v_alloc::SyncArena::new();
    /// arena.alloc_slice_fill_copy(1 << 20, 0_u8);
    /// arena.reset();
    /// assert!(arena.trim(64 << 10)? > 0);
    /// assert_eq!(arena.committed_bytes(), 64 << 10);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn trim(&mut self, keep: usize) -> Result<usize, ReserveError> {
        let Some(start) = Pages::round_up(keep.max(*self.cursor.get_mut())) else { return Ok(0) };
        // SAFETY: nothing beyond the cursor is handed out.
        let given_back = unsafe { self.range.decommit_from(start) }?;
        *self.written.get_mut() = start.bytes().min(*self.written.get_mut());
        Ok(given_back)
    }

    /// Addresses that belong to the arena, in bytes; 0 before the first allocation.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::with_reservation(1 << 20)?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn reserved_bytes(&self) -> usize {
        self.range.size()
    }

    /// Memory that can be used without asking the operating system, in bytes. The resident memory is at most this, or what an
    /// earlier arena left.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// arena.alloc(1_u8);
    /// assert!(arena.committed_bytes() >= 4096);
    /// ```
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.range.committed().load(Relaxed)
    }

    /// What is handed out, with alignment padding and what local arenas keep ready, in bytes.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::new();
    /// arena.alloc([0_u8; 100]);
    /// assert_eq!(arena.used_bytes(), 100);
    /// ```
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.cursor.load(Relaxed)
    }

    /// The most that was ever in use, in bytes.
    ///
    /// ```
    /// let mut arena = v_alloc::SyncArena::new();
    /// arena.alloc([0_u8; 1000]);
    /// arena.reset();
    /// assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 1000));
    /// ```
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.peak.load(Relaxed).max(self.used_bytes())
    }

    /// What can still be handed out, with alignment padding, in bytes; 0 before the first allocation.
    ///
    /// ```
    /// let arena = v_alloc::SyncArena::with_reservation(1 << 20)?;
    /// arena.alloc([0_u8; 1000]);
    /// assert_eq!(arena.remaining_capacity(), (1 << 20) - 1000);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn remaining_capacity(&self) -> usize {
        self.reserved_bytes().saturating_sub(self.used_bytes())
    }
}

impl Default for SyncArena {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SyncArena {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SyncArena")
            .field("reserved", &self.reserved_bytes())
            .field("committed", &self.committed_bytes())
            .field("used", &self.used_bytes())
            .finish()
    }
}

/// Exclusive use of a [`SyncArena`] among those who [claim](SyncArena::try_claim) it; dereferences to the arena.
///
/// ```
/// static REPORT: v_alloc::SyncArena = v_alloc::SyncArena::new();
/// let claim: v_alloc::Claim<'_> = REPORT.try_claim().unwrap();
/// claim.alloc_str("the report"); // as in the arena
/// drop(claim);
/// assert!(REPORT.try_claim().is_some());
/// ```
#[derive(Debug)]
pub struct Claim<'a> {
    arena: &'a SyncArena,
}

impl<'a> Claim<'a> {
    /// The arena, for allocations that outlive the claim.
    ///
    /// ```
    /// static REPORT: v_alloc::SyncArena = v_alloc::SyncArena::new();
    /// let claim = REPORT.try_claim().unwrap();
    /// let text: &'static str = claim.arena().alloc_str("kept");
    /// drop(claim);
    /// assert_eq!(text, "kept");
    /// ```
    #[must_use]
    pub fn arena(&self) -> &'a SyncArena {
        self.arena
    }
}

impl Deref for Claim<'_> {
    type Target = SyncArena;

    fn deref(&self) -> &SyncArena {
        self.arena
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.arena.claimed.store(false, Release);
    }
}
