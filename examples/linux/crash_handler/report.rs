//! The report, line by line: each is formatted into the arena and written at once, so that what is known is not lost if
//! a later step fails. Nothing here panics: what is missing is left out.

use super::handler::{CRASHED, THREADS};
use super::maps::Maps;
use super::registers::{Registers, ends_with_call};
use std::ffi::c_int;
use std::fmt::Arguments;
use std::ptr::with_exposed_provenance;
use std::sync::atomic::Ordering::Relaxed;
use v_alloc::{SyncArena, SyncVec};

/// A report begins with this and the number of the signal.
pub const FIRST_LINE: &str = "crash report: signal ";
pub const LAST_LINE: &str = "end of report\n";

/// Where the stack walk puts what it finds: the address, and whether it is only a guess.
pub static FRAMES: SyncVec<(usize, bool)> = SyncVec::with_capacity_limit(MOST_FRAMES);
pub const MOST_FRAMES: usize = 64;

/// Writes the report to standard output, which is a pipe here.
pub fn write(
    arena: &SyncArena,
    signal: c_int,
    thread: c_int,
    info: &libc::siginfo_t,
    context: &libc::ucontext_t,
) {
    let line = |arguments: Arguments<'_>| {
        if let Ok(text) = arena.try_alloc_fmt(arguments) {
            send(text.as_bytes());
        }
    };
    let registers = Registers::of(context);
    line(format_args!("{FIRST_LINE}{signal}\n"));
    if info.si_code > 0 {
        // SAFETY: the processor made the signal, and so it has an address.
        line(format_args!("  code {}, address {:#x}\n", info.si_code, unsafe { info.si_addr() }.addr()));
    }
    for known in &THREADS {
        let mark = if known.id == thread { "  <- this one" } else { "" };
        line(format_args!("  thread {} {}{mark}\n", known.id, known.name));
    }
    registers.each(|name, value| line(format_args!("  register {name:<4} {value:#018x}\n")));
    if let Some(maps) = Maps::read(arena) {
        walk(&maps, &registers);
        for &(address, guess) in &FRAMES {
            line(format_args!("  frame {address:#018x}{}\n", if guess { " ?" } else { "" }));
        }
        line(format_args!("memory map:\n"));
        send(maps.text);
    }
    line(format_args!("end of map\n  {} bytes of the arena in use\n", arena.used_bytes()));
    line(format_args!("  threads that have crashed: {}\n", CRASHED.load(Relaxed)));
    line(format_args!("{LAST_LINE}"));
}

/// Of the stack, at most so many bytes are looked at.
const DEPTH: usize = 64 << 10;

/// Whatever in the stack is an address behind a call: sure where the frame pointers lead there, else a guess. Only the
/// mapped stack is read, and mapped code: the registers may hold anything.
fn walk(maps: &Maps<'_>, registers: &Registers) {
    let add = |address: usize, guess: bool| FRAMES.try_push((address, guess)).is_ok();
    add(registers.pc, false);
    let Some(stack) = maps.writable_from(registers.sp) else { return };
    // SAFETY: the words lie between the stack pointer and the end of its mapping; this thread does nothing else there.
    let word = |address: usize| unsafe { with_exposed_provenance::<usize>(address).read_volatile() };
    let mut frame = registers.fp;
    for address in stack.step_by(size_of::<usize>()).take(DEPTH / size_of::<usize>()) {
        // A frame is two words: where the next one is, and where to return to.
        let linked = address.checked_sub(size_of::<usize>()) == Some(frame) && frame >= registers.sp;
        if linked {
            frame = word(frame);
        }
        let back = word(address);
        // One less: the call, not what comes after it.
        if maps.code_before(back).is_some_and(ends_with_call) && !add(back - 1, !linked) {
            break;
        }
    }
}

/// Writes all of it; signals are blocked, so nothing interrupts.
pub fn send(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are valid.
        let written = unsafe { libc::write(libc::STDOUT_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) => return, // nobody reads it any more
        }
    }
}
