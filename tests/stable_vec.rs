//! A `StableVec` does what a `Vec` does, and its elements stay where they are: any sequence of operations leaves what
//! it leaves in a `Vec`, and drops every element once; code of the caller's may panic, lie or push in between; the
//! limit is an error that gives the element back, or a panic that says what was asked for.
#![cfg(all(feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]

mod common;

use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::ops::{Bound, Range, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use v_alloc::{StableString, StableVec};

/// How often each element that was ever made was dropped.
#[derive(Debug, Default)]
struct Drops {
    of: RefCell<Vec<u32>>,
    /// Elements with this number panic when they are dropped, or cloned.
    fatal_drop: Cell<Option<u64>>,
    fatal_clone: Cell<Option<u64>>,
}

impl Drops {
    fn make<const BYTES: usize>(&self, number: u64) -> Element<'_, BYTES> {
        let mut of = self.of.borrow_mut();
        of.push(0);
        Element { number, id: of.len() - 1, drops: self, _bytes: [number as u8; BYTES] }
    }

    fn alive(&self) -> usize {
        let of = self.of.borrow();
        assert!(of.iter().all(|&drops| drops <= 1), "dropped twice: {of:?}");
        of.iter().filter(|&&drops| drops == 0).count()
    }
}

/// An element of some size that its clones and drops are counted of.
#[derive(Debug)]
struct Element<'a, const BYTES: usize> {
    number: u64,
    id: usize,
    drops: &'a Drops,
    _bytes: [u8; BYTES],
}

impl<const BYTES: usize> Clone for Element<'_, BYTES> {
    fn clone(&self) -> Self {
        assert_ne!(self.drops.fatal_clone.get(), Some(self.number), "a fatal clone");
        self.drops.make(self.number)
    }
}

impl<const BYTES: usize> PartialEq for Element<'_, BYTES> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<const BYTES: usize> Drop for Element<'_, BYTES> {
    fn drop(&mut self) {
        self.drops.of.borrow_mut()[self.id] += 1;
        let fatal = self.drops.fatal_drop.get() == Some(self.number);
        assert!(!fatal || std::thread::panicking(), "a fatal drop");
    }
}

fn numbers<const BYTES: usize>(elements: &[Element<'_, BYTES>]) -> Vec<u64> {
    elements.iter().map(|element| element.number).collect()
}

/// What a panic said, if there was one.
fn panic_of<R>(work: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(work)).err()?;
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap())
}

type Index = prop::sample::Index;

#[derive(Clone, Debug)]
enum Op {
    Push(u64),
    TryPush(u64),
    Pop,
    Insert(Index, u64),
    Remove(Index),
    SwapRemove(Index),
    Truncate(Index),
    Clear,
    Drain { range: (Index, Index), front: usize, back: usize },
    Retain(u64),
    RetainMut(u64),
    Dedup,
    DedupByKey,
    Append(Vec<u64>),
    SplitOff(Index),
    Resize(usize, u64),
    ResizeWith(usize, u64),
    ExtendFromSlice(Vec<u64>),
    ExtendFromWithin(Index, Index),
    Extend(Vec<u64>),
    TryReserve(usize),
    ShrinkToFit,
    Clone,
    IntoIter { front: usize, back: usize },
    Sort,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let number = || 0..6_u64;
    let several = || prop::collection::vec(0..6_u64, 0..20);
    prop_oneof![
        8 => number().prop_map(Op::Push),
        4 => number().prop_map(Op::TryPush),
        2 => Just(Op::Pop),
        4 => (index(), number()).prop_map(|(at, number)| Op::Insert(at, number)),
        2 => index().prop_map(Op::Remove),
        2 => index().prop_map(Op::SwapRemove),
        1 => index().prop_map(Op::Truncate),
        1 => Just(Op::Clear),
        2 => ((index(), index()), 0..4_usize, 0..4_usize)
            .prop_map(|(range, front, back)| Op::Drain { range, front, back }),
        1 => number().prop_map(Op::Retain),
        1 => number().prop_map(Op::RetainMut),
        1 => Just(Op::Dedup),
        1 => Just(Op::DedupByKey),
        2 => several().prop_map(Op::Append),
        1 => index().prop_map(Op::SplitOff),
        1 => (0..60_usize, number()).prop_map(|(len, number)| Op::Resize(len, number)),
        1 => (0..60_usize, number()).prop_map(|(len, number)| Op::ResizeWith(len, number)),
        4 => several().prop_map(Op::ExtendFromSlice),
        2 => (index(), index()).prop_map(|(from, to)| Op::ExtendFromWithin(from, to)),
        4 => several().prop_map(Op::Extend),
        1 => (0..60_usize).prop_map(Op::TryReserve),
        2 => Just(Op::ShrinkToFit),
        1 => Just(Op::Clone),
        1 => (0..4_usize, 0..4_usize).prop_map(|(front, back)| Op::IntoIter { front, back }),
        1 => Just(Op::Sort),
    ]
}

fn range_of(len: usize, a: Index, b: Index) -> Range<usize> {
    let (a, b) = (a.index(len + 1), b.index(len + 1));
    a.min(b)..a.max(b)
}

/// Takes some from both ends.
fn take<T>(mut items: impl DoubleEndedIterator<Item = T>, front: usize, back: usize) -> Vec<T> {
    let mut taken: Vec<T> = items.by_ref().take(front).collect();
    taken.extend(items.by_ref().rev().take(back));
    taken
}

/// Does the same to both, and checks what the operation itself returns.
#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn run<'a, const B: usize>(
    op: Op,
    vec: &mut StableVec<Element<'a, B>>,
    model: &mut Vec<u64>,
    drops: &'a Drops,
) {
    let (len, reserved) = (model.len(), vec.reserved());
    let fits = |more: usize| more <= reserved - len;
    // What must panic if it does not fit, and change nothing then.
    let check = |more: usize, panic: Option<String>| {
        assert_eq!(panic.is_none(), fits(more), "{more} more than {len} of {reserved}: {panic:?}");
        assert!(panic.is_none_or(|text| text.starts_with("StableVec: cannot commit ")));
        fits(more)
    };
    match op {
        Op::Push(number) => {
            let panic = panic_of(|| {
                let pushed = vec.push(drops.make(number));
                assert_eq!(pushed.number, number);
                assert!(std::ptr::eq(pushed, &raw const vec[len]));
            });
            if check(1, panic) {
                model.push(number);
            }
        }
        Op::TryPush(number) => match vec.try_push(drops.make(number)) {
            Ok(pushed) => {
                assert!(std::ptr::eq(pushed, &raw const vec[len]));
                model.push(number);
            }
            Err(error) => {
                assert!(!fits(1));
                assert_eq!(error.value.number, number);
            }
        },
        Op::Pop => assert_eq!(vec.pop().map(|element| element.number), model.pop()),
        Op::Insert(at, number) => {
            let at = at.index(len + 1);
            if check(1, panic_of(|| vec.insert(at, drops.make(number)))) {
                model.insert(at, number);
            }
        }
        Op::Remove(at) if len > 0 => {
            assert_eq!(vec.remove(at.index(len)).number, model.remove(at.index(len)));
        }
        Op::SwapRemove(at) if len > 0 => {
            assert_eq!(vec.swap_remove(at.index(len)).number, model.swap_remove(at.index(len)));
        }
        Op::Remove(_) => assert!(panic_of(|| vec.remove(0)).is_some()),
        Op::SwapRemove(_) => assert!(panic_of(|| vec.swap_remove(0)).is_some()),
        Op::Truncate(at) => {
            vec.truncate(at.index(len + 3));
            model.truncate(at.index(len + 3));
        }
        Op::Clear => {
            vec.clear();
            model.clear();
        }
        Op::Drain { range: (a, b), front, back } => {
            let range = range_of(len, a, b);
            let taken = take(vec.drain(range.clone()), front, back);
            assert_eq!(numbers(&taken), take(model.drain(range), front, back));
        }
        Op::Retain(number) => {
            vec.retain(|element| element.number != number);
            model.retain(|&other| other != number);
        }
        Op::RetainMut(number) => {
            vec.retain_mut(|element| {
                element.number ^= 1;
                element.number > number
            });
            model.retain_mut(|other| {
                *other ^= 1;
                *other > number
            });
        }
        Op::Dedup => {
            vec.dedup();
            model.dedup();
        }
        Op::DedupByKey => {
            vec.dedup_by_key(|element| element.number / 2);
            model.dedup_by_key(|number| *number / 2);
        }
        Op::Append(more) => {
            let mut other: StableVec<_> = more.iter().map(|&number| drops.make(number)).collect();
            if check(more.len(), panic_of(|| vec.append(&mut other))) {
                assert!(other.is_empty());
                model.extend(more);
            } else {
                assert_eq!(numbers(&other), more);
            }
        }
        Op::SplitOff(at) => {
            let other = vec.split_off(at.index(len + 1));
            assert_eq!(numbers(&other), model.split_off(at.index(len + 1)));
            assert_eq!(other.reserved(), reserved);
        }
        Op::Resize(to, number) => {
            if check(to.saturating_sub(len), panic_of(|| vec.resize(to, drops.make(number)))) {
                model.resize(to, number);
            }
        }
        Op::ResizeWith(to, number) => {
            if check(to.saturating_sub(len), panic_of(|| vec.resize_with(to, || drops.make(number)))) {
                model.resize_with(to, || number);
            }
        }
        Op::ExtendFromSlice(more) => {
            let other: Vec<_> = more.iter().map(|&number| drops.make(number)).collect();
            if check(more.len(), panic_of(|| vec.extend_from_slice(&other))) {
                model.extend(more);
            }
        }
        Op::ExtendFromWithin(a, b) => {
            let range = range_of(len, a, b);
            if check(range.len(), panic_of(|| vec.extend_from_within(range.clone()))) {
                model.extend_from_within(range);
            }
        }
        Op::Extend(more) => {
            check(more.len(), panic_of(|| vec.extend(more.iter().map(|&number| drops.make(number)))));
            model.extend(more.into_iter().take(reserved - len)); // those that fitted stay
        }
        Op::TryReserve(more) => {
            let result = vec.try_reserve(more);
            assert_eq!(result.is_ok(), fits(more));
            assert!(vec.capacity() <= reserved);
            assert!(result.is_err() || vec.capacity() >= len + more);
        }
        Op::ShrinkToFit => {
            vec.shrink_to_fit();
            assert!(vec.capacity() == len || vec.capacity() == usize::MAX);
        }
        Op::Clone => {
            let clone = vec.clone();
            assert_eq!(numbers(&clone), *model);
            assert!(clone == *vec);
            assert_eq!(clone.reserved(), reserved);
        }
        Op::IntoIter { front, back } => {
            let clone = vec.clone();
            assert_eq!(clone.clone().into_iter().len(), len);
            let taken = take(clone.into_iter(), front, back);
            assert_eq!(numbers(&taken), take(model.clone().into_iter(), front, back));
        }
        Op::Sort => {
            vec.sort_by_key(|element| element.number);
            model.sort_unstable();
        }
    }
}

fn behaves_like_vec<const B: usize>(reservation: usize, ops: Vec<Op>) {
    let drops = Drops::default();
    let mut vec: StableVec<Element<'_, B>> =
        StableVec::<Element<'_, B>>::options().reservation(reservation).build();
    let mut model = Vec::new();
    for op in ops {
        let (base, emptied) = (vec.as_ptr(), vec.capacity() == 0);
        let reserved = vec.reserved();
        let text = format!("{op:?}");
        run(op, &mut vec, &mut model, &drops);
        assert_eq!(numbers(&vec), model, "{text}");
        assert_eq!(drops.alive(), model.len(), "{text}");
        assert_eq!(vec.reserved(), reserved, "{text}");
        // Stronger than for elements that are there all the time: the memory stays until none is left of it.
        assert!(emptied || vec.capacity() == 0 || vec.as_ptr() == base, "{text} has moved the elements");
    }
    drop(vec);
    assert_eq!(drops.alive(), 0);
    assert!(drops.of.borrow().iter().all(|&count| count == 1));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 6 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn small_elements_behave_as_in_a_vec(
        reservation in 1..200_usize, ops in prop::collection::vec(op(), 1..if cfg!(miri) { 30 } else { 100 })
    ) {
        behaves_like_vec::<1>(reservation, ops);
    }

    #[test]
    fn elements_of_a_good_part_of_a_page_behave_as_in_a_vec(
        reservation in 1..60_usize, ops in prop::collection::vec(op(), 1..if cfg!(miri) { 30 } else { 100 })
    ) {
        behaves_like_vec::<1000>(reservation, ops);
    }

    #[test]
    fn elements_larger_than_a_page_behave_as_in_a_vec(
        reservation in 1..30_usize, ops in prop::collection::vec(op(), 1..if cfg!(miri) { 15 } else { 100 })
    ) {
        behaves_like_vec::<5000>(reservation, ops);
    }
}

#[test]
fn references_stay_good_across_a_hundred_thousand_pushes() {
    let count = if cfg!(miri) { 2_000 } else { 100_000 };
    let vec = StableVec::new();
    let mut references: Vec<(&String, *const u8)> = Vec::new();
    for number in 0..count {
        let pushed = vec.push(format!("number {number}"));
        references.push((pushed, pushed.as_ptr()));
    }
    for (number, &(reference, text)) in references.iter().enumerate() {
        assert_eq!(*reference, format!("number {number}"));
        assert_eq!(reference.as_ptr(), text);
        assert!(std::ptr::eq(reference, &raw const vec[number]));
    }
    let slice = &vec[..10];
    let last = vec.last().unwrap();
    vec.push("one more".to_owned());
    assert_eq!((slice[3].as_str(), last.as_str()), ("number 3", &*format!("number {}", count - 1)));
}

#[test]
fn a_loop_over_the_elements_may_push() {
    let vec = StableVec::from([1_u32]);
    for _ in 0..10 {
        for &number in &vec {
            vec.push(number + 1);
        }
    }
    assert_eq!(vec.len(), 1024);
    // A work list, which grows while it is worked off.
    let (list, mut next) = (StableVec::from([1000_u32]), 0);
    while let Some(&number) = list.get(next) {
        if number > 1 {
            list.push(number / 2);
            list.push(number / 3);
        }
        next += 1;
    }
    assert!(list.iter().all(|&number| number <= 1000) && list.len() > 100);
    // And what was changed through a cell is seen.
    let cells = StableVec::new();
    let first = cells.push(Cell::new(0));
    for number in 0..5000 {
        cells.push(Cell::new(number));
        first.set(number);
    }
    assert_eq!((cells[0].get(), cells.len()), (4999, 5001));
}

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
    survives_panics("into_iter", |vec| {
        let mut items = std::mem::take(vec).into_iter();
        drop(items.next());
        drop(items.next_back());
    });
    survives_panics("drop", |vec| drop(std::mem::take(vec)));
    survives_panics("split_off", |vec| drop(vec.split_off(5)));
    survives_panics("assign", |vec| vec[3] = vec[3].drops.make(50));
    survives_panics("shrink_to_fit", |vec| {
        vec.clear();
        vec.shrink_to_fit();
    });
}

#[test]
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

#[test]
fn the_reservation_is_the_limit() {
    let page = common::page();
    let mut vec = StableVec::<u64>::options().reservation(page / 8 + 1).build();
    let room = 2 * page / 8;
    assert_eq!((vec.reserved(), vec.capacity()), (room, 0));
    for number in 0..room as u64 {
        assert_eq!(vec.try_push(number), Ok(&number));
    }
    assert_eq!((vec.reserved(), vec.capacity()), (room, room));
    let failed = vec.try_push(7).unwrap_err();
    assert_eq!((failed.value, failed.error.bytes()), (7, 2 * page + 8));
    let text = format!(
        "cannot commit {} bytes of memory: that is more than is left of the reservation",
        2 * page + 8
    );
    assert_eq!(failed.to_string(), text);
    assert_eq!(format!("{failed:?}"), format!("PushError({:?})", failed.error));
    let panic = format!("StableVec: {text}");
    assert_eq!(panic_of(|| *vec.push(7)).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.insert(0, 7)).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.extend([7])).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.extend_from_slice(&[7])).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.extend_from_within(..1)).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.resize(room + 1, 7)).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.resize_with(room + 1, || 7)).as_ref(), Some(&panic));
    assert_eq!(panic_of(|| vec.append(&mut StableVec::from([7]))).as_ref(), Some(&panic));
    assert!(vec.iter().copied().eq(0..room as u64), "nothing has changed");
    assert_eq!(vec.pop(), Some(room as u64 - 1));
    assert_eq!(*vec.push(8), 8);
    assert!(vec.try_push(9).is_err());
    vec.truncate(room - 1);
    vec.extend_from_within(5..6);
    assert_eq!(vec[room - 1], 5);
    // Room for less than all of them again.
    vec.truncate(room - 3);
    vec.extend_from_within(..3);
    assert_eq!(vec[room - 3..], [0, 1, 2]);
    let clone = vec.clone();
    assert_eq!((clone.reserved(), &clone), (room, &vec));
}

#[test]
fn what_no_machine_has_is_an_error() {
    let mut vec = StableVec::<u64>::new();
    for more in [usize::MAX, usize::MAX / 8, usize::MAX / 16, isize::MAX as usize] {
        assert!(vec.try_reserve(more).is_err(), "{more}");
        vec.push(1);
        assert!(vec.try_reserve(more).is_err(), "{more}");
        vec.clear();
        vec.shrink_to_fit();
    }
    let huge = StableVec::<u64>::options().reservation(usize::MAX).build();
    let error = huge.try_push(1).unwrap_err();
    assert_eq!((error.value, error.error.bytes()), (1, usize::MAX));
    assert!(huge.is_empty());
    let text = format!(
        "StableVec: cannot reserve {} bytes of address space: that is more than the address space",
        usize::MAX
    );
    assert_eq!(panic_of(|| *huge.push(1)), Some(text));
}

#[test]
fn elements_of_no_bytes_take_none() {
    let mut units = StableVec::<()>::new();
    assert_eq!((units.reserved(), units.capacity()), (usize::MAX, usize::MAX));
    units.push(());
    assert!(units.try_reserve(usize::MAX).is_err());
    assert_eq!(units.try_reserve(usize::MAX - 1), Ok(()));
    units.resize(10, ());
    assert_eq!(units.pop(), Some(()));
    units.append(&mut StableVec::from([(), ()]));
    assert_eq!(units.len(), 11);
    units.truncate(7);
    assert_eq!(units.drain(2..5).count(), 3);
    assert_eq!(units.clone().into_iter().len(), 4);
    units.shrink_to_fit();
    assert_eq!(units.split_off(1).len(), 3);
    units.clear();
    units.shrink_to_fit();
    assert_eq!(units.reserved(), usize::MAX);

    thread_local!(static DROPPED: Cell<usize> = const { Cell::new(0) });
    #[derive(Clone)]
    #[repr(align(64))]
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }
    let mut vec: StableVec<Nothing> = (0..10).map(|_| Nothing).collect();
    assert_eq!(vec.as_ptr().addr() % 64, 0);
    vec.truncate(8);
    assert_eq!(DROPPED.get(), 2);
    let mut clone = vec.clone().into_iter();
    drop(clone.next());
    drop(clone);
    assert_eq!(DROPPED.get(), 10);
    drop(vec.drain(1..3));
    assert_eq!(DROPPED.get(), 12);
    drop(vec);
    assert_eq!(DROPPED.get(), 18);
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(4096))]
struct Page(u8);

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(65536))]
struct Pages(u8);

#[test]
fn alignments_up_to_a_page_are_honoured_and_larger_ones_or_an_error() {
    let vec = StableVec::new();
    for number in 0..100 {
        let page: &Page = vec.push(Page(number));
        assert_eq!((&raw const *page).addr() % 4096, 0);
    }
    assert!(vec.iter().map(|page| page.0).eq(0..100));
    let small = StableVec::<Page>::options().reservation(1).build();
    assert_eq!((&raw const *small.push(Page(1))).addr() % 4096, 0);
    // Several, since one may be aligned by chance.
    let vecs = [(); 5].map(|()| StableVec::<Pages>::options().reservation(1).build());
    for vec in &vecs {
        match vec.try_push(Pages(3)) {
            Ok(pages) => assert_eq!((&raw const *pages).addr() % 65536, 0),
            Err(error) => assert_eq!(error.value, Pages(3)),
        }
    }
}

#[test]
#[allow(clippy::large_stack_arrays, reason = "large elements are what it is about")]
fn elements_larger_than_a_step_are_pushed_one_by_one() {
    type Large = [u8; if cfg!(miri) { 20_000 } else { 3 << 20 }];
    // They go over the stack, which is small for a test.
    let thread = std::thread::Builder::new().stack_size(128 << 20);
    let work = || {
        let vec = StableVec::<Large>::options().reservation(4).build();
        let room = vec.reserved();
        assert_eq!(room, 4);
        let first = vec.push([1; size_of::<Large>()]);
        for number in 2..=4 {
            vec.push([number; size_of::<Large>()]);
        }
        assert!(vec.try_push([5; size_of::<Large>()]).is_err());
        assert!(std::ptr::eq(first, &raw const vec[0]));
        assert!(vec.iter().map(|large| large[size_of::<Large>() - 1]).eq(1..=4));
    };
    thread.spawn(work).unwrap().join().unwrap();
    // Larger than any default reservation, and never touched.
    #[cfg(target_pointer_width = "64")]
    {
        let vec = StableVec::<[u8; 1 << 45]>::new();
        assert_eq!(vec.reserved(), 0);
        assert!(vec.try_reserve(1).is_err() || vec.capacity() == 1);
        assert!(vec.is_empty());
    }
}

#[cfg(all(unix, not(miri)))]
#[test]
fn shrinking_gives_pages_back() {
    common::isolated("shrinking_gives_pages_back", || {
        let committed = v_alloc::process_committed_bytes;
        let page = common::page();
        drop(StableVec::from([1_u64])); // the records of all blocks are there now
        let start = committed();
        let mut vec: StableVec<u64> = (0..1 << 20).collect();
        assert!(committed() - start >= 8 << 20);
        vec.truncate(1000);
        assert!(committed() - start >= 8 << 20, "the memory stays");
        vec.shrink_to_fit();
        assert_eq!((committed() - start, vec.capacity()), (8000_usize.next_multiple_of(page), 1000));
        let base = vec.as_ptr();
        vec.extend(1000..1 << 20);
        assert!(vec.iter().copied().eq(0..1 << 20), "what was given back is as good as new");
        assert_eq!(vec.as_ptr(), base);
        vec.clear();
        vec.shrink_to_fit();
        assert_eq!((committed(), vec.capacity()), (start, 0));
        drop(vec);
        assert_eq!(committed(), start);
        // The addresses too: a block that was forgotten would keep them.
        let reserved = v_alloc::process_reserved_bytes;
        let mut vec = StableVec::<u64>::options().reservation(1 << (usize::BITS / 2)).build();
        vec.push(1);
        vec.clear();
        vec.shrink_to_fit();
        let start = committed(); // with the records of such blocks
        vec.push(1);
        vec.clear();
        let held = reserved();
        for _ in 0..100 {
            vec.shrink_to_fit();
            vec.push(1);
            vec.clear();
        }
        assert_eq!((vec.reserved(), reserved()), (1 << (usize::BITS / 2), held));
        drop(vec);
        assert_eq!(committed(), start);
        for _ in 0..100 {
            let vec: StableVec<u8> = [1; 100].into_iter().collect();
            drop(vec.into_iter());
        }
        assert_eq!(committed(), start);
    });
}

#[test]
fn a_vec_may_go_to_another_thread() {
    fn send<T: Send>() {}
    send::<StableVec<Cell<u8>>>();
    send::<StableString>();
    let vec = StableVec::from([1, 2, 3]);
    let vec = std::thread::spawn(move || {
        vec.push(4);
        vec
    });
    assert_eq!(vec.join().unwrap(), [1, 2, 3, 4]);
    let moved = StableVec::from([1]);
    let base = moved.as_ptr();
    let moved = Box::new(moved);
    moved.push(2);
    assert_eq!((moved.as_ptr(), &moved[..]), (base, &[1, 2][..]), "the vector moves, its elements do not");
}

#[test]
fn a_vec_is_compared_hashed_and_printed_as_a_slice() {
    let vec = StableVec::from([1, 2, 3]);
    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(&vec), hasher.hash_one([1, 2, 3].as_slice()));
    assert_eq!(format!("{vec:?}"), "[1, 2, 3]");
    let (greater, least) = (StableVec::from([1, 3]), StableVec::new());
    assert!(vec < greater && vec > least);
    assert_eq!(vec, [1, 2, 3]);
    assert_eq!(vec, &[1, 2, 3]);
    assert_eq!(vec, StableVec::from(&[1, 2, 3][..]));
    assert_ne!(vec, [1, 2][..]);
    let mut vec = vec;
    vec.extend(&[5, 4]);
    vec.sort_by(|a, b| b.cmp(a));
    for number in &mut vec {
        *number *= 2;
    }
    assert_eq!(vec.as_slice(), [10, 8, 6, 4, 2]);
    assert!(vec.into_iter().rev().eq([2, 4, 6, 8, 10]));
    assert_eq!(StableVec::<u8>::with_capacity(5).capacity(), StableVec::from([1_u8]).capacity());
}

#[test]
fn text_stays_where_it_was_pushed() {
    let text = StableString::new();
    let mut pieces = Vec::new();
    for number in 0..if cfg!(miri) { 200 } else { 20_000 } {
        pieces.push(text.push_str(if number % 2 == 0 { "zwölf ☃ " } else { "🦀" }));
    }
    let mut place = text.as_ptr();
    for (number, piece) in pieces.iter().enumerate() {
        assert_eq!(*piece, if number % 2 == 0 { "zwölf ☃ " } else { "🦀" });
        assert_eq!(piece.as_ptr(), place);
        place = place.wrapping_add(piece.len());
    }
    assert_eq!(*text, pieces.concat());
    let itself = text.push_str(&text);
    assert_eq!(itself, &text[..text.len() / 2]);
    assert_eq!(text.push_str(""), "");
}

#[test]
fn a_string_is_written_to_and_cut_between_characters() {
    let mut text = StableString::new();
    assert_eq!(text.push_str(""), "");
    assert_eq!(text.pop(), None);
    write!(&text, "{}-{:?}", 12, "ä").unwrap();
    write!(text, " {:>4}", 'ß').unwrap();
    assert_eq!(text, "12-\"ä\"    ß");
    text.push('€');
    assert_eq!((text.pop(), text.pop(), text.pop()), (Some('€'), Some('ß'), Some(' ')));
    text.truncate(100);
    assert_eq!(text, "12-\"ä\"   ");
    assert_eq!(panic_of(|| text.truncate(5)).as_deref(), Some("5 lies within a character"));
    assert_eq!(text, "12-\"ä\"   ");
    text.truncate(6);
    assert_eq!(text.pop(), Some('ä'));
    text.truncate(text.len());
    text.as_mut_str().make_ascii_uppercase();
    text.extend(["ü", "", "x"]);
    assert_eq!(text.to_string(), "12-\"üx");
    assert_eq!(format!("{text:?} {text:>8}"), "\"12-\\\"üx\"   12-\"üx");
    assert_eq!(text.clone(), text);
    assert_eq!(["a", "b"].into_iter().collect::<StableString>(), StableString::from("ab"));
    text.clear();
    assert!(text.is_empty() && text.into_bytes().capacity() > 0);
}

#[test]
fn a_string_that_is_full_takes_no_part_of_a_text() {
    let page = common::page();
    let bytes = StableVec::from([1, 2, 255]);
    assert_eq!(StableString::in_vec(bytes), "");
    let mut text = StableString::in_vec(StableVec::<u8>::options().reservation(page).build());
    text.push_str(&"x".repeat(page - 1));
    let error = text.try_push_str("ä").unwrap_err();
    assert_eq!(error.bytes(), page + 1);
    assert!(write!(text, "ä").is_err());
    assert_eq!(panic_of(|| text.push('ä')), Some(format!("StableVec: {error}")));
    assert_eq!(text.len(), page - 1);
    assert_eq!(text.push_str("y"), "y");
    assert_eq!(text.try_push_str(""), Ok(""));
    assert!(text.clone().try_push_str("z").is_err(), "a clone has the same limit");
    assert_eq!(text.pop(), Some('y'));
    text.push('z');
    assert!(text.ends_with("xz"));
}

#[cfg(feature = "std")]
#[test]
fn bytes_are_written_until_there_is_no_room() {
    use std::io::{ErrorKind, Write};
    let page = common::page();
    let mut bytes = StableVec::<u8>::options().reservation(page).build();
    write!(bytes, "{}, zwölf", 1).unwrap();
    assert_eq!(bytes, "1, zwölf".as_bytes()[..]);
    bytes.clear();
    assert_eq!(bytes.write(&vec![1; page - 1]).unwrap(), page - 1);
    let error = bytes.write_all(b"23").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().starts_with("cannot commit "), "{error}");
    assert_eq!(bytes.len(), page - 1);
    bytes.write_all(b"2").unwrap();
    bytes.flush().unwrap();
    assert_eq!(std::io::copy(&mut &[][..], &mut bytes).unwrap(), 0);
    assert_eq!((bytes.len(), bytes.last()), (page, Some(&b'2')));
}
