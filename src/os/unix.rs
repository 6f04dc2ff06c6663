//! Linux, macOS, the BSDs and their kin, through `rustix`: direct system calls on Linux, libc elsewhere.
//!
//! A range is reserved as a private anonymous mapping without access, and committed by `mprotect`. Two things
//! follow from having no access at first. The kernel charges a page against its commit limit, RLIMIT_DATA or
//! a strict overcommit policy only when it is committed, so a failure comes from `commit`, before any pointer
//! is handed out. (What others than Linux charge is in `docs/containers-and-limits.md`.) And the unused tail is no part
//! of a core dump.

use super::{Advice, OsError, Pages, Placement};
use core::ffi::c_void;
use core::hint::black_box;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "sharing_linux.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "sharing_private.rs")]
mod sharing;
pub(crate) use sharing::{share, unshare};

/// Default reservations, largest first, in bytes; see `reservation::budget`.
#[cfg(target_pointer_width = "64")]
pub(crate) const RESERVATION_TIERS: &[usize] = &[64 << 30, 4 << 30, 1 << 30, 64 << 20, 4 << 20, 256 << 10];
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const RESERVATION_TIERS: &[usize] = &[64 << 20, 4 << 20, 256 << 10];

/// Default reservations of blocks that never move, largest first, in bytes.
#[cfg(target_pointer_width = "64")]
pub(crate) const BLOCK_TIERS: &[usize] = &[1 << 30, 64 << 20, 4 << 20, 256 << 10, 64 << 10];
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const BLOCK_TIERS: &[usize] = &[8 << 20, 1 << 20, 256 << 10, 64 << 10];

/// The most addresses to reserve at once for blocks to share, in bytes.
#[cfg(target_pointer_width = "64")]
pub(crate) const LARGEST_SPACE: usize = 64 << 30;
#[cfg(not(target_pointer_width = "64"))]
pub(crate) const LARGEST_SPACE: usize = 16 << 20;

/// `mmap` aligns to pages, and pages are at least this large.
pub(super) const GUARANTEED_ALIGNMENT: usize = 4096;

/// Whether an end of a range can be released by itself.
pub(crate) const RELEASES_PARTS: bool = true;

/// Whether mappings lie below `bump::LOW_ADDRESSES_END`. illumos and Solaris map downwards from the end of the upper half
/// of the addresses, and sparc64 has mappings there, too, whatever the system.
pub(crate) const ADDRESSES_ARE_LOW: bool = cfg!(all(
    target_pointer_width = "64",
    not(any(target_os = "illumos", target_os = "solaris", target_arch = "sparc64"))
));

/// The number of this process, as it sees itself. Not by `rustix`, as in [`limit`].
pub(crate) fn process_number() -> u32 {
    unsafe extern "C" {
        safe fn getpid() -> core::ffi::c_int;
    }
    getpid().unsigned_abs()
}

/// `sysconf` takes a few dozen instructions: it is asked once.
static PAGE_SIZE: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn page_size() -> usize {
    match PAGE_SIZE.load(Relaxed) {
        0 => ask_for_page_size(),
        size => size,
    }
}

#[cold]
#[inline(never)]
fn ask_for_page_size() -> usize {
    let size = rustix::param::page_size();
    PAGE_SIZE.store(size, Relaxed);
    size
}

pub(crate) fn allocation_granularity() -> usize {
    page_size()
}

/// Linux makes transparent huge pages of 2 MiB from pages of 4 KiB. (s390x has 1 MiB, of which two do as well.) With larger
/// pages they are 32 or 512 MiB, too large a step for an arena; elsewhere the system promotes pages by itself or not at all.
pub(crate) fn huge_page_size() -> Option<Pages> {
    if cfg!(any(target_os = "linux", target_os = "android")) && page_size() == 4096 {
        Pages::round_up(2 << 20)
    } else {
        None
    }
}

/// Bytes of address space that this process may use: what the machine offers, or RLIMIT_AS if that is less.
pub(crate) fn address_space() -> usize {
    // OpenBSD has no such limit.
    #[cfg(not(target_os = "openbsd"))]
    if let Ok(Some(limit)) = call(|| limit(rustix::process::Resource::As)) {
        return usize::try_from(limit).unwrap_or(usize::MAX).min(machine_address_space());
    }
    machine_address_space()
}

/// A limit of this process, in bytes; `None` if there is none.
///
/// Not by `rustix`, which does not expect that the kernel refuses to tell: where a filter of system calls does, it panics, or
/// returns numbers that nobody has written. Nor does it expect that FreeBSD's numbers, which are signed, are negative.
///
/// # Errors
/// That of the filter.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn limit(resource: rustix::process::Resource) -> rustix::io::Result<Option<u64>> {
    unsafe extern "C" {
        // The plain name is that of numbers of 32 bits on some machines.
        #[cfg_attr(
            any(target_env = "gnu", target_env = "uclibc", target_os = "android"),
            link_name = "getrlimit64"
        )]
        fn getrlimit(resource: core::ffi::c_int, limits: *mut [u64; 2]) -> core::ffi::c_int;
    }
    let mut limits = [u64::MAX; 2];
    // SAFETY: the limits are two numbers of 64 bits, the one in force first. `call` keeps `errno`.
    match unsafe { getrlimit(resource as core::ffi::c_int, &raw mut limits) } {
        // What stands for none is the largest number, with a sign or without.
        0 => Ok(Some(limits[0]).filter(|&limit| limit < i64::MAX.unsigned_abs())),
        _ => Err(last_errno()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "openbsd", target_os = "freebsd")))]
fn limit(resource: rustix::process::Resource) -> rustix::io::Result<Option<u64>> {
    Ok(rustix::process::getrlimit(resource).current)
}

/// Processors and kernels offer 39, 42, 47, 48 or more bits, and no system call tells which. But mappings lie
/// near the top of it (`mmap` works downwards; the old upward layout starts at a third), so the address of one
/// shows the size, or half of it.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn machine_address_space() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static CACHED: AtomicUsize = AtomicUsize::new(0);
    let cached = CACHED.load(Relaxed);
    if cached != 0 {
        return cached;
    }
    let page = page_size();
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let map = || unsafe {
        rustix::mm::mmap_anonymous(ptr::null_mut(), page, ProtFlags::empty(), MapFlags::PRIVATE)
    };
    let Ok(probe) = call(map) else { return 1 << 38 };
    // SAFETY: the mapping was made just above and nobody knows of it.
    // A failure to unmap would leave one inaccessible page behind; the answer is right all the same.
    let _ = unsafe { unmap(probe.cast(), page) };
    let bits = usize::BITS - probe.addr().leading_zeros();
    let size = 1 << bits.clamp(36, 48);
    CACHED.store(size, Relaxed);
    size
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn machine_address_space() -> usize {
    if cfg!(target_pointer_width = "32") {
        3 << 30
    } else if cfg!(all(target_vendor = "apple", not(target_os = "macos"))) {
        4 << 30 // an app has 2.5 to 7.4 GiB, by how much memory the device has
    } else if cfg!(target_os = "android") {
        1 << 38
    } else {
        1 << 46
    }
}

/// How what is inaccessible is mapped. Linux charges for what can be written to, and FreeBSD for all of a mapping of which a
/// part can; illumos and Solaris when it is made, unless told not to. (Then `commit` charges for nothing there.)
#[cfg(any(target_os = "illumos", target_os = "solaris"))]
const INACCESSIBLE: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);
#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
const INACCESSIBLE: MapFlags = MapFlags::PRIVATE;

pub(crate) fn reserve(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    map(size, placement, ProtFlags::empty(), INACCESSIBLE)
}

/// Only where the kernel charges for pages when they are touched. Linux charges for all of a writable mapping
/// against RLIMIT_DATA, and under strict overcommit, where it ignores MAP_NORESERVE. After `mlockall(MCL_FUTURE)` it
/// fills writable mappings at once, and refuses to discard.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn reserve_accessible(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;
    static OVERCOMMITS: AtomicU8 = AtomicU8::new(UNKNOWN);
    let unsupported = Err(OsError(Errno::NOTSUP.raw_os_error()));
    if call(|| limit(rustix::process::Resource::Data)) != Ok(None) || OVERCOMMITS.load(Relaxed) == NO {
        return unsupported;
    }
    let start = map(size, placement, ProtFlags::empty(), UNCHARGED)?;
    // SAFETY: nobody knows of the mapping yet.
    unsafe {
        // First, because where pages are locked the trial of overcommitting would fill the machine.
        let can_be_discarded = dont_need(start, page_size()).is_ok();
        if can_be_discarded && OVERCOMMITS.load(Relaxed) == UNKNOWN {
            if overcommits() {
                OVERCOMMITS.store(YES, Relaxed);
            } else {
                // Threads that try at once may leave too few addresses to each other; one that succeeds has the say.
                let _ = OVERCOMMITS.compare_exchange(UNKNOWN, NO, Relaxed, Relaxed);
            }
        }
        // Not `commit`: valgrind's memcheck visits every byte then.
        let accessible = || remap(start, size, ProtFlags::READ | ProtFlags::WRITE, UNCHARGED);
        if can_be_discarded && OVERCOMMITS.load(Relaxed) == YES && accessible().is_ok() {
            return Ok(start);
        }
        let _ = unmap(start.as_ptr(), size.bytes());
    }
    unsupported
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const UNCHARGED: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);

/// Whether more memory can be mapped than any machine has. No system call tells the policy; it is tried once.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn overcommits() -> bool {
    let enormous = machine_address_space() / 16;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = call(|| unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), enormous, access, UNCHARGED) });
    // SAFETY: the mapping was made just above and nobody knows of it.
    start.is_ok_and(|start| unsafe { unmap(start.cast(), enormous) }.is_ok())
}

#[cfg(target_vendor = "apple")]
pub(crate) fn reserve_accessible(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    map(size, placement, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn reserve_accessible(_size: Pages, _placement: Placement) -> Result<NonNull<u8>, OsError> {
    Err(OsError(Errno::NOTSUP.raw_os_error()))
}

/// # Safety
/// The range is ours, and nothing in it is in use.
unsafe fn dont_need(start: NonNull<u8>, bytes: usize) -> Result<(), OsError> {
    // (`DontNeed` is Linux's MADV_NORMAL to rustix, and would do nothing.)
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let advice = rustix::mm::Advice::LinuxDontNeed;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let advice = rustix::mm::Advice::DontNeed;
    // SAFETY: forwarded from the caller.
    call(|| unsafe { rustix::mm::madvise(start.as_ptr().cast(), bytes, advice) })
}

fn map(
    size: Pages,
    placement: Placement,
    access: ProtFlags,
    flags: MapFlags,
) -> Result<NonNull<u8>, OsError> {
    let no_memory = OsError(Errno::NOMEM.raw_os_error());
    let mapped = size.bytes().checked_add(placement.slack()).ok_or(no_memory)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = call(|| unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), mapped, access, flags) })?;
    let start = NonNull::new(start.cast::<u8>()).ok_or(no_memory)?;
    // start          chosen                            chosen + size        start + mapped
    //   |  unmapped    |              ours                   |      unmapped     |
    let padding = if placement.slack() == 0 { 0 } else { placement.padding(start.addr().get()) };
    let kept = padding + size.bytes();
    // SAFETY: both ends are parts of the mapping made above, which nobody else knows of yet.
    unsafe {
        if let Err(error) = unmap(start.as_ptr().wrapping_add(kept), mapped - kept) {
            let _ = unmap(start.as_ptr(), mapped);
            return Err(error);
        }
        if let Err(error) = unmap(start.as_ptr(), padding) {
            // Not the tail again: it may be another thread's by now.
            let _ = unmap(start.as_ptr(), kept);
            return Err(error);
        }
        Ok(start.add(padding))
    }
}

/// # Safety
/// The range lies in one reservation of ours.
pub(crate) unsafe fn commit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    let access = MprotectFlags::READ | MprotectFlags::WRITE;
    // SAFETY: the range is ours; more access than before invalidates nothing.
    call(|| unsafe { rustix::mm::mprotect(start.as_ptr().cast(), size.bytes(), access) })
}

crate::traps::in_force! {
    /// Makes it inaccessible as it is; `commit` ends that. Best effort.
    ///
    /// # Safety
    /// The range lies in one reservation of ours, and nothing in it is in use.
    pub(crate) unsafe fn forbid(start: NonNull<u8>, size: Pages) {
        // SAFETY: the range is ours, and nobody accesses it.
        let _ = call(|| unsafe {
            rustix::mm::mprotect(start.as_ptr().cast(), size.bytes(), MprotectFlags::empty())
        });
    }
}

/// A new mapping in place of the old: the only way that gives back the commit charge too. (`mprotect` keeps the
/// charge and the contents, and `MADV_FREE` lets old bytes come back.) POSIX allows that the old one is gone if the new one
/// is refused; but nothing is charged for this one, so nobody refuses once the old one is gone.
///
/// # Safety
/// The range lies in one reservation of ours, and nothing in it will be used before it is committed again.
pub(crate) unsafe fn decommit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    // SAFETY: forwarded from the caller.
    unsafe { remap(start, size, ProtFlags::empty(), INACCESSIBLE) }
}

/// If the second of two steps fails the range stays decommitted, and the error says so.
///
/// # Safety
/// The range is committed, and nothing in it is in use.
pub(crate) unsafe fn discard(start: NonNull<u8>, size: Pages) -> Result<bool, OsError> {
    // Only Linux's MADV_DONTNEED promises zeroes, and even there it refuses locked pages.
    // SAFETY: the caller gives up the contents.
    let dont_need = || unsafe { dont_need(start, size.bytes()) };
    // SAFETY: unlocking changes no contents.
    let unlock = || call(|| unsafe { rustix::mm::munlock(start.as_ptr().cast(), size.bytes()) });
    if cfg!(any(target_os = "linux", target_os = "android")) {
        // Locked pages refuse; but their owner has given them up.
        if dont_need().is_ok() || (unlock().is_ok() && dont_need().is_ok()) {
            return Ok(false);
        }
    }
    // Not by one mapping, accessible at once, which may be charged for, and refused when the old one is gone: the range would be
    // anybody's then.
    // SAFETY: forwarded from the caller.
    unsafe { decommit(start, size).and_then(|()| commit(start, size)) }.map(|()| true)
}

/// Each huge page by its last small one first. Until 2026 (commit 9890ecab6ad9), Linux clears a huge page from both ends towards
/// the access that asks for it, so upwards only if that is at the end; and upwards is what processors prefetch: on Zen 4 it
/// takes 70 us, and 170 downwards.
///
/// # Safety
/// The range is committed.
pub(crate) unsafe fn populate(start: NonNull<u8>, size: Pages) {
    if let (Some(huge_page), Some(small_page)) = (huge_page_size(), Pages::round_up(1)) {
        for end in ends_of_huge_pages(start.addr().get(), size.bytes(), huge_page.bytes()) {
            // SAFETY: it is the last page before an end that lies in the range.
            unsafe { make_present(start.add(end - small_page.bytes()), small_page) };
        }
    }
    // SAFETY: forwarded from the caller.
    unsafe { make_present(start, size) };
}

/// Where the huge pages end that lie in a range as a whole, in bytes from its start.
pub(super) fn ends_of_huge_pages(start: usize, size: usize, huge_page: usize) -> impl Iterator<Item = usize> {
    let before = start.wrapping_neg() & (huge_page - 1);
    // Not `step_by`, which panics at a step of 0, as far as a linker can see.
    core::iter::successors(Some(before + huge_page), move |end| Some(end + huge_page))
        .take_while(move |&end| end <= size)
}

/// # Safety
/// The range is committed.
unsafe fn make_present(start: NonNull<u8>, size: Pages) {
    #[cfg(target_os = "linux")]
    {
        let advice = rustix::mm::Advice::LinuxPopulateWrite;
        // SAFETY: this faults pages in and changes no contents.
        match call(|| unsafe { rustix::mm::madvise(start.as_ptr().cast(), size.bytes(), advice) }) {
            // Unknown before Linux 5.14.
            Err(OsError(code)) if code == Errno::INVAL.raw_os_error() => {}
            // Any other failure is for the first real access to meet: populating is best effort.
            _ => return,
        }
    }
    let mut offset = 0; // not `step_by`, which panics at a step of 0, as far as a linker can see
    while offset < size.bytes() {
        let byte = start.as_ptr().wrapping_add(offset);
        // Unchanged, and in one step: the page may be in use. The compiler leaves out what it knows to change nothing.
        // SAFETY: the byte is committed.
        unsafe { AtomicU8::from_ptr(byte) }.fetch_or(black_box(0), Relaxed);
        offset += page_size();
    }
}

/// # Safety
/// The range is ours, committed for a name, and no reference to anything in it exists.
pub(crate) unsafe fn advise(start: NonNull<u8>, size: Pages, advice: Advice<'_>) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::mm::Advice as Linux;
        let flag = match advice {
            Advice::HugePages => Linux::LinuxHugepage,
            Advice::SmallPages => Linux::LinuxNoHugepage,
            Advice::ExcludeFromCoreDumps => Linux::LinuxDontDump,
            Advice::Name(name) => {
                // SAFETY: committed memory of ours that has no other reference; the system call does not
                // look into it.
                let region = unsafe { core::slice::from_raw_parts(start.as_ptr(), size.bytes()) };
                // Kernels before 5.17, or built without the option, have no names.
                let _ = call(|| rustix::process::set_virtual_memory_region_name(region, name));
                return;
            }
        };
        // SAFETY: none of these changes contents or access.
        // Kernels may be built without huge pages: what they cannot do is not done.
        let _ = call(|| unsafe { rustix::mm::madvise(start.as_ptr().cast(), size.bytes(), flag) });
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    if let (_, _, Advice::Name(_name)) = (start, size, advice) {
        // Nothing to be told there.
    }
}

/// # Safety
/// The range is one that `reserve` returned, whole or an end of it, and nothing in it will be used again.
pub(crate) unsafe fn release(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    // SAFETY: forwarded from the caller.
    let released = unsafe { unmap(start.as_ptr(), size.bytes()) };
    if released.is_err() {
        // At the limit of mappings, cutting a range out of merged neighbours fails. The addresses are lost then,
        // but the memory need not be.
        // SAFETY: the range is ours and nothing in it will be used again.
        let _ = unsafe { dont_need(start, size.bytes()) };
    }
    released
}

/// Writes `message` to standard error, and ends the process by SIGABRT.
pub(crate) fn abort(message: &[u8]) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    #[allow(unused_unsafe, reason = "safe to call where another crate turns rustix's `std` feature on")]
    // SAFETY: this library never closes standard error, and does not keep the handle.
    let standard_error = unsafe { rustix::stdio::stderr() };
    // If the program has closed it, there is nobody to tell.
    let _ = rustix::io::write(standard_error, message);
    abort()
}

/// # Safety
/// As for [`decommit`].
unsafe fn remap(start: NonNull<u8>, size: Pages, access: ProtFlags, flags: MapFlags) -> Result<(), OsError> {
    let flags = flags | MapFlags::FIXED;
    // SAFETY: the fixed range lies in a mapping of ours, whose contents the caller gives up.
    call(|| unsafe {
        rustix::mm::mmap_anonymous(start.as_ptr().cast::<c_void>(), size.bytes(), access, flags)
    })
    .map(|_| ())
}

/// # Safety
/// The range is ours and nothing in it will be used again.
unsafe fn unmap(start: *mut u8, bytes: usize) -> Result<(), OsError> {
    if bytes == 0 {
        return Ok(());
    }
    // SAFETY: forwarded from the caller.
    call(|| unsafe { rustix::mm::munmap(start.cast(), bytes) })
}

unsafe extern "C" {
    /// Where this thread's `errno` is.
    #[cfg_attr(
        any(target_os = "linux", target_os = "emscripten", target_os = "dragonfly"),
        link_name = "__errno_location"
    )]
    #[cfg_attr(target_os = "haiku", link_name = "_errnop")]
    #[cfg_attr(any(target_vendor = "apple", target_os = "freebsd"), link_name = "__error")]
    #[cfg_attr(
        any(target_os = "openbsd", target_os = "netbsd", target_os = "android"),
        link_name = "__errno"
    )]
    #[cfg_attr(any(target_os = "illumos", target_os = "solaris"), link_name = "___errno")]
    safe fn errno_location() -> *mut core::ffi::c_int;
}

/// Why a function of the C library has failed just now. Within the numbers that there are; `rustix` panics at others.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn last_errno() -> Errno {
    // SAFETY: the place is valid while this thread runs.
    Errno::from_raw_os_error(unsafe { errno_location().read() }.clamp(1, 4095))
}

/// Makes a system call and keeps `errno`: a signal handler must not change it under the code it interrupts. On Linux
/// `rustix` makes system calls without it; but not on every processor, nor when another crate of the program turns
/// its feature `use-libc` on.
fn call<T>(system_call: impl FnOnce() -> rustix::io::Result<T>) -> Result<T, OsError> {
    let errno = errno_location();
    // SAFETY: the C library gives each thread a place that is valid while the thread runs.
    let saved = unsafe { errno.read() };
    let result = system_call();
    // SAFETY: as above.
    unsafe { errno.write(saved) };
    result.map_err(|error| OsError(error.raw_os_error()))
}
