//! A `StableVec` stays whole whatever the code of its user does: panic, lie, waver, push in between.
#![cfg(all(feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::elements::{Drops, Element};
use common::panics::panic_of;
use std::cell::Cell;
use std::ops::{Bound, Range, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use v_alloc::StableVec;

/// Runs `work` on ten elements while the drop, and then the clone, of each of them is fatal.
fn survives_panics(name: &str, work: impl Fn(&mut StableVec<Element<'_, 1>>)) {
    for fatal in 0..10 {
        for in_clone in [false, true] {
            let drops = Drops::default();
            let mut vec: StableVec<_> = (0..10).map(|number| drops.make::<1>(number)).collect();
            let which = if in_clone { &drops.fatal_clone } else { &drops.fatal_drop };
            which.set(Some(fatal));
            let panicked = panic_of(|| work(&mut vec));
            assert!(
                panicked.as_deref().is_none_or(|text| text.contains("a fatal ") || text.contains("asked")),
                "{name}: {panicked:?}"
            );
            which.set(None);
            let alive = drops.alive();
            let of = drops.of.borrow().clone();
            assert!(
                vec.iter().all(|element| of[element.id] == 0),
                "{name}, {fatal}: a dropped element is left"
            );
            assert_eq!(alive, vec.len(), "{name}, {fatal}: lost");
            vec.push(drops.make(77));
            assert_eq!(vec.last().unwrap().number, 77);
            drop(vec);
            assert_eq!(drops.alive(), 0, "{name}, {fatal}");
        }
    }
}

#[test]
fn panics_in_drop_and_clone_leave_a_consistent_vec() {
    survives_panics("truncate", |vec| vec.truncate(3));
    #[allow(clippy::redundant_closure_for_method_calls, reason = "a path is not general enough")]
    survives_panics("clear", |vec| vec.clear());
    survives_panics("drain", |vec| drop(vec.drain(2..7)));
    survives_panics("drain some", |vec| {
        let mut drain = vec.drain(2..7);
        drop(drain.next());
        drop(drain.next_back());
    });
    survives_panics("retain", |vec| vec.retain(|element| element.number % 3 == 0));
    survives_panics("retain_mut", |vec| vec.retain_mut(|element| element.number % 3 == 0));
    survives_panics("dedup", |vec| vec.dedup_by_key(|element| element.number / 4));
    survives_panics("remove", |vec| drop(vec.remove(4)));
    survives_panics("swap_remove", |vec| drop(vec.swap_remove(4)));
    survives_panics("pop", |vec| drop(vec.pop()));
    survives_panics("resize", |vec| {
        let value = vec[4].drops.make(4);
        vec.resize(20, value);
    });
    survives_panics("resize to less", |vec| {
        let value = vec[4].drops.make(4);
        vec.resize(4, value);
    });
    survives_panics("extend_from_slice", |vec| {
        let more: Vec<_> = vec.iter().map(|element| element.drops.make(element.number)).collect();
        vec.extend_from_slice(&more);
    });
    survives_panics("extend_from_within", |vec| vec.extend_from_within(2..8));
    survives_panics("clone", |vec| drop(vec.clone()));
    survives_panics("clone_from", |vec| {
        let source: StableVec<_> = vec.iter().map(|element| element.drops.make(element.number)).collect();
        vec.clone_from(&source);
    });
    survives_panics("into_iter", |vec| {
        let mut items = std::mem::take(vec).into_iter();
        drop(items.next());
        drop(items.next_back());
    });
    survives_panics("drop", |vec| drop(std::mem::take(vec)));
    survives_panics("split_off", |vec| drop(vec.split_off(5)));
    survives_panics("drain from behind", |vec| vec.drain(2..7).rev().take(3).for_each(drop));
    survives_panics("pop_if", |vec| drop(vec.pop_if(|last| last.number > 3)));
    survives_panics("extract", |vec| {
        vec.extract_if(1..9, |element| element.number % 3 != 0).take(3).for_each(drop);
    });
    survives_panics("splice", |vec| {
        let more: Vec<_> = vec[..4].iter().map(|element| element.drops.make(element.number + 20)).collect();
        drop(vec.splice(2..7, more).next());
    });
    survives_panics("push_mut", |vec| {
        let drops = vec[0].drops;
        *vec.push_mut(drops.make(4)) = drops.make(5);
    });
    survives_panics("from a slice", |vec| drop(StableVec::from(vec.as_slice())));
    survives_panics("insert", |vec| vec.insert(3, vec[3].clone()));
    survives_panics("append", |vec| vec.append(&mut vec.clone()));
    survives_panics("assign", |vec| vec[3] = vec[3].drops.make(50));
    survives_panics("shrink_to_fit", |vec| {
        vec.clear();
        vec.shrink_to_fit();
    });
}

#[test]
#[allow(clippy::too_many_lines, reason = "one call for each method")]
fn panics_in_what_the_caller_passes_leave_a_consistent_vec() {
    for stop in 0..10 {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            assert!(asked.get() <= stop, "asked too often");
        };
        let survives = |name: &str, work: &dyn Fn(&mut StableVec<Element<'_, 1>>)| {
            survives_panics(name, |vec| {
                asked.set(0);
                work(vec);
            });
        };
        survives("retain", &|vec| {
            vec.retain(|element| {
                ask();
                element.number % 3 == 0
            });
        });
        survives("retain_mut", &|vec| {
            vec.retain_mut(|element| {
                ask();
                element.number % 2 == 0
            });
        });
        survives("extract", &|vec| {
            let asked_of = |element: &mut Element<'_, 1>| {
                ask();
                element.number % 2 == 0
            };
            vec.extract_if(.., asked_of).for_each(drop);
        });
        survives("splice", &|vec| {
            let drops = vec[0].drops;
            let more = (0..10).map(|number| {
                ask();
                drops.make(number)
            });
            drop(vec.splice(1..4, more));
        });
        survives("dedup_by", &|vec| {
            vec.dedup_by(|a, b| {
                ask();
                a.number / 3 == b.number / 3
            });
        });
        survives("resize_with", &|vec| {
            let drops = vec[0].drops;
            vec.resize_with(20, || {
                ask();
                drops.make(9)
            });
        });
        survives("extend", &|vec| {
            let drops = vec[0].drops;
            vec.extend((0..10).map(|number| {
                ask();
                drops.make(number)
            }));
        });
        survives("collect", &|vec| {
            let drops = vec[0].drops;
            *vec = (0..10)
                .map(|number| {
                    ask();
                    drops.make(number)
                })
                .collect();
        });
        survives("sort_by", &|vec| {
            vec.sort_by(|a, b| {
                ask();
                b.number.cmp(&a.number)
            });
        });
        survives("sort_unstable_by", &|vec| {
            vec.sort_unstable_by(|a, b| {
                ask();
                b.number.cmp(&a.number)
            });
        });
        survives("dedup_by_key", &|vec| {
            vec.dedup_by_key(|element| {
                ask();
                element.number / 3
            });
        });
        survives("what is done with what is drained", &|vec| {
            vec.drain(1..8).for_each(|element| {
                ask();
                drop(element);
            });
        });
        survives("replace all", &|vec| {
            for element in vec.iter_mut() {
                ask();
                *element = element.clone();
            }
        });
        survives("sort", &|vec| {
            vec.sort_by_key(|element| {
                ask();
                u64::MAX - element.number
            });
        });
    }
}

/// An iterator that does not know how long it is.
struct Lies(Range<u64>, (usize, Option<usize>));

impl Iterator for Lies {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

impl ExactSizeIterator for Lies {
    fn len(&self) -> usize {
        self.1.0
    }
}

#[test]
fn iterators_may_lie() {
    // Not with an upper bound below the lower: a standard library with assertions refuses that itself.
    for hint in [(0, Some(0)), (usize::MAX, None), (7, Some(7)), (usize::MAX / 64, Some(usize::MAX / 64))] {
        let mut vec: StableVec<u64> = Lies(0..3000, hint).collect();
        vec.extend(Lies(3000..5000, hint));
        assert!(vec.iter().copied().eq(0..5000), "{hint:?}");
    }
}

/// A range that is another one each time it is asked.
struct Wavers(Cell<usize>);

impl RangeBounds<usize> for Wavers {
    fn start_bound(&self) -> Bound<&usize> {
        Bound::Unbounded
    }
    fn end_bound(&self) -> Bound<&usize> {
        let asked = self.0.get();
        self.0.set(asked + 1);
        Bound::Excluded(if asked == 0 { &2 } else { &1_000_000 })
    }
}

#[test]
fn ranges_may_waver() {
    let mut vec = StableVec::from(["a", "b", "c"].map(String::from));
    vec.extend_from_within(Wavers(Cell::new(0)));
    assert_eq!(vec, ["a", "b", "c", "a", "b"]);
    assert!(vec.drain(Wavers(Cell::new(0))).eq(["a", "b"]));
    assert_eq!(vec, ["c", "a", "b"]);
}

#[test]
fn ranges_of_all_kinds_mean_what_they_mean_for_a_vec() {
    let all = [0, 1, 2, 3, 4, usize::MAX - 1, usize::MAX];
    let bounds = |at: usize| [Bound::Included(at), Bound::Excluded(at), Bound::Unbounded];
    for start in all.into_iter().flat_map(bounds) {
        for end in all.into_iter().flat_map(bounds) {
            let (mut vec, mut model) = (StableVec::from([1, 2, 3]), vec![1, 2, 3]);
            let of_model = catch_unwind(AssertUnwindSafe(|| model.extend_from_within((start, end))));
            let of_vec = catch_unwind(AssertUnwindSafe(|| vec.extend_from_within((start, end))));
            assert_eq!(of_vec.is_ok(), of_model.is_ok(), "{start:?} {end:?}");
            assert_eq!(vec, model[..], "{start:?} {end:?}");
            let of_model = catch_unwind(AssertUnwindSafe(|| model.drain((start, end)).collect::<Vec<_>>()));
            let of_vec = catch_unwind(AssertUnwindSafe(|| vec.drain((start, end)).collect::<Vec<_>>()));
            assert_eq!(of_vec.ok(), of_model.ok(), "{start:?} {end:?}");
            assert_eq!(vec, model[..], "{start:?} {end:?}");
        }
    }
}

#[test]
fn a_drain_that_is_forgotten_leaves_no_element_twice() {
    let mut vec = StableVec::from([1, 2, 3, 4].map(Rc::new));
    let kept: Vec<_> = vec.iter().cloned().collect();
    let mut drain = vec.drain(1..3);
    drop(drain.next());
    std::mem::forget(drain);
    drop(vec);
    assert!(kept.iter().all(|number| (1..=2).contains(&Rc::strong_count(number))));
}

/// An element that pushes into its vector whenever it is looked at.
struct Pushes {
    number: u64,
    into: Weak<StableVec<Pushes>>,
}

impl Pushes {
    fn one_more(&self) {
        if let Some(vec) = self.into.upgrade() {
            // Enough for the vector to grow.
            for _ in 0..600 {
                vec.push(Pushes { number: self.number + 100, into: Weak::new() });
            }
        }
    }
}

impl Clone for Pushes {
    fn clone(&self) -> Self {
        self.one_more();
        Self { number: self.number, into: Weak::new() }
    }
}

impl PartialEq for Pushes {
    fn eq(&self, other: &Self) -> bool {
        self.one_more();
        self.number == other.number
    }
}

impl Drop for Pushes {
    fn drop(&mut self) {
        self.one_more(); // the vector is gone then, and the weak pointer knows
    }
}

#[test]
fn elements_may_push_while_they_are_cloned_or_compared() {
    let vec = Rc::new(StableVec::new());
    for number in 0..5 {
        vec.push(Pushes { number, into: Rc::downgrade(&vec) });
    }
    let clone = StableVec::clone(&*vec);
    assert!(clone.iter().map(|element| element.number).eq(0..5), "what there was at the beginning");
    assert_eq!(vec.len(), 5 + 5 * 600);
    let first_five = &vec[..5];
    assert!(first_five == clone.as_slice());
    assert_eq!(vec.len(), 5 + 10 * 600);
    assert!(vec.contains(&Pushes { number: 4, into: Weak::new() }));
    assert!(vec[5..].iter().all(|element| element.number >= 100));
    assert_eq!(vec.len(), 5 + 15 * 600);
}

/// An element that writes down, in another vector, when it is dropped.
struct Logs(u64, Rc<StableVec<u64>>);

impl Drop for Logs {
    fn drop(&mut self) {
        self.1.push(self.0);
    }
}

/// Does to one of them, filled, what it says; and tells in which order elements were dropped, up to the end.
macro_rules! order_of_drops {
    ($vec:ty, |$it:ident| $work:expr) => {{
        let log = Rc::new(StableVec::new());
        let mut $it: $vec = (0..10).map(|number| Logs(number, log.clone())).collect();
        $work;
        drop($it);
        log.to_vec()
    }};
}

#[test]
fn elements_that_push_into_another_vec_are_dropped_in_the_order_of_a_vec() {
    macro_rules! same_order {
        (|$it:ident| $work:expr) => {
            let order = order_of_drops!(StableVec<Logs>, |$it| $work);
            assert_eq!(order, order_of_drops!(Vec<Logs>, |$it| $work));
            assert_eq!(order.len(), 10);
        };
    }
    same_order!(|vec| vec.truncate(4));
    same_order!(|vec| vec.clear());
    same_order!(|vec| drop(vec.drain(2..7)));
    same_order!(|vec| vec.drain(2..7).rev().take(2).for_each(drop));
    same_order!(|vec| vec.retain(|element| element.0 % 3 == 1));
    same_order!(|vec| vec.dedup_by_key(|element| element.0 / 4));
    same_order!(|vec| drop((vec.swap_remove(2), vec.remove(3), vec.pop())));
    same_order!(|vec| drop(vec.split_off(6)));
    same_order!(|vec| vec.resize_with(3, || unreachable!()));
    same_order!(|vec| {
        let mut items = std::mem::take(&mut vec).into_iter();
        drop((items.next_back(), items.next()));
    });
}
