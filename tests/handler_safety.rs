//! What a signal handler needs of an arena of its own: `errno` keeps its value, whatever fails; and what was
//! prepared is allocated without a system call and without a page fault.
#![cfg(feature = "allocator-api2")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
// The numbers and structures below are those of this platform.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::alloc::Layout;
use std::ffi::{c_int, c_long, c_ulong};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use v_alloc::{Allocator, Arena, CommitPolicy, Pages, Reservation, VirtualAllocator};

unsafe extern "C" {
    safe fn __errno_location() -> *mut c_int;
    fn getrusage(who: c_int, usage: *mut Usage) -> c_int;
    fn prctl(option: c_int, argument: c_ulong, ...) -> c_int;
}

/// `struct rusage`: two times of two words, then fourteen figures.
#[repr(C)]
#[derive(Default)]
struct Usage {
    times: [c_long; 4],
    memory: [c_long; 4],
    minor_faults: c_long,
    major_faults: c_long,
    rest: [c_long; 8],
}

fn minor_faults() -> c_long {
    const THREAD: c_int = 1;
    let mut usage = Usage::default();
    // SAFETY: the structure is the kernel's.
    assert_eq!(unsafe { getrusage(THREAD, &raw mut usage) }, 0);
    usage.minor_faults
}

/// No system call sets it to this.
const SENTINEL: c_int = 12_345;

/// Runs `work`, which must leave `errno` alone.
fn keeps_errno<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let errno = __errno_location();
    // SAFETY: this thread's own `errno`.
    unsafe { errno.write(SENTINEL) };
    let result = work();
    // SAFETY: as above.
    assert_eq!(unsafe { errno.read() }, SENTINEL, "errno after {what}");
    result
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 1).unwrap()
}

#[test]
fn errno_keeps_its_value_when_operations_succeed() {
    let mut arena = keeps_errno("making an arena", || {
        Arena::options().name(c"handler").core_dumps(false).reservation(1 << 30).build().unwrap()
    });
    keeps_errno("small allocations", || (0..10_000_u64).for_each(|value| *arena.alloc(value) += 1));
    keeps_errno("large allocations", || arena.try_alloc_layout(layout(100 << 20)).unwrap());
    keeps_errno("preparing", || arena.prepare(1 << 20).unwrap());
    keeps_errno("a reset", || arena.reset());
    keeps_errno("a trim", || arena.trim(0).unwrap());
    keeps_errno("dropping an arena", || drop(arena));
    keeps_errno("a default arena", || *Arena::new().alloc(1));
    let block = keeps_errno("whole pages", || VirtualAllocator::default().allocate(layout(100_000)).unwrap());
    // SAFETY: the block came from there, with this layout.
    keeps_errno("freeing whole pages", || unsafe {
        VirtualAllocator::default().deallocate(block.cast(), layout(100_000));
    });
    let pages = Pages::round_up(1 << 20).unwrap();
    let range = keeps_errno("reserving", || Reservation::new(pages).unwrap());
    keeps_errno("committing", || range.commit_to(pages).unwrap());
    // SAFETY: nothing in the range is in use.
    keeps_errno("discarding", || unsafe { range.discard_from(Pages::ZERO).unwrap() });
    // SAFETY: nothing in the range is in use.
    keeps_errno("decommitting", || unsafe { range.decommit_from(Pages::ZERO).unwrap() });
    keeps_errno("releasing", || drop(range));
}

#[test]
fn errno_keeps_its_value_when_operations_fail() {
    common::isolated("errno_keeps_its_value_when_operations_fail", || {
        keeps_errno("a reservation beyond the address space", || {
            Arena::with_reservation(1 << 50).expect_err("too large")
        });
        keeps_errno("whole pages beyond the address space", || {
            VirtualAllocator::default().allocate(layout(1 << 50)).expect_err("too large")
        });
        let arena = Arena::options().reservation(1 << 30).name(c"not a [name]").build().unwrap();
        keeps_errno("a name that the kernel refuses", || *arena.alloc(1));
        keeps_errno("a block beyond the reservation", || {
            arena.try_alloc_layout(layout(2 << 30)).expect_err("too large")
        });
        let limit = common::status("VmData") + (2 << 20);
        common::limit(rustix::process::Resource::Data, limit as u64);
        keeps_errno("a commit beyond a limit", || {
            arena.try_alloc_layout(layout(64 << 20)).expect_err("too much")
        });
        assert_eq!(arena.last_error().unwrap().os_code(), Some(12), "the system was asked, and refused");
        keeps_errno("preparing beyond a limit", || arena.prepare(64 << 20).expect_err("too much"));
        keeps_errno("whole pages beyond a limit", || {
            VirtualAllocator::default().allocate(layout(64 << 20)).expect_err("too much")
        });
    });
}

const PREPARED: usize = 3 << 20;

/// An arena in use, with `PREPARED` bytes prepared.
fn prepared(policy: CommitPolicy) -> Arena {
    let arena = Arena::options().commit_policy(policy).build().unwrap();
    arena.alloc_slice_fill_copy(10_001, 1_u8);
    arena.prepare(PREPARED).unwrap();
    arena
}

/// Allocates and writes all that was prepared: in small blocks, then in one. Returns how much that was.
fn use_prepared(arena: &Arena) -> usize {
    let before = arena.used_bytes();
    while arena.used_bytes() - before < PREPARED / 2 {
        arena.alloc(0xAA_u64);
    }
    let rest = PREPARED - (arena.used_bytes() - before);
    // SAFETY: the block is new and of this size.
    unsafe { arena.alloc_layout(layout(rest)).write_bytes(0xBB, rest) };
    arena.used_bytes() - before
}

#[test]
fn what_was_prepared_is_used_without_a_page_fault() {
    // In a process of its own: with other threads around, the kernel may unmap pages to move them.
    common::isolated("what_was_prepared_is_used_without_a_page_fault", || {
        for policy in [CommitPolicy::Throughput, CommitPolicy::Latency] {
            use_prepared(&prepared(policy)); // brings the code and the stack in
            let arena = prepared(policy);
            minor_faults();
            let before = minor_faults();
            let used = use_prepared(&arena);
            assert_eq!((minor_faults() - before, used), (0, PREPARED), "{policy:?}");
        }
    });
}

/// A thread that may make no system call but `read`, `write` and its own exit does it: the kernel kills it at any
/// other.
#[test]
fn what_was_prepared_is_used_without_a_system_call() {
    static USED: AtomicUsize = AtomicUsize::new(0);
    const SET_SECCOMP: c_int = 22;
    const STRICT: c_ulong = 1;
    common::isolated("what_was_prepared_is_used_without_a_system_call", || {
        for policy in [CommitPolicy::Throughput, CommitPolicy::Latency] {
            let arena = prepared(policy);
            USED.store(0, Ordering::Relaxed);
            // Never joined: not even the end of a thread is possible without a system call.
            std::thread::spawn(move || {
                // SAFETY: this restricts the calling thread, which does nothing more.
                if unsafe { prctl(SET_SECCOMP, STRICT) } != 0 {
                    return;
                }
                let used = use_prepared(&arena);
                USED.store(used, Ordering::Release);
                loop {
                    std::hint::spin_loop();
                }
            });
            let start = Instant::now();
            while USED.load(Ordering::Acquire) == 0 {
                assert!(start.elapsed() < Duration::from_secs(20), "{policy:?}: it made a system call");
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(USED.load(Ordering::Relaxed), PREPARED);
        }
    });
}
