//! Every order of two threads, and most of three: `RUSTFLAGS="--cfg loom" cargo test --release --lib lock_free`.
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
    fn is_fresh(&self, cell: usize) {
        // SAFETY: loom fails the model if another thread writes the cell.
        self.cells[cell].with(|byte| assert_eq!(unsafe { *byte }, 0, "cell {cell} was written before"));
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

/// Three threads have more orders than can be tried: those in which threads are interrupted three times in all.
fn most_orders(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Each takes so many cells.
fn all_take(sizes: &'static [usize]) {
    let shared = Arc::new((Marks::default(), Memory::new()));
    let take = |shared: &(Marks, Memory), size| assert!(shared.0.take(&shared.1, size, 1, false));
    let threads: Vec<_> = sizes[1..]
        .iter()
        .map(|&size| {
            let shared = shared.clone();
            thread::spawn(move || take(&shared, size))
        })
        .collect();
    take(&shared, sizes[0]);
    for thread in threads {
        thread.join().unwrap();
    }
    let sum = sizes.iter().sum();
    assert_eq!(shared.0.cursor.load(Relaxed), sum, "nothing is lost");
    assert!(shared.0.committed.load(Relaxed) >= sum);
}

#[test]
fn what_is_claimed_is_committed_and_has_one_owner() {
    loom::model(|| all_take(&[1, 3]));
    loom::model(|| all_take(&[3, 3]));
    most_orders(|| all_take(&[1, 3, 2]));
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

/// As a reservation for which there is room once.
#[test]
fn who_fails_to_make_a_second_value_fails_only_while_there_is_none() {
    loom::model(|| {
        let shared = Arc::new((AtomicUsize::new(0), AtomicUsize::new(1)));
        let make = |shared: &(AtomicUsize, AtomicUsize), value: usize| {
            let make = || if shared.1.swap(0, Relaxed) == 1 { Ok(value) } else { Err(()) };
            let made = make_once(&shared.0, 0, make, |_| unreachable!("there is but one"));
            assert!(made.is_ok() || shared.1.load(Relaxed) == 0);
            made
        };
        let other = shared.clone();
        let thread = thread::spawn(move || make(&other, 1));
        let mine = make(&shared, 2);
        let theirs = thread.join().unwrap();
        let there = shared.0.load(Relaxed);
        assert!(mine == Ok(there) || theirs == Ok(there), "one of them made it");
        assert!([mine, theirs].iter().all(|made| made.is_err() || *made == Ok(there)));
        assert_eq!(make(&shared, 3), Ok(there));
    });
}

#[test]
fn readers_see_only_what_is_written_and_in_the_end_all_of_it() {
    most_orders(|| {
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

/// As `SyncArena::try_shrink`: who frees bytes first raises the mark of what was written, and then lets go of them.
#[test]
fn what_another_thread_wrote_and_freed_lies_below_the_mark() {
    loom::model(|| {
        let shared = Arc::new((Marks::default(), Memory::new(), AtomicUsize::new(0)));
        shared.1.commit(0, SIZE);
        shared.0.committed.store(SIZE, Relaxed);
        let take = |marks: &Marks| {
            let fit = |now| Ok::<_, ()>((now, now + 2));
            claim(&marks.cursor, &marks.committed, fit, |_, _| Err(())).unwrap()
        };
        let other = shared.clone();
        let thread = thread::spawn(move || {
            let (marks, memory, written) = &*other;
            let start = take(marks);
            memory.write(start, start + 2, 1);
            raise(written, start + 2);
            let fit = |now| if now == start + 2 { Ok(((), start)) } else { Err(()) };
            let _ = claim(&marks.cursor, &marks.committed, fit, |_, _| Err(()));
        });
        let (marks, memory, written) = &*shared;
        let start = take(marks);
        for cell in written.read().max(start)..start + 2 {
            memory.is_fresh(cell);
        }
        memory.write(start, start + 2, 2);
        thread.join().unwrap();
    });
}

/// As `SwapVec`: of what is pushed while the sides are swapped, each element is on one of them.
#[test]
fn what_two_push_while_the_sides_are_swapped_is_drained_once() {
    struct Side {
        next: AtomicUsize,
        cells: [UnsafeCell<u8>; 2],
    }
    fn side() -> Side {
        Side { next: AtomicUsize::new(0), cells: [UnsafeCell::new(0), UnsafeCell::new(0)] }
    }
    #[allow(unsafe_code)]
    fn take(side: &Side) -> usize {
        let count = side.next.load(Relaxed);
        for cell in &side.cells[..count] {
            // SAFETY: loom fails the model if another thread accesses the cell.
            cell.with_mut(|cell| assert_eq!(core::mem::take(unsafe { &mut *cell }), 7));
        }
        side.next.store(0, Relaxed);
        count
    }
    most_orders(|| {
        let shared = Arc::new((AtomicU64::new(0), [side(), side()]));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                #[allow(unsafe_code)]
                thread::spawn(move || {
                    let (word, buffers) = &*shared;
                    let side = sides::enter(word);
                    let index = buffers[side].next.fetch_add(1, Relaxed);
                    // SAFETY: as above.
                    buffers[side].cells[index].with_mut(|cell| unsafe { *cell = 7 });
                    sides::leave(word, side);
                })
            })
            .collect();
        let (word, buffers) = &*shared;
        let side = sides::swap(word);
        let mut drained = if sides::is_unused(word, side) { take(&buffers[side]) } else { 0 };
        for thread in threads {
            thread.join().unwrap();
        }
        drained += take(&buffers[0]) + take(&buffers[1]);
        assert_eq!(drained, 2);
    });
}
