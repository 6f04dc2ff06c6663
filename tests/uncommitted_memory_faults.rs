//! Memory that is not committed is not there: whoever touches it dies at once, by a signal or an exception, instead of reading
//! or changing what belongs to somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use v_alloc::{Arena, CommitPolicy, Pages, Reservation};

const ABOUT_TO: &str = "about to touch it";

/// Touches the byte at `address` in a child process, and expects that to be the end of it.
fn faults(test: &str, address: impl FnOnce() -> *mut u8, touch: impl FnOnce(*mut u8)) {
    let said = common::faulted(test, || {
        let address = address();
        println!("{ABOUT_TO}");
        touch(address);
    });
    assert!(said.contains(ABOUT_TO), "what comes before must not be what faults\n{said}");
}

fn read(address: *mut u8) {
    // SAFETY: there is nothing to read, which the process does not survive: that is the test.
    let byte = unsafe { address.read_volatile() };
    println!("read {byte}");
}

fn write(address: *mut u8) {
    // SAFETY: there is nothing to write to, which the process does not survive: that is the test.
    unsafe { address.write_volatile(1) };
}

fn pages(count: usize) -> Pages {
    Pages::round_up(count * common::page()).unwrap()
}

/// A reservation that is never released.
fn reservation(size: usize, committed: usize) -> *mut u8 {
    let range = Box::leak(Box::new(Reservation::new(pages(size)).unwrap()));
    range.commit_to(pages(committed)).unwrap();
    let bytes = pages(committed).bytes();
    // SAFETY: that much is committed, and ours alone.
    unsafe { range.base().write_bytes(0xAA, bytes) };
    range.base().as_ptr()
}

fn arena(policy: CommitPolicy, bytes: usize) -> (&'static mut Arena, *mut u8) {
    let arena = Arena::options().commit_policy(policy).build().unwrap();
    let start = arena.alloc_slice_fill_copy(bytes, 0xAA_u8).as_mut_ptr();
    (Box::leak(Box::new(arena)), start)
}

#[test]
fn reading_what_is_only_reserved() {
    faults("reading_what_is_only_reserved", || reservation(4, 0), read);
}

#[test]
fn writing_what_is_only_reserved() {
    faults("writing_what_is_only_reserved", || reservation(4, 0), write);
}

#[test]
fn reading_right_beyond_what_is_committed() {
    let test = "reading_right_beyond_what_is_committed";
    faults(test, || reservation(4, 2).wrapping_add(pages(2).bytes()), read);
}

#[test]
fn writing_the_last_byte_of_a_reservation_that_is_not_committed_so_far() {
    let test = "writing_the_last_byte_of_a_reservation_that_is_not_committed_so_far";
    faults(test, || reservation(4, 3).wrapping_add(pages(4).bytes() - 1), write);
}

#[test]
fn reading_what_was_decommitted() {
    let decommitted = || {
        let range = Box::leak(Box::new(Reservation::new(pages(4)).unwrap()));
        range.commit_to(pages(4)).unwrap();
        // SAFETY: all is committed and ours alone; nothing beyond the first page is used by the library's rules.
        unsafe {
            range.base().write_bytes(0xAA, pages(4).bytes());
            range.decommit_from(pages(1)).unwrap();
        }
        range.base().as_ptr().wrapping_add(pages(1).bytes())
    };
    faults("reading_what_was_decommitted", decommitted, read);
}

#[test]
fn reading_beyond_the_committed_end_of_an_arena() {
    let beyond = || {
        let (arena, start) = arena(CommitPolicy::Throughput, 100_000);
        start.wrapping_add(arena.committed_bytes())
    };
    faults("reading_beyond_the_committed_end_of_an_arena", beyond, read);
}

#[test]
fn writing_beyond_the_committed_end_of_an_arena_for_latency() {
    let beyond = || {
        let (arena, start) = arena(CommitPolicy::Latency, 100_000);
        start.wrapping_add(arena.committed_bytes())
    };
    faults("writing_beyond_the_committed_end_of_an_arena_for_latency", beyond, write);
}

#[test]
fn writing_what_a_trim_gave_back() {
    let trimmed = || {
        let (arena, start) = arena(CommitPolicy::Throughput, 4 << 20);
        arena.reset();
        arena.trim(0).unwrap();
        start
    };
    faults("writing_what_a_trim_gave_back", trimmed, write);
}

#[test]
fn reading_behind_what_a_trim_kept() {
    let trimmed = || {
        let (arena, start) = arena(CommitPolicy::Throughput, 4 << 20);
        arena.reset();
        arena.trim(100_000).unwrap();
        // SAFETY: so much was kept.
        unsafe { start.add(99_999).write_volatile(1) };
        start.wrapping_add(100_000_usize.next_multiple_of(common::page()))
    };
    faults("reading_behind_what_a_trim_kept", trimmed, read);
}

#[test]
fn reading_an_arena_that_was_dropped() {
    let dropped = || {
        let arena = Arena::with_reservation(1 << 20).unwrap();
        let start = std::ptr::from_mut(arena.alloc(1_u8));
        drop(arena);
        start
    };
    faults("reading_an_arena_that_was_dropped", dropped, read);
}
