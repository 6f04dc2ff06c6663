//! A handler may interrupt an operation at any instruction, and use what is being changed there.
//!
//! Each operation runs in a process that is traced instruction by instruction. Before each, the tracer delivers a
//! signal. Its handler makes a copy of the process: there, the handler does what is tested, returns, the operation goes
//! on from that very instruction to its end, and all is checked. The original goes one instruction further. So every
//! place is tried, first allocations too, with nothing done between the interruptions. Inside of a system call no
//! handler runs; before and after it, it does.
// Instructions are stepped through, and breakpoints set, as this platform does it.
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
use std::alloc::Layout;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Relaxed};
use v_alloc::{Arena, SwapVec, SyncArena, SyncVec};

/// What is interrupted, by what, and what holds when both have ended.
struct Scene {
    before: fn(),
    operation: fn(),
    handler: fn(),
    after: fn(),
}

/// The scene that the traced process plays, for its handler.
static HANDLER: AtomicUsize = AtomicUsize::new(0);
/// Whether this is a copy, in which the handler has run.
static IS_COPY: AtomicBool = AtomicBool::new(false);
/// Copies in which something did not hold.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// Plays a scene with an interruption at each of its instructions. Returns how many those were, and in how many of the
/// copies something did not hold.
fn interrupt_everywhere(scene: &Scene) -> (usize, u8) {
    // SAFETY: a system call; the child is a copy of this process, in which nothing else runs (see `common::isolated`).
    match unsafe { libc::fork() } {
        0 => play(scene),
        child => trace(child),
    }
}

fn play(scene: &Scene) -> ! {
    (scene.before)();
    HANDLER.store(scene.handler as usize, Relaxed);
    handlers::handle(libc::SIGUSR1, 0, interrupted);
    handlers::handle(libc::SIGTRAP, 0, go_on); // nobody traces a copy
    // SAFETY: the parent waits for this.
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    breakpoint();
    (scene.operation)();
    breakpoint();
    if IS_COPY.load(Relaxed) {
        let holds = catch_unwind(AssertUnwindSafe(scene.after)).is_ok();
        // SAFETY: nothing is left to do.
        unsafe { libc::_exit(c_int::from(!holds)) };
    }
    // SAFETY: as above.
    unsafe { libc::_exit(FAILURES.load(Relaxed).min(100) as c_int) };
}

extern "C" fn interrupted(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the plain system call: a copy whose end sends no signal.
    match unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) } {
        0 => {
            IS_COPY.store(true, Relaxed);
            // SAFETY: it was stored from a function of this type.
            let handler: fn() = unsafe { std::mem::transmute(HANDLER.load(Relaxed)) };
            handler();
        }
        copy => {
            let mut status = 0;
            // SAFETY: it waits for the copy, if there is one.
            let waited = unsafe { libc::waitpid(copy as libc::pid_t, &raw mut status, libc::__WALL) };
            if copy <= 0 || i64::from(waited) != copy || status != 0 {
                FAILURES.fetch_add(1, Relaxed);
            }
            breakpoint();
        }
    }
}

extern "C" fn go_on(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {}

const BREAKPOINT: u8 = 0xCC;

#[inline(always)]
fn breakpoint() {
    // SAFETY: the tracer is told.
    unsafe { std::arch::asm!("int3") };
}

/// # Panics
/// If the system refuses; some containers do not allow tracing.
fn ptrace(request: libc::c_uint, process: libc::pid_t, address: usize, data: c_int) -> u64 {
    // SAFETY: the requests used here change nothing in this process.
    unsafe {
        *libc::__errno_location() = 0;
        let result = libc::ptrace(request, process, address, libc::c_long::from(data));
        assert_eq!(*libc::__errno_location(), 0, "ptrace({request}): {}", std::io::Error::last_os_error());
        result as u64
    }
}

/// Waits until the process stops; tells by which signal. Otherwise tells how it ended.
fn wait(process: libc::pid_t) -> Result<c_int, c_int> {
    let mut status = 0;
    // SAFETY: it waits for a child.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    if libc::WIFSTOPPED(status) { Ok(libc::WSTOPSIG(status)) } else { Err(status) }
}

fn trace(process: libc::pid_t) -> (usize, u8) {
    let instruction = || ptrace(libc::PTRACE_PEEKUSER, process, offset_of!(libc::user_regs_struct, rip), 0);
    let go_on = |request, mut signal| loop {
        ptrace(request, process, 0, signal);
        match wait(process) {
            Ok(libc::SIGTRAP) => break,  // a step, or a breakpoint
            Ok(other) => signal = other, // not of ours
            Err(status) => panic!("the traced process ended: {status:#x}"),
        }
    };
    wait(process).expect("the first breakpoint");
    let mut count = 0;
    loop {
        let here = instruction();
        let bytes = ptrace(libc::PTRACE_PEEKTEXT, process, here as usize, 0);
        if bytes.to_le_bytes()[0] == BREAKPOINT {
            break;
        }
        go_on(libc::PTRACE_CONT, libc::SIGUSR1); // up to the end of the handler
        while instruction() != here {
            go_on(libc::PTRACE_SINGLESTEP, 0);
        }
        count += 1;
        go_on(libc::PTRACE_SINGLESTEP, 0);
    }
    go_on(libc::PTRACE_SINGLESTEP, 0); // onto the breakpoint
    ptrace(libc::PTRACE_CONT, process, 0, 0);
    let status = wait(process).expect_err("it ends");
    assert!(libc::WIFEXITED(status), "{status:#x}");
    (count, libc::WEXITSTATUS(status) as u8)
}

/// The test of a scene, in a process of its own.
fn holds_everywhere(test: &str, scene: &Scene) {
    common::isolated(test, || {
        let (instructions, failures) = interrupt_everywhere(scene);
        println!("{test}: interrupted at {instructions} instructions");
        assert_eq!(failures, 0, "of {instructions} interruptions");
        assert!(instructions > 10, "{instructions}");
    });
}

static ARENA: SyncArena = SyncArena::new();
/// As large as a page, so that it can be exhausted; named, so that there are more system calls.
static SMALL: SyncArena =
    SyncArena::options().reservation(1).name(c"interrupted").core_dumps(false).build_sync();
static MAIN: Blocks = Blocks::marked(0x5A);
static HANDLERS: Blocks = Blocks::marked(0xA5);

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap_or(handlers::LEAST)
}

/// Allocates and marks a block of `ARENA`.
fn allocate(owner: &Blocks, size: usize) {
    owner.keep(sure(ARENA.try_alloc_layout(layout(size)), "no memory"), layout(size));
}

/// What the operation got. To be marked in the end: every byte that is written here would be a step.
static BLOCK: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
const SIZE: usize = 200;

fn allocate_only() {
    BLOCK.store(sure(ARENA.try_alloc_layout(layout(SIZE)), "no memory").as_ptr(), Relaxed);
}

fn allocate_in_handler() {
    allocate(&HANDLERS, 100);
}

/// After `allocate_only`: both have their blocks, so many, and nothing is lost between them.
fn check_allocated(main: usize) {
    MAIN.keep(NonNull::new(BLOCK.load(Relaxed)).unwrap(), layout(SIZE));
    check_blocks(main, 1);
}

fn check_blocks(main: usize, handlers: usize) {
    assert_eq!((MAIN.count(), HANDLERS.count()), (main, handlers));
    handlers::check(&ARENA, &[&MAIN, &HANDLERS]);
    // And it can be used as before.
    allocate(&MAIN, 50_000);
    handlers::check(&ARENA, &[&MAIN, &HANDLERS]);
    assert!(ARENA.committed_bytes() >= ARENA.used_bytes());
    assert_eq!(v_alloc::process_committed_bytes(), ARENA.committed_bytes(), "the account of the process");
    assert_eq!(v_alloc::process_reserved_bytes(), ARENA.reserved_bytes(), "the account of the process");
}

#[test]
fn a_first_allocation() {
    holds_everywhere(
        "a_first_allocation",
        &Scene {
            before: || {},
            operation: allocate_only,
            handler: allocate_in_handler,
            after: || check_allocated(1),
        },
    );
}

#[test]
fn a_first_allocation_of_a_small_named_arena() {
    static GOT: AtomicUsize = AtomicUsize::new(0);
    /// Two blocks fill the page: one for the operation, one for the handler.
    fn take_half() {
        GOT.fetch_add(usize::from(SMALL.try_alloc_layout(layout(2048)).is_ok()), Relaxed);
    }
    holds_everywhere(
        "a_first_allocation_of_a_small_named_arena",
        &Scene {
            before: || {},
            operation: take_half,
            handler: take_half,
            after: || {
                assert_eq!((GOT.load(Relaxed), SMALL.used_bytes()), (2, 4096));
                assert!(SMALL.try_alloc(1_u8).is_err(), "it is full");
                assert_eq!((SMALL.used_bytes(), v_alloc::process_reserved_bytes()), (4096, 4096));
            },
        },
    );
}

#[test]
fn the_last_block_for_which_there_is_room() {
    static GOT: AtomicUsize = AtomicUsize::new(0);
    fn take_all() {
        GOT.fetch_add(usize::from(SMALL.try_alloc_layout(layout(4096)).is_ok()), Relaxed);
    }
    holds_everywhere(
        "the_last_block_for_which_there_is_room",
        &Scene {
            before: || {},
            operation: take_all,
            handler: take_all,
            after: || {
                assert_eq!((GOT.load(Relaxed), SMALL.used_bytes()), (1, 4096), "one gets it, one an error");
            },
        },
    );
}

#[test]
fn an_allocation_that_commits() {
    holds_everywhere(
        "an_allocation_that_commits",
        &Scene {
            before: || allocate(&MAIN, 16_300), // of 16 KiB, the first step
            operation: allocate_only,
            handler: allocate_in_handler,
            after: || check_allocated(2),
        },
    );
}

#[test]
fn a_warm_allocation() {
    holds_everywhere(
        "a_warm_allocation",
        &Scene {
            before: || allocate(&MAIN, SIZE),
            operation: allocate_only,
            handler: allocate_in_handler,
            after: || check_allocated(2),
        },
    );
}

#[test]
fn a_warm_allocation_interrupted_by_one_that_commits() {
    holds_everywhere(
        "a_warm_allocation_interrupted_by_one_that_commits",
        &Scene {
            before: || allocate(&MAIN, SIZE),
            operation: allocate_only,
            handler: || allocate(&HANDLERS, 100_000),
            after: || check_allocated(2),
        },
    );
}

#[test]
fn an_allocation_interrupted_by_one_of_a_local_arena() {
    holds_everywhere(
        "an_allocation_interrupted_by_one_of_a_local_arena",
        &Scene {
            before: || allocate(&MAIN, 16_300),
            operation: allocate_only,
            handler: || {
                let local = ARENA.local();
                HANDLERS.keep(sure(local.try_alloc_layout(layout(160)), "no memory"), layout(160));
                // What is left of its window goes back: nobody can have allocated meanwhile.
            },
            after: || check_allocated(2),
        },
    );
}

/// The size to which a block has grown in place; 0 if it has not.
static GROWN: AtomicUsize = AtomicUsize::new(0);

fn grow(new: usize) {
    let Some(block) = NonNull::new(MAIN.last()) else { return };
    // SAFETY: the block is the last one of its owner, of 200 bytes.
    if unsafe { ARENA.try_grow(block, SIZE, new) }.is_ok() {
        GROWN.store(new, Relaxed);
    }
}

fn check_growth() {
    if GROWN.load(Relaxed) > 0 {
        MAIN.last_has_grown(GROWN.load(Relaxed));
    }
    check_blocks(1, 1);
}

#[test]
fn a_growth_in_place() {
    holds_everywhere(
        "a_growth_in_place",
        &Scene {
            before: || allocate(&MAIN, SIZE),
            operation: || grow(5000),
            handler: allocate_in_handler,
            after: check_growth,
        },
    );
}

#[test]
fn a_growth_in_place_that_commits() {
    holds_everywhere(
        "a_growth_in_place_that_commits",
        &Scene {
            before: || allocate(&MAIN, SIZE),
            operation: || grow(50_000),
            handler: allocate_in_handler,
            after: check_growth,
        },
    );
}

#[test]
fn a_block_that_is_given_back() {
    holds_everywhere(
        "a_block_that_is_given_back",
        &Scene {
            before: || {
                allocate(&MAIN, SIZE);
                allocate(&MAIN, SIZE);
            },
            operation: || {
                let Some(block) = NonNull::new(MAIN.last()) else { return };
                // SAFETY: the header was written by `keep`, and begins with the one before.
                let before = unsafe { block.cast::<*mut u8>().read() };
                // SAFETY: the block is the last one of its owner, of 200 bytes, and not used again if it is given back.
                if unsafe { ARENA.try_shrink(block, SIZE, 0) }.is_ok() {
                    MAIN.last_is_gone(before);
                }
            },
            // Reads what it gets: of a block that was given back, the bytes must be zero again.
            handler: || {
                let zeroes = sure(ARENA.try_alloc_slice_zeroed::<u128>(10), "no memory");
                if zeroes.iter().any(|&word| word != 0) {
                    handlers::fatal("not zeroed");
                }
                HANDLERS.keep(NonNull::from(zeroes).cast(), Layout::new::<[u128; 10]>());
            },
            after: || {
                let main = MAIN.count();
                assert!(main == 1 || main == 2, "{main}");
                check_blocks(main, 1);
            },
        },
    );
}

#[test]
fn preparing() {
    holds_everywhere(
        "preparing",
        &Scene {
            before: || {},
            operation: || sure(ARENA.prepare(100_000), "no memory"),
            handler: allocate_in_handler,
            after: || {
                assert!(ARENA.committed_bytes() >= 100_000);
                check_blocks(0, 1);
            },
        },
    );
}

/// The life of an arena, whose range may be one that another left.
fn live(mark: u64) {
    let arena = Arena::new();
    let words = sure(arena.try_alloc_slice_zeroed::<u64>(1), "no memory");
    // Behind each of these steps the one may be interrupted by the other.
    if words != [0] {
        handlers::fatal("not zeroed");
    }
    words[0] = mark;
    if words != [mark] {
        handlers::fatal("two arenas have the same memory");
    }
}

const LIVES: Scene = Scene {
    before: || {},
    operation: || live(0x5A),
    handler: || live(0xA5),
    after: || {
        live(1);
        assert_eq!((v_alloc::process_reserved_bytes(), v_alloc::process_committed_bytes()), (0, 0));
    },
};

#[test]
fn the_first_life_of_an_arena() {
    holds_everywhere("the_first_life_of_an_arena", &LIVES);
}

#[test]
fn the_life_of_an_arena_whose_range_another_left() {
    let scene = Scene { before: || live(2), ..LIVES };
    holds_everywhere("the_life_of_an_arena_whose_range_another_left", &scene);
}

#[test]
fn claiming_an_arena() {
    static CLAIMS: AtomicUsize = AtomicUsize::new(0);
    fn claim() {
        if let Some(claim) = ARENA.try_claim() {
            CLAIMS.fetch_add(1, Relaxed);
            std::mem::forget(claim);
        }
    }
    holds_everywhere(
        "claiming_an_arena",
        &Scene {
            before: || {},
            operation: claim,
            handler: claim,
            after: || assert_eq!(CLAIMS.load(Relaxed), 1, "one has it"),
        },
    );
}

/// Who pushed it, and what says that it is whole.
type Pushed = (u64, [u64; 3]);
const BY_MAIN: Pushed = (1, [!1; 3]);
const BY_HANDLER: Pushed = (2, [!2; 3]);

static VEC: SyncVec<Pushed> = SyncVec::new();
/// What a push returned: its index, and a reference that must stay good.
static INDICES: [AtomicUsize; 2] = [const { AtomicUsize::new(usize::MAX) }; 2];

fn push(value: Pushed) {
    let (index, element) = sure(VEC.try_push(value), "no memory");
    INDICES[usize::from(value == BY_HANDLER)].store(index, Relaxed);
    if *element != value || VEC.get(index) != Some(&value) {
        handlers::fatal("a push published something else");
    }
}

fn push_in_handler() {
    push(BY_HANDLER);
    // What was published stays so, and nothing unfinished is seen.
    if VEC.as_slice().iter().any(|&(who, rest)| (who != 1 && who != 2) || rest != [!who; 3]) {
        handlers::fatal("a reader saw an unfinished element");
    }
}

fn check_vec(before: usize) {
    let mut expected = vec![BY_MAIN; before + 1];
    expected.push(BY_HANDLER);
    assert_eq!((VEC.claimed(), VEC.len()), (before + 2, before + 2), "nothing is lost, all is published");
    let mut elements = VEC.as_slice().to_vec();
    elements.sort_unstable();
    assert_eq!(elements, expected);
    assert_eq!(VEC[INDICES[0].load(Relaxed)], BY_MAIN);
    assert_eq!(VEC[INDICES[1].load(Relaxed)], BY_HANDLER);
    assert_eq!(v_alloc::process_committed_bytes(), VEC.committed_bytes(), "the account of the process");
}

#[test]
fn a_first_push() {
    holds_everywhere(
        "a_first_push",
        &Scene {
            before: || {},
            operation: || push(BY_MAIN),
            handler: push_in_handler,
            after: || check_vec(0),
        },
    );
}

#[test]
fn a_push_that_commits() {
    holds_everywhere(
        "a_push_that_commits",
        &Scene {
            before: || (0..512).for_each(|_| push(BY_MAIN)), // 16 KiB, the first step
            operation: || push(BY_MAIN),
            handler: push_in_handler,
            after: || check_vec(512),
        },
    );
}

#[test]
fn a_warm_push() {
    holds_everywhere(
        "a_warm_push",
        &Scene {
            before: || push(BY_MAIN),
            operation: || push(BY_MAIN),
            handler: push_in_handler,
            after: || check_vec(1),
        },
    );
}

#[test]
fn reading_a_vector() {
    holds_everywhere(
        "reading_a_vector",
        &Scene {
            before: || (0..3).for_each(|_| push(BY_MAIN)),
            operation: || {
                let slice = VEC.as_slice();
                if slice.len() < 3
                    || slice[..3] != [BY_MAIN; 3]
                    || slice.get(3).is_some_and(|&last| last != BY_HANDLER)
                {
                    handlers::fatal("a reader was misled");
                }
            },
            handler: push_in_handler,
            after: || {
                INDICES[0].store(0, Relaxed);
                check_vec(2);
            },
        },
    );
}

static SWAP: SwapVec<Pushed> = SwapVec::new();
/// How many elements of each owner were drained.
static DRAINED: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

fn push_to_swap(value: Pushed) {
    sure(SWAP.try_push(value), "no memory");
}

/// Drains if nobody else does, and counts.
fn try_drain() -> bool {
    let Some(drained) = SWAP.try_drain() else { return false };
    for &element in &*drained {
        match element {
            BY_MAIN => DRAINED[0].fetch_add(1, Relaxed),
            BY_HANDLER => DRAINED[1].fetch_add(1, Relaxed),
            _ => handlers::fatal("drained an unfinished element"),
        };
    }
    true
}

/// When nobody is interrupted any more, two drains reach both sides.
fn check_swap(main: usize, handlers: usize) {
    assert!(try_drain() && try_drain() && try_drain(), "nobody else drains");
    let drained = [0, 1].map(|owner| DRAINED[owner].load(Relaxed));
    assert_eq!(drained, [main, handlers], "nothing is lost or doubled");
    push_to_swap(BY_MAIN);
    assert!(try_drain() && DRAINED[0].load(Relaxed) == main + 1, "and it works on");
}

#[test]
fn a_push_to_a_buffer_of_two_sides() {
    holds_everywhere(
        "a_push_to_a_buffer_of_two_sides",
        &Scene {
            before: || push_to_swap(BY_MAIN),
            operation: || push_to_swap(BY_MAIN),
            handler: || push_to_swap(BY_HANDLER),
            after: || check_swap(2, 1),
        },
    );
}

#[test]
fn a_push_interrupted_by_a_drain() {
    holds_everywhere(
        "a_push_interrupted_by_a_drain",
        &Scene {
            before: || push_to_swap(BY_MAIN),
            operation: || push_to_swap(BY_MAIN),
            handler: || {
                push_to_swap(BY_HANDLER);
                try_drain();
                push_to_swap(BY_HANDLER);
                try_drain();
                push_to_swap(BY_HANDLER);
            },
            after: || check_swap(2, 3),
        },
    );
}

#[test]
fn a_drain_interrupted_by_a_push_and_a_drain() {
    holds_everywhere(
        "a_drain_interrupted_by_a_push_and_a_drain",
        &Scene {
            before: || (0..3).for_each(|_| push_to_swap(BY_MAIN)),
            operation: || {
                try_drain();
            },
            handler: || {
                push_to_swap(BY_HANDLER);
                try_drain();
                push_to_swap(BY_HANDLER);
            },
            after: || check_swap(3, 2),
        },
    );
}

#[test]
fn preparing_a_buffer_of_two_sides() {
    holds_everywhere(
        "preparing_a_buffer_of_two_sides",
        &Scene {
            before: || {
                // Both sides have been used.
                push_to_swap(BY_MAIN);
                try_drain();
                push_to_swap(BY_MAIN);
            },
            operation: || sure(SWAP.prepare(100), "no memory"),
            handler: || {
                push_to_swap(BY_HANDLER);
                try_drain();
                push_to_swap(BY_HANDLER);
            },
            after: || check_swap(2, 2),
        },
    );
}

/// A clean run means something only if an arena that is not reentrant is caught, at the few instructions where it is not.
#[test]
fn an_arena_that_is_not_reentrant_would_be_found() {
    struct Naive {
        memory: [Cell<u8>; 64],
        cursor: Cell<usize>,
    }
    // SAFETY: only one thread uses it, which is the point.
    unsafe impl Sync for Naive {}
    static NAIVE: Naive = Naive { memory: [const { Cell::new(0) }; 64], cursor: Cell::new(0) };
    static ADDRESSES: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    fn take(owner: usize) {
        let cursor = NAIVE.cursor.get();
        std::hint::black_box(cursor);
        NAIVE.cursor.set(cursor + 8);
        ADDRESSES[owner].store(ptr::from_ref(&NAIVE.memory[cursor]).addr(), Relaxed);
    }
    common::isolated("an_arena_that_is_not_reentrant_would_be_found", || {
        let (instructions, failures) = interrupt_everywhere(&Scene {
            before: || {},
            operation: || take(0),
            handler: || take(1),
            after: || assert_ne!(ADDRESSES[0].load(Relaxed), ADDRESSES[1].load(Relaxed), "seeded"),
        });
        assert!(failures > 0 && usize::from(failures) < instructions, "{failures} of {instructions}");
    });
}
