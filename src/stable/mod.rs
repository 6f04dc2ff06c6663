//! Blocks that never move, for values of any size that grow: `StableBlock`, and `realloc` for whoever has only a
//! pointer.
//!
//! | file | what it knows |
//! |---|---|
//! | `slot` | the state of one address range: free, live, busy |
//! | `space` | ranges divided into slots, and how an address is looked up |
//! | `pool` | where the next slot comes from |
//! | `block` | what a block may do: commit, give back, be freed |
//!
//! Nothing here locks. Memory is reserved, committed and given back through `reservation` only.

pub(crate) mod block;
mod pool;
pub(crate) mod realloc;
mod slot;
mod space;

use crate::os::Pages;
use crate::{CommitPolicy, ReserveError};
use block::{Block, HugePages, Room, Wanted};
use core::ffi::CStr;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What [`set_default_reservation`] chose, in bytes; 0 for the platform's.
static DEFAULT_RESERVATION: AtomicUsize = AtomicUsize::new(0);

/// Bytes of address space that a block gets by default: 1 GiB on 64-bit Unix, 256 MiB on Windows, 8 MiB on 32-bit
/// machines, or what [`set_default_reservation`] chose; less when the process is short of address space. O(1).
///
/// ```
/// let mut block = v_alloc::StableBlock::new();
/// block.resize(1)?;
/// assert!(block.reserved_bytes() <= v_alloc::default_reservation());
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[must_use]
pub fn default_reservation() -> usize {
    let (Room::UpTo(bytes) | Room::Exactly(bytes)) = Room::default();
    bytes
}

/// Chooses what later blocks get by default, in bytes; 0 goes back to the platform's choice. O(1).
///
/// ```
/// v_alloc::set_default_reservation(16 << 20);
/// let mut block = v_alloc::StableBlock::new();
/// block.resize(100)?;
/// assert!(block.reserved_bytes() <= 16 << 20);
/// # v_alloc::set_default_reservation(0);
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
pub fn set_default_reservation(bytes: usize) {
    DEFAULT_RESERVATION.store(bytes, Relaxed);
}

/// A block of bytes that grows and shrinks and never moves: pointers into it stay good.
///
/// ```text
///  base            size        committed              base + reserved
///   |    in use     |  to spare   |  addresses, no memory yet   |
/// ```
///
/// It draws its addresses from ranges that all blocks share, and gives them back to be used again. So making,
/// growing and freeing blocks needs no mapping of their own: where the system allows, a hundred thousand are a few
/// lines in the kernel's table. A small block costs one page. Freed blocks of each size of reservation keep 1 MiB together
/// for the next ones, up to 64 KiB each, and one or two of them as much as half of the latest eight had, up to 1 MiB: lives that are
/// alike make no system call. All else goes back to the system.
///
/// On Linux its memory is left out of core dumps, because all blocks are one mapping, as large as their addresses.
///
/// All operations are O(1) besides the work of the operating system. Safe in a signal handler that owns the value:
/// lock-free, and at most the system calls of `mmap`, `mprotect`, `madvise`, `munmap`, `prctl`, `prlimit64` and,
/// for pages that the program locked, `munlock`.
///
/// ```
/// use v_alloc::StableBlock;
/// let mut block = StableBlock::options().reservation(64 << 20).build();
/// block.resize(5)?;
/// block.as_mut_slice().copy_from_slice(b"hello");
/// let address = block.as_slice().as_ptr();
/// block.resize(64 << 20)?;
/// assert_eq!(block.as_slice().as_ptr(), address);
/// assert_eq!(&block.as_slice()[..6], b"hello\0");
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
pub struct StableBlock {
    /// None while the size is 0.
    block: Option<Block>,
    size: usize,
    options: StableBlockOptions,
}

// SAFETY: the memory belongs to this value alone, and what is known of it is atomic.
unsafe impl Send for StableBlock {}
// SAFETY: through a shared borrow it can only be read.
unsafe impl Sync for StableBlock {}

/// The options of a [`StableBlock`], set one by one.
///
/// ```
/// let mut log = v_alloc::StableBlock::options().reservation(16 << 20).huge_pages(false).name(c"log").build();
/// log.resize(100)?;
/// assert_eq!(log.reserved_bytes(), 16 << 20);
/// assert!(log.resize(17 << 20).is_err());
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until `build`"]
pub struct StableBlockOptions {
    reservation: Option<usize>,
    huge_pages: bool,
    commit_policy: CommitPolicy,
    /// See [`Wanted::zeroed`].
    zeroed: bool,
    /// See [`HugePages::Late`].
    tight: bool,
    name: Option<&'static CStr>,
}

impl StableBlockOptions {
    /// Exactly so many bytes of address space, rounded up to pages, whenever the block is made; or an error.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().reservation(1 << 20).build();
    /// block.resize(1)?;
    /// assert_eq!(block.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn reservation(mut self, bytes: usize) -> Self {
        self.reservation = Some(bytes);
        self
    }

    /// Whether huge pages may back what lies beyond the first 2 MiB. Default: yes. Without them no touch takes
    /// longer than it takes to clear a small page.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().huge_pages(false).build();
    /// block.resize(64 << 20)?;
    /// block.as_mut_slice()[12345] = 1; // clears a small page
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn huge_pages(mut self, allowed: bool) -> Self {
        self.huge_pages = allowed;
        self
    }

    /// Which matters more, throughput (the default) or latency: then no touch of the block takes longer than it takes
    /// to clear a small page.
    ///
    /// ```
    /// use v_alloc::{CommitPolicy, StableBlock};
    /// let mut log = StableBlock::options().commit_policy(CommitPolicy::Latency).build();
    /// log.resize(100)?;
    /// assert_eq!(log.len(), 100);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.commit_policy = policy;
        self
    }

    /// A name in the process's memory map and in the [`registry`](crate::registry), as
    /// [`ArenaOptions::name`](crate::ArenaOptions::name). It makes the block a mapping of its own, where the kernel has
    /// such names.
    ///
    /// ```
    /// let mut log = v_alloc::StableBlock::options().name(c"log").build();
    /// log.resize(100)?; // where the kernel can: [anon:log] in /proc/self/maps
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn name(mut self, name: &'static CStr) -> Self {
        self.name = Some(name);
        self
    }

    /// The block, empty; it has no addresses yet. Fit for a `static` or a field.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use v_alloc::StableBlock;
    /// static LOG: Mutex<StableBlock> = Mutex::new(StableBlock::options().reservation(1 << 20).build());
    /// LOG.lock().unwrap().resize(100)?;
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub const fn build(self) -> StableBlock {
        StableBlock { block: None, size: 0, options: self }
    }

    /// Bytes of address space that a block will ask for.
    #[allow(dead_code, reason = "only vectors ask before there is a block")]
    pub(crate) fn reserved(&self) -> usize {
        let whole_pages = |bytes: usize| Pages::round_up(bytes.max(1)).map_or(bytes, Pages::bytes);
        self.reservation.map_or_else(default_reservation, whole_pages)
    }

    /// See [`HugePages::Late`].
    #[allow(dead_code, reason = "for what a feature brings")]
    pub(crate) const fn tight(mut self, tight: bool) -> Self {
        self.tight = tight;
        self
    }

    /// See [`Wanted::zeroed`].
    #[allow(dead_code, reason = "only vectors, which a feature brings, do without zeroes")]
    pub(crate) const fn zeroed(mut self, zeroed: bool) -> Self {
        self.zeroed = zeroed;
        self
    }

    pub(crate) fn wanted(&self) -> Wanted<'static> {
        let reservation = self.reservation.map_or_else(Room::default, Room::Exactly);
        let huge_pages = match (self.huge_pages, self.commit_policy) {
            (true, CommitPolicy::Throughput) if self.tight => HugePages::Late,
            (true, CommitPolicy::Throughput) => HugePages::Early,
            _ => HugePages::Never,
        };
        Wanted { reservation, least: 0, huge_pages, zeroed: self.zeroed, name: self.name, has_header: false }
    }
}

impl StableBlock {
    /// An empty block with a [default reservation](default_reservation), made when it gets a size. O(1), no system
    /// call.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(100)?;
    /// assert_eq!(block.as_slice(), [0; 100]);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::options().build()
    }

    /// The options of a block: reservation, huge pages, name.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().reservation(1 << 20).name(c"log").build();
    /// block.resize(100)?;
    /// assert_eq!((block.len(), block.reserved_bytes()), (100, 1 << 20));
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn options() -> StableBlockOptions {
        StableBlockOptions {
            reservation: None,
            huge_pages: true,
            commit_policy: CommitPolicy::Throughput,
            zeroed: true,
            tight: false,
            name: None,
        }
    }

    /// The options that it was built by.
    #[allow(dead_code, reason = "only maps, which a feature brings, make another like it")]
    pub(crate) const fn same_options(&self) -> StableBlockOptions {
        self.options
    }

    /// Makes the block `size` bytes long, where it is. The contents are kept up to the smaller size.
    ///
    /// Bytes that a block never had before are zero; bytes that it had are zero or what they were. Pages are given
    /// back when more than twice as much as needed, and more than 64 KiB, is committed. A size of 0 frees the block
    /// and its addresses; the next size may find it elsewhere. A first size above the default reservation reserves
    /// what it needs.
    ///
    /// # Errors
    /// [`ReserveError`] if the reservation, the address space or the memory does not suffice, or the system refuses to
    /// take the memory of a block that is freed; the block stays as it was. Shrinking to any other size cannot fail.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().reservation(1 << 20).build();
    /// block.resize(10)?;
    /// let address = block.base();
    /// block.resize(1 << 20)?;
    /// assert_eq!(block.base(), address);
    /// assert!(block.resize(2 << 20).is_err());
    /// assert_eq!(block.len(), 1 << 20); // as it was
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn resize(&mut self, size: usize) -> Result<(), ReserveError> {
        match self.block {
            None if size == 0 => {}
            None => self.block = Some(Block::new(size, self.options.wanted())?),
            Some(block) if size == 0 => {
                // SAFETY: nothing can be borrowed from the block.
                unsafe { block.free()? };
                self.block = None;
            }
            Some(block) => {
                // SAFETY: nothing can be borrowed from the block, and what is beyond its size is not in use.
                unsafe { block.resize(size)? };
            }
        }
        self.size = size;
        Ok(())
    }

    /// The first byte; dangling while the size is 0. Stays the same until the size is 0.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(10)?;
    /// // SAFETY: the first ten bytes are there.
    /// unsafe { block.base().write(7) };
    /// assert_eq!(block.as_slice()[0], 7);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> NonNull<u8> {
        self.block.map_or(NonNull::dangling(), Block::base)
    }

    /// The size in bytes.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(10)?;
    /// assert_eq!(block.len(), 10);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.size
    }

    /// Whether the size is 0.
    ///
    /// ```
    /// assert!(v_alloc::StableBlock::new().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The bytes.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(4)?;
    /// assert_eq!(block.as_slice(), [0, 0, 0, 0]);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `size` bytes are committed and ours, and all memory of the system is initialised.
        unsafe { core::slice::from_raw_parts(self.base().as_ptr(), self.size) }
    }

    /// The bytes, to be changed.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(5)?;
    /// block.as_mut_slice().copy_from_slice(b"hello");
    /// assert_eq!(block.as_slice(), b"hello");
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.base().as_ptr(), self.size) }
    }

    /// Bytes of address space that the block may grow to; 0 while its size is 0.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().reservation(1 << 20).build();
    /// assert_eq!(block.reserved_bytes(), 0);
    /// block.resize(1)?;
    /// assert_eq!(block.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn reserved_bytes(&self) -> usize {
        self.block.map_or(0, Block::reserved)
    }

    /// Bytes that are committed: whole pages.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::new();
    /// block.resize(1)?;
    /// assert_eq!(block.committed_bytes(), v_alloc::os::page_size().unwrap());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.block.map_or(0, Block::committed)
    }
}

impl Drop for StableBlock {
    fn drop(&mut self) {
        // If the system refuses, the memory stays, and stays on the account.
        let _ = self.resize(0);
    }
}

impl Default for StableBlock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for StableBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StableBlock")
            .field("base", &self.base())
            .field("len", &self.size)
            .field("committed", &self.committed_bytes())
            .field("reserved", &self.reserved_bytes())
            .finish()
    }
}

#[cfg(test)]
mod tests;
