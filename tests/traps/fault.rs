//! A mistake in a child process, and where the processor met it.

use crate::common::faulted;
use std::ffi::{c_int, c_void};
use std::ptr;

/// Makes a stale pointer in a child process and uses it there; it must die of that, by a fault at that address.
pub fn faults_there(test: &str, mistake: impl FnOnce(*mut u8), stale: impl FnOnce() -> *mut u8) {
    let said = faulted(test, || {
        report_faults();
        let address = stale();
        eprintln!("about to use {:#018x}", address.addr());
        mistake(address);
    });
    let after = |words: &str| {
        let start = said.find(words).unwrap_or_else(|| panic!("no \"{words}\" in {said}")) + words.len();
        said[start..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(after("fault at "), after("about to use "), "{said}");
}

/// From now on a handler, on a stack of its own, says where a fault is, and lets it end the process.
fn report_faults() {
    let stack = Box::leak(vec![0_u8; 64 << 10].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: the stack is never freed; all zeroes are a `sigaction` with an empty mask, and the handler takes three
    // arguments, as SA_SIGINFO says.
    unsafe {
        assert_eq!(libc::sigaltstack(&raw const stack, ptr::null_mut()), 0);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as extern "C" fn(_, _, _) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &raw const action, ptr::null_mut()), 0);
    }
}

/// By SA_RESETHAND the instruction that is tried again after it ends the process.
extern "C" fn on_fault(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes it to a handler with SA_SIGINFO, and a fault has an address.
    let address = unsafe { (*info).si_addr() }.addr();
    let mut line = *b"fault at 0x0000000000000000\n";
    for (place, shift) in line[11..27].iter_mut().zip((0..64).step_by(4).rev()) {
        *place = b"0123456789abcdef"[address >> shift & 15];
    }
    // SAFETY: the line is as long as it says.
    unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
}
