//! Memory that the machine has at hand.

use crate::Result;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::ptr;

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
