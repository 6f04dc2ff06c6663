//! The named arenas and blocks of this process, for whoever wants to see them: a debugger's console, a metrics page, or
//! another process, such as `examples/linux/top`.
//!
//! Nothing is listed before [`publish`] is called. From then on, whatever has a name by its options is listed when it
//! gets its addresses, until it gives them back:
//!
//! | [`Kind`] | what it is | whose option gives the name |
//! |---|---|---|
//! | [`Arena`](Kind::Arena) | an arena of one thread; of an `ArenaPool`, each that is reserved | [`ArenaOptions::name`](crate::ArenaOptions::name) |
//! | [`Shared`](Kind::Shared) | a `SyncArena`; its `LocalArena`s are parts of it | the same, with `build_sync` |
//! | [`Block`](Kind::Block) | a `StableBlock`, a `StableVec`, the entries of a `StableMap`; arenas and blocks of C | [`StableBlockOptions::name`](crate::StableBlockOptions::name) and that of the others; `VAllocOptions` |
//!
//! What has no name costs nothing, nor does anything before `publish`. The figures change when memory is reserved,
//! committed and given back, never when a window is used: a program that publishes allocates exactly as fast as one
//! that does not. Each change is a few relaxed atomic operations, and a search among the listed. Nothing here locks,
//! allocates, panics or has a thread-local, and but for `publish` nothing makes a system call; so signal handlers may
//! do whatever they may do otherwise.
//!
//! ```
//! use v_alloc::{Arena, registry};
//! registry::publish()?;
//! let tokens = Arena::options().name(c"tokens").reservation(1 << 20).build()?;
//! tokens.alloc_str("let");
//! let listed = registry::entries().find(|entry| entry.name() == "tokens").unwrap();
//! assert_eq!((listed.reserved, listed.committed), (1 << 20, tokens.committed_bytes()));
//! # Ok::<(), v_alloc::ReserveError>(())
//! ```
//!
//! # How old a figure is
//!
//! | figure | what it says |
//! |---|---|
//! | [`reserved`](Snapshot::reserved) | the addresses; it never changes |
//! | [`committed`](Snapshot::committed) | what may be used without asking the system. It is written before the call that changed it returns, so it is late only while one is under way |
//! | [`peak`](Snapshot::peak) | the most that `committed` ever was, since the arena has its addresses |
//!
//! What is *in use* is not told: the cursor is the arena's own, and moves with it. It is [`used_bytes`], for its owner;
//! after a `reset` all of `committed` is free, and stays committed until `trim`. How much is *resident* knows the
//! kernel: see `/proc/PID/smaps` of the addresses.
//!
//! [`used_bytes`]: crate::Arena::used_bytes
//!
//! # Other processes, other times
//!
//! * **On Linux** the table lies in a file without a place in any directory, `v_alloc-registry`, which `/proc/PID/fd`
//!   shows to whoever may trace the process: the same user, or root. [`Image`] reads its bytes. The file is gone with
//!   the process, however that ends; programs that it executes do not inherit it. It is sealed: nobody else can write
//!   to it (since 5.1) or cut it off. A program that closes all descriptors is not seen by others any more, and goes
//!   on. Elsewhere only the process itself sees the table.
//! * **After `fork`** on Linux the child publishes nothing, and changes nothing in its parent's table, until it calls
//!   `publish` itself. Its table then lists what gets its addresses from that time on. It has the parent's file open,
//!   too: [`Image::process`] says whose it is. On other systems the child goes on with a table of its own, a copy.
//! * **A table has room** for [`CAPACITY`] entries. What comes when it is full is not listed; all else goes on.
//!
//! # The bytes
//!
//! Numbers have the byte order of the machine. A header of 128 bytes, then entries of 128 bytes:
//!
//! | header | offset, size | | entry | offset, size | |
//! |---|---|---|---|---|---|
//! | magic | 0, 8 | `v_alloc`, 0 | state | 0, 8 | odd: it stands for something; changes whenever that does |
//! | version | 8, 4 | 1 | address | 8, 8 | |
//! | header's size | 12, 4 | 128 | reserved | 16, 8 | bytes |
//! | entry's size | 16, 4 | 128 | committed | 24, 8 | bytes |
//! | room | 20, 4 | entries | peak | 32, 8 | bytes, the most ever committed |
//! | process | 24, 4 | whose it is, as `getpid` has it | kind | 40, 4 | 1, 2, 3: as in the table above |
//! | | | | | 44, 4 | 0 |
//! | used | 32, 8 | entries that ever stood for something | name | 48, 80 | ends at the first 0 |

mod image;
mod table;

pub use image::Image;
pub use table::{CAPACITY, Entries};

use crate::error::{Cause, Operation, ReserveError};
use crate::lock_free::make_once;
use crate::os::{self, OsError, Pages, SharedPlace};
use core::fmt;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering::Acquire};
use table::Table;

/// The name of the file, as `memfd_create` has it: links in `/proc/PID/fd` are `/memfd:v_alloc-registry (deleted)`.
pub const FILE_NAME: &str = "v_alloc-registry";

/// Where the table is; null before. After a fork it names a place which says that there is none.
static PLACE: AtomicPtr<SharedPlace> = AtomicPtr::new(ptr::null_mut());

/// What an entry stands for.
///
/// ```
/// use v_alloc::{Arena, registry::{self, Kind}};
/// registry::publish()?;
/// let tokens = Arena::options().name(c"tokens").build()?;
/// assert!(registry::entries().any(|entry| entry.kind == Kind::Arena));
/// # drop(tokens);
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u32)]
pub enum Kind {
    /// An arena of one thread.
    Arena = 1,
    /// An arena or vector that threads share.
    Shared = 2,
    /// A block that never moves, or what is built on one.
    Block = 3,
}

/// What was known of an arena or block at one time. All sizes are bytes.
///
/// ```
/// use v_alloc::{SyncArena, registry::{self, Snapshot}};
/// registry::publish()?;
/// static EVENTS: SyncArena = SyncArena::options().name(c"events").reservation(1 << 20).build_sync();
/// EVENTS.alloc_str("started");
/// let events: Snapshot = registry::entries().find(|entry| entry.name() == "events").unwrap();
/// assert_eq!((events.reserved, events.committed), (1 << 20, EVENTS.committed_bytes()));
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// What it is.
    pub kind: Kind,
    /// The first of its addresses.
    pub address: usize,
    /// Addresses that belong to it.
    pub reserved: usize,
    /// Memory that it may use without asking the system.
    pub committed: usize,
    /// The most that ever was committed, since it has these addresses.
    pub peak: usize,
    name: [u8; NAME_BYTES],
}

/// The bytes of a name that are kept. Linux takes no longer ones for a mapping.
const NAME_BYTES: usize = 80;

impl Snapshot {
    /// The name from its options: its first 80 bytes, as far as they are UTF-8. It may have any characters in it but 0,
    /// also such as a terminal takes for commands. O(its length); safe in a signal handler.
    ///
    /// ```
    /// use v_alloc::{Arena, registry};
    /// registry::publish()?;
    /// let tokens = Arena::options().name(c"tokens").build()?;
    /// assert!(registry::entries().any(|entry| entry.name() == "tokens"));
    /// # drop(tokens);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        let bytes = self.name.split(|&byte| byte == 0).next().unwrap_or_default();
        bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("kind", &self.kind)
            .field("name", &self.name())
            .field("address", &format_args!("{:#x}", self.address))
            .field("reserved", &self.reserved)
            .field("committed", &self.committed)
            .field("peak", &self.peak)
            .finish()
    }
}

/// Starts to list what has a name and gets its addresses from now on. No effect if that has happened in this process.
///
/// To be called when the program starts, before it gives up rights; not in a signal handler. It costs 128 KiB of
/// memory at most, as far as there are entries, and on Linux a file descriptor and a page; nothing takes them back.
/// There the system calls are `memfd_create`, `prlimit64`, `ftruncate`, `mmap`, `fcntl`, `madvise` and `getpid`. O(1);
/// threads may call it at the same time.
///
/// # Errors
/// [`ReserveError`] if the system has no such memory, or no such file: Linux has since 4.14, unless RLIMIT_FSIZE is
/// below 128 KiB.
///
/// ```
/// // A program goes on without: only nobody sees its arenas.
/// if let Err(error) = v_alloc::registry::publish() {
///     eprintln!("no registry: {error}");
/// }
/// ```
pub fn publish() -> Result<(), ReserveError> {
    let before = PLACE.load(Acquire);
    if published().is_some() {
        return Ok(());
    }
    let bytes = size_of::<Table>();
    let error = |cause| ReserveError::new(Operation::Reserve, bytes, cause);
    let size = Pages::round_up(bytes).ok_or(error(Cause::TooLarge))?;
    let make = || {
        let place = os::share(size, c"v_alloc-registry").map_err(|OsError(code)| error(Cause::Os(code)))?;
        // SAFETY: the place was made just now.
        if let Some(table) = unsafe { table_at(place) } {
            table.begin(os::process_number());
        }
        Ok(place.as_ptr())
    };
    let undo = |place| {
        // SAFETY: it was made just now, and another thread's has become known.
        let _ = NonNull::new(place).map(|place| unsafe { os::unshare(place, size) });
    };
    make_once(&PLACE, before, make, undo).map(|_| ())
}

/// What is listed now, in no order. Nothing if [`publish`] was not called. What comes or goes meanwhile may be there or
/// not; what stays is there once. O(entries) that there ever were at a time; no system call, safe in a signal handler.
///
/// ```
/// for entry in v_alloc::registry::entries() {
///     println!("{}: {} of {} bytes", entry.name().escape_debug(), entry.committed, entry.reserved);
/// }
/// ```
#[must_use]
pub fn entries() -> Entries {
    Entries::of(published())
}

fn published() -> Option<&'static Table> {
    // SAFETY: a place that was made known is never taken back.
    NonNull::new(PLACE.load(Acquire)).and_then(|place| unsafe { table_at(place) })
}

/// The table of a place, but not of a parent's.
///
/// # Safety
/// `os::share` made the place, with room for a table, and it is not taken back while the table is in use.
unsafe fn table_at(place: NonNull<SharedPlace>) -> Option<&'static Table> {
    // SAFETY: forwarded from the caller.
    let table = NonNull::new(unsafe { place.as_ref() }.memory.load(Acquire))?;
    // SAFETY: it has the size of a table, is as aligned as pages are, and was zero at first, which a table may be.
    Some(unsafe { table.cast::<Table>().as_ref() })
}

/// What has a name got its addresses.
pub(crate) fn enter(kind: Kind, base: NonNull<u8>, name: &core::ffi::CStr, reserved: Pages) {
    if let Some(table) = published() {
        table.enter(kind, base.addr(), name, reserved.bytes());
    }
}

/// It has committed so far.
pub(crate) fn committed(base: NonNull<u8>, committed: Pages) {
    if let Some(entry) = published().and_then(|table| table.find(base.addr())) {
        entry.raise(committed.bytes());
    }
}

/// It has given back all from there on.
pub(crate) fn given_back(base: NonNull<u8>, committed: Pages) {
    if let Some(entry) = published().and_then(|table| table.find(base.addr())) {
        entry.lower(committed.bytes());
    }
}

/// Its addresses will be given back.
pub(crate) fn leave(base: NonNull<u8>) {
    if let Some(entry) = published().and_then(|table| table.find(base.addr())) {
        entry.free();
    }
}

#[cfg(test)]
mod tests;
