//! The signal handler, and what makes the signals: a timer for each profiled thread.
//!
//! A handler may not touch thread-locals, so what it must know of its thread comes with the signal: the timer was told
//! the address of a record in an arena, whose memory stays.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::zeroed;
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use v_alloc::{SwapVec, SyncArena};

/// Frames of a sample; those further out are left off.
const DEPTH: usize = 64;

/// Where a thread was: the addresses of its functions, the innermost first.
pub struct Sample {
    frames: [usize; DEPTH],
    len: usize,
}

impl Sample {
    pub fn frames(&self) -> &[usize] {
        &self.frames[..self.len.min(DEPTH)]
    }
}

/// At most so many between two drains.
pub static SAMPLES: SwapVec<Sample> = SwapVec::with_capacity_limit(1 << 16);
/// Samples for which there was no room.
pub static LOST: AtomicUsize = AtomicUsize::new(0);
/// Signals that would have come while an earlier one was waiting: the thread did not run, or not fast enough.
pub static MERGED: AtomicUsize = AtomicUsize::new(0);

static THREADS: SyncArena = SyncArena::new();

/// What the handler must know of a thread.
struct Thread {
    /// The address behind its stack.
    stack_end: usize,
}

/// Makes everything that the handler uses, before the first signal.
pub fn install() -> io::Result<()> {
    SAMPLES.prepare(4096).map_err(io::Error::other)?;
    // SAFETY: a structure of numbers; then the handler is one for three arguments, as the flag says.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        check(libc::sigaction(libc::SIGPROF, &raw const action, null_mut()))
    }
}

/// Runs `work` while a timer interrupts this thread, so many times a second.
///
/// The timer counts real time: those that count a thread's own are only looked at some hundred times a second.
pub fn profiled<R>(frequency: i64, work: impl FnOnce() -> R) -> io::Result<R> {
    let thread = THREADS.try_alloc(Thread { stack_end: stack_end()? });
    let thread = thread.map_err(io::Error::other)?;
    let mut timer = null_mut();
    // SAFETY: structures of numbers, valid when the system is told of them; the record lives as long as the program.
    unsafe {
        let mut event: libc::sigevent = zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_value.sival_ptr = from_mut(thread).cast();
        event.sigev_notify_thread_id = libc::gettid();
        check(libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer))?;
        let period = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000_000 / frequency };
        let schedule = libc::itimerspec { it_interval: period, it_value: period };
        check(libc::timer_settime(timer, 0, &raw const schedule, null_mut()))?;
    }
    let result = work();
    // SAFETY: the timer was made above.
    check(unsafe { libc::timer_delete(timer) })?;
    Ok(result)
}

/// Only arithmetic, loads from the thread's own stack, and a push: no system call, no lock, `errno` as it was.
unsafe extern "C" fn on_signal(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes both. If the signal is a timer's, its value is the address of a record, which is never
    // freed, and the sixth number of the structure counts the signals that this one stands for, besides itself.
    let (thread, merged, context) = unsafe {
        if (*info).si_code != libc::SI_TIMER {
            return;
        }
        let thread = (*info).si_value().sival_ptr.cast::<Thread>();
        (&*thread, info.cast::<c_int>().add(5).read(), &*context.cast::<libc::ucontext_t>())
    };
    if SAMPLES.try_push(walk(context, thread.stack_end)).is_err() {
        LOST.fetch_add(1, Relaxed);
    }
    MERGED.fetch_add(usize::try_from(merged).unwrap_or(0), Relaxed);
}

/// Follows the frame pointers. Where code has none, the register may hold anything: so only what lies in the stack,
/// further out each time, is read. The report finds out whether the way led to the root.
fn walk(context: &libc::ucontext_t, stack_end: usize) -> Sample {
    let (pc, stack, mut frame) = registers(context);
    let mut sample = Sample { frames: [pc; DEPTH], len: 1 };
    let mut least = stack;
    while sample.len < DEPTH && frame >= least && frame % 8 == 0 && frame.saturating_add(16) <= stack_end {
        // SAFETY: two words between the stack pointer and the end of the stack.
        let [next, back] = unsafe { std::ptr::with_exposed_provenance::<[usize; 2]>(frame).read() };
        // One less: the call, not what comes after it.
        sample.frames[sample.len] = back.wrapping_sub(1);
        sample.len += 1;
        (least, frame) = (frame + 16, next);
    }
    sample
}

/// Where the interrupted code was, its stack pointer and its frame pointer.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "registers are words")]
fn registers(context: &libc::ucontext_t) -> (usize, usize, usize) {
    let of = |name: c_int| context.uc_mcontext.gregs[name as usize] as usize;
    (of(libc::REG_RIP), of(libc::REG_RSP), of(libc::REG_RBP))
}

#[cfg(target_arch = "aarch64")]
#[allow(clippy::cast_possible_truncation, reason = "registers are words")]
fn registers(context: &libc::ucontext_t) -> (usize, usize, usize) {
    let machine = &context.uc_mcontext;
    (machine.pc as usize, machine.sp as usize, machine.regs[29] as usize)
}

/// The address behind this thread's stack.
fn stack_end() -> io::Result<usize> {
    // SAFETY: the attributes are made by the first call, read by the second, and destroyed.
    unsafe {
        let mut attributes: libc::pthread_attr_t = zeroed();
        let failed = libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes);
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        let (mut start, mut size) = (null_mut(), 0);
        libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size);
        libc::pthread_attr_destroy(&raw mut attributes);
        Ok(start.addr() + size)
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
