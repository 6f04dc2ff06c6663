//! Which system calls a handler makes: of those that the documentation names at most, and none after `prepare`. The
//! kernel refuses all others by a filter.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the system's numbers are of many types, and small"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;
mod handlers;

use handlers::sure;
use std::ffi::{c_int, c_long, c_void};
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::{Duration, Instant};
use v_alloc::{SwapVec, SyncArena, SyncVec};

/// Of `SyncArena`'s documentation.
const DOCUMENTED: &[c_long] = &[
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_prlimit64,
    libc::SYS_prctl,
];

/// From here on this thread makes only the `allowed` system calls, and returns from handlers. At any other there is a
/// SIGSYS.
fn allow_only(allowed: &[c_long]) {
    let step = |code: u32, jt, k| libc::sock_filter { code: code as u16, jt, jf: 0, k };
    let mut filter = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)]; // the number of the call
    for &call in allowed.iter().chain(&[libc::SYS_rt_sigreturn]) {
        let mut compare = step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, u32::try_from(call).unwrap());
        compare.jf = 1;
        filter.extend([compare, step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW)]);
    }
    filter.push(step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_TRAP));
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    std::mem::forget(filter); // to free it might need a system call
    // SAFETY: it restricts the calling thread, by a program that is well formed.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

static WORK: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicBool = AtomicBool::new(false);
/// The system call that was refused, or -1.
static REFUSED: AtomicI32 = AtomicI32::new(-1);
static ERRNO: AtomicI32 = AtomicI32::new(0);
const SENTINEL: c_int = 12_345;

extern "C" fn handler(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: it was stored from a function of this type.
    let work: fn() = unsafe { std::mem::transmute(WORK.load(Relaxed)) };
    work();
}

extern "C" fn refused(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: for SIGSYS: three words, then the address of the call, then its number.
    REFUSED.store(unsafe { info.cast::<c_int>().add(6).read() }, Release);
    loop {
        std::hint::spin_loop();
    }
}

/// Does `work` in a handler of a thread that may make only these system calls. Returns the one that was refused.
fn in_a_handler(allowed: &'static [c_long], work: fn()) -> Option<c_int> {
    WORK.store(work as usize, Relaxed);
    REFUSED.store(-1, Relaxed);
    DONE.store(false, Relaxed);
    handlers::handle(libc::SIGTRAP, 0, handler);
    handlers::handle(libc::SIGSYS, 0, refused);
    // Never joined: not even the end of a thread is possible without a system call.
    std::thread::spawn(|| {
        let errno = handlers::errno();
        allow_only(allowed);
        // SAFETY: this thread's own `errno`; and a trap, for which there is a handler.
        unsafe {
            errno.write(SENTINEL);
            std::arch::asm!("int3");
            ERRNO.store(errno.read(), Relaxed);
        }
        DONE.store(true, Release);
        loop {
            std::hint::spin_loop();
        }
    });
    let start = Instant::now();
    while !DONE.load(Acquire) {
        if REFUSED.load(Acquire) >= 0 {
            return Some(REFUSED.load(Relaxed));
        }
        assert!(start.elapsed() < Duration::from_secs(60), "neither done nor refused");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(ERRNO.load(Relaxed), SENTINEL, "errno");
    None
}

static ARENA: SyncArena = SyncArena::new();
static NAMED: SyncArena =
    SyncArena::options().reservation(1 << 24).name(c"handler").core_dumps(false).build_sync();
static EVENTS: SyncVec<[u64; 4]> = SyncVec::new();
static SAMPLES: SwapVec<[u64; 4]> = SwapVec::new();

const BYTES: usize = 3 << 20;

/// Allocates so much in small blocks and large ones, and writes it.
fn allocate(arena: &SyncArena) {
    let end = arena.used_bytes() + BYTES;
    while arena.used_bytes() + (BYTES / 2) < end {
        sure(arena.try_alloc([0xAA_u64; 5]), "no memory");
    }
    let rest = end - arena.used_bytes();
    sure(arena.try_alloc_slice_fill_copy(rest, 0xBB_u8), "no memory");
}

const ELEMENTS: u64 = 20_000;

fn push_and_drain() {
    for number in 0..ELEMENTS {
        sure(EVENTS.try_push([number; 4]), "no memory");
        sure(SAMPLES.try_push([number; 4]), "no memory");
    }
    sure((EVENTS.as_slice().len() as u64 == ELEMENTS).then_some(()).ok_or(()), "not all is published");
    let drained = sure(SAMPLES.try_drain().ok_or(()), "somebody drains");
    sure((drained.len() as u64 == ELEMENTS).then_some(()).ok_or(()), "not all is drained");
}

#[test]
fn unprepared_only_documented_system_calls_are_made() {
    common::isolated("unprepared_only_documented_system_calls_are_made", || {
        assert_eq!(in_a_handler(DOCUMENTED, || allocate(&ARENA)), None);
        assert_eq!(in_a_handler(DOCUMENTED, || allocate(&NAMED)), None);
        assert_eq!(in_a_handler(DOCUMENTED, push_and_drain), None);
        assert_eq!(in_a_handler(DOCUMENTED, || sure(ARENA.prepare(BYTES), "no memory")), None);
        assert!(ARENA.used_bytes() >= BYTES && NAMED.used_bytes() >= BYTES, "the handlers ran");
    });
}

#[test]
fn prepared_no_system_call_is_made() {
    common::isolated("prepared_no_system_call_is_made", || {
        for arena in [&ARENA, &NAMED] {
            arena.prepare(BYTES).unwrap();
        }
        assert_eq!(in_a_handler(&[], || allocate(&ARENA)), None);
        assert_eq!(in_a_handler(&[], || allocate(&NAMED)), None);
        EVENTS.prepare(ELEMENTS as usize).unwrap();
        SAMPLES.prepare(ELEMENTS as usize).unwrap();
        assert_eq!(in_a_handler(&[], push_and_drain), None);
        assert!(ARENA.used_bytes() == BYTES && NAMED.used_bytes() == BYTES, "the handlers ran");
        assert_eq!(EVENTS.len() as u64, ELEMENTS);
    });
}

/// What has a name is listed then: by writing into memory that is there.
#[test]
fn the_registry_adds_no_system_call() {
    common::isolated("the_registry_adds_no_system_call", || {
        v_alloc::registry::publish().unwrap();
        assert_eq!(in_a_handler(DOCUMENTED, || allocate(&NAMED)), None);
        NAMED.prepare(BYTES).unwrap();
        let look = || {
            allocate(&NAMED);
            let listed = v_alloc::registry::entries().find(|entry| entry.name() == "handler");
            sure(listed.filter(|entry| entry.committed >= 2 * BYTES).ok_or(()), "not listed");
        };
        assert_eq!(in_a_handler(&[], look), None);
        assert!(NAMED.used_bytes() >= 2 * BYTES, "the handlers ran");
    });
}

#[test]
fn other_system_calls_would_be_found() {
    common::isolated("other_system_calls_would_be_found", || {
        let get_process = || {
            std::hint::black_box(std::process::id());
        };
        assert_eq!(in_a_handler(DOCUMENTED, get_process), Some(libc::SYS_getpid as c_int));
        assert_eq!(in_a_handler(&[], || allocate(&ARENA)).map(c_long::from), Some(libc::SYS_prlimit64));
    });
}
