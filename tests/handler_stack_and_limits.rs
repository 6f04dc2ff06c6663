//! A handler on a small stack, at the limits of memory, and one that forks: what is not enough is an error, and all
//! stays usable.
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

use handlers::{Blocks, sure};
use rustix::process::Resource;
use std::alloc::Layout;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use v_alloc::{SwapVec, SyncArena, SyncVec};

static WORK: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: it was stored from a function of this type.
    let work: fn() = unsafe { std::mem::transmute(WORK.load(Relaxed)) };
    work();
}

/// Does `work` in a handler, which must keep `errno`.
fn in_a_handler(work: fn()) {
    interrupt(0, work);
}

fn interrupt(flags: c_int, work: fn()) {
    const SENTINEL: c_int = 12_345;
    WORK.store(work as usize, Relaxed);
    handlers::handle(libc::SIGTRAP, flags, handler);
    // SAFETY: this thread's own `errno`; and a trap, for which there is a handler.
    unsafe {
        handlers::errno().write(SENTINEL);
        std::arch::asm!("int3");
        assert_eq!(handlers::errno().read(), SENTINEL, "errno");
    }
}

static ARENA: SyncArena = SyncArena::new();
static NAMED: SyncArena =
    SyncArena::options().reservation(1 << 24).name(c"handler").core_dumps(false).build_sync();
static SMALL: SyncArena = SyncArena::options().reservation(64 << 10).build_sync();
static EVENTS: SyncVec<u64> = SyncVec::new();
static FEW: SyncVec<u64> = SyncVec::with_capacity_limit(1000);
static SAMPLES: SwapVec<u64> = SwapVec::new();

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap_or(handlers::LEAST)
}

/// The bytes of stack that `work` takes in a handler, with the kernel's frame, on a stack of so many bytes.
fn stack_used(size: usize, work: fn()) -> usize {
    const PAINT: u8 = 0xC5;
    let mut stack = vec![PAINT; size];
    let alternate = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: size };
    let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    // SAFETY: the stack outlives its use.
    unsafe {
        assert_eq!(libc::sigaltstack(&raw const alternate, ptr::null_mut()), 0);
        interrupt(libc::SA_ONSTACK, work);
        assert_eq!(libc::sigaltstack(&raw const none, ptr::null_mut()), 0);
    }
    let untouched = std::hint::black_box(&stack).iter().take_while(|&&byte| byte == PAINT).count();
    assert!(untouched >= 64, "the canary at the end of the stack");
    size - untouched
}

fn no_memory(failed: bool) {
    if failed {
        handlers::fatal("no memory");
    }
}

#[test]
fn a_small_stack_is_enough() {
    const SMALL_STACK: usize = 8 << 10;
    // The documented bound is of optimised code; without, every value has a place of its own on the stack.
    let bound = if cfg!(debug_assertions) { 16 << 10 } else { 2 << 10 };
    common::isolated("a_small_stack_is_enough", || {
        let frame = stack_used(64 << 10, || {});
        let works: [(&str, fn()); 6] = [
            ("a first allocation", || no_memory(ARENA.try_alloc_layout(layout(100)).is_err())),
            ("one with a name", || no_memory(NAMED.try_alloc_layout(layout(100)).is_err())),
            ("one that commits", || no_memory(ARENA.try_alloc_layout(layout(100_000)).is_err())),
            ("preparing", || no_memory(ARENA.prepare(1 << 20).is_err())),
            ("a first push", || no_memory(EVENTS.try_push(1).is_err())),
            ("a push to a buffer", || no_memory(SAMPLES.try_push(1).is_err())),
        ];
        println!("the kernel's frame and an empty handler: {frame} bytes of stack");
        // With what the kernel puts there: more where the processor has more registers.
        let small = frame + bound <= SMALL_STACK;
        for (what, work) in works {
            let used = stack_used(if small { SMALL_STACK } else { 64 << 10 }, work) - frame;
            println!("{what}: {used} bytes of stack beyond that");
            assert!(used < bound, "{what}: {used} bytes");
        }
        assert_eq!(EVENTS.len(), 1);
    });
}

static OUTCOME: AtomicI32 = AtomicI32::new(0);

fn failed(error: bool) {
    OUTCOME.store(if error { -1 } else { 1 }, Relaxed);
}

fn fails_in_a_handler(work: fn()) {
    OUTCOME.store(0, Relaxed);
    in_a_handler(work);
    assert_eq!(OUTCOME.load(Relaxed), -1, "an error");
}

#[test]
fn a_reservation_that_is_used_up_is_an_error_in_a_handler() {
    common::isolated("a_reservation_that_is_used_up_is_an_error_in_a_handler", || {
        fails_in_a_handler(|| failed(SMALL.try_alloc_layout(layout(100_000)).is_err()));
        in_a_handler(|| {
            sure(SMALL.try_alloc_layout(layout(60_000)), "no memory");
        });
        fails_in_a_handler(|| failed(SMALL.try_alloc_layout(layout(10_000)).is_err()));
        fails_in_a_handler(|| failed(SMALL.prepare(10_000).is_err()));
        assert_eq!(SMALL.used_bytes(), 60_000, "what failed took nothing");
        assert_eq!(*SMALL.alloc(7), 7);

        in_a_handler(|| {
            for number in 0..1000 {
                sure(FEW.try_push(number), "no memory");
            }
        });
        fails_in_a_handler(|| failed(FEW.try_push(1000).is_err_and(|error| error.value == 1000)));
        assert_eq!((FEW.claimed(), FEW.len()), (1000, 1000), "what failed took nothing");
    });
}

/// In a handler with that limit, what is large is an error; then, and in the end without a limit, what is small is not.
fn at_a_limit(resource: Resource, field: &str) {
    sure(ARENA.try_alloc_layout(layout(100)), "no memory");
    sure(EVENTS.try_push(1), "no memory");
    common::limit(resource, (common::status(field) + (2 << 20)) as u64);
    let (used, committed) = (ARENA.used_bytes(), ARENA.committed_bytes());
    let process = v_alloc::process_committed_bytes();
    if resource == Resource::Data {
        fails_in_a_handler(|| failed(ARENA.try_alloc_layout(layout(64 << 20)).is_err()));
        fails_in_a_handler(|| failed(ARENA.prepare(64 << 20).is_err()));
        fails_in_a_handler(|| failed(EVENTS.prepare(64 << 20).is_err()));
    } else {
        static LATE: SyncArena = SyncArena::options().reservation(1 << 30).build_sync();
        fails_in_a_handler(|| failed(LATE.try_alloc_layout(layout(100)).is_err()));
        assert_eq!((LATE.reserved_bytes(), LATE.used_bytes()), (0, 0));
    }
    assert_eq!((ARENA.used_bytes(), ARENA.committed_bytes()), (used, committed), "what failed took nothing");
    assert_eq!(v_alloc::process_committed_bytes(), process);
    in_a_handler(|| {
        let small = sure(ARENA.try_alloc_slice_fill_copy(10_000, 1_u8), "no memory");
        sure(EVENTS.try_push(u64::from(small[9_999]) + 1), "no memory");
    });
    assert_eq!(EVENTS.as_slice(), [1, 2]);
}

#[test]
fn a_limit_of_data_is_an_error_in_a_handler() {
    common::isolated("a_limit_of_data_is_an_error_in_a_handler", || at_a_limit(Resource::Data, "VmData"));
}

#[test]
fn a_limit_of_addresses_is_an_error_in_a_handler() {
    common::isolated("a_limit_of_addresses_is_an_error_in_a_handler", || at_a_limit(Resource::As, "VmSize"));
}

static MAIN: Blocks = Blocks::marked(0x5A);
static CHILDS: Blocks = Blocks::marked(0xA5);
/// Children that have ended, and those in which something did not hold.
static FORKED: AtomicUsize = AtomicUsize::new(0);
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// While other threads allocate and push, a thread that does so too is interrupted, by a handler that forks.
#[test]
fn a_child_that_a_handler_forked_has_a_usable_arena() {
    fn fork() {
        // SAFETY: the plain system call, without what the C library does before and after: safe in a handler.
        let child = unsafe { libc::syscall(libc::SYS_fork) };
        if child == 0 {
            for size in 0..2000 {
                let layout = layout(handlers::LEAST.size() + size);
                CHILDS.keep(sure(ARENA.try_alloc_layout(layout), "no memory"), layout);
            }
            // Before: what the parent marked. All is whole and apart.
            let whole = CHILDS.is_whole() && ARENA.prepare(1 << 20).is_ok();
            let (index, _) = sure(EVENTS.try_push(u64::MAX), "no memory");
            let pushed = EVENTS.get(index) == Some(&u64::MAX) && SAMPLES.try_push(1).is_ok();
            // SAFETY: the child ends here.
            unsafe { libc::_exit(c_int::from(!(whole && pushed))) };
        }
        let mut status = 0;
        // SAFETY: it waits for the child.
        let waited = unsafe { libc::waitpid(child as libc::pid_t, &raw mut status, 0) };
        FAILURES.fetch_add(usize::from(child <= 0 || i64::from(waited) != child || status != 0), Relaxed);
        FORKED.fetch_add(1, Relaxed);
    }
    const CHILDREN: usize = 50;
    common::isolated("a_child_that_a_handler_forked_has_a_usable_arena", || {
        WORK.store(fork as fn() as usize, Relaxed);
        handlers::handle(libc::SIGUSR1, 0, handler);
        let stop = AtomicBool::new(false);
        let busy = || {
            while !stop.load(Relaxed) {
                if ARENA.used_bytes() < 8 << 20 {
                    ARENA.alloc([0x11_u8; 48]);
                }
                if EVENTS.claimed() < 200_000 {
                    EVENTS.push(1);
                }
                SAMPLES.try_push(2).unwrap();
                drop(SAMPLES.try_drain());
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(busy);
            scope.spawn(busy);
            let victim = handlers::thread_id();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    let children = FORKED.load(Relaxed);
                    // SAFETY: a system call with numbers.
                    unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), victim, libc::SIGUSR1) };
                    // Not at once again: the thread is to go on in between.
                    while FORKED.load(Relaxed) == children && !stop.load(SeqCst) {
                        std::thread::yield_now();
                    }
                    std::thread::sleep(std::time::Duration::from_micros(500));
                }
            });
            while FORKED.load(Relaxed) < CHILDREN {
                if ARENA.used_bytes() < 8 << 20 {
                    MAIN.keep(ARENA.try_alloc_layout(layout(48)).unwrap(), layout(48));
                }
            }
            stop.store(true, SeqCst);
        });
        assert_eq!(FAILURES.load(Relaxed), 0, "of {} children", FORKED.load(Relaxed));
        assert!(MAIN.is_whole());
    });
}
