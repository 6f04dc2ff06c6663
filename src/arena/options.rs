//! How to make an arena over reserved memory.

use super::{Arena, reserved::Reserved};
use crate::{CommitPolicy, ReserveError, SyncArena};
use core::ffi::CStr;

/// The options of an [`Arena`] over reserved memory, set one by one.
///
/// ```
/// use v_alloc::{Arena, CommitPolicy};
/// let frame = Arena::options()
///     .reservation(256 << 20)
///     .name(c"frame")
///     .commit_policy(CommitPolicy::Latency)
///     .build()?;
/// assert_eq!(frame.reserved_bytes(), 256 << 20);
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until `build`, `build_lazily` or `build_sync`"]
pub struct ArenaOptions {
    pub(crate) reservation: Option<usize>,
    pub(super) name: Option<&'static CStr>,
    pub(super) huge_pages: bool,
    pub(super) core_dumps: bool,
    pub(super) commit_policy: CommitPolicy,
    pub(super) retain: usize,
}

impl ArenaOptions {
    pub(crate) const fn new() -> Self {
        Self {
            reservation: None,
            name: None,
            huge_pages: true,
            core_dumps: true,
            commit_policy: CommitPolicy::Throughput,
            retain: usize::MAX,
        }
    }

    /// Reserves exactly `bytes`, rounded up to whole pages (at least one), or fails.
    ///
    /// Without it an arena gets a default reservation: 64 GiB on 64-bit Unix, 8 GiB on Windows, 64 MiB on
    /// 32-bit machines, and less when the process is short of address space or has many arenas.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().reservation(1 << 20).build()?;
    /// assert_eq!(arena.reserved_bytes(), 1 << 20);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn reservation(mut self, bytes: usize) -> Self {
        self.reservation = Some(bytes);
        self
    }

    /// Names the memory in the process's memory map (`[anon:name]` in `/proc/self/maps`), on Linux 5.17 and up
    /// with the option built in. The kernel refuses control characters, `\`, `` ` ``, `$`, `[` and `]`. It is also what
    /// the [`registry`](crate::registry) lists the arena by, on every system.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().name(c"tokens").build()?;
    /// arena.alloc_str("let"); // where the kernel can: [anon:tokens] in /proc/self/maps
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn name(mut self, name: &'static CStr) -> Self {
        self.name = Some(name);
        self
    }

    /// Whether huge pages may back the arena beyond its first mebibyte. Default: yes.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().huge_pages(false).build()?; // for memory that is touched here and there
    /// arena.alloc_slice_zeroed::<u8>(8 << 20)[12345] = 1;
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn huge_pages(mut self, allowed: bool) -> Self {
        self.huge_pages = allowed;
        self
    }

    /// Whether committed memory is part of core dumps. Default: yes. What is only reserved never is.
    ///
    /// ```
    /// let secrets = v_alloc::Arena::options().core_dumps(false).build()?;
    /// secrets.alloc_str("not to be found in a core file");
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn core_dumps(mut self, included: bool) -> Self {
        self.core_dumps = included;
        self
    }

    /// Which matters more, throughput (the default) or latency.
    ///
    /// ```
    /// use v_alloc::{Arena, CommitPolicy};
    /// let audio = Arena::options().commit_policy(CommitPolicy::Latency).build()?;
    /// audio.alloc_slice_fill_copy(512, 0.0_f32);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.commit_policy = policy;
        self
    }

    /// How many bytes an arena keeps committed when it is emptied, by [`reset`](Arena::reset) or the end of an outermost
    /// scope, whatever its tasks need. Default: all.
    ///
    /// Beyond that it keeps what its latest tasks needed, and up to twice as much. So tasks that are alike make no system
    /// call, however large they are; and what a single large one needed is given back by halves, with one `mmap` after
    /// five or six smaller ones. (An arena that threads share keeps all.)
    ///
    /// ```
    /// let mut arena = v_alloc::Arena::options().retain(1 << 20).build()?;
    /// for _ in 0..10 {
    ///     arena.alloc_slice_fill_copy(8 << 20, 1_u8);
    ///     arena.reset();
    ///     assert!(arena.committed_bytes() >= 8 << 20);
    /// }
    /// for _ in 0..30 {
    ///     arena.alloc_str("a small task");
    ///     arena.reset();
    /// }
    /// # if cfg!(not(feature = "traps")) {
    /// assert!(arena.committed_bytes() <= 2 << 20);
    /// # }
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub const fn retain(mut self, bytes: usize) -> Self {
        self.retain = bytes;
        self
    }

    /// Makes the arena and reserves its range now. No memory is committed yet.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no such range.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().build()?;
    /// assert_eq!(arena.committed_bytes(), 0);
    /// assert!(v_alloc::Arena::options().reservation(usize::MAX).build().is_err());
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn build(self) -> Result<Arena, ReserveError> {
        self.build_with_min_align()
    }

    /// As [`build`](Self::build), with a minimum alignment: see [`Arena::with_min_align`].
    ///
    /// # Errors
    /// [`ReserveError`] if there is no such range.
    ///
    /// ```
    /// let arena = v_alloc::Arena::options().reservation(1 << 20).build_with_min_align::<8>()?;
    /// arena.alloc(1_u8);
    /// assert_eq!(arena.used_bytes(), 8);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    pub fn build_with_min_align<const MIN_ALIGN: usize>(
        self,
    ) -> Result<Arena<Reserved, MIN_ALIGN>, ReserveError> {
        let arena = Arena::lazy(self);
        arena.reserve_now()?;
        Ok(arena)
    }

    /// Makes the arena; its first allocation reserves the range. Fit for a `static`.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use v_alloc::Arena;
    /// static NAMES: Mutex<Arena> = Mutex::new(Arena::options().reservation(1 << 20).build_lazily());
    /// let names = NAMES.lock().unwrap();
    /// assert_eq!(names.reserved_bytes(), 0);
    /// names.alloc_str("first");
    /// assert_eq!(names.reserved_bytes(), 1 << 20);
    /// ```
    #[must_use]
    pub const fn build_lazily(self) -> Arena {
        Arena::lazy(self)
    }

    /// Makes an arena that threads and signal handlers share; its first allocation reserves the range. Fit for a
    /// `static`.
    ///
    /// ```
    /// use v_alloc::{Arena, SyncArena};
    /// static REPORT: SyncArena = Arena::options().reservation(1 << 20).name(c"report").build_sync();
    /// assert_eq!(REPORT.alloc_str("crashed"), "crashed");
    /// ```
    #[must_use]
    pub const fn build_sync(self) -> SyncArena {
        SyncArena::with_options(self)
    }
}
