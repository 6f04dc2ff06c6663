//! The program that crashes: first it damages its heap, as a program does before such an end.

use super::handler::{self, Handler};
use std::hint::black_box;
use std::process::abort;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crash {
    /// Two threads write to address 8 at the same time.
    Segv,
    /// The allocator finds the damage.
    Abrt,
    /// A page of a mapped file that the file does not have is read.
    Bus,
}

/// Crashes. Returns only if something else went wrong.
pub fn run(crash: Crash, which: Handler) -> std::io::Result<()> {
    no_core_dump_nor_hanging();
    handler::install(which)?;
    handler::for_this_thread("main")?;
    match crash {
        Crash::Segv => {
            let ready = AtomicUsize::new(0);
            let worker = |name| {
                handler::for_this_thread(name)?;
                damage_heap();
                ready.fetch_add(1, Relaxed);
                while ready.load(Relaxed) < 2 {}
                write_to(8);
                std::io::Result::Ok(())
            };
            thread::scope(|threads| {
                threads.spawn(|| worker("first"));
                threads.spawn(|| worker("second"));
            });
        }
        Crash::Abrt => {
            damage_heap();
            abort_in_allocator();
        }
        Crash::Bus => {
            damage_heap();
            read_beyond_file();
        }
    }
    Err(std::io::Error::other("it should not have come here"))
}

/// A core file is of no use here, and whatever hangs is ended by a signal.
fn no_core_dump_nor_hanging() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: limits of this process.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::alarm(5);
    }
}

/// Writes over what the allocator keeps behind blocks: the sizes of the next ones, or of the rest of the heap.
#[inline(never)]
fn damage_heap() {
    let behind = [(); 16].map(|()| {
        // SAFETY: a block, and where it ends.
        unsafe {
            let block = libc::malloc(5000);
            block.byte_add(libc::malloc_usable_size(block))
        }
    });
    for word in behind {
        // SAFETY: it is not: the word behind the block is the allocator's. That is the point.
        unsafe { word.cast::<u64>().write_volatile(0x4242_4242_4242_4242) };
    }
}

#[inline(never)]
fn write_to(address: usize) {
    // SAFETY: it is not: the address is not mapped.
    unsafe { black_box(std::ptr::with_exposed_provenance_mut::<u64>(address)).write_volatile(1) };
}

#[inline(never)]
fn abort_in_allocator() {
    for _ in 0..100 {
        // SAFETY: a block, lost.
        black_box(unsafe { libc::malloc(5000) });
    }
    abort();
}

#[inline(never)]
fn read_beyond_file() {
    // SAFETY: a file without bytes, mapped; reading beyond its end is the point.
    unsafe {
        let file = libc::memfd_create(c"empty".as_ptr(), 0);
        let page = libc::mmap(null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, file, 0);
        if page != libc::MAP_FAILED {
            black_box(page.cast::<u8>().read_volatile());
        }
    }
}
