//! Any sequence of operations leaves in a `StableVec` what it leaves in a `Vec`, or is refused for want of room and
//! changes nothing. Every element is dropped once, and none moves.
#![cfg(all(feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::elements::{Drops, Element, numbers};
use common::panics::panic_of;
use proptest::prelude::*;
use std::ops::Range;
use v_alloc::StableVec;

type Index = prop::sample::Index;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Push(u64),
    TryPush(u64),
    PushMut(u64),
    Pop,
    Insert(Index, u64),
    Remove(Index),
    SwapRemove(Index),
    Truncate(Index),
    Clear,
    Drain { range: (Index, Index), front: usize, back: usize },
    ExtractIf { range: (Index, Index), number: u64, most: usize },
    Splice { range: (Index, Index), with: Vec<u64>, front: usize },
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

/// One operation. (`fuzz/` takes it from here, too.)
pub(crate) fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let number = || 0..6_u64;
    let several = || prop::collection::vec(0..6_u64, 0..20);
    prop_oneof![
        8 => number().prop_map(Op::Push),
        4 => number().prop_map(Op::TryPush),
        2 => number().prop_map(Op::PushMut),
        2 => Just(Op::Pop),
        4 => (index(), number()).prop_map(|(at, number)| Op::Insert(at, number)),
        2 => index().prop_map(Op::Remove),
        2 => index().prop_map(Op::SwapRemove),
        1 => index().prop_map(Op::Truncate),
        1 => Just(Op::Clear),
        2 => ((index(), index()), 0..4_usize, 0..4_usize)
            .prop_map(|(range, front, back)| Op::Drain { range, front, back }),
        1 => ((index(), index()), number(), 0..6_usize)
            .prop_map(|(range, number, most)| Op::ExtractIf { range, number, most }),
        2 => ((index(), index()), several(), 0..4_usize)
            .prop_map(|(range, with, front)| Op::Splice { range, with, front }),
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
        Op::PushMut(number) => {
            let panic = panic_of(|| vec.push_mut(drops.make(number)).number += 1);
            if check(1, panic) {
                model.push(number + 1);
            }
        }
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
            let drain = vec.drain(range.clone());
            assert_eq!(
                (drain.len(), numbers(drain.as_slice())),
                (range.len(), model[range.clone()].to_vec())
            );
            let taken = take(drain, front, back);
            assert_eq!(numbers(&taken), take(model.drain(range), front, back));
        }
        Op::ExtractIf { range: (a, b), number, most } => {
            let range = range_of(len, a, b);
            let remove = |number_of: &mut u64| {
                *number_of ^= 1;
                *number_of > number
            };
            let extracted = vec.extract_if(range.clone(), |element| remove(&mut element.number));
            let taken: Vec<_> = extracted.take(most).collect();
            let (mut at, mut expected) = (range.start, Vec::new());
            for _ in range {
                if expected.len() == most {
                    break;
                }
                if remove(&mut model[at]) {
                    expected.push(model.remove(at));
                } else {
                    at += 1;
                }
            }
            assert_eq!(numbers(&taken), expected);
        }
        Op::Splice { range: (a, b), mut with, front } => {
            let range = range_of(len, a, b);
            let elements: Vec<_> = with.iter().map(|&number| drops.make(number)).collect();
            let mut taken = Vec::new();
            let panic = panic_of(|| taken.extend(vec.splice(range.clone(), elements).take(front)));
            assert_eq!(panic.is_none(), fits(with.len().saturating_sub(range.len())), "{panic:?}");
            with.truncate(reserved - (len - range.len())); // what did not fit is lost
            let mut expected: Vec<_> = model.splice(range, with).collect();
            expected.truncate(front);
            assert_eq!(numbers(&taken), expected);
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
            assert_eq!(panic_of(|| vec.clone().reserve(more)).is_none(), fits(more));
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
            assert_eq!(numbers(clone.clone().into_iter().as_slice()), *model);
            let taken = take(clone.into_iter(), front, back);
            assert_eq!(numbers(&taken), take(model.clone().into_iter(), front, back));
        }
        Op::Sort => {
            vec.sort_by_key(|element| element.number);
            model.sort_unstable();
        }
    }
}

pub(crate) fn behaves_like_vec<const B: usize>(reservation: usize, ops: Vec<Op>) {
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
