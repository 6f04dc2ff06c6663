//! Arenas that are lent: warm when they come back, never in two hands, none held for longer than promised, whoever
//! interrupts whom.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::page;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use v_alloc::{Arena, ArenaPool, PooledArena};

const fn send<T: Send>() {}
const fn sync<T: Sync>() {}

const _: () = {
    send::<ArenaPool>();
    sync::<ArenaPool>();
    send::<PooledArena<'_>>();
};

/// Two blocks filled with a mark, apart, so that a second owner of the arena would write over one of them.
struct Marked<'a> {
    blocks: [&'a mut [u64]; 2],
    mark: u64,
}

impl<'a> Marked<'a> {
    fn new(arena: &'a Arena, mark: u64) -> Self {
        assert_eq!(arena.used_bytes(), 0, "an arena is lent empty");
        Self { blocks: [12, 4].map(|len| arena.alloc_slice_fill_copy(len, mark)), mark }
    }

    fn check(&self) {
        for block in &self.blocks {
            assert!(block.iter().all(|&word| word == self.mark), "somebody else wrote here");
        }
    }
}

#[test]
fn an_arena_comes_back_empty_and_is_lent_again_with_its_memory() {
    let pool = ArenaPool::new();
    let first = pool.get();
    let address = ptr::from_mut(first.alloc(1_u64));
    let committed = first.committed_bytes();
    drop(first);
    assert_eq!(pool.retained_bytes(), committed);
    for _ in 0..100 {
        let arena = pool.get();
        assert_eq!((arena.used_bytes(), arena.committed_bytes()), (0, committed));
        let again = ptr::from_mut(arena.alloc(2_u64));
        assert!(cfg!(feature = "traps") || again == address, "with traps, memory of other addresses");
        assert_eq!(
            arena.alloc_slice_zeroed::<u64>(64),
            [0; 64],
            "what an earlier user wrote is not shown as zero"
        );
        arena.alloc_slice_fill_copy(64, u64::MAX);
    }
}

#[test]
fn an_arena_that_comes_back_keeps_just_what_it_may() {
    let page = page();
    // Where addresses are 32 bits, a default may have less room than this test wants, beside the other tests.
    let options = Arena::options().reservation(16 << 20);
    for retain in [0, 1, page - 1, page, 5 * page + 1, 256 << 10, 1 << 20, usize::MAX] {
        let pool = ArenaPool::<1>::with_slots().options(options).retain(retain);
        let limit = retain / page * page;
        for bytes in [1, page, 100_000, 256 << 10, (256 << 10) + 1, 2 << 20, 5 << 20, 1] {
            let arena = pool.get();
            arena.alloc_slice_fill_copy(bytes, 1_u8);
            let committed = arena.committed_bytes();
            drop(arena);
            let retained = pool.retained_bytes();
            assert_eq!(retained, committed.min(limit), "{bytes} bytes, {retain} to retain");
            let arena = pool.get();
            assert_eq!(arena.committed_bytes(), retained, "the figure is that of the arena");
            assert!(arena.alloc_slice_zeroed::<u8>(bytes).iter().all(|&byte| byte == 0));
        }
    }
}

#[test]
fn by_default_an_arena_keeps_3_mib() {
    let pool = ArenaPool::new();
    pool.get().alloc_slice_fill_copy(4 << 20, 1_u8);
    assert_eq!(pool.retained_bytes(), 3 << 20);
}

#[test]
fn a_pool_tells_which_arenas_are_out_and_what_the_others_retain() {
    let pool = ArenaPool::<3>::with_slots();
    let guards = [1, 2, 3].map(|pages| {
        let arena = pool.get();
        arena.alloc_slice_fill_copy(pages * (64 << 10), 1_u8);
        arena
    });
    assert_eq!((pool.idle(), pool.retained_bytes()), (0, 0));
    let [first, second, third] = guards.each_ref().map(|arena| arena.committed_bytes());
    let [one, middle, other] = guards;
    drop((one, other));
    assert_eq!(pool.retained().collect::<Vec<_>>(), [Some(first), None, Some(third)]);
    assert_eq!((pool.idle(), pool.retained_bytes()), (2, first + third));
    let shown = format!("{pool:?}");
    assert_eq!(shown, format!("ArenaPool {{ slots: 3, idle: 2, retained: {} }}", first + third));
    drop(middle);
    assert_eq!(pool.retained_bytes(), first + second + third);
}

#[test]
fn trimming_takes_from_the_idle_arenas_and_from_no_other() {
    let pool = ArenaPool::<3>::with_slots();
    let fill = |arena: PooledArena<'_>| arena.alloc_slice_fill_copy(128 << 10, 1_u8)[0] = 2;
    let guards = [(); 3].map(|()| pool.get());
    let [first, held, last] = guards;
    let value = held.alloc_slice_fill_copy(128 << 10, 7_u8);
    fill(first);
    fill(last);
    let (before, of_held) = (pool.retained_bytes(), held.committed_bytes());
    assert_eq!(pool.trim(before), Ok(0));
    assert_eq!(pool.trim(page()), Ok(before - 2 * page()));
    assert_eq!(pool.trim(page()), Ok(0));
    assert_eq!((pool.idle(), pool.retained_bytes()), (2, 2 * page()));
    assert_eq!(pool.trim(page() - 1), Ok(2 * page()));
    assert_eq!((pool.idle(), pool.retained_bytes()), (2, 0));
    assert!(held.committed_bytes() == of_held && value.iter().all(|&byte| byte == 7));
}

#[test]
fn a_leaked_guard_loses_its_slot_and_nothing_else() {
    let pool = ArenaPool::<2>::with_slots();
    let leaked = pool.get();
    let value = ptr::from_mut(leaked.alloc(1_u64));
    mem::forget(leaked);
    for _ in 0..10 {
        let arenas = [pool.get(), pool.get()];
        assert!(arenas.iter().all(|arena| !ptr::eq(arena.alloc(2_u64), value)));
    }
    assert_eq!(pool.idle(), 1);
    mem::forget(pool.get());
    assert_eq!((pool.idle(), pool.trim(0)), (0, Ok(0)));
    assert_eq!(*pool.get().alloc(3), 3, "an arena from outside");
}

#[test]
fn a_pool_without_slots_lends_fresh_arenas() {
    let pool = ArenaPool::<0>::with_slots();
    let arenas = [pool.get(), pool.get()];
    let marked = arenas.each_ref().map(|arena| Marked::new(arena, 1));
    marked.iter().for_each(Marked::check);
    assert_eq!((pool.idle(), pool.retained_bytes()), (0, 0));
}

#[test]
fn all_arenas_have_the_options_of_the_pool() {
    static POOL: ArenaPool<2> = ArenaPool::with_slots().options(Arena::options().reservation(1 << 20));
    let arenas = [(); 3].map(|()| POOL.get());
    for arena in &arenas {
        arena.alloc(1);
        assert_eq!(arena.reserved_bytes(), 1 << 20, "{} are idle", POOL.idle());
        assert!(arena.try_alloc_slice_zeroed::<u8>(1 << 20).is_err());
    }
}

#[test]
fn scopes_and_resets_of_a_guard_leave_the_rest() {
    let pool = ArenaPool::<1>::with_slots();
    for mut arena in [pool.get(), pool.get()] {
        arena.alloc(1_u64);
        assert_eq!(arena.scoped(|scope| scope.alloc_str("inner").len()), 5);
        {
            let mut scope = arena.scope();
            scope.alloc_str("inner");
            scope.scoped(|inner| inner.alloc_str("innermost").len());
            assert_eq!(scope.used_bytes(), 13);
        }
        assert_eq!(arena.used_bytes(), 8);
        arena.reset();
        assert_eq!(arena.used_bytes(), 0);
    }
}

#[test]
fn a_panic_brings_the_arena_back() {
    let pool = ArenaPool::<1>::with_slots();
    let work = || {
        let arena = pool.get();
        arena.alloc_slice_fill_with(3, |index| assert!(index < 2, "as asked for"));
    };
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
    assert_eq!(pool.idle(), 1);
    assert_eq!(pool.get().used_bytes(), 0);
}

#[test]
fn a_guard_may_be_dropped_by_another_thread() {
    let pool = ArenaPool::<2>::with_slots();
    let arena = pool.get();
    arena.alloc_str("made here");
    thread::scope(|threads| {
        threads.spawn(move || {
            arena.alloc_str("and there");
            assert_eq!(arena.used_bytes(), 18);
        });
    });
    assert_eq!(pool.idle(), 2);
}

#[test]
fn no_arena_is_ever_in_two_hands() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 3000;
    // Fewer slots than threads: also the way to arenas from outside, and back to slots, is taken.
    let pool = ArenaPool::<5>::with_slots().retain(2 * page());
    let start = std::sync::Barrier::new(8);
    thread::scope(|threads| {
        for thread in 0..THREADS {
            let (pool, start) = (&pool, &start);
            threads.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let mark = (thread << 32) | round;
                    let arena = pool.get();
                    let marked = Marked::new(&arena, mark);
                    if round % 16 == thread {
                        thread::yield_now();
                        let second = pool.get();
                        Marked::new(&second, !mark).check();
                    }
                    if round % 500 == 0 {
                        pool.trim(page()).unwrap();
                    }
                    marked.check();
                }
            });
        }
    });
    assert_eq!(pool.idle(), 5);
    assert!(pool.retained().flatten().all(|bytes| bytes <= 2 * page()), "{pool:?}");
}

/// The pool that handlers and what they interrupt use. With few slots, so that all are out at times.
#[cfg(unix)]
static SHARED: ArenaPool<3> = ArenaPool::with_slots().retain(64 << 10);
#[cfg(unix)]
static HANDLED: AtomicUsize = AtomicUsize::new(0);

#[cfg(unix)]
extern "C" fn use_the_pool(_signal: std::ffi::c_int) {
    let handled = HANDLED.fetch_add(1, Ordering::Relaxed);
    let arena = SHARED.get();
    let marked = Marked::new(&arena, u64::MAX);
    if handled % 64 == 0 {
        // From a handler, too.
        SHARED.trim(0).unwrap();
    }
    marked.check();
}

/// Everything that a pool does, with arenas held meanwhile.
#[cfg(unix)]
fn use_the_interrupted_pool(round: u64) {
    let first = SHARED.get();
    let of_first = Marked::new(&first, round);
    let second = SHARED.get();
    let of_second = Marked::new(&second, !round);
    of_first.check();
    drop(first);
    if round % 8 == 0 {
        second.prepare(100_000).unwrap(); // more than it may keep
        SHARED.trim(page()).unwrap();
    }
    of_second.check();
}

#[cfg(unix)]
#[test]
fn a_handler_may_use_the_pool_that_it_interrupts() {
    use std::ffi::{c_int, c_long};
    #[repr(C)]
    struct Interval([c_long; 4]);
    unsafe extern "C" {
        fn signal(signal: c_int, handler: extern "C" fn(c_int)) -> usize;
        fn setitimer(which: c_int, new: *const Interval, old: *mut Interval) -> c_int;
        fn pthread_self() -> usize;
        fn pthread_kill(thread: usize, signal: c_int) -> c_int;
    }
    const SIGALRM: c_int = 14;
    static INTERRUPTED: AtomicUsize = AtomicUsize::new(0);
    /// The timer's signal is the process's: most often the kernel gives it to the thread that waits for the tests. Only
    /// a handler on the thread that uses the pool interrupts it, and has always ended when that thread looks.
    extern "C" fn interrupt(signal: c_int) {
        let thread = INTERRUPTED.load(Ordering::Relaxed);
        // SAFETY: both may be called in a handler; that thread lives, as the one that waits for it is here.
        unsafe {
            if pthread_self() == thread {
                use_the_pool(signal);
            } else {
                pthread_kill(thread, signal);
            }
        }
    }
    common::isolated("a_handler_may_use_the_pool_that_it_interrupts", || {
        let set = |microseconds| {
            let interval = Interval([0, microseconds, 0, microseconds]);
            // SAFETY: the structure is two times, of seconds and microseconds.
            assert_eq!(unsafe { setitimer(0, &raw const interval, ptr::null_mut()) }, 0);
        };
        // SAFETY: no more than a number.
        INTERRUPTED.store(unsafe { pthread_self() }, Ordering::Relaxed);
        // SAFETY: the handler does only what is promised to be safe in one.
        unsafe { signal(SIGALRM, interrupt) };
        set(50);
        let mut round = 0;
        while HANDLED.load(Ordering::Relaxed) < 2000 {
            use_the_interrupted_pool(round);
            round += 1;
        }
        set(0);
        assert_eq!(SHARED.idle(), 3);
        assert!(SHARED.retained_bytes() <= 3 * (64 << 10));
    });
}

/// The processor traps after each single instruction, and the handler of that uses the pool: there is no point between
/// two instructions that is not interrupted.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_handler_may_interrupt_any_instruction() {
    use std::arch::asm;
    use std::ffi::c_int;
    unsafe extern "C" {
        fn signal(signal: c_int, handler: extern "C" fn(c_int)) -> usize;
    }
    const SIGTRAP: c_int = 5;
    common::isolated("a_handler_may_interrupt_any_instruction", || {
        // SAFETY: the handler does only what is promised to be safe in one.
        unsafe { signal(SIGTRAP, use_the_pool) };
        for round in 0..2 {
            // SAFETY: the flag makes the processor trap, which is handled.
            unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
            use_the_interrupted_pool(round);
            // SAFETY: as above.
            unsafe { asm!("pushfq", "and qword ptr [rsp], ~0x100", "popfq") };
        }
        assert!(HANDLED.load(Ordering::Relaxed) > 1000, "it was interrupted throughout");
        assert_eq!(SHARED.idle(), 3);
    });
}

#[cfg(unix)]
#[test]
fn what_is_lent_from_outside_goes_with_its_guard_and_the_rest_with_the_pool() {
    use v_alloc::{process_committed_bytes, process_reserved_bytes};
    common::isolated("what_is_lent_from_outside_goes_with_its_guard_and_the_rest_with_the_pool", || {
        let figures = || (process_reserved_bytes(), process_committed_bytes());
        let before = figures();
        let pool = ArenaPool::<2>::with_slots();
        let arenas = [pool.get(), pool.get()];
        for arena in &arenas {
            *arena.alloc([0; 10_000]) = [1_u8; 10_000];
        }
        let with_two = figures();
        assert!(with_two > before);
        for _ in 0..10 {
            let third = pool.get();
            third.alloc_slice_fill_copy(10_000, 1_u8);
            assert!(figures() > with_two);
            drop(third);
            assert_eq!(figures(), with_two);
        }
        drop(arenas);
        assert_eq!(figures(), with_two, "what has a slot stays");
        assert_eq!(pool.retained_bytes(), with_two.1 - before.1);
        drop(pool);
        assert_eq!(figures(), before);
    });
}

#[cfg(unix)]
#[test]
fn after_a_fork_the_child_has_what_lay_idle_in_memory_of_its_own() {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn fork() -> c_int;
        fn waitpid(child: c_int, status: *mut c_int, options: c_int) -> c_int;
        fn _exit(status: c_int) -> !;
    }
    static POOL: ArenaPool<3> = ArenaPool::with_slots();
    common::isolated("after_a_fork_the_child_has_what_lay_idle_in_memory_of_its_own", || {
        let mine = POOL.get();
        let value = mine.alloc(1_u64);
        let barrier = std::sync::Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                let _of_another_thread = POOL.get();
                barrier.wait();
                barrier.wait();
            });
            barrier.wait();
            // SAFETY: the child only uses what is promised to work there, and ends without running anything else.
            let child = unsafe { fork() };
            if child == 0 {
                *value += 1;
                let right = POOL.idle() == 1 && *POOL.get().alloc(2) == 2 && *value == 2;
                // SAFETY: it ends the process.
                unsafe { _exit(if right { 42 } else { 1 }) };
            }
            let mut status = 0;
            // SAFETY: the child was made above.
            assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
            assert_eq!((status >> 8) & 0xFF, 42);
            assert_eq!(*value, 1);
            barrier.wait();
        });
        drop(mine);
        assert_eq!(POOL.idle(), 3);
    });
}

/// A thread that may make no system call but `read`, `write` and its own exit does it: the kernel kills it at any
/// other. (Not with traps: there an arena that comes back gives its memory back.)
#[cfg(not(feature = "traps"))]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_task_that_is_repeated_makes_no_system_call() {
    use std::ffi::{c_int, c_ulong};
    use std::time::{Duration, Instant};
    unsafe extern "C" {
        fn prctl(option: c_int, argument: c_ulong, ...) -> c_int;
    }
    const SET_SECCOMP: c_int = 22;
    const STRICT: c_ulong = 1;
    const ROUNDS: usize = 10_000;
    static POOL: ArenaPool<2> = ArenaPool::with_slots();
    static DONE: AtomicUsize = AtomicUsize::new(0);

    common::isolated("a_task_that_is_repeated_makes_no_system_call", || {
        let task = || {
            let arenas = [POOL.get(), POOL.get()];
            for arena in &arenas {
                arena.alloc_slice_zeroed::<u8>(64 << 10)[0] = 1; // all of it is written, since some was before
            }
            // Never allocated from, so that it never reserves.
            drop(POOL.get());
        };
        task();
        POOL.get().prepare(200 << 10).unwrap();
        // Never joined: not even the end of a thread is possible without a system call.
        thread::spawn(move || {
            // SAFETY: this restricts the calling thread, which does nothing more.
            if unsafe { prctl(SET_SECCOMP, STRICT) } != 0 {
                return;
            }
            for _ in 0..ROUNDS {
                task();
            }
            // What was prepared by another user of the arena.
            POOL.get().alloc_slice_fill_copy(200 << 10, 1_u8);
            DONE.store(POOL.idle(), Ordering::Release);
            loop {
                std::hint::spin_loop();
            }
        });
        let start = Instant::now();
        while DONE.load(Ordering::Acquire) == 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "it made a system call");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(DONE.load(Ordering::Relaxed), 2);
    });
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn errno_keeps_its_value() {
    unsafe extern "C" {
        safe fn __errno_location() -> *mut std::ffi::c_int;
    }
    const SENTINEL: std::ffi::c_int = 12_345;
    let pool = ArenaPool::<1>::with_slots().retain(0);
    let work = || {
        let arenas = [pool.get(), pool.get()];
        for arena in &arenas {
            arena.alloc_slice_fill_copy(100_000, 0_u8)[0] = 1;
        }
        drop(arenas);
        pool.get().prepare(1 << 20).unwrap();
        pool.trim(0).unwrap();
    };
    let errno = __errno_location();
    // SAFETY: this thread's own `errno`.
    unsafe { errno.write(SENTINEL) };
    work();
    // SAFETY: as above.
    assert_eq!(unsafe { errno.read() }, SENTINEL);
}

#[test]
fn a_pool_that_was_used_keeps_its_arenas_when_it_gets_other_options() {
    let pool = ArenaPool::<2>::with_slots();
    pool.get().alloc_slice_fill_copy(10_000, 1_u8);
    let retained = pool.retained_bytes();
    assert!(retained >= 10_000);
    let pool = pool.options(Arena::options().reservation(1 << 20));
    assert_eq!(pool.retained_bytes(), retained);
    let (used, new) = (pool.get(), pool.get());
    assert!(used.committed_bytes() == retained && used.reserved_bytes() > 1 << 20);
    new.alloc(1_u8);
    assert_eq!(new.reserved_bytes(), 1 << 20);
    drop((used, new));
    assert!(pool.trim(0).unwrap() > retained);
    assert_eq!((pool.retained_bytes(), pool.idle()), (0, 2));
}
