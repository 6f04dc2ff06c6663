//! The handler: who writes the report, on which stack, and how the process ends.
//!
//! All memory is prepared when the program starts. The handler makes plain system calls (`open`, `read`, `write`,
//! `gettid`, `sigaction`) and touches neither the heap nor a thread-local, in whatever state they are.

use super::report;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{forget, zeroed};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};
use v_alloc::{SyncArena, SyncVec};

/// What the handler allocates from. With a name, so that the map in the report shows it.
static REPORT: SyncArena = SyncArena::options().reservation(4 << 20).name(c"crash report").build_sync();
const PREPARED: usize = 512 << 10;
/// Stacks for the handler: the thread's own may be what has overflowed.
static STACKS: SyncArena = SyncArena::options().reservation(64 << 20).build_sync();
const STACK: usize = 64 << 10;

/// A thread that has a stack for the handler. A list instead of thread-locals.
pub struct Thread {
    pub id: c_int,
    pub name: &'static str,
}

pub static THREADS: SyncVec<Thread> = SyncVec::with_capacity_limit(1000);
/// How many threads have come to the handler.
pub static CRASHED: AtomicUsize = AtomicUsize::new(0);
/// The one that writes the report.
static REPORTER: AtomicI32 = AtomicI32::new(0);

/// What a handler is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Handler {
    /// Prepared arenas.
    Arena,
    /// The heap, for comparison: what not to do.
    Heap,
}

const SIGNALS: [c_int; 3] = [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS];

/// Prepares the memory and installs the handler.
pub fn install(which: Handler) -> io::Result<()> {
    REPORT.prepare(PREPARED).map_err(io::Error::other)?;
    report::FRAMES.prepare(report::MOST_FRAMES).map_err(io::Error::other)?;
    THREADS.prepare(1000).map_err(io::Error::other)?;
    // SAFETY: a structure of numbers; then the handler is one for three arguments, as the flag says.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        let handler = if which == Handler::Arena { on_crash } else { on_crash_with_the_heap };
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut action.sa_mask); // nothing interrupts the report
        SIGNALS.iter().try_for_each(|&signal| check(libc::sigaction(signal, &raw const action, null_mut())))
    }
}

/// Gives this thread a stack for the handler, and a name in the report.
pub fn for_this_thread(name: &'static str) -> io::Result<()> {
    let stack = STACKS.try_alloc_slice_zeroed::<u8>(STACK).map_err(io::Error::other)?;
    let stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: STACK };
    // SAFETY: the stack is memory of a `static`, and nobody else's.
    check(unsafe { libc::sigaltstack(&raw const stack, null_mut()) })?;
    // SAFETY: it only returns a number.
    let id = unsafe { libc::gettid() };
    THREADS.try_push(Thread { id, name }).map_err(|error| io::Error::other(error.error))?;
    Ok(())
}

unsafe extern "C" fn on_crash(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: it only returns a number.
    let thread = unsafe { libc::gettid() };
    CRASHED.fetch_add(1, Relaxed);
    match REPORT.try_claim() {
        Some(claim) => {
            REPORTER.store(thread, Relaxed);
            // SAFETY: the system passes both.
            let (info, context) = unsafe { (&*info, &*context.cast::<libc::ucontext_t>()) };
            report::write(claim.arena(), signal, thread, info, context);
            forget(claim); // nobody writes a second report
        }
        // Writing the report has aborted: what is written of it is all there is.
        None if REPORTER.load(Relaxed) == thread => {}
        // Another thread writes the report, and then ends the process.
        None => loop {
            // SAFETY: it waits for a signal.
            unsafe { libc::pause() };
        },
    }
    end_by(signal);
}

/// As the same crash would have ended the process without a handler: its parent is told the signal.
fn end_by(signal: c_int) {
    // SAFETY: the signal waits until the handler returns, and then ends the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// What many handlers do. It works in every test that has a sane heap.
unsafe extern "C" fn on_crash_with_the_heap(signal: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    // If the heap fails here, the process ends by it.
    for signal in SIGNALS {
        // SAFETY: numbers only.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut text = format!("{}{signal}\n", report::FIRST_LINE);
    if let Ok(map) = std::fs::read_to_string("/proc/self/maps") {
        text += &map;
    }
    text += report::LAST_LINE;
    report::send(text.as_bytes());
    end_by(signal);
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
