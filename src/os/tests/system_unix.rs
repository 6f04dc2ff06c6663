//! What the tests of the contracts ask a Unix.

use core::ffi::{c_int, c_void};
use core::ops::Range;
use std::format;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::string::String;
use std::vec;
use std::vec::Vec;

unsafe extern "C" {
    fn mincore(start: *mut c_void, bytes: usize, pages: *mut u8) -> c_int;
    fn write(file: i32, bytes: *const u8, count: usize) -> isize;
}

/// Lets the kernel read the byte: it answers EFAULT where a load would end the process.
pub(super) fn is_accessible(address: *const u8) -> bool {
    let (socket, _other_end) = UnixStream::pair().unwrap();
    // SAFETY: the kernel checks the address, and the socket is open.
    unsafe { write(socket.as_raw_fd(), address, 1) == 1 }
}

/// Whether anything is at the page of this address: if not, a new mapping that would like to be there is. (`msync` knows more
/// directly; but to qemu's user mode it tells of what the emulator itself keeps there.)
pub(super) fn is_mapped(address: usize) -> bool {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    let (there, page) = (core::ptr::without_provenance_mut(address), crate::os::page_bytes());
    // SAFETY: only the new mapping is changed, of which nobody knows; what is there already stays.
    unsafe {
        mmap_anonymous(there, page, ProtFlags::empty(), MapFlags::PRIVATE)
            .is_ok_and(|mapped| munmap(mapped, page).is_ok() && mapped != there)
    }
}

/// All that the system reserved for a range: nothing else here.
pub(super) fn mapping(start: *const u8, end: *const u8) -> (usize, usize) {
    (start.addr(), end.addr())
}

/// Sets `errno`, and returns its value.
pub(super) fn set_error_code() -> i32 {
    // SAFETY: there is no such file, and nothing to write.
    assert_eq!(unsafe { write(-1, core::ptr::null(), 0) }, -1);
    rustix::io::Errno::BADF.raw_os_error()
}

/// How many pages of the range of addresses are resident. (qemu's user mode counts pages of the host, which may be smaller.)
pub(super) fn resident_pages(range: Range<usize>) -> usize {
    const SMALLEST_PAGE: usize = 4096;
    let mut pages: Vec<u8> = vec![0; range.len() / SMALLEST_PAGE];
    let start = core::ptr::without_provenance_mut(range.start);
    // SAFETY: there is a byte for every page, of whatever size, and the kernel only looks at the range.
    let status = unsafe { mincore(start, range.len(), pages.as_mut_ptr()) };
    assert_eq!(status, 0, "mincore: {}", std::io::Error::last_os_error());
    pages.iter().filter(|&&state| state & 1 == 1).count()
}

/// Whether the system counts the page of this address as memory that it has promised, where it can be asked: Linux
/// shows it for each mapping, as `ac`. Not so in the map that qemu's user mode makes up.
pub(super) fn is_charged(address: usize) -> Option<bool> {
    if !cfg!(target_os = "linux") || crate::os::faults::are_emulated() {
        return None;
    }
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut is_here = false;
    for line in smaps.lines() {
        let bounds = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16).ok();
        if let Some((Some(start), Some(end))) = bounds.map(|(start, end)| (number(start), number(end))) {
            is_here = (start..end).contains(&address);
        } else if let (true, Some(flags)) = (is_here, line.strip_prefix("VmFlags:")) {
            return Some(flags.split_whitespace().any(|flag| flag == "ac"));
        }
    }
    Some(false)
}

/// What an access that is not allowed ends a process with, and what this one ended with.
pub(super) fn fault(status: ExitStatus) -> Result<(), String> {
    let (bus, segmentation) = (rustix::process::Signal::BUS.as_raw(), rustix::process::Signal::SEGV.as_raw());
    match status.signal() {
        Some(signal) if signal == segmentation => Ok(()),
        // Of Apple's, the first access to a page without any.
        Some(signal) if signal == bus && cfg!(target_vendor = "apple") => Ok(()),
        _ => Err(format!("not by SIGSEGV, but {status}")),
    }
}

/// A process that is to die leaves no file behind.
pub(super) fn no_core_file() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
}

/// How much the system will refuse to commit from now on, in this process, and with which code. `None` where it never
/// does: others than Linux promise more than they have, and qemu's user mode keeps no limits.
pub(super) fn refused_commit() -> Option<(usize, i32)> {
    const LEFT: usize = 64 << 20;
    use rustix::process::{Resource, Rlimit, setrlimit};
    if !cfg!(target_os = "linux") || crate::os::faults::are_emulated() {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    let limit = u64::try_from((kibibytes << 10) + LEFT).unwrap();
    setrlimit(Resource::Data, Rlimit { current: Some(limit), maximum: Some(limit) }).unwrap();
    Some((2 * LEFT, rustix::io::Errno::NOMEM.raw_os_error()))
}
