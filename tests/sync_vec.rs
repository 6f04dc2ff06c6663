//! A vector that many threads push to: what readers see grows without a gap, every element is there once, and is dropped
//! once.
#![cfg(target_has_atomic = "64")]
#![allow(clippy::cast_possible_truncation, clippy::large_stack_arrays, reason = "the point of some elements")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::panics::panic_of;
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use v_alloc::{Operation, SyncVec};

const THREADS: usize = 4;
const EACH: usize = if cfg!(miri) { 50 } else { 20_000 };

#[test]
fn readers_see_a_prefix_that_only_grows_and_in_the_end_every_element_once() {
    static VEC: SyncVec<(usize, usize)> = SyncVec::new();
    let left = AtomicUsize::new(THREADS);
    let places = thread::scope(|scope| {
        let work = |thread: usize, left: &AtomicUsize| {
            let place = |number| {
                let (index, element) = VEC.push((thread, number));
                assert_eq!(*element, (thread, number));
                assert_eq!(VEC.get(index), Some(element));
                (index, std::ptr::from_ref(element).addr())
            };
            let places: Vec<_> = (0..EACH).map(place).collect();
            left.fetch_sub(1, Relaxed);
            places
        };
        let left = &left;
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread, left))).collect();
        for _ in 0..2 {
            scope.spawn(move || {
                let (mut seen, mut next) = (0, [0; THREADS]);
                while left.load(Relaxed) > 0 || seen < THREADS * EACH {
                    let slice = VEC.as_slice();
                    assert!(slice.len() >= seen, "the slice shrank");
                    assert!(VEC.claimed() >= slice.len());
                    for &(thread, number) in &slice[seen..] {
                        assert_eq!(number, next[thread], "the elements of a thread are in its order");
                        next[thread] += 1;
                    }
                    seen = slice.len();
                }
                assert_eq!(next, [EACH; THREADS]);
            });
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!((VEC.len(), VEC.claimed()), (THREADS * EACH, THREADS * EACH));
    for (thread, places) in places.iter().enumerate() {
        for (number, &(index, address)) in places.iter().enumerate() {
            assert_eq!(VEC[index], (thread, number));
            assert_eq!(std::ptr::from_ref(&VEC[index]).addr(), address, "an element moved");
        }
    }
}

/// Adds to a count when it is dropped; which one may panic.
struct Counted<'a> {
    number: usize,
    drops: &'a [AtomicUsize],
    fatal: Option<usize>,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.drops[self.number].fetch_add(1, Relaxed);
        assert!(self.fatal != Some(self.number), "a fatal drop");
    }
}

#[test]
fn what_threads_pushed_is_dropped_once_by_whoever_has_the_vector() {
    let drops: Vec<AtomicUsize> = (0..THREADS * 500).map(|_| AtomicUsize::new(0)).collect();
    for clear in [true, false] {
        let vec = SyncVec::new();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (vec, drops) = (&vec, &drops[..]);
                scope.spawn(move || {
                    for number in thread * 500..(thread + 1) * 500 {
                        vec.push(Counted { number, drops, fatal: None });
                    }
                });
            }
        });
        let expected = usize::from(!clear);
        assert!(drops.iter().all(|drops| drops.load(Relaxed) == expected));
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut vec = vec;
                if clear {
                    vec.clear();
                    assert!(vec.is_empty() && vec.claimed() == 0);
                }
            });
        });
        assert!(drops.iter().all(|drops| drops.load(Relaxed) == expected + 1));
    }
}

#[test]
fn elements_are_taken_out_by_value_from_both_ends_and_the_rest_is_dropped_once() {
    let drops: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
    let counted = |number| Counted { number, drops: &drops, fatal: None };
    let mut elements = (0..100).map(counted).collect::<SyncVec<_>>().into_iter();
    let (first, last) = (elements.next().unwrap(), elements.next_back().unwrap());
    assert_eq!((first.number, last.number, elements.len()), (0, 99, 98));
    assert!(drops.iter().all(|drops| drops.load(Relaxed) == 0), "what was taken out lives");
    drop(elements);
    assert_eq!(drops.iter().filter(|drops| drops.load(Relaxed) == 1).count(), 98);
    drop((first, last));
    assert!(drops.iter().all(|drops| drops.load(Relaxed) == 1));

    let mut elements = SyncVec::from_iter(["a", "b", "c"]).into_iter();
    assert_eq!((elements.next(), format!("{elements:?}")), (Some("a"), r#"["b", "c"]"#.to_owned()));
    assert!(elements.eq(["b", "c"]));
    assert_eq!(SyncVec::<u8>::new().into_iter().next(), None);
    assert_eq!(SyncVec::from_iter([(); 5]).into_iter().count(), 5);
}

#[test]
fn a_drop_that_panics_drops_the_others_all_the_same() {
    for clear in [true, false] {
        let drops: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
        let mut vec = SyncVec::with_capacity_limit(100);
        vec.extend((0..100).map(|number| Counted { number, drops: &drops, fatal: Some(37) }));
        if clear {
            assert!(panic_of(|| vec.clear()).unwrap().contains("fatal"));
            assert!(drops.iter().all(|drops| drops.load(Relaxed) == 1));
            assert_eq!((vec.len(), vec.claimed()), (0, 0));
            assert_eq!(vec.push(Counted { number: 0, drops: &drops, fatal: None }).0, 0);
            drop(vec);
            assert_eq!(drops[0].load(Relaxed), 2);
        } else {
            assert!(panic_of(|| drop(vec)).unwrap().contains("fatal"));
            assert!(drops.iter().all(|drops| drops.load(Relaxed) == 1));
        }
    }
}

#[test]
fn threads_that_reach_the_limit_get_their_elements_back() {
    for limit in [0, 1, 2, 1000, 4096, 4097, 10_000] {
        let vec = SyncVec::with_capacity_limit(limit);
        assert_eq!(vec.limit(), limit);
        let barrier = Barrier::new(THREADS);
        let pushed: usize = thread::scope(|scope| {
            let work = || {
                barrier.wait();
                let mut pushed = 0;
                loop {
                    match vec.try_push([pushed; 3]) {
                        Ok((index, _)) => assert!(index < limit),
                        Err(refused) => {
                            assert_eq!(refused.value, [pushed; 3]);
                            assert_eq!(
                                (refused.error.operation(), refused.error.os_code()),
                                (Operation::Commit, None)
                            );
                            break pushed;
                        }
                    }
                    pushed += 1;
                }
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((pushed, vec.len(), vec.claimed(), vec.limit()), (limit, limit, limit, limit));
        assert!(vec.prepare(1).is_err() && vec.prepare(0).is_ok());
        assert_eq!(vec.claimed(), limit);
    }
}

#[test]
fn elements_of_every_size_and_alignment_have_their_place() {
    fn check<T: Copy + PartialEq + std::fmt::Debug>(count: usize, make: impl Fn(usize) -> T) {
        let mut vec = SyncVec::with_capacity_limit(count);
        for _ in 0..2 {
            for index in 0..count {
                let (there, element) = vec.push(make(index));
                assert_eq!((there, *element), (index, make(index)));
                assert_eq!(std::ptr::from_ref(element).addr() % align_of::<T>(), 0);
            }
            assert_eq!(vec.as_slice(), &(0..count).map(&make).collect::<Vec<T>>());
            assert!(vec.try_push(make(0)).is_err());
            vec.clear();
        }
        vec.shrink_to_fit().unwrap();
        assert_eq!(vec.committed_bytes(), 0);
    }
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(4096))]
    struct Page(usize);
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(64))]
    struct Line([u8; 65]);
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(1024))]
    struct AlignedNothing;
    check(5000, |_| ());
    check(50, |_| AlignedNothing);
    check(5000, |index| index as u8);
    check(5000, |index| [index as u8; 3]);
    check(300, |index| Line([index as u8; 65]));
    check(30, Page);
    // Larger than the steps in which memory is committed. Without optimisation it is copied from frame to frame, which on
    // Windows is more than a test's stack.
    let large = || check(8, |index| [index; 20_000]);
    std::thread::Builder::new().stack_size(16 << 20).spawn(large).unwrap().join().unwrap();
}

#[test]
fn limits_that_cannot_be_are_no_surprise() {
    const LARGEST: usize = if usize::BITS < 64 { 1 << 24 } else { 1 << 32 };
    let nothings = SyncVec::with_capacity_limit(usize::MAX);
    nothings.push(());
    assert_eq!((nothings.limit(), nothings.len()), (LARGEST, 1));
    if cfg!(not(any(miri, v_alloc_heap_os))) {
        let bytes = SyncVec::with_capacity_limit(usize::MAX);
        bytes.push(1_u8);
        assert_eq!((bytes.limit(), bytes.as_slice()), (LARGEST, &[1_u8][..]));
    }
    let large = SyncVec::with_capacity_limit(usize::MAX);
    let refused = large.try_push([1_u64; 1 << 12]);
    if cfg!(target_pointer_width = "64") {
        assert!(refused.is_ok() || large.limit() == LARGEST, "16 TiB, or an error");
    } else {
        assert!(refused.is_err());
    }
    let vec = SyncVec::<u64>::new();
    for additional in [usize::MAX, usize::MAX / 8, isize::MAX as usize, LARGEST + 1] {
        let error = vec.prepare(additional).unwrap_err();
        assert_eq!((error.operation(), error.os_code()), (Operation::Commit, None), "{additional}");
        assert_eq!((vec.len(), vec.claimed()), (0, 0));
    }
    vec.push(1);
    assert!(panic_of(|| _ = SyncVec::with_capacity_limit(0).push(1)).unwrap().starts_with("SyncVec: "));
}

#[cfg(unix)]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn threads_that_push_first_at_the_same_time_share_the_ranges_of_one() {
    use v_alloc::{process_committed_bytes, process_reserved_bytes};
    common::isolated("threads_that_push_first_at_the_same_time_share_the_ranges_of_one", || {
        let make = |default| if default { SyncVec::new() } else { SyncVec::with_capacity_limit(100_000) };
        let used = |default| {
            let vec = make(default);
            vec.push(1);
            vec
        };
        let of_one = [true, false].map(|default| {
            let _one = used(default);
            process_reserved_bytes()
        });
        // Of a small budget, threads that try at once leave too little to each other.
        let of_eight = {
            let _eight = [(); 8].map(|()| used(true));
            process_reserved_bytes()
        };
        let default = |round| round % 2 == 0 && of_eight == 8 * of_one[0];
        for round in 0..200 {
            let vec = make(default(round));
            let barrier = Barrier::new(8);
            thread::scope(|scope| {
                for thread in 0..8_u64 {
                    let (vec, barrier) = (&vec, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        (0..round * 10).for_each(|_| assert_eq!(*vec.push(thread).1, thread));
                        vec.prepare(10).unwrap();
                    });
                }
            });
            assert_eq!(process_committed_bytes(), vec.committed_bytes());
            assert_eq!(process_reserved_bytes(), of_one[usize::from(!default(round))]);
            drop(vec);
            assert_eq!((process_reserved_bytes(), process_committed_bytes()), (0, 0));
        }
    });
}

#[test]
fn a_vector_has_what_a_vector_has() {
    let mut vec: SyncVec<String> = ["a", "b"].into_iter().map(str::to_owned).collect();
    vec.as_mut_slice()[1].push('c');
    assert_eq!(format!("{vec:?}"), r#"["a", "bc"]"#);
    assert!(vec.iter().eq(["a", "bc"]) && (&vec).into_iter().eq(["a", "bc"]));
    assert_eq!((vec.get(1).map(String::as_str), vec.get(2), vec.get(usize::MAX)), (Some("bc"), None, None));
    assert!(catch_unwind(AssertUnwindSafe(|| vec[2].len())).is_err());
    assert!(SyncVec::<u8>::default().is_empty());
    let shared = &vec;
    assert_eq!(
        catch_unwind(|| shared.len()).ok(),
        Some(2),
        "a shared vector is safe to use in `catch_unwind`"
    );
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    Extend(usize),
    Prepare(usize),
    Change(prop::sample::Index),
    Get(prop::sample::Index),
    Clear,
    ShrinkToFit,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        8 => (0..1000_usize).prop_map(Op::Push),
        3 => (0..700_usize).prop_map(Op::Extend),
        2 => prop_oneof![0..3000_usize, Just(usize::MAX)].prop_map(Op::Prepare),
        2 => index().prop_map(Op::Change),
        2 => index().prop_map(Op::Get),
        1 => Just(Op::Clear),
        1 => Just(Op::ShrinkToFit),
    ]
}

const LIMIT: usize = 2000;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every element is a counted reference, so that one that is dropped twice, or never, shows.
    #[test]
    fn any_sequence_of_operations_leaves_what_it_leaves_in_a_vec(ops in prop::collection::vec(op(), 1..60)) {
        let counts: Vec<Rc<usize>> = (0..1000).map(Rc::new).collect();
        let mut vec: SyncVec<Rc<usize>> = SyncVec::with_capacity_limit(LIMIT);
        let mut model: Vec<Rc<usize>> = Vec::new();
        for op in ops {
            match op {
                Op::Push(number) => match vec.try_push(counts[number].clone()) {
                    Ok((index, element)) => {
                        prop_assert_eq!((index, element), (model.len(), &counts[number]));
                        model.push(counts[number].clone());
                    }
                    Err(refused) => prop_assert_eq!((model.len(), refused.value), (LIMIT, counts[number].clone())),
                },
                Op::Extend(count) => {
                    let count = count.min(LIMIT - model.len());
                    let more = || counts.iter().cycle().take(count).cloned();
                    vec.extend(more());
                    model.extend(more());
                }
                Op::Prepare(count) => {
                    prop_assert_eq!(vec.prepare(count).is_ok(), count <= LIMIT - model.len());
                }
                Op::Change(index) if !model.is_empty() => {
                    let index = index.index(model.len());
                    vec.as_mut_slice()[index] = counts[0].clone();
                    model[index] = counts[0].clone();
                }
                Op::Get(index) => {
                    let index = index.index(model.len() + 2);
                    prop_assert_eq!(vec.get(index), model.get(index));
                }
                Op::Change(_) => {}
                Op::Clear => {
                    vec.clear();
                    model.clear();
                }
                Op::ShrinkToFit => {
                    vec.shrink_to_fit().unwrap();
                    prop_assert!(!model.is_empty() || vec.committed_bytes() == 0);
                }
            }
            prop_assert_eq!((vec.len(), vec.claimed()), (model.len(), model.len()));
            prop_assert_eq!(vec.as_slice(), &model);
        }
        let used: usize = counts.iter().map(|count| Rc::strong_count(count) - 1).sum();
        prop_assert_eq!(used, 2 * model.len());
        drop(vec);
        let used: usize = counts.iter().map(|count| Rc::strong_count(count) - 1).sum();
        prop_assert_eq!(used, model.len());
    }
}
