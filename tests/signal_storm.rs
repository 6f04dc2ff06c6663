//! A million signals, at any moment: what they interrupt and what their handler does both keep all that is theirs.
//!
//! The handler uses the very arena or vector that it interrupts. A timer and another thread send signals at their own
//! moments; but how often those meet the work depends on the machine. So most signals are the processor's: it is told to
//! trap after every instruction, from somewhere in a call on, for a thousand in a row. Each interrupts the work at
//! another place. One test has a million signals of a timer alone.
//!
//! The processor can be told so on x86-64. Elsewhere the signals are those of the timer and the thread, and fewer.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
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
use std::alloc::Layout;
use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;
use v_alloc::{SwapVec, SyncArena, SyncVec};

/// Whether the processor traps.
const STEPS: bool = cfg!(target_arch = "x86_64");
/// For each of three tests.
const SIGNALS: usize = if STEPS { 333_334 } else { 2000 };
/// How many of them must have interrupted a call.
const SIGNALS_IN_CALLS: usize = if STEPS { SIGNALS / 10 * 8 } else { SIGNALS / 20 };
/// For the one that is interrupted by nothing else, and the microseconds of work from one to the next. Under qemu's user mode a handler
/// takes longer than ten, and would leave the work no time.
fn signals_of_a_timer() -> (usize, u64) {
    let emulated = std::env::var_os("V_ALLOC_TEST_RUNNER").is_some();
    match (STEPS, emulated) {
        (true, _) => (1_000_000, 10),
        (false, true) => (10_000, 100),
        (false, false) => (100_000, 10),
    }
}

/// What the handler does.
static HANDLER: AtomicUsize = AtomicUsize::new(0);
/// Whether the work is to be interrupted now.
static AT_WORK: AtomicBool = AtomicBool::new(false);
/// Whether the work is in a call of the library.
static IN_CALL: AtomicBool = AtomicBool::new(false);
/// Whether a handler runs, which may be interrupted by that of another signal.
static HANDLING: AtomicBool = AtomicBool::new(false);
/// Whether calls are interrupted by the processor, too.
static STEPPED: AtomicBool = AtomicBool::new(true);
/// Calls so far.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// Instructions before the handler begins to do something, and for how many it does.
static SKIP: AtomicUsize = AtomicUsize::new(0);
static BURST: AtomicUsize = AtomicUsize::new(0);
/// Signals for which the handler used what it interrupted: by the processor, a timer, another thread.
static INTERRUPTIONS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
/// Those of them that interrupted a call.
static IN_CALLS: AtomicUsize = AtomicUsize::new(0);

/// Makes the processor trap after each instruction.
#[cfg(target_arch = "x86_64")]
const TRAP: i64 = 0x100;

extern "C" fn interrupted(signal: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    if signal == libc::SIGTRAP && !is_in_burst() {
        #[cfg(target_arch = "x86_64")]
        if !IN_CALL.load(Relaxed) || BURST.load(Relaxed) == 0 {
            // SAFETY: the kernel passes it; the work goes on with what is written here.
            unsafe {
                (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP;
            };
        }
        let _ = context;
        return;
    }
    if !AT_WORK.load(Relaxed) || HANDLING.swap(true, Relaxed) {
        return;
    }
    let kind = match signal {
        libc::SIGTRAP => 0,
        libc::SIGALRM => 1,
        _ => 2,
    };
    INTERRUPTIONS[kind].fetch_add(1, Relaxed);
    IN_CALLS.fetch_add(usize::from(IN_CALL.load(Relaxed)), Relaxed);
    // SAFETY: it was stored from a function of this type.
    let handler: fn() = unsafe { std::mem::transmute(HANDLER.load(Relaxed)) };
    handler();
    HANDLING.store(false, Relaxed);
}

/// Counts an instruction of a call.
fn is_in_burst() -> bool {
    let count_down = |left: &AtomicUsize| {
        let now = left.load(Relaxed);
        left.store(now.saturating_sub(1), Relaxed);
        now > 0
    };
    IN_CALL.load(Relaxed) && !count_down(&SKIP) && count_down(&BURST)
}

/// A call of the library, which is interrupted.
fn call<T>(work: impl FnOnce() -> T) -> T {
    let number = CALLS.fetch_add(1, Relaxed);
    // From 8 instructions to 4096, as the calls are: from warm ones to those that reserve.
    let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    SKIP.store((random >> 8) % (8 << (random % 10)), Relaxed);
    BURST.store(1000, Relaxed);
    IN_CALL.store(true, Relaxed);
    #[cfg(target_arch = "x86_64")]
    if STEPPED.load(Relaxed) {
        // SAFETY: there is a handler for the trap.
        unsafe { std::arch::asm!("pushfq", "or qword ptr [rsp], {}", "popfq", const TRAP) };
    }
    let result = work();
    IN_CALL.store(false, Relaxed); // and the next trap is the last one
    result
}

fn interruptions() -> usize {
    INTERRUPTIONS.iter().map(|kind| kind.load(Relaxed)).sum()
}

/// Repeats `round` until it was interrupted often enough. It says when it is [at work](AT_WORK).
fn in_a_storm(what: &str, handler: fn(), mut round: impl FnMut(usize)) {
    HANDLER.store(handler as usize, Relaxed);
    for signal in [libc::SIGTRAP, libc::SIGALRM, libc::SIGUSR1] {
        handlers::handle(signal, 0, interrupted);
    }
    let victim = handlers::thread_id();
    let timer = Timer::new(victim);
    timer.set(Duration::from_millis(1), Duration::from_millis(1));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| send_signals(victim, &stop));
        let mut number = 0;
        while interruptions() < SIGNALS {
            round(number);
            number += 1;
        }
        let [processor, timer, thread] = [0, 1, 2].map(|kind| INTERRUPTIONS[kind].load(Relaxed));
        println!(
            "{what}: interrupted {} times, {processor} by the processor, {timer} by a timer, {thread} by a thread; \
             {} times in one of {} calls, in {number} rounds",
            interruptions(),
            IN_CALLS.load(Relaxed),
            CALLS.load(Relaxed),
        );
        assert!(timer > 0 && thread > 0, "all kinds of signals came");
    });
    drop(timer);
    assert!(IN_CALLS.load(Relaxed) > SIGNALS_IN_CALLS, "calls are what is to be interrupted");
}

/// Stops another thread, also when this one panics: else it would wait for it for ever.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Sends signals from another processor, if there is one, until it is told to stop.
fn send_signals(victim: libc::pid_t, stop: &AtomicBool) {
    let process = std::process::id() as libc::pid_t;
    while !stop.load(Relaxed) {
        if AT_WORK.load(Relaxed) {
            // SAFETY: a system call with numbers.
            unsafe { libc::syscall(libc::SYS_tgkill, process, victim, libc::SIGUSR1) };
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// SIGALRM for one thread.
struct Timer(libc::timer_t);

impl Timer {
    fn new(thread: libc::pid_t) -> Self {
        let mut timer = ptr::null_mut();
        // SAFETY: the structures are the kernel's; all zeroes are a valid `sigevent`.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGALRM;
            event.sigev_notify_thread_id = thread;
            assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer), 0);
        }
        Self(timer)
    }

    /// A signal after so long, and again and again unless that is zero.
    fn set(&self, first: Duration, interval: Duration) {
        let of = |time: Duration| libc::timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
        let often = libc::itimerspec { it_interval: of(interval), it_value: of(first) };
        // SAFETY: the timer was made by `new`; the structure is the kernel's.
        assert_eq!(unsafe { libc::timer_settime(self.0, 0, &raw const often, ptr::null_mut()) }, 0);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: it was made above.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Runs `work` while signals interrupt it.
fn work(work: impl FnOnce()) {
    AT_WORK.store(true, SeqCst);
    work();
    AT_WORK.store(false, SeqCst);
}

static ARENA: AtomicPtr<SyncArena> = AtomicPtr::new(ptr::null_mut());
static MAIN: Blocks = Blocks::marked(0x5A);
static HANDLERS: Blocks = Blocks::marked(0xA5);

/// Layouts of many sizes and some alignments.
fn layout(number: usize) -> Layout {
    let size = handlers::LEAST.size() + number * 7 % 200;
    Layout::from_size_align(size, 8 << (number % 4)).unwrap_or(handlers::LEAST)
}

fn allocate(arena: &SyncArena, owner: &Blocks) -> Option<NonNull<u8>> {
    let layout = layout(owner.count());
    let block = arena.try_alloc_layout(layout).ok()?;
    owner.keep(block, layout);
    Some(block)
}

fn allocate_in_a_handler() {
    // SAFETY: it is a live arena while the work goes on.
    let arena = unsafe { &*ARENA.load(Relaxed) };
    if allocate(arena, &HANDLERS).is_none() {
        handlers::fatal("no memory in the handler");
    }
}

#[test]
fn an_arena_that_a_timer_interrupts_a_million_times() {
    common::isolated("an_arena_that_a_timer_interrupts_a_million_times", || {
        STEPPED.store(false, Relaxed);
        HANDLER.store(allocate_in_a_handler as fn() as usize, Relaxed);
        handlers::handle(libc::SIGALRM, 0, interrupted);
        let mut rounds = 0;
        let (signals, microseconds) = signals_of_a_timer();
        let interval = Duration::from_micros(microseconds);
        while INTERRUPTIONS[1].load(Relaxed) < signals {
            rounds += 1;
            let arena = SyncArena::new();
            ARENA.store(ptr::from_ref(&arena).cast_mut(), Relaxed);
            let enough = if rounds % 8 == 0 { 8 << 20 } else { 500 << 10 };
            let timer = Timer::new(handlers::thread_id());
            let mut seen = None;
            work(|| {
                while arena.used_bytes() < enough {
                    // The next signal as soon as possible; but not before: on some machines one takes longer than from one to
                    // the next, and nothing would be done between them.
                    let signals = INTERRUPTIONS[1].load(Relaxed);
                    if seen.replace(signals) != Some(signals) {
                        timer.set(interval, Duration::ZERO);
                    }
                    let layout = layout(MAIN.count());
                    MAIN.keep(call(|| arena.try_alloc_layout(layout)).expect("there is memory"), layout);
                }
            });
            drop(timer);
            handlers::check(&arena, &[&MAIN, &HANDLERS]);
            MAIN.forget();
            HANDLERS.forget();
        }
        let in_calls = IN_CALLS.load(Relaxed);
        println!(
            "{} signals, {in_calls} of them in calls, in {rounds} rounds",
            INTERRUPTIONS[1].load(Relaxed)
        );
        assert!(in_calls > signals / 20, "calls are what is to be interrupted");
    });
}

#[test]
fn an_arena_that_is_interrupted_at_any_moment() {
    common::isolated("an_arena_that_is_interrupted_at_any_moment", || {
        in_a_storm("SyncArena", allocate_in_a_handler, |number| {
            let arena = SyncArena::new();
            ARENA.store(ptr::from_ref(&arena).cast_mut(), Relaxed);
            // Many arenas that are interrupted in their first allocations; some that grow to several steps.
            let enough = if number % 8 == 0 { 8 << 20 } else { 500 << 10 };
            let mut given_back = Vec::new();
            work(|| {
                let mut step = 0;
                while arena.used_bytes() < enough {
                    step += 1;
                    let layout = layout(MAIN.count());
                    let block = call(|| arena.try_alloc_layout(layout)).expect("there is memory");
                    if step % 3 == 0 {
                        // SAFETY: the block is live; if it was given back, it is not used again.
                        if call(|| unsafe { arena.try_shrink(block, layout.size(), 0) }).is_ok() {
                            given_back.push(block.addr().get());
                            continue;
                        }
                    }
                    MAIN.keep(block, layout);
                    if step % 3 == 1 {
                        let size = layout.size() + 50;
                        // SAFETY: the block is live, and of this size.
                        if call(|| unsafe { arena.try_grow(block, layout.size(), size) }).is_ok() {
                            MAIN.last_has_grown(size);
                        }
                    }
                }
            });
            handlers::check_with(&arena, &[&MAIN, &HANDLERS], &given_back);
            MAIN.forget();
            HANDLERS.forget();
        });
        assert_eq!((v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes()), (0, 0));
    });
}

/// Who pushed it, its number, and what says that it is whole.
type Pushed = (usize, usize, usize);

/// The numbers of what each owner pushes next, and of what is expected next of him.
static NEXT: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static EXPECTED: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

fn next(owner: usize) -> Pushed {
    let number = NEXT[owner].fetch_add(1, Relaxed);
    (owner, number, !(owner + number))
}

/// Each owner's elements come whole, once each, and in the order in which he pushed them.
fn expect(elements: &[Pushed]) {
    for &(owner, number, check) in elements {
        assert_eq!(check, !(owner + number), "a torn element");
        assert_eq!(number, EXPECTED[owner].fetch_add(1, Relaxed), "of owner {owner}");
    }
}

fn all_was_seen() {
    for owner in [0, 1] {
        assert_eq!(NEXT[owner].load(Relaxed), EXPECTED[owner].load(Relaxed), "of owner {owner}");
    }
}

static VEC: AtomicPtr<SyncVec<Pushed>> = AtomicPtr::new(ptr::null_mut());

#[test]
fn a_vector_that_is_interrupted_at_any_moment() {
    common::isolated("a_vector_that_is_interrupted_at_any_moment", || {
        let handler = || {
            // SAFETY: it is a live vector while the work goes on.
            let vec = unsafe { &*VEC.load(Relaxed) };
            let value = next(1);
            let (index, element) = sure(vec.try_push(value), "no memory in the handler");
            if *element != value || vec.get(index) != Some(&value) {
                handlers::fatal("not what was pushed");
            }
        };
        in_a_storm("SyncVec", handler, |number| {
            let vec = SyncVec::new();
            VEC.store(ptr::from_ref(&vec).cast_mut(), Relaxed);
            let enough = if number % 8 == 0 { 80_000 } else { 5000 };
            work(|| {
                while vec.claimed() < enough {
                    let value = next(0);
                    let (index, element) = call(|| vec.try_push(value)).expect("there is memory");
                    assert_eq!((*element, vec.get(index)), (value, Some(&value)));
                    if index % 64 == 0 {
                        // This thread is in no push, and a handler ends before it goes on.
                        assert!(call(|| vec.as_slice().len()) > index, "all is published");
                    }
                }
            });
            assert_eq!((vec.len(), vec.get(vec.len())), (vec.claimed(), None));
            expect(vec.as_slice());
            all_was_seen();
        });
        assert_eq!((v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes()), (0, 0));
    });
}

static SWAP: SwapVec<Pushed> = SwapVec::new();

#[test]
fn a_drained_buffer_that_is_interrupted_at_any_moment() {
    common::isolated("a_drained_buffer_that_is_interrupted_at_any_moment", || {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stopping = Stop(&stop);
            let drainer = scope.spawn(|| {
                let (mut drains, mut most) = (0, 0);
                while !stop.load(Relaxed) {
                    let drained = SWAP.drain();
                    expect(&drained);
                    (drains, most) = (drains + 1, drained.len().max(most));
                    drop(drained);
                    std::thread::yield_now();
                }
                (drains, most)
            });
            in_a_storm(
                "SwapVec",
                || sure(SWAP.try_push(next(1)), "no memory in the handler"),
                |_| {
                    work(|| {
                        for _ in 0..20 {
                            let value = next(0);
                            call(|| SWAP.try_push(value)).expect("there is memory");
                        }
                    });
                },
            );
            drop(stopping);
            println!("(drains, most at once): {:?}", drainer.join().unwrap());
        });
        expect(&SWAP.drain());
        expect(&SWAP.drain());
        all_was_seen();
    });
}
