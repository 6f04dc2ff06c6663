//! What a `StableVec` may hold, and what it costs: its reservation, elements of any size and alignment, memory given back.
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
use v_alloc::{Arena, StableVec};

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
            Err(error) => {
                assert_eq!(error.value, Pages(3));
                let said = error.to_string();
                assert!(said.ends_with(": blocks that large are not aligned to more than a page"), "{said}");
            }
        }
    }
}

/// Too large for the ranges that blocks share, whose slots are aligned to their sizes.
#[cfg(all(unix, target_pointer_width = "64", not(miri)))]
#[test]
fn an_alignment_that_cannot_be_had_is_named() {
    #[repr(align(0x1000_0000))]
    struct Huge;
    let vecs = [(); 5].map(|()| StableVec::<(Huge, u8)>::options().reservation(600).build());
    // Between them are other ranges, too large to lie elsewhere: one directly below the other, all would be aligned as
    // the first is, and below a range that blocks share that is well aligned.
    let mut between = Vec::new();
    let mut reserve = |vec: &StableVec<(Huge, u8)>| {
        between.push(Arena::with_reservation((150 << 30) + (96 << 20)).unwrap());
        vec.try_reserve(1).err()
    };
    let errors: Vec<_> = vecs.iter().filter_map(&mut reserve).collect();
    let text = ": blocks that large are not aligned to more than a page";
    assert!(errors.iter().all(|error| error.to_string().ends_with(text) && error.os_code().is_none()));
    assert!(!errors.is_empty(), "all aligned by chance");
    assert!(vecs.iter().all(|vec| vec.capacity() == 0 || vec.as_ptr().addr() % 0x1000_0000 == 0));
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
#[cfg(target_os = "linux")]
fn a_vector_keeps_at_most_a_twentieth_more_than_its_elements() {
    for millions in 1..=5 {
        let vector = StableVec::<u64>::options().reservation(5_000_000).build();
        for number in 0..millions * 1_000_000 {
            vector.push(number);
        }
        let payload = vector.len() * size_of::<u64>();
        let resident =
            common::resident_bytes(vector.as_ptr().expose_provenance(), vector.capacity() * size_of::<u64>());
        assert!(resident >= payload, "{millions} million: {resident} bytes for {payload}");
        assert!(resident <= payload / 20 * 21, "{millions} million: {resident} bytes for {payload}");
    }
}

/// The vector of what is removed has the same options, and its room is there before anything is removed.
#[test]
fn a_range_of_any_size_is_spliced() {
    common::isolated("a_range_of_any_size_is_spliced", || {
        v_alloc::set_default_reservation(64 << 10);
        let mut vec = StableVec::<u64>::options().reservation(1 << 20).build();
        vec.extend(0..200_000);
        assert!(vec.splice(50_000..150_000, [1, 2]).eq(50_000..150_000));
        assert_eq!((vec.len(), &vec[49_999..50_003]), (100_002, &[49_999, 1, 2, 150_000][..]));
    });
}

/// As a huge page, where the kernel has one to give, and else as small ones. Beyond the head only, which small pages are.
#[cfg(target_os = "linux")]
#[test]
fn a_growing_vec_has_the_next_huge_page_present_before_it_is_used() {
    const HEAD: usize = 20 << 20;
    if common::page() != 4096 {
        return; // huge pages of other sizes are not asked for
    }
    let vec = StableVec::<[u64; 512]>::options().reservation(8192).build();
    while size_of_val(&vec[..]) < HEAD + (5 << 20) {
        vec.push([7; 512]);
    }
    let (start, size) = (vec.as_ptr().addr(), size_of_val(&vec[..]));
    let present = size.next_multiple_of(2 << 20) - HEAD;
    assert_eq!(common::resident_bytes(start + HEAD, present + (4 << 20)), present);
}
