//! What the tests of the contracts ask Windows.

use core::ffi::{c_char, c_void};
use core::ops::Range;
use std::format;
use std::process::ExitStatus;
use std::string::String;
use std::vec::Vec;
use windows_sys::Win32::Foundation::{ERROR_COMMITMENT_LIMIT, SetLastError};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_FREE, MEMORY_BASIC_INFORMATION, PAGE_READWRITE, VirtualQuery,
};

/// A page, and whether it is in the working set.
#[repr(C)]
struct Page {
    address: usize,
    attributes: usize,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    safe fn GetCurrentProcess() -> *mut c_void;
    fn GetModuleHandleA(name: *const c_char) -> *mut c_void;
    fn GetProcAddress(library: *mut c_void, name: *const c_char) -> *const c_void;
    fn K32QueryWorkingSetEx(process: *mut c_void, pages: *mut Page, bytes: u32) -> i32;
}

fn query(address: usize) -> MEMORY_BASIC_INFORMATION {
    let mut info = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: `info` is a valid place to write to, of the size given.
    let written =
        unsafe { VirtualQuery(core::ptr::without_provenance(address), &mut info, size_of_val(&info)) };
    assert_ne!(written, 0);
    info
}

/// Whether the page of this address is committed, for reading and writing.
pub(super) fn is_accessible(address: *const u8) -> bool {
    let info = query(address.addr());
    info.State == MEM_COMMIT && info.Protect == PAGE_READWRITE
}

/// Whether anything is at the page of this address.
pub(super) fn is_mapped(address: usize) -> bool {
    query(address).State != MEM_FREE
}

/// All that the system reserved for a range: with the slack before it.
pub(super) fn mapping(start: *const u8, end: *const u8) -> (usize, usize) {
    (query(start.addr()).AllocationBase.addr(), end.addr())
}

/// Sets the last-error code, and returns its value.
pub(super) fn set_error_code() -> i32 {
    // SAFETY: writes a number of this thread.
    unsafe { SetLastError(4321) };
    4321
}

/// How many pages of the range of addresses are resident.
pub(super) fn resident_pages(range: Range<usize>) -> usize {
    let page = |address| Page { address, attributes: 0 };
    let mut pages: Vec<Page> = range.step_by(crate::os::page_bytes()).map(page).collect();
    let bytes = u32::try_from(size_of_val(&*pages)).unwrap();
    // SAFETY: the pages' number is given, and each is a valid place to write to.
    let done = unsafe { K32QueryWorkingSetEx(GetCurrentProcess(), pages.as_mut_ptr(), bytes) };
    assert_ne!(done, 0, "{}", std::io::Error::last_os_error());
    pages.iter().filter(|page| page.attributes & 1 == 1).count()
}

/// Whether the system counts the page of this address as memory that it has promised. Here that is what being committed
/// means. (Wine has the state, and no charge.)
pub(super) fn is_charged(address: usize) -> Option<bool> {
    Some(query(address).State == MEM_COMMIT)
}

/// What an access that is not allowed ends a process with, and what this one ended with.
pub(super) fn fault(status: ExitStatus) -> Result<(), String> {
    const STATUS_ACCESS_VIOLATION: i32 = 0xC000_0005_u32.cast_signed();
    if status.code() == Some(STATUS_ACCESS_VIOLATION) {
        Ok(())
    } else {
        Err(format!("not by an access violation, but {status}"))
    }
}

/// A process that is to die leaves no file behind; by default, none does here.
pub(super) fn no_core_file() {}

/// How much the system will refuse to commit, and with which code. `None` where it never does: Wine, whose memory is
/// Linux's, which charges for nothing that is mapped as Wine maps it.
pub(super) fn refused_commit() -> Option<(usize, i32)> {
    let more_than_any_limit = usize::try_from(1_u64 << 40).ok()?;
    (!is_wine()).then_some((more_than_any_limit, ERROR_COMMITMENT_LIMIT.cast_signed()))
}

fn is_wine() -> bool {
    // SAFETY: both names are zero-terminated, and the library is part of each process.
    unsafe {
        !GetProcAddress(GetModuleHandleA(c"ntdll.dll".as_ptr()), c"wine_get_version".as_ptr()).is_null()
    }
}
