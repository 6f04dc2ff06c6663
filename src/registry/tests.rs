use super::table::{CAPACITY, Table};
use super::*;
use std::boxed::Box;
use std::string::ToString;
use std::vec::Vec;

/// A table of a test's own.
fn table() -> &'static Table {
    // SAFETY: a table may be all zero.
    let table: &Table = Box::leak(unsafe { Box::new_zeroed().assume_init() });
    table.begin(4711);
    table
}

fn bytes(table: &'static Table) -> &'static [u8] {
    // SAFETY: a table is numbers without gaps, and nobody writes to it while the bytes are in use.
    unsafe { core::slice::from_raw_parts(ptr::from_ref(table).cast(), size_of::<Table>()) }
}

fn base(number: usize) -> core::num::NonZeroUsize {
    core::num::NonZeroUsize::new((number + 1) << 16).unwrap()
}

#[test]
fn an_entry_is_read_as_it_was_made_here_and_from_its_bytes() {
    let table = table();
    table.enter(Kind::Shared, base(6), c"events", 1 << 20);
    table.find(base(6)).unwrap().raise(8192);
    table.find(base(6)).unwrap().lower(4096);
    let listed: Vec<_> = Entries::of(Some(table)).collect();
    let [entry] = listed[..] else { panic!("{listed:?}") };
    assert_eq!((entry.kind, entry.name(), entry.address), (Kind::Shared, "events", 7 << 16));
    assert_eq!((entry.reserved, entry.committed, entry.peak), (1 << 20, 4096, 8192));
    let image = Image::new(bytes(table), bytes(table)).unwrap();
    assert_eq!(image.process(), 4711);
    assert_eq!(image.entries().collect::<Vec<_>>(), listed);
}

#[test]
fn names_are_cut_where_the_room_ends() {
    let table = table();
    let long = std::ffi::CString::new("long".repeat(30)).unwrap();
    let odd = std::ffi::CString::new([b'x', 0xc3]).unwrap(); // half a character
    table.enter(Kind::Arena, base(0), &long, 1);
    table.enter(Kind::Arena, base(1), &odd, 1);
    let names: Vec<_> = Entries::of(Some(table)).map(|entry| entry.name().to_string()).collect();
    assert_eq!(names, ["long".repeat(20).as_str(), "x"]);
}

#[test]
fn what_comes_when_the_table_is_full_is_not_listed_and_room_is_used_again() {
    let table = table();
    for number in 0..CAPACITY + 3 {
        table.enter(Kind::Block, base(number), c"many", number);
    }
    assert_eq!(Entries::of(Some(table)).count(), CAPACITY);
    assert!(table.find(base(CAPACITY)).is_none());
    table.find(base(5)).unwrap().free();
    table.enter(Kind::Arena, base(CAPACITY), c"late", 7);
    let late = Entries::of(Some(table)).find(|entry| entry.kind == Kind::Arena).unwrap();
    assert_eq!((late.name(), late.reserved, late.committed, late.peak), ("late", 7, 0, 0));
    assert_eq!(Image::new(bytes(table), bytes(table)).unwrap().entries().count(), CAPACITY);
}

#[test]
fn what_changed_hands_between_two_readings_is_left_out() {
    let table = table();
    for number in 0..4 {
        table.enter(Kind::Arena, base(number), c"first", 1);
    }
    let first = bytes(table).to_vec();
    table.find(base(1)).unwrap().free();
    table.find(base(2)).unwrap().free();
    table.enter(Kind::Arena, base(2), c"again", 1);
    table.find(base(3)).unwrap().raise(9);
    let image = Image::new(&first, bytes(table)).unwrap();
    let seen: Vec<_> = image.entries().map(|entry| (entry.address, entry.committed)).collect();
    assert_eq!(seen, [(base(0).get(), 0), (base(3).get(), 9)]);
}

#[test]
fn what_is_no_table_is_refused_and_what_is_cut_off_is_read_as_far_as_it_goes() {
    let table = table();
    table.enter(Kind::Arena, base(0), c"one", 1);
    table.enter(Kind::Arena, base(1), c"two", 1);
    let good = bytes(table);
    for length in 0..=good.len().min(1000) {
        let cut = &good[..length];
        let found = Image::new(cut, cut).map(|image| image.entries().count());
        assert!(found.is_none_or(|found| found == (length.saturating_sub(128) / 128).min(2)), "{length}");
    }
    for (offset, byte) in [(0, b'w'), (8, 2), (16, 127)] {
        let mut bad = good.to_vec();
        bad[offset] = byte;
        assert!(Image::new(&bad, &bad).is_none(), "byte {offset}");
    }
}

/// Every byte may be anything: a process may write what it likes.
#[test]
fn hostile_bytes_do_no_harm() {
    let table = table();
    table.enter(Kind::Arena, base(0), c"one", 1);
    for offset in 8..300 {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bad = bytes(table)[..1024].to_vec();
            bad[offset] = byte;
            let entries = Image::new(&bad, &bad).map(|image| image.entries().count());
            assert!(entries.is_none_or(|count| count <= 7), "{offset}: {byte}");
        }
    }
}

#[test]
fn threads_that_claim_and_free_at_once_keep_apart() {
    const ROUNDS: usize = if cfg!(miri) { 20 } else { 5000 };
    let table = table();
    let stop = core::sync::atomic::AtomicBool::new(false);
    let names = [c"zero", c"one", c"two", c"three"];
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let own = base((thread << 8) | (round % 200));
                        table.enter(Kind::Arena, own, names[thread], thread + 1);
                        let entry = table.find(own).expect("there is room for all");
                        entry.raise(own.get());
                        entry.free();
                        assert!(table.find(own).is_none());
                    }
                })
            })
            .collect();
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(core::sync::atomic::Ordering::Relaxed) {
                for entry in Entries::of(Some(table)) {
                    let thread = ((entry.address >> 16) - 1) >> 8;
                    assert_eq!(entry.name(), names[thread].to_str().unwrap(), "an entry of two owners");
                    assert_eq!(entry.reserved, thread + 1);
                    assert!(entry.committed == 0 || entry.committed == entry.address);
                }
            }
        });
        let done: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        stop.store(true, core::sync::atomic::Ordering::Relaxed);
        assert!(done.iter().all(Result::is_ok));
    });
    assert_eq!(Entries::of(Some(table)).count(), 0);
}
