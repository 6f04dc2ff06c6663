//! Every order of two or three threads: `RUSTFLAGS="--cfg loom" cargo test --release --lib lock_free`.
//!
//! Memory is a row of cells that loom watches: two accesses without an order between them, one of them a write, fail
//! the model. A page is two cells, and what is not committed must not be touched.

use super::*;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use loom::thread;
use std::vec::Vec;

atomic!(loom::sync::atomic; [] AtomicUsize, usize);
atomic!(loom::sync::atomic; [] AtomicU64, u64);

const PAGE: usize = 2;
const SIZE: usize = 8;

/// Cells that must be committed before they are written.
struct Memory {
    pages: Vec<AtomicBool>,
    cells: Vec<UnsafeCell<u8>>,
}

impl Memory {
    fn new() -> Self {
        let pages = (0..SIZE / PAGE).map(|_| AtomicBool::new(false)).collect();
        Self { pages, cells: (0..SIZE).map(|_| UnsafeCell::new(0)).collect() }
    }

    fn commit(&self, start: usize, end: usize) {
        for page in start / PAGE..end.div_ceil(PAGE) {
            self.pages[page].store(true, Relaxed);
        }
    }

    #[allow(unsafe_code)]
    fn write(&self, start: usize, end: usize, mark: u8) {
        for cell in start..end {
            assert!(self.pages[cell / PAGE].load(Relaxed), "cell {cell} is not committed");
            // SAFETY: loom fails the model if another thread accesses the cell.
            self.cells[cell].with_mut(|cell| unsafe { *cell = mark });
        }
    }
}

#[derive(Default)]
struct Marks {
    cursor: AtomicUsize,
    committed: AtomicUsize,
}

impl Marks {
    /// Claims cells and writes them. `fail` says whether there is no memory.
    fn take(&self, memory: &Memory, size: usize, mark: u8, fail: bool) -> bool {
        let fit = |now: usize| {
            let end = now + size;
            if end <= SIZE { Ok((now, end)) } else { Err(()) }
        };
        let commit = |seen: usize, end: usize| {
            if fail {
                return Err(());
            }
            let end = end.next_multiple_of(PAGE);
            memory.commit(seen, end);
            raise(&self.committed, end);
            Ok(())
        };
        let claimed = claim(&self.cursor, &self.committed, fit, commit);
        if let Ok(start) = claimed {
            memory.write(start, start + size, mark);
        }
        claimed.is_ok()
    }
}

#[test]
fn what_is_claimed_is_committed_and_has_one_owner() {
    loom::model(|| {
        let shared = Arc::new((Marks::default(), Memory::new()));
        let threads: Vec<_> = [3, 2]
            .into_iter()
            .map(|size| {
                let shared = shared.clone();
                thread::spawn(move || assert!(shared.0.take(&shared.1, size, 1, false)))
            })
            .collect();
        assert!(shared.0.take(&shared.1, 1, 3, false));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(shared.0.cursor.load(Relaxed), 6, "nothing is lost");
        assert!(shared.0.committed.load(Relaxed) >= 6);
    });
}

#[test]
fn a_commit_that_fails_leaves_no_trace() {
    loom::model(|| {
        let shared = Arc::new((Marks::default(), Memory::new()));
        let other = shared.clone();
        let failing = thread::spawn(move || other.0.take(&other.1, 3, 1, true));
        assert!(shared.0.take(&shared.1, 2, 2, false));
        let taken = if failing.join().unwrap() { 5 } else { 2 };
        assert_eq!(shared.0.cursor.load(Relaxed), taken);
    });
}

#[test]
fn one_value_is_made_and_the_other_undone() {
    loom::model(|| {
        let shared = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let make = |shared: &(AtomicUsize, AtomicUsize), value: usize| {
            let undo = |undone| {
                assert_eq!(undone, value);
                shared.1.fetch_add(1, Relaxed);
            };
            make_once(&shared.0, 0, || Ok::<_, ()>(value), undo).unwrap()
        };
        let other = shared.clone();
        let thread = thread::spawn(move || (make(&other, 1), other.1.load(Relaxed)));
        let mine = make(&shared, 2);
        let (theirs, _) = thread.join().unwrap();
        assert_eq!(mine, theirs);
        assert!(shared.1.load(Relaxed) <= 1);
    });
}

#[test]
fn readers_see_only_what_is_written_and_in_the_end_all_of_it() {
    loom::model(|| {
        struct Row {
            next: AtomicUsize,
            counted: AtomicUsize,
            ready: Vec<AtomicUsize>,
            cells: Vec<UnsafeCell<u8>>,
        }
        #[allow(unsafe_code)]
        fn read(row: &Row) -> usize {
            let count =
                ready_prefix(&row.counted, |index| row.ready.get(index).is_some_and(|flag| flag.read() == 1));
            for cell in &row.cells[..count] {
                // SAFETY: loom fails the model if another thread writes the cell.
                cell.with(|cell| assert_eq!(unsafe { *cell }, 7));
            }
            count
        }
        let row = Arc::new(Row {
            next: AtomicUsize::new(0),
            counted: AtomicUsize::new(0),
            ready: (0..2).map(|_| AtomicUsize::new(0)).collect(),
            cells: (0..2).map(|_| UnsafeCell::new(0)).collect(),
        });
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let row = row.clone();
                #[allow(unsafe_code)]
                thread::spawn(move || {
                    let all = AtomicUsize::new(2);
                    let index = claim(&row.next, &all, |now| Ok((now, now + 1)), |_, _| Err(())).unwrap();
                    // SAFETY: as above.
                    row.cells[index].with_mut(|cell| unsafe { *cell = 7 });
                    row.ready[index].store(1, loom::sync::atomic::Ordering::Release);
                })
            })
            .collect();
        let first = read(&row);
        assert!(read(&row) >= first);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(read(&row), 2);
    });
}

#[test]
fn a_side_that_was_left_is_used_by_nobody() {
    loom::model(|| {
        let shared = Arc::new((AtomicU64::new(0), [UnsafeCell::new(0_u32), UnsafeCell::new(0)]));
        let other = shared.clone();
        #[allow(unsafe_code)]
        let user = thread::spawn(move || {
            for _ in 0..2 {
                let side = sides::enter(&other.0);
                // SAFETY: loom fails the model if another thread accesses the cell.
                other.1[side].with_mut(|cell| unsafe { *cell += 1 });
                sides::leave(&other.0, side);
            }
        });
        let side = sides::swap(&shared.0);
        let mut seen = 0;
        #[allow(unsafe_code)]
        if sides::is_unused(&shared.0, side) {
            // SAFETY: as above.
            seen = shared.1[side].with(|cell| unsafe { *cell });
        }
        user.join().unwrap();
        assert!(seen <= 2);
    });
}
