//! What the tests of signal handlers share: handlers, marked blocks, and how to fail inside of a handler.
#![allow(dead_code, reason = "every room uses another part")]

use std::alloc::Layout;
use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};
use v_alloc::SyncArena;

pub type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Installs a handler. `flags` may be `SA_ONSTACK`, `SA_NODEFER`.
pub fn handle(signal: c_int, flags: c_int, handler: Handler) {
    // SAFETY: all zeroes are a `sigaction`, with an empty mask; the handler takes three arguments, as SA_SIGINFO says.
    let status = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | flags;
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    };
    assert_eq!(status, 0);
}

/// Ends the process from inside of a handler, where a panic would allocate.
pub fn fatal(message: &str) -> ! {
    // SAFETY: both are safe in a handler.
    unsafe {
        libc::write(2, message.as_ptr().cast(), message.len());
        libc::abort()
    }
}

/// A result inside of a handler.
pub fn sure<T, E>(result: Result<T, E>, message: &str) -> T {
    result.unwrap_or_else(|_| fatal(message))
}

/// This thread's `errno`.
pub fn errno() -> *mut c_int {
    // SAFETY: it has no precondition.
    unsafe { libc::__errno_location() }
}

pub fn thread_id() -> libc::pid_t {
    // SAFETY: it has no precondition.
    unsafe { libc::gettid() }
}

/// Where a signal interrupted the program.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn interrupted_at(context: *mut c_void) -> usize {
    let context: *const libc::ucontext_t = context.cast();
    // SAFETY: the kernel passes it to a handler with SA_SIGINFO.
    let address = unsafe { (*context).uc_mcontext.gregs[libc::REG_RIP as usize] };
    usize::try_from(address).unwrap_or(0)
}

/// The blocks of one owner: each begins with a header, and its other bytes are the owner's mark. The list goes through
/// the blocks themselves, so keeping it needs no other memory.
pub struct Blocks {
    mark: u8,
    last: AtomicPtr<Header>,
    count: AtomicUsize,
}

#[repr(C)]
struct Header {
    before: *mut Header,
    size: usize,
    align: usize,
}

/// Bytes of the smallest block, and its alignment.
pub const LEAST: Layout = Layout::new::<Header>();

impl Blocks {
    pub const fn marked(mark: u8) -> Self {
        Self { mark, last: AtomicPtr::new(ptr::null_mut()), count: AtomicUsize::new(0) }
    }

    /// Marks a block, and keeps it.
    pub fn keep(&self, block: NonNull<u8>, layout: Layout) {
        let header = block.cast::<Header>();
        let before = self.last.load(Relaxed);
        // SAFETY: the block was just handed out, and is larger than a header and aligned for one.
        unsafe {
            header.write(Header { before, size: layout.size(), align: layout.align() });
            block.add(LEAST.size()).write_bytes(self.mark, layout.size() - LEAST.size());
        }
        self.last.store(header.as_ptr(), Relaxed);
        self.count.fetch_add(1, Relaxed);
    }

    /// Notes that the last block has grown.
    pub fn last_has_grown(&self, size: usize) {
        let Some(header) = NonNull::new(self.last.load(Relaxed)) else { return };
        // SAFETY: the block is kept, and has so many bytes now.
        unsafe {
            let old = (*header.as_ptr()).size;
            header.cast::<u8>().add(old).write_bytes(self.mark, size - old);
            (*header.as_ptr()).size = size;
        }
    }

    /// Forgets the last block, which was given back. Its bytes are another's by now.
    pub fn last_is_gone(&self, before: *mut u8) {
        self.last.store(before.cast(), Relaxed);
        self.count.fetch_sub(1, Relaxed);
    }

    pub fn last(&self) -> *mut u8 {
        self.last.load(Relaxed).cast()
    }

    pub fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    pub fn forget(&self) {
        self.last.store(ptr::null_mut(), Relaxed);
        self.count.store(0, Relaxed);
    }

    /// Checks all marks, fit for a handler.
    pub fn is_whole(&self) -> bool {
        let mut next = self.last.load(Relaxed);
        let mut count = 0;
        while let Some(header) = NonNull::new(next) {
            // SAFETY: as in `all`.
            let bytes = unsafe {
                next = (*header.as_ptr()).before;
                NonNull::slice_from_raw_parts(header.cast::<u8>(), (*header.as_ptr()).size).as_ref()
            };
            if bytes[LEAST.size()..].iter().any(|&byte| byte != self.mark) {
                return false;
            }
            count += 1;
        }
        count == self.count()
    }

    /// Checks all marks; returns each block's start, size and alignment.
    fn all(&self) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        let mut next = self.last.load(Relaxed);
        while let Some(header) = NonNull::new(next) {
            // SAFETY: every kept block is as `keep` wrote it, unless what is tested failed.
            let (Header { before, size, align }, bytes) = unsafe {
                let Header { size, .. } = *header.as_ptr();
                (header.read(), NonNull::slice_from_raw_parts(header.cast::<u8>(), size).as_ref())
            };
            let overwritten = bytes[LEAST.size()..].iter().position(|&byte| byte != self.mark);
            assert_eq!(overwritten, None, "a block of {size} bytes with mark {:#x}", self.mark);
            all.push((header.addr().get(), size, align));
            next = before;
        }
        assert_eq!(all.len(), self.count(), "blocks with mark {:#x}", self.mark);
        all
    }
}

/// Checks that the blocks of all owners are whole, apart, aligned, and all that an arena handed out, but for padding.
pub fn check(arena: &SyncArena, owners: &[&Blocks]) {
    check_with(arena, owners, &[]);
}

/// As `check`. The addresses are those of blocks that were given back, in order: the padding before such a block stays.
pub fn check_with(arena: &SyncArena, owners: &[&Blocks], given_back: &[usize]) {
    let mut all: Vec<_> = owners.iter().flat_map(|blocks| blocks.all()).collect();
    all.sort_unstable();
    let mut end = all.first().map_or(0, |&(start, ..)| start);
    let first = end;
    for &(start, size, align) in &all {
        assert!(start >= end, "a block begins {} bytes before the end of another", end - start);
        let before = given_back.partition_point(|&address| address <= start).checked_sub(1);
        let free_from = before.map_or(end, |before| given_back[before].max(end));
        assert!(
            start % align == 0 && start - free_from < align,
            "{} bytes before a block are lost",
            start - free_from
        );
        end = start + size;
    }
    let end = given_back.last().map_or(end, |&address| address.max(end));
    assert_eq!(arena.used_bytes(), end - first, "bytes behind the last block");
}
