//! The shared vector with the operating system failing at each call, and with pushes that were cut off.

use super::*;
use crate::os::faults::{Call, INJECTED, alone, fail_after, fail_each_call};
use crate::{process_committed_bytes, process_reserved_bytes};
use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;
use std::rc::Rc;
use std::vec::Vec;

fn totals() -> (usize, usize) {
    (process_reserved_bytes(), process_committed_bytes())
}

/// Pushes what there is memory for, and checks after each step that a failure left all as it was.
fn do_everything<T: Clone + PartialEq + fmt::Debug>(mut vec: SyncVec<T>, value: &T) {
    for _ in 0..2 {
        let mut pushed = 0;
        let push = |pushed: &mut usize| match vec.try_push(value.clone()) {
            Ok((index, there)) => {
                assert_eq!((index, there), (*pushed, value));
                *pushed += 1;
            }
            Err(error) => {
                assert_eq!((error.error.os_code(), &error.value), (Some(INJECTED), value));
                assert_eq!((vec.len(), vec.claimed()), (*pushed, *pushed));
            }
        };
        (0..5_000).for_each(|_| push(&mut pushed));
        if let Err(error) = vec.prepare(10_000) {
            assert_eq!(error.os_code(), Some(INJECTED));
        }
        (0..20).for_each(|_| push(&mut pushed));
        assert_eq!((vec.len(), vec.claimed()), (pushed, pushed));
        assert!(pushed >= 5_000, "one system call failed, not all: {pushed}");
        assert!(vec.iter().all(|there| there == value));
        vec.clear();
        assert_eq!((vec.len(), vec.claimed()), (0, 0));
        if let Err(error) = vec.shrink_to_fit() {
            assert_eq!(error.os_code(), Some(INJECTED));
        } else {
            assert_eq!(vec.committed_bytes(), 0);
        }
    }
}

#[test]
fn whichever_system_call_fails_the_vector_stays_usable_and_the_account_exact() {
    alone(
        "sync_vec::tests::whichever_system_call_fails_the_vector_stays_usable_and_the_account_exact",
        || {
            let element = Rc::new(7);
            let scenarios: [&dyn Fn(); 3] = [
                &|| do_everything(SyncVec::with_capacity_limit(20_000), &element),
                &|| do_everything(SyncVec::with_capacity_limit(20_000), &[7_u8; 3]),
                &|| do_everything(SyncVec::with_capacity_limit(20_000), &()),
            ];
            for scenario in scenarios {
                let before = Cell::new(totals());
                let failed: Vec<Call> = fail_each_call(scenario, |call| {
                    if call == Call::Release {
                        before.set(totals()); // what could not be released is still there, and counted
                    }
                    assert_eq!(before.get(), totals(), "{call:?}");
                    assert_eq!(Rc::strong_count(&element), 1, "{call:?}");
                });
                for (call, times) in
                    [(Call::Reserve, 2), (Call::Commit, 2), (Call::Decommit, 2), (Call::Release, 2)]
                {
                    assert!(failed.iter().filter(|&&it| it == call).count() >= times, "{call:?}: {failed:?}");
                }
            }
        },
    );
}

#[test]
fn what_was_prepared_is_pushed_without_a_system_call() {
    let vec = SyncVec::with_capacity_limit(100_000);
    vec.prepare(50_000).unwrap();
    let failed = fail_after(0, || (0..50_000_u64).for_each(|number| assert!(vec.try_push(number).is_ok())));
    assert_eq!((failed, vec.len()), (None, 50_000));
}

/// As a thread that ends in the middle of a push, or is not there any more after a `fork`.
fn cut_off_a_push<T>(vec: &SyncVec<T>) -> usize {
    vec.prepare(1).unwrap();
    vec.next.fetch_add(1, Relaxed)
}

#[test]
fn a_push_that_was_cut_off_ends_the_slice_and_is_dropped_by_nobody() {
    let element = Rc::new(7);
    let mut vec = SyncVec::with_capacity_limit(100);
    vec.push(element.clone());
    let index = cut_off_a_push(&vec);
    vec.push(element.clone());
    for _ in 0..2 {
        assert_eq!((vec.len(), vec.as_slice().len(), vec.as_mut_slice().len(), vec.claimed()), (1, 1, 1, 3));
        assert_eq!((vec.get(index), vec.get(2), &vec[2]), (None, Some(&element), &element));
    }
    vec.clear();
    assert_eq!((Rc::strong_count(&element), vec.len(), vec.claimed()), (1, 0, 0));
    for index in 0..10 {
        assert_eq!(vec.push(element.clone()).0, index);
    }
    assert_eq!((vec.len(), Rc::strong_count(&element)), (10, 11), "nothing is left of the gap");
    cut_off_a_push(&vec);
    drop(vec);
    assert_eq!(Rc::strong_count(&element), 1);
}

/// Where addresses are few only one range is kept for the next, and a vector has two.
#[test]
#[cfg(all(target_pointer_width = "64", not(any(miri, v_alloc_heap_os, feature = "traps"))))]
fn short_lives_in_turn_make_no_system_call_and_publish_nothing_of_each_other() {
    alone(
        "sync_vec::tests::short_lives_in_turn_make_no_system_call_and_publish_nothing_of_each_other",
        || {
            let life = |elements: usize| {
                let vec = SyncVec::new();
                (0..elements).for_each(|number| assert_eq!(vec.push(number), (number, &number)));
                assert_eq!(vec.len(), elements);
                assert!((vec.len()..vec.room.load(Relaxed)).all(|index| vec.get(index).is_none()));
            };
            life(2000);
            for elements in [1000, 10, 2000, 1] {
                assert_eq!(fail_after(0, || life(elements)), None);
                assert_eq!(totals(), (0, 0));
            }
        },
    );
}
