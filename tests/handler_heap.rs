//! A handler that allocates calls no `malloc` or one of its kin: all of them are replaced here, for Rust and for the C
//! library, by some that end the process if a handler is running.
#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
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
use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};
use v_alloc::{SwapVec, SyncArena, SyncVec};

/// The thread that is in a handler, or 0.
static HANDLING: AtomicI32 = AtomicI32::new(0);
/// Calls of each kind outside of handlers: of Rust's allocator, and of the C library's.
static OUTSIDE: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

fn not_in_a_handler(kind: usize) {
    OUTSIDE[kind].fetch_add(1, Relaxed);
    let handling = HANDLING.load(Relaxed);
    if handling != 0 && handling == handlers::thread_id() {
        handlers::fatal("the heap is used in a handler\n");
    }
}

struct Outside;

#[global_allocator]
static HEAP: Outside = Outside;

// SAFETY: it is the system's.
unsafe impl GlobalAlloc for Outside {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        not_in_a_handler(0);
        // SAFETY: forwarded from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        not_in_a_handler(0);
        // SAFETY: forwarded from the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The C library's functions, each under its own name, with a check before.
macro_rules! replaced {
    ($($name:ident = $real:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            unsafe extern "C" {
                fn $real($($argument: $type),*) $(-> $result)?;
            }
            not_in_a_handler(1);
            // SAFETY: forwarded from the caller.
            unsafe { $real($($argument),*) }
        }
    )*};
}

replaced! {
    malloc = __libc_malloc(size: usize) -> *mut c_void;
    calloc = __libc_calloc(count: usize, size: usize) -> *mut c_void;
    realloc = __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    free = __libc_free(block: *mut c_void);
    memalign = __libc_memalign(align: usize, size: usize) -> *mut c_void;
    aligned_alloc = __libc_memalign(align: usize, size: usize) -> *mut c_void;
    valloc = __libc_valloc(size: usize) -> *mut c_void;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: forwarded from the caller.
    let block = unsafe { memalign(align, size) };
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller's place for the result.
    unsafe { place.write(block) };
    0
}

static ARENA: SyncArena = SyncArena::new();
static NAMED: SyncArena =
    SyncArena::options().reservation(1 << 24).name(c"handler").core_dumps(false).build_sync();
static EVENTS: SyncVec<[u64; 4]> = SyncVec::new();
static SAMPLES: SwapVec<[u64; 4]> = SwapVec::new();

/// First allocations, some that commit, and all kinds of them.
fn use_everything() {
    for arena in [&ARENA, &NAMED] {
        for size in 1..300 {
            let layout = Layout::from_size_align(size, 1 << (size % 8)).unwrap_or(Layout::new::<u8>());
            let block = sure(arena.try_alloc_layout(layout), "no memory");
            // SAFETY: the block is new; then it is given back, and not used again.
            unsafe {
                block.write_bytes(1, size);
                if arena.try_grow(block, size, 2 * size).is_ok() && size % 2 == 0 {
                    let _ = arena.try_shrink(block, 2 * size, 0);
                }
            }
        }
        let text = sure(arena.try_alloc_fmt(format_args!("{} of {:?}", 1, "handler")), "no memory");
        sure(arena.try_alloc_slice_fill_iter(text.bytes()), "no memory");
        sure(arena.try_alloc_slice_zeroed::<u64>(10_000), "no memory");
        sure(arena.prepare(100_000), "no memory");
        let local = sure(arena.try_claim().ok_or(()), "claimed").arena().local();
        sure(local.try_alloc_str("local"), "no memory");
    }
    for number in 0..5000 {
        sure(EVENTS.try_push([number; 4]), "no memory");
        sure(SAMPLES.try_push([number; 4]), "no memory");
    }
    sure((EVENTS.as_slice().len() == 5000).then_some(()).ok_or(()), "not all is published");
    sure(SAMPLES.try_drain().filter(|drained| drained.len() == 5000).ok_or(()), "not all is drained");
}

extern "C" fn handler(signal: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    HANDLING.store(handlers::thread_id(), Relaxed);
    if signal == libc::SIGUSR1 {
        use_everything();
    } else {
        // SAFETY: a text with an end.
        std::hint::black_box(unsafe { libc::strdup(c"seeded".as_ptr()) });
    }
    HANDLING.store(0, Relaxed);
}

fn raise(signal: c_int) {
    // SAFETY: there is a handler.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

#[test]
fn the_heap_is_not_used_in_a_handler() {
    common::isolated("the_heap_is_not_used_in_a_handler", || {
        handlers::handle(libc::SIGUSR1, 0, handler);
        raise(libc::SIGUSR1);
        assert_eq!(EVENTS.len(), 5000, "the handler ran");
    });
}

#[test]
fn the_heap_in_a_handler_would_be_found() {
    unsafe extern "C" {
        fn strdup(text: *const c_char) -> *mut c_char;
    }
    let before = [0, 1].map(|kind| OUTSIDE[kind].load(Relaxed));
    drop(std::hint::black_box(Box::new(1)));
    assert!(OUTSIDE[0].load(Relaxed) > before[0], "Rust's allocator is replaced");
    // SAFETY: a text with an end; the copy is freed.
    unsafe { free(std::hint::black_box(strdup(c"seeded".as_ptr())).cast()) };
    assert!(OUTSIDE[1].load(Relaxed) > before[1], "the C library's is replaced, for the library itself");
    let died = common::killed("the_heap_in_a_handler_would_be_found", || {
        handlers::handle(libc::SIGUSR2, 0, handler);
        raise(libc::SIGUSR2);
    });
    let (signal, said) = died.unwrap();
    assert_eq!(signal, common::SIGABRT);
    assert!(said.contains("the heap is used in a handler"), "{said}");
}
