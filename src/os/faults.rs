//! Failures on demand, for the unit tests: the fallible system calls with a counter in front.
//!
//! [`fail_each_call`] runs a scenario again and again and lets another of its system calls fail each time.

use super::{OsError, Pages, Placement, platform};
use core::ptr::NonNull;
use std::cell::Cell;
use std::ffi::OsString;
use std::format;
use std::process::{Command, Output};
use std::string::String;
use std::vec::Vec;

/// Tells a child process which test it is, and which case of it.
const CHILD: &str = "V_ALLOC_TEST_CASE";

/// Set to what runs the tests' executables, where the kernel cannot.
const RUNNER: &str = "V_ALLOC_TEST_RUNNER";

/// The code of an injected failure; no real call returns it.
pub(crate) const INJECTED: i32 = 4242;

std::thread_local! {
    /// System calls until one fails.
    static PLAN: Cell<Option<usize>> = const { Cell::new(None) };
    /// The call that failed.
    static FAILED: Cell<Option<Call>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Reserve,
    Commit,
    Decommit,
    Discard,
    Release,
}

/// Lets the system call after the next `calls` fail while `scenario` runs. Tells which one it was, if it came
/// to that.
pub(crate) fn fail_after(calls: usize, scenario: impl FnOnce()) -> Option<Call> {
    PLAN.set(Some(calls));
    FAILED.set(None);
    scenario();
    PLAN.set(None);
    FAILED.get()
}

/// Runs `scenario` with its first system call failing, then its second, until it makes no more; returns those
/// that failed. `after` is called after each run.
pub(crate) fn fail_each_call(mut scenario: impl FnMut(), mut after: impl FnMut(Call)) -> Vec<Call> {
    let failures = (0..usize::MAX).map_while(|calls| fail_after(calls, &mut scenario));
    failures.inspect(|&call| after(call)).collect()
}

/// In a process that [`child`] made of this test: which of its cases it is to be. `name` is the test's whole path.
pub(crate) fn case_of_child(name: &str) -> Option<String> {
    let variable = std::env::var(CHILD).ok()?;
    variable.strip_prefix(name)?.strip_prefix(' ').map(String::from)
}

/// Runs the test once more, in a process of its own, which finds `case` in [`case_of_child`].
pub(crate) fn child(name: &str, case: &str) -> Output {
    let executable = std::env::current_exe().expect("a test has an executable");
    // Where the kernel cannot start it by itself, this says how: an emulator and its arguments.
    let runner = std::env::var(RUNNER).unwrap_or_default();
    let mut command = runner.split_whitespace().map(OsString::from).chain([executable.into_os_string()]);
    let mut child = Command::new(command.next().expect("there is an executable"));
    let output = child.args(command).args([name, "--exact"]).env(CHILD, format!("{name} {case}")).output();
    output.expect("the test's executable can be run again")
}

/// Whether qemu's user mode runs the tests, as far as `ci/aarch64.sh` says so.
#[cfg(unix)]
pub(crate) fn are_emulated() -> bool {
    std::env::var_os(RUNNER).is_some()
}

/// Runs a test in a process of its own, for what is counted by process. `name` is its whole path.
pub(crate) fn alone(name: &str, test: impl FnOnce()) {
    if case_of_child(name).is_some() {
        return test();
    }
    let output = child(name, "alone");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

fn trip(call: Call) -> Result<(), OsError> {
    let left = PLAN.get();
    PLAN.set(left.and_then(|calls| calls.checked_sub(1)));
    if left == Some(0) {
        FAILED.set(Some(call));
        return Err(OsError(INJECTED));
    }
    Ok(())
}

pub(crate) fn reserve(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    trip(Call::Reserve)?;
    platform::reserve(size, placement)
}

pub(crate) fn reserve_accessible(size: Pages, placement: Placement) -> Result<NonNull<u8>, OsError> {
    trip(Call::Reserve)?;
    platform::reserve_accessible(size, placement)
}

/// # Safety
/// As `platform::commit`.
pub(crate) unsafe fn commit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip(Call::Commit)?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::commit(start, size) }
}

/// # Safety
/// As `platform::decommit`.
pub(crate) unsafe fn decommit(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip(Call::Decommit)?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::decommit(start, size) }
}

/// # Safety
/// As `platform::discard`.
pub(crate) unsafe fn discard(start: NonNull<u8>, size: Pages) -> Result<bool, OsError> {
    trip(Call::Discard)?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::discard(start, size) }
}

/// # Safety
/// As `platform::release`.
pub(crate) unsafe fn release(start: NonNull<u8>, size: Pages) -> Result<(), OsError> {
    trip(Call::Release)?;
    // SAFETY: forwarded from the caller.
    unsafe { platform::release(start, size) }
}
