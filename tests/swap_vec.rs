//! A buffer that threads push to while another empties it: nothing is lost, nothing comes twice, and what is drained
//! stays as it is until it is let go.
#![cfg(target_has_atomic = "64")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::panics::panic_of;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use v_alloc::SwapVec;

/// What is said to whoever prepares while somebody drains.
fn busy(bytes: usize) -> String {
    format!("cannot commit {bytes} bytes of memory: it is being resized, freed or drained by somebody else")
}

const PUSHERS: usize = 4;
const EACH: usize = if cfg!(miri) { 50 } else { 30_000 };

/// Takes note of what was drained: each pusher's numbers come in order, none of them twice.
struct Seen {
    next: [usize; PUSHERS],
}

impl Seen {
    fn look(&mut self, drained: &[Box<(usize, usize)>]) {
        for element in drained {
            let (thread, number) = **element;
            assert_eq!(number, self.next[thread], "an element was lost, or came twice");
            self.next[thread] += 1;
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_while_four_push_and_one_drains() {
    for waits in [true, false] {
        let swap = SwapVec::new();
        let left = AtomicUsize::new(PUSHERS);
        let mut seen = Seen { next: [0; PUSHERS] };
        thread::scope(|scope| {
            for thread in 0..PUSHERS {
                let (swap, left) = (&swap, &left);
                scope.spawn(move || {
                    for number in 0..EACH {
                        swap.try_push(Box::new((thread, number))).unwrap();
                    }
                    left.fetch_sub(1, Relaxed);
                });
            }
            // The last round begins when nobody pushes any more.
            loop {
                let last = left.load(Relaxed) == 0;
                if waits {
                    seen.look(&swap.drain());
                } else if let Some(drained) = swap.try_drain() {
                    seen.look(&drained);
                }
                if last {
                    break;
                }
                thread::yield_now();
            }
        });
        for _ in 0..2 {
            seen.look(&swap.drain()); // either side may have the rest
        }
        assert_eq!(seen.next, [EACH; PUSHERS]);
        assert!(swap.drain().is_empty());
    }
}

#[test]
fn of_threads_that_drain_at_the_same_time_one_has_the_elements() {
    static SWAP: SwapVec<usize> = SwapVec::with_capacity_limit(PUSHERS * EACH);
    let (sum, draining) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..PUSHERS {
            let (sum, draining) = (&sum, &draining);
            scope.spawn(move || {
                for number in 0..EACH {
                    SWAP.try_push(number).unwrap();
                    if number % 100 == thread {
                        if let Some(drained) = SWAP.try_drain() {
                            assert_eq!(draining.fetch_add(1, Relaxed), 0, "two drain at once");
                            sum.fetch_add(drained.iter().sum(), Relaxed);
                            draining.fetch_sub(1, Relaxed);
                        }
                    }
                    if number % 1000 == 0 {
                        let prepared = SWAP.prepare(100).map_err(|error| error.to_string());
                        assert!(prepared.is_ok() || prepared == Err(busy(100 * size_of::<usize>())));
                    }
                }
            });
        }
    });
    for _ in 0..2 {
        sum.fetch_add(SWAP.drain().iter().sum(), Relaxed);
    }
    assert_eq!(sum.load(Relaxed), PUSHERS * (EACH * (EACH - 1) / 2));
}

#[test]
fn what_is_pushed_while_somebody_reads_comes_with_the_next_drain() {
    let swap = SwapVec::with_capacity_limit(1000);
    for round in 0..10 {
        (0..10).for_each(|number| swap.try_push(round * 100 + number).unwrap());
        let drained = swap.drain();
        swap.try_push(round * 100 + 10).unwrap();
        assert!(swap.try_drain().is_none(), "somebody has it");
        assert!((0..10).map(|number| round * 100 + number).eq(drained.iter().copied()));
        drop(drained);
        assert_eq!(*swap.drain(), [round * 100 + 10]);
    }
    assert!(swap.drain().is_empty());
}

#[test]
fn each_side_has_the_limit_and_a_push_beyond_it_changes_nothing() {
    let swap = SwapVec::with_capacity_limit(100);
    let element = Rc::new(());
    for _ in 0..3 {
        (0..100).for_each(|_| swap.try_push(element.clone()).unwrap());
        let refused = swap.try_push(element.clone()).unwrap_err();
        assert!(Rc::ptr_eq(&refused.value, &element));
        drop(refused);
        let drained = swap.drain();
        (0..100).for_each(|_| swap.try_push(element.clone()).unwrap());
        assert_eq!((drained.len(), Rc::strong_count(&element)), (100, 201));
        drop(drained);
        assert_eq!(Rc::strong_count(&element), 101, "what was drained is dropped");
        assert_eq!(swap.drain().len(), 100);
        assert_eq!(Rc::strong_count(&element), 1);
    }
    swap.try_push(element.clone()).unwrap();
    drop(swap);
    assert_eq!(Rc::strong_count(&element), 1);
}

/// Pushes to the buffer that it is dropped from, or panics then.
struct Busy<'a> {
    swap: &'a SwapVec<Self>,
    drops: &'a Cell<u32>,
    fatal: bool,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(self.swap.try_drain().is_none(), "it is being drained");
        let error = self.swap.prepare(10).unwrap_err();
        assert_eq!(error.to_string(), busy(10 * size_of::<Self>()));
        assert!(!self.fatal, "a fatal drop");
    }
}

#[test]
fn elements_may_use_the_buffer_or_panic_when_they_are_dropped() {
    let drops = Cell::new(0);
    let swap: &SwapVec<Busy<'_>> = Box::leak(Box::new(SwapVec::with_capacity_limit(100)));
    for fatal in [3, 100] {
        drops.set(0);
        for number in 0..10 {
            assert!(swap.try_push(Busy { swap, drops: &drops, fatal: number == fatal }).is_ok());
        }
        let drained = swap.drain();
        assert_eq!(drained.len(), 10);
        assert_eq!(panic_of(|| drop(drained)).is_some(), fatal == 3);
        assert_eq!(drops.get(), 10, "the others are dropped all the same");
        assert!(swap.drain().is_empty(), "and the buffer works on");
    }
}

#[test]
fn what_is_drained_and_forgotten_stays_and_nobody_drains_again() {
    let element = Rc::new(());
    let swap = SwapVec::with_capacity_limit(10);
    swap.try_push(element.clone()).unwrap();
    let drained = swap.drain();
    std::mem::forget(drained);
    assert!(swap.try_drain().is_none());
    assert_eq!(
        swap.prepare(5).unwrap_err().to_string(),
        busy(5 * size_of::<Rc<()>>()),
        "but the side in use is prepared"
    );
    (0..10).for_each(|_| swap.try_push(element.clone()).unwrap());
    assert!(swap.try_push(element.clone()).is_err() && swap.try_drain().is_none());
    assert_eq!(Rc::strong_count(&element), 12);
    drop(swap);
    assert_eq!(Rc::strong_count(&element), 1, "the buffer drops what is left");
}

#[test]
fn what_is_drained_may_be_read_and_let_go_by_another_thread() {
    let swap = SwapVec::new();
    swap.try_push("text".to_owned()).unwrap();
    let drained = swap.drain();
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*drained, ["text"]));
        assert_eq!(format!("{drained:?}"), r#"["text"]"#);
    });
    thread::scope(|scope| {
        scope.spawn(move || drop(drained));
        swap.try_push("next".to_owned()).unwrap();
    });
    assert_eq!(*swap.drain(), ["next"]);
}

#[test]
fn a_side_that_is_drained_is_not_prepared_and_that_is_an_error() {
    let swap = SwapVec::<u64>::new();
    let drained = swap.drain();
    assert_eq!(swap.prepare(100).unwrap_err().to_string(), busy(800));
    drop(drained);
    swap.prepare(100).unwrap();
}
