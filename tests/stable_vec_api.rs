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

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
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
