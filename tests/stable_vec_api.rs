//! The elements of a `StableVec` stay where they are while it grows; otherwise it is what a `Vec` is to the standard
//! library.
#![cfg(all(feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
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
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use v_alloc::{StableString, StableVec};

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
fn a_vec_of_the_right_length_becomes_an_array() {
    let value = std::rc::Rc::new(7);
    let vec = || StableVec::from(vec![value.clone(); 3]);
    let array: [std::rc::Rc<i32>; 3] = vec().try_into().unwrap();
    assert_eq!((array.len(), std::rc::Rc::strong_count(&value)), (3, 4));
    let refused: Result<[_; 2], StableVec<_>> = vec().try_into();
    assert_eq!(refused.unwrap_err().len(), 3);
    drop(array);
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
    assert_eq!(<[(); 2]>::try_from(StableVec::from([(), ()])), Ok([(), ()]));
    assert_eq!(StableVec::from("né"), [b'n', 0xC3, 0xA9]);
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
    // Either way round.
    assert_eq!([1, 2, 3][..], vec);
    assert_eq!(&[1, 2, 3][..], vec);
    assert_eq!(&mut [1, 2, 3][..], vec);
    assert_eq!(vec![1, 2, 3], vec);
    assert_ne!(vec![1, 2], vec);
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
fn a_vec_is_made_of_what_a_vec_is_made_of() {
    let texts = ["a", "b"].map(String::from);
    let vec = StableVec::from(texts.to_vec());
    assert_eq!(vec, texts.to_vec());
    assert_eq!(StableVec::from(&texts), vec);
    assert_eq!(StableVec::from(&mut texts.clone()[..]), vec);
    assert_eq!(StableVec::from(&mut texts.clone()), vec);
    assert_eq!(texts.iter().cloned().collect::<StableVec<_>>(), vec);
    let mut vec = vec;
    vec.push_mut("c".into()).push('d');
    assert_eq!(vec, ["a", "b", "cd"]);
    // Options can be used again, whatever the elements are.
    let options = StableVec::<String>::options().reservation(1);
    let (one, other) = (options.build(), options.build());
    assert_eq!(one.reserved(), other.reserved());
    assert_eq!(one.push("x".into()), other.push("x".into()));
    let small: StableVec<u64> = StableVec::with_capacity(3);
    let (capacity, base) = (small.capacity(), small.as_ptr());
    small.reserve(10 * capacity);
    assert!(small.capacity() >= 10 * capacity && small.as_ptr() == base);
}

#[test]
fn iterators_by_value_show_what_is_left() {
    let mut vec = StableVec::from([1, 2, 3, 4, 5]);
    let mut drain = vec.drain(1..4);
    assert_eq!((drain.next(), drain.len()), (Some(2), 2));
    assert_eq!((format!("{drain:?}"), drain.as_slice()), ("Drain([3, 4])".into(), &[3, 4][..]));
    assert_eq!((drain.next_back(), drain.next(), drain.next(), drain.len()), (Some(4), Some(3), None, 0));
    drop(drain);
    assert_eq!(vec, [1, 5]);
    vec.push(6);
    let mut rest = vec.into_iter();
    assert_eq!((rest.next_back(), rest.as_slice()), (Some(6), &[1, 5][..]));
    assert_eq!(format!("{rest:?}"), "IntoIter([1, 5])");
    assert_eq!((rest.next(), rest.next(), rest.next()), (Some(1), Some(5), None));
    assert_eq!(rest.as_slice(), [0; 0]);
    rest = std::mem::take(&mut rest);
    assert_eq!((rest.len(), rest.next()), (0, None));
    let mut units = StableVec::from([(), ()]).into_iter();
    assert_eq!((units.as_slice().len(), units.next(), units.as_slice()), (2, Some(()), &[()][..]));
}

#[test]
#[rustfmt::skip]
fn a_panic_names_the_line_that_asked_for_too_much() {
    let mut vec = StableVec::<u8>::options().reservation(1).build();
    vec.resize(vec.reserved(), 7);
    let len = vec.len();
    panics_here!(vec.push(1));
    panics_here!(*vec.push_mut(1));
    panics_here!(vec.insert(0, 1));
    panics_here!(vec.reserve(1));
    panics_here!(vec.resize(len + 1, 1));
    panics_here!(vec.resize_with(len + 1, || 1));
    panics_here!(vec.extend([1]));
    panics_here!(vec.extend(&[1]));
    panics_here!(vec.extend_from_slice(&[1]));
    panics_here!(vec.extend_from_within(..1));
    panics_here!(vec.append(&mut StableVec::from([1])));
    panics_here!(StableVec::<u64>::with_capacity(usize::MAX));
    // What there is not.
    panics_here!(vec.remove(len));
    panics_here!(vec.swap_remove(len));
    panics_here!(vec.insert(len + 1, 1));
    panics_here!(vec.split_off(len + 1));
    panics_here!(vec.drain(len..=len).len());
    panics_here!(vec.extend_from_within(len + 1..));
    assert!(vec.iter().eq(std::iter::repeat_n(&7, len)), "nothing has changed");
    let mut text = StableString::in_vec(vec);
    let full = "x".repeat(len - 1);
    text.push_str(&full);
    panics_here!(text.push('ä'));
    panics_here!(text.push_str("ab"));
    panics_here!(text.insert(0, 'ä'));
    panics_here!(text.insert_str(0, "ab"));
    panics_here!(text.replace_range(..1, "abc"));
    panics_here!(text.extend(["ab"]));
    panics_here!(text.extend(['a', 'b']));
    panics_here!(text.reserve(len));
    panics_here!(text.remove(len));
    text.clear();
    text.push('ä');
    panics_here!(text.truncate(1));
    panics_here!(text.split_off(1));
    panics_here!(text.insert(1, 'a'));
    panics_here!(text.replace_range(..=0, ""));
    assert_eq!(text, "ä");
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

#[test]
fn elements_that_are_extracted_leave_and_what_the_iterator_does_not_come_to_stays() {
    let mut vec: StableVec<_> = (0..10).map(Box::new).collect();
    let base = vec.as_ptr();
    let mut even = vec.extract_if(1..=8, |number| **number % 2 == 0);
    assert_eq!(even.size_hint(), (0, Some(8)));
    assert_eq!((even.next(), even.size_hint()), (Some(Box::new(2)), (0, Some(6))));
    drop(even);
    assert!(vec.iter().map(|number| **number).eq([0, 1, 3, 4, 5, 6, 7, 8, 9]));
    assert!(vec.extract_if(.., |number| **number > 4).map(|number| *number).eq(5..10));
    assert!(vec.iter().map(|number| **number).eq([0, 1, 3, 4]));
    assert_eq!(vec.extract_if(4.., |_| unreachable!("no element is in the range")).count(), 0);
    assert!(panic_of(|| vec.extract_if(..5, |_| true).count()).is_some());
    assert_eq!((vec.len(), vec.as_ptr()), (4, base));
    assert_eq!(StableVec::from([(); 5]).extract_if(1.., |()| true).count(), 4);
}

#[test]
fn elements_are_put_in_the_place_of_others_when_the_iterator_ends() {
    let mut vec: StableVec<_> = (0..10).map(Box::new).collect();
    let numbers = |vec: &StableVec<Box<i32>>| vec.iter().map(|number| **number).collect::<Vec<_>>();
    let base = vec.as_ptr();
    let mut removed = vec.splice(2..5, [20, 21].map(Box::new));
    assert_eq!((removed.len(), removed.next_back()), (3, Some(Box::new(4))));
    drop(removed);
    assert_eq!(numbers(&vec), [0, 1, 20, 21, 5, 6, 7, 8, 9]);
    assert_eq!(vec.splice(9.., [30].map(Box::new)).count(), 0);
    assert_eq!(vec.splice(..9, []).count(), 9);
    assert_eq!(numbers(&vec), [30]);
    drop(vec.splice(..0, (0..1000).map(Box::new)));
    assert_eq!((vec.len(), *vec[0], *vec[999], *vec[1000], vec.as_ptr()), (1001, 0, 999, 30, base));
    assert!(panic_of(|| vec.splice(..1002, []).count()).is_some());
    // What does not fit is lost, and all else is in its place.
    let mut small = StableVec::<usize>::options().reservation(1).build();
    let room = small.reserved();
    small.extend(0..room - 2);
    let panic = panic_of(|| drop(small.splice(1..1, [100, 101, 102])));
    assert!(panic.unwrap().starts_with("StableVec: cannot commit "));
    assert_eq!((&small[..4], small[room - 1]), (&[0, 100, 101, 1][..], room - 3));
}

#[test]
fn iterators_that_are_forgotten_leave_no_element_twice() {
    let all = [1, 2, 3, 4].map(Rc::new);
    let mut vec = StableVec::from(all.clone());
    let other = Rc::new(5);
    std::mem::forget(vec.splice(1..3, [other.clone()]));
    assert_eq!(vec, [1, 4].map(Rc::new), "nothing is put in the place of what is gone");
    let mut extracted = vec.extract_if(.., |_| true);
    drop(extracted.next());
    std::mem::forget(extracted);
    assert!(vec.is_empty());
    drop(vec);
    assert!(all.iter().all(|number| (1..=2).contains(&Rc::strong_count(number))));
    // What was forgotten would be a leak to a tool that looks for them.
    for number in all.iter().chain([&other]).filter(|number| Rc::strong_count(number) == 2) {
        // SAFETY: one of the two was forgotten.
        unsafe { Rc::decrement_strong_count(Rc::as_ptr(number)) };
    }
}

#[test]
fn the_last_element_goes_if_it_is_the_one() {
    let mut vec = StableVec::from([1, 2]);
    let change_and_stay = |last: &mut i32| {
        *last += 10;
        false
    };
    assert_eq!((vec.pop_if(change_and_stay), vec.pop_if(|last| *last == 12)), (None, Some(12)));
    assert_eq!((vec.pop_if(|_| true), vec.pop_if(|_| unreachable!("there is none"))), (Some(1), None));
}

#[test]
fn room_is_asked_for_and_given_back_as_exactly_as_pages_allow() {
    let mut vec = StableVec::<u32>::new();
    vec.reserve_exact(0);
    assert_eq!(vec.capacity(), 0);
    vec.push(1);
    let (base, page) = (vec.as_ptr(), vec.capacity());
    vec.reserve_exact(page - 1);
    assert_eq!(vec.capacity(), page, "there was room");
    vec.try_reserve_exact(100 * page).unwrap();
    assert!((100 * page..=101 * page).contains(&vec.capacity()));
    for additional in [usize::MAX, usize::MAX / 4, vec.reserved()] {
        assert!(vec.try_reserve_exact(additional).is_err(), "{additional}");
        assert!(panic_of(|| vec.reserve_exact(additional)).unwrap().starts_with("StableVec: cannot "));
    }
    vec.shrink_to(usize::MAX);
    vec.shrink_to(10 * page);
    assert!((10 * page..=11 * page).contains(&vec.capacity()));
    vec.shrink_to(0);
    assert_eq!((vec.capacity() <= page, vec.as_ptr(), &vec[..]), (true, base, &[1][..]));
    vec.clear();
    vec.shrink_to(1);
    assert!(vec.capacity() >= 1);
    vec.shrink_to(0);
    assert_eq!(vec.capacity(), 0);
    let mut nothing = StableVec::from([(); 3]);
    nothing.reserve_exact(usize::MAX - 3);
    nothing.shrink_to(5);
    assert_eq!(nothing.len(), 3);
}

#[test]
fn what_is_cloned_into_a_vec_lies_in_the_memory_that_it_has() {
    let mut vec = StableVec::options().reservation(1 << 20).build();
    vec.extend(["a", "b"].map(String::from));
    let (base, reserved) = (vec.as_ptr(), vec.reserved());
    let source: StableVec<String> = (0..1000).map(|number| number.to_string()).collect();
    vec.clone_from(&source);
    assert_eq!((&vec, vec.as_ptr(), vec.reserved()), (&source, base, reserved));
    vec.clone_from(&StableVec::new());
    assert_eq!((vec.len(), vec.as_ptr()), (0, base));

    let mut text = StableString::from("some text");
    let base = text.as_ptr();
    text.clone_from(&StableString::from("other"));
    assert_eq!((&*text, text.as_ptr()), ("other", base));
}

#[test]
fn what_is_written_behind_the_last_element_counts_from_when_that_is_said() {
    let mut vec = StableVec::from([Some(Box::new(1))]);
    vec.reserve(10);
    let (spare, address) = (vec.capacity() - 1, vec.as_ptr());
    assert_eq!(vec.spare_capacity_mut().len(), spare);
    vec.spare_capacity_mut()[0].write(Some(Box::new(2)));
    assert_eq!(vec, [Some(Box::new(1))]);
    // SAFETY: two elements were written.
    unsafe { vec.set_len(2) };
    assert_eq!(vec, [Some(Box::new(1)), Some(Box::new(2))]);
    vec.push(None); // goes behind them
    assert_eq!((vec.len(), vec.as_ptr(), vec.pop()), (3, address, Some(None)));
    // SAFETY: the first was written.
    unsafe { vec.set_len(1) };
    assert_eq!(vec.spare_capacity_mut().len(), spare);
    // SAFETY: as the second was, and not dropped since.
    drop(unsafe { vec.spare_capacity_mut()[0].assume_init_read() });
    assert_eq!(StableVec::<()>::new().spare_capacity_mut().len(), usize::MAX);
}

#[test]
fn elements_that_are_leaked_stay_where_they_are_and_are_not_dropped() {
    let shared = std::rc::Rc::new(());
    let vec: StableVec<_> = std::iter::repeat_n(shared.clone(), 1000).collect();
    let address = vec.as_ptr();
    let leaked = vec.leak();
    assert_eq!((leaked.as_ptr(), leaked.len(), std::rc::Rc::strong_count(&shared)), (address, 1000, 1001));
    // SAFETY: they are not used again; else a tool that looks for leaks would see them.
    unsafe { std::ptr::drop_in_place(leaked) };
    assert_eq!(std::rc::Rc::strong_count(&shared), 1);
    assert!(StableVec::<u8>::new().leak().is_empty());
}

#[test]
fn what_a_splice_removed_is_dropped_before_others_are_made() {
    use std::cell::RefCell;
    struct Told<'a>(u32, &'a RefCell<Vec<String>>);
    impl Drop for Told<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(format!("drop {}", self.0));
        }
    }
    let log = RefCell::new(Vec::new());
    let make = |number| {
        log.borrow_mut().push(format!("make {number}"));
        Told(number, &log)
    };
    let mut vec: StableVec<Told<'_>> = (0..5).map(make).collect();
    log.borrow_mut().clear();
    let mut splice = vec.splice(1..4, (7..9).map(make));
    drop(splice.next());
    drop(splice);
    assert_eq!(*log.borrow(), ["drop 1", "drop 2", "drop 3", "make 7", "make 8"]);
    assert!(vec.iter().map(|told| told.0).eq([0, 7, 8, 4]));
}
