//! Memory that the machine has at hand, and what the kernel says of the memory of this process.

use crate::Result;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::error::Error;
use std::{fs, ptr};

/// Uses more memory than the next case will, and gives it back, so that the case gets pages that the machine has. A
/// virtual machine takes free pages from its guest within seconds, and to touch one that it took costs several
/// times as much as a page fault: a case would pay for how long its pages were free.
pub fn touch(bytes: usize) -> Result<()> {
    let protection = ProtFlags::READ.union(ProtFlags::WRITE);
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, protection, MapFlags::PRIVATE) }?;
    // SAFETY: the range is the mapping, which nobody else knows of; it is as good with small pages.
    let touched = unsafe {
        let _ = madvise(start, bytes, Advice::LinuxHugepage);
        madvise(start, bytes, Advice::LinuxPopulateWrite)
    };
    // SAFETY: as above.
    unsafe { munmap(start, bytes) }?;
    Ok(touched?)
}

/// What `work` adds to the resident memory of this process where it is highest, in bytes. Without the pages of the
/// program's file: how many come with the first call of a function is the linker's doing.
pub fn peak<T>(work: impl FnOnce() -> T) -> Result<(f64, T)> {
    let highest = || {
        let report = status_report()?;
        Ok::<_, Box<dyn Error>>(field(&report, "VmHWM:")? - field(&report, "RssFile:")?)
    };
    // Makes the highest what it is now: the start of the program may have needed more.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = highest()?;
    let result = work();
    Ok(((highest()? - before) * 1024.0, result))
}

/// KiB, of `/proc/self/status`.
pub fn status(name: &str) -> Result<f64> {
    field(&status_report()?, name)
}

fn status_report() -> Result<String> {
    Ok(fs::read_to_string("/proc/self/status")?)
}

fn field(report: &str, name: &str) -> Result<f64> {
    let kib = report.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"));
    Ok(kib.ok_or_else(|| format!("no {name}"))?.trim().parse()?)
}

/// Page faults of this process so far, of those that needed no disk.
pub fn page_faults() -> Result<f64> {
    let report = fs::read_to_string("/proc/self/stat")?;
    // After the name of the program, which may have spaces.
    let mut fields = report.rsplit(')').next().unwrap_or("").split_whitespace();
    Ok(fields.nth(7).ok_or("no page faults")?.parse()?)
}
