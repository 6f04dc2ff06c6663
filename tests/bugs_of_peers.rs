//! Mistakes that other arenas have made are not made here: code of the caller's (closures, iterators, clones,
//! formatters) may panic, lie about lengths, or allocate in the same arena in between; a checkpoint does not
//! fall for a block that was resized; decommitted memory never comes back with old bytes; what was told to the
//! kernel about memory outlives a decommit.
#![cfg(feature = "allocator-api2")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]

mod common;

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use v_alloc::{AllocOrInitError, Arena, CommitPolicy, Pages, Reservation};

/// Counts how many of its kind are alive.
#[derive(Debug)]
struct Counted<'a> {
    alive: &'a Cell<i32>,
    /// How many clones may still be made before one panics.
    clones_left: &'a Cell<u32>,
    payload: u64,
}

impl<'a> Counted<'a> {
    fn new(alive: &'a Cell<i32>, clones_left: &'a Cell<u32>, payload: u64) -> Self {
        alive.set(alive.get() + 1);
        Self { alive, clones_left, payload }
    }
}

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        let left = self.clones_left.get();
        assert!(left > 0, "no more clones");
        self.clones_left.set(left - 1);
        Self::new(self.alive, self.clones_left, self.payload)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

/// Runs `work`, which must panic with this message, and checks that the arena took the memory back and works.
fn panics(arena: &Arena, message: &str, work: impl FnOnce()) {
    let used = arena.used_bytes();
    let payload = catch_unwind(AssertUnwindSafe(work)).expect_err("it panics");
    let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    assert_eq!(said.or_else(|| payload.downcast_ref::<String>().cloned()).as_deref(), Some(message));
    assert_eq!(arena.used_bytes(), used, "the memory of what was not made");
    assert_eq!(*arena.alloc(0x1234_5678_9abc_def0_u64), 0x1234_5678_9abc_def0);
}

#[test]
fn a_panicking_clone_drops_the_clones_made_so_far_and_no_others() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::new();
    arena.alloc(1_u64);
    let source: Vec<_> = (0..10).map(|payload| Counted::new(&alive, &clones_left, payload)).collect();
    for clones in 0..10 {
        clones_left.set(clones);
        panics(&arena, "no more clones", || {
            arena.alloc_slice_clone(&source);
        });
        assert_eq!(alive.get(), 10, "after {clones} clones");
        clones_left.set(clones);
        panics(&arena, "no more clones", || {
            arena.alloc_slice_fill_clone(10, &source[0]);
        });
        assert_eq!(alive.get(), 10, "after {clones} clones");
    }
    clones_left.set(10);
    let copy = arena.alloc_slice_clone(&source);
    assert_eq!(alive.get(), 20);
    assert!(copy.iter().map(|value| value.payload).eq(0..10));
    // SAFETY: nobody uses the values any more; an arena drops nothing.
    unsafe { std::ptr::drop_in_place(copy) };
    assert_eq!(alive.get(), 10);
}

#[test]
fn a_panicking_closure_drops_the_values_made_so_far() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::new();
    arena.alloc(1_u64);
    for stop in 0..7 {
        panics(&arena, "enough", || {
            arena.alloc_slice_fill_with(100, |index| {
                assert!(index < stop, "enough");
                Counted::new(&alive, &clones_left, 0)
            });
        });
        assert_eq!(alive.get(), 0, "after {stop} values");
    }
}

#[test]
fn a_closure_that_panics_in_alloc_with_leaves_no_value_behind() {
    let arena = Arena::new();
    let kept = arena.alloc(1_u64);
    let result = catch_unwind(AssertUnwindSafe(|| {
        arena.alloc_with(|| -> [u64; 32] { panic!("no value") });
    }));
    assert!(result.is_err());
    let next = arena.alloc(2_u64);
    assert_eq!((*kept, *next), (1, 2));
}

#[test]
fn a_panicking_iterator_drops_the_items_taken_so_far() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::new();
    arena.alloc(1_u64);
    // Around the points where the slice grows, and beyond what a hint may claim at once.
    for stop in [0, 1, 3, 4, 5, 8, 9, 100, 5000] {
        for hint in [0, 1, stop, 1 << 20] {
            panics(&arena, "enough", || {
                let items = (0..).map(|index| {
                    assert!(index < stop, "enough");
                    Counted::new(&alive, &clones_left, 0)
                });
                arena.alloc_slice_fill_iter(Hinted(items, hint));
            });
            assert_eq!(alive.get(), 0, "after {stop} items");
        }
    }
}

#[test]
fn an_iterator_that_panics_when_it_is_made_or_asked_for_a_hint_takes_nothing() {
    struct NoHint;
    impl Iterator for NoHint {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            None
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            panic!("no hint")
        }
    }
    struct NoIterator;
    impl IntoIterator for NoIterator {
        type Item = u8;
        type IntoIter = NoHint;
        fn into_iter(self) -> NoHint {
            panic!("no iterator")
        }
    }
    let arena = Arena::new();
    arena.alloc(1_u64);
    panics(&arena, "no hint", || {
        arena.alloc_slice_fill_iter(NoHint);
    });
    panics(&arena, "no iterator", || {
        arena.alloc_slice_fill_iter(NoIterator);
    });
}

#[test]
fn an_element_whose_destructor_panics_during_cleanup_costs_neither_the_others_nor_the_block() {
    struct Bomb<'a>(&'a Cell<i32>, bool);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
            assert!(!self.1, "in a destructor");
        }
    }
    let alive = Cell::new(0);
    let arena = Arena::new();
    arena.alloc(1_u64);
    panics(&arena, "in a destructor", || {
        let _ = arena.alloc_slice_try_fill_with(10, |index| {
            if index == 9 {
                return Err(());
            }
            alive.set(alive.get() + 1);
            Ok(Bomb(&alive, index == 4))
        });
    });
    assert_eq!(alive.get(), 0);
}

#[test]
fn a_panic_in_a_scope_takes_back_what_the_scope_allocated() {
    let mut arena = Arena::new();
    arena.alloc(1_u64);
    let result = catch_unwind(AssertUnwindSafe(|| {
        arena.scoped(|scope| {
            scope.alloc([7_u8; 1000]);
            scope.scoped(|inner| {
                inner.alloc([8_u8; 1000]);
                panic!("in the inner scope");
            });
        });
    }));
    assert!(result.is_err());
    assert_eq!(arena.used_bytes(), 8);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let guard = arena.scope();
        guard.alloc([7_u8; 1000]);
        panic!("under a guard");
    }));
    assert!(result.is_err());
    assert_eq!(arena.used_bytes(), 8);
}

/// An iterator whose `size_hint` need not be true.
struct Hinted<I>(I, usize);

impl<I: Iterator> Iterator for Hinted<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

impl<I: Iterator> ExactSizeIterator for Hinted<I> {}

#[test]
fn a_size_hint_may_be_any_number() {
    let arena = Arena::new();
    for len in [0, 1, 2, 3, 4, 5, 100, 20_000] {
        for hint in [
            0,
            1,
            len / 2,
            len,
            len + 1,
            1000 * len,
            1 << (usize::BITS - 24),
            isize::MAX as usize,
            usize::MAX,
        ] {
            let used = arena.used_bytes();
            let slice = arena.alloc_slice_fill_iter(Hinted(0..len as u64, hint));
            assert!(slice.iter().copied().eq(0..len as u64), "{len} items, {hint} announced");
            assert_eq!(arena.used_bytes() - used, 8 * len, "{len} items, {hint} announced");
        }
    }
}

#[test]
fn a_size_hint_beyond_the_reservation_is_no_failure() {
    let arena = Arena::with_reservation(64 << 10).unwrap();
    for hint in [1 << (usize::BITS - 24), usize::MAX] {
        let slice = arena.try_alloc_slice_fill_iter(Hinted(0..100_u32, hint)).unwrap();
        assert!(slice.iter().copied().eq(0..100), "{hint} announced");
    }
    // Nor does it stand in the way of filling the reservation to the last byte.
    let rest = arena.remaining_capacity();
    let slice =
        arena.try_alloc_slice_fill_iter(Hinted((0..rest).map(|index| index as u8), usize::MAX)).unwrap();
    assert_eq!(slice.len(), rest);
    assert!(slice.iter().enumerate().all(|(index, &byte)| byte == index as u8));
    assert_eq!(arena.remaining_capacity(), 0);
}

#[test]
fn an_endless_iterator_ends_with_the_reservation_and_drops_what_it_yielded() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::with_reservation(64 << 10).unwrap();
    arena.alloc(1_u64);
    let endless = (0..).map(|payload| Counted::new(&alive, &clones_left, payload));
    arena.try_alloc_slice_fill_iter(endless).expect_err("there is no room for all numbers");
    assert_eq!((alive.get(), arena.used_bytes()), (0, 8));
}

#[test]
fn items_of_no_bytes_are_counted_and_take_no_memory() {
    let arena = Arena::new();
    for hint in [0, 1000, usize::MAX] {
        assert_eq!(arena.alloc_slice_fill_iter(Hinted((0..1000).map(|_| ()), hint)).len(), 1000);
    }
    assert_eq!(arena.alloc_slice_fill_with(1 << 16, |_| ()).len(), 1 << 16);
    assert_eq!(arena.used_bytes(), 0);
}

#[test]
fn an_iterator_may_allocate_in_the_same_arena() {
    let arena = Arena::new();
    for every in [1, 2, 3, 7, 50] {
        for hint in [0, 10, 1000] {
            let between = Cell::new(None);
            let items = (0..1000_u64).inspect(|&index| {
                if index % every == 0 {
                    between.set(Some(&*arena.alloc_slice_fill_copy(3, index)));
                }
            });
            let slice = arena.alloc_slice_fill_iter(Hinted(items, hint));
            slice.iter().enumerate().for_each(|(index, &value)| assert_eq!(value, index as u64));
            slice.fill(u64::MAX);
            let last = 999 / every * every;
            assert_eq!(
                between.get(),
                Some(&[last; 3][..]),
                "the slice lies over what its iterator allocated"
            );
        }
    }
}

#[test]
fn an_iterator_may_allocate_the_last_memory_away() {
    let arena = Arena::with_reservation(64 << 10).unwrap();
    let items = (0..100_u64).inspect(|&index| {
        if index == 50 {
            arena.alloc_slice_fill_copy(arena.remaining_capacity(), 0_u8);
        }
    });
    let result = arena.try_alloc_slice_fill_iter(Hinted(items, 0));
    assert!(result.is_err(), "there is no room to grow into");
    let items = (0..100_u64).inspect(|_| assert_eq!(arena.try_alloc(1_u8).ok(), None));
    assert!(arena.try_alloc_slice_fill_iter(items).is_err());
}

#[test]
fn a_closure_may_allocate_in_the_same_arena() {
    let arena = Arena::new();
    let outer = arena.alloc_with(|| {
        let inner = arena.alloc([1_u64; 4]);
        (inner, 5_u64)
    });
    outer.1 = 6;
    assert_eq!((&*outer.0, outer.1), (&[1; 4], 6));

    let numbers = arena.alloc_slice_fill_with(100, |index| &*arena.alloc(index));
    assert!(numbers.iter().map(|&&number| number).eq(0..100));
}

#[test]
fn a_display_may_allocate_in_the_same_arena() {
    struct Nosy<'a>(&'a Arena, Cell<Option<&'a str>>);
    impl fmt::Display for Nosy<'_> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            for piece in 0..20 {
                let text = self.0.alloc_fmt(format_args!("<{piece}>"));
                formatter.write_str(text)?;
                self.1.set(Some(text));
            }
            Ok(())
        }
    }
    let arena = Arena::new();
    let nosy = Nosy(&arena, Cell::new(None));
    let text = arena.alloc_fmt(format_args!("{nosy}{nosy}"));
    let expected: String =
        (0..20).flat_map(|piece| [String::from("<"), piece.to_string(), String::from(">")]).collect();
    assert_eq!(&*text, expected.repeat(2));
    text.make_ascii_uppercase();
    assert_eq!(nosy.1.get(), Some("<19>"));
}

#[test]
fn a_display_that_fails_or_panics_leaves_no_text_behind() {
    struct Failing(bool);
    impl fmt::Display for Failing {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("half a text")?;
            assert!(!self.0, "while formatting");
            Err(fmt::Error)
        }
    }
    let arena = Arena::new();
    arena.alloc(1_u64);
    arena.try_alloc_fmt(format_args!("{}", Failing(false))).expect_err("the implementation failed");
    assert_eq!((arena.used_bytes(), arena.last_error()), (8, None), "it was not for want of memory");
    panics(&arena, "while formatting", || {
        arena.alloc_fmt(format_args!("{}", Failing(true)));
    });
}

#[test]
fn alloc_try_with_gives_the_place_back_if_nothing_follows_it() {
    let arena = Arena::new();
    arena.alloc(1_u64);
    assert_eq!(arena.alloc_try_with(|| Err::<[u64; 100], _>("no")), Err("no"));
    assert_eq!(arena.used_bytes(), 8);
    assert_eq!(
        arena.try_alloc_try_with(|| Err::<[u64; 100], _>("no")),
        Err(AllocOrInitError::Init("no")),
        "the function's error, not one of memory"
    );
    assert_eq!(arena.used_bytes(), 8);

    // What the function allocated may be in its error: it must not be handed out again.
    let error = arena.alloc_try_with(|| Err::<[u64; 100], _>(&*arena.alloc(7_u64))).unwrap_err();
    arena.alloc_slice_fill_copy(1000, u64::MAX);
    assert_eq!(*error, 7);
}

#[test]
fn a_slice_that_was_not_finished_gives_its_block_back() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::new();
    arena.alloc(1_u64);
    let make = |index| if index < 5 { Ok(Counted::new(&alive, &clones_left, 0)) } else { Err(index) };
    assert_eq!(arena.alloc_slice_try_fill_with(10, make).map(|_| ()), Err(5));
    assert_eq!((alive.get(), arena.used_bytes()), (0, 8));
    assert_eq!(arena.alloc_slice_try_fill_iter((0..10).map(make)).map(|_| ()), Err(5));
    assert_eq!((alive.get(), arena.used_bytes()), (0, 8));
}

#[test]
fn the_elements_of_a_moved_slice_are_neither_lost_nor_dropped_twice() {
    let (alive, clones_left) = (Cell::new(0), Cell::new(0));
    let arena = Arena::new();
    let items = (0..100).map(|payload| {
        arena.alloc(payload); // the slice is no longer the last block
        Counted::new(&alive, &clones_left, payload)
    });
    let slice = arena.alloc_slice_fill_iter(items);
    assert_eq!(alive.get(), 100);
    assert!(slice.iter().map(|value| value.payload).eq(0..100));
    // SAFETY: nobody uses the values any more; an arena drops nothing.
    unsafe { std::ptr::drop_in_place(slice) };
    assert_eq!(alive.get(), 0);
}

#[test]
fn rewinding_does_not_fall_for_a_block_that_has_grown_since() {
    let arena = Arena::new();
    let layout = Layout::new::<[u8; 100]>();
    let block = arena.alloc_layout(layout);
    // SAFETY: the block has 100 bytes.
    unsafe { block.write_bytes(0xAA, 100) };
    let checkpoint = arena.checkpoint();
    // SAFETY: the block is alive, of 100 bytes, and grows. What lies beyond them is not used after the rewind.
    unsafe {
        arena.try_grow(block, 100, 1000).unwrap();
        block.add(100).write_bytes(0xBB, 900);
        arena.rewind(checkpoint);
    }
    assert_eq!(arena.used_bytes(), 100);
    let next = arena.alloc([0xCC_u8; 50]);
    let behind = next.as_ptr().addr() == block.addr().get() + 100;
    assert!(behind || cfg!(feature = "traps"), "right behind the block as it was");
    // SAFETY: the block is alive, with its 100 bytes of before.
    unsafe {
        assert!(NonNull::slice_from_raw_parts(block, 100).as_ref().iter().all(|&byte| byte == 0xAA));
        arena.try_grow(block, 100, 101).expect_err("another block follows");
    }
}

#[test]
fn rewinding_does_not_fall_for_a_block_that_was_freed_since() {
    let arena = Arena::new();
    let first = arena.alloc_layout(Layout::new::<[u8; 100]>());
    let checkpoint = arena.checkpoint();
    // SAFETY: the block is alive, and freed.
    unsafe { arena.try_shrink(first, 100, 0) }.unwrap();
    let second = arena.alloc([1_u8; 10]);
    // SAFETY: the arena is below the checkpoint already; what was made since is not used again but `second`,
    // which lies below it.
    unsafe { arena.rewind(checkpoint) };
    let third = arena.alloc([2_u8; 200]);
    assert_eq!((*second, *third), ([1; 10], [2; 200]), "a rewind never raises the arena");
    assert_eq!(arena.used_bytes(), 210);
}

#[test]
fn growing_a_block_that_moves_copies_the_old_length() {
    use v_alloc::Allocator;
    let arena = Arena::with_reservation(64 << 10).unwrap();
    let (old, new) = (Layout::new::<[u8; 100]>(), Layout::new::<[u8; 4000]>());
    let filled = |fill| {
        let block = arena.alloc_layout(old);
        // SAFETY: the block is new and of 100 bytes.
        unsafe { block.write_bytes(fill, 100) };
        block
    };
    let (block, _next) = (filled(0xAA), filled(0xBB));
    // SAFETY: the block is alive and has the old layout. Beyond its old length lies memory that was never written,
    // and so reads zero, unless too much was copied.
    let grown = unsafe {
        let grown = arena.grow(block, old, new).unwrap().cast::<u8>();
        assert!(grown != block, "another block follows");
        NonNull::slice_from_raw_parts(grown, 4000).as_ref()
    };
    assert!(grown[..100].iter().all(|&byte| byte == 0xAA));
    assert!(grown[100..].iter().all(|&byte| byte == 0), "bytes of its old neighbour");

    arena.alloc_slice_zeroed::<u8>(arena.remaining_capacity() - 100);
    let last = filled(0xCC);
    // SAFETY: the block is alive and has the old layout.
    let kept = unsafe {
        arena.grow(last, old, new).expect_err("not a byte is left");
        NonNull::slice_from_raw_parts(last, 100).as_ref()
    };
    assert!(kept.iter().all(|&byte| byte == 0xCC), "a failure leaves the block alone");
}

#[test]
fn committing_again_after_a_decommit_reads_zero() {
    let pages = |count: usize| Pages::round_up(count * common::page()).unwrap();
    let range = Reservation::new(pages(64)).unwrap();
    for round in 0..3 {
        range.commit_to(pages(64)).unwrap();
        let bytes = NonNull::slice_from_raw_parts(range.base(), pages(64).bytes());
        // SAFETY: the range is committed and ours alone; nothing is kept across the decommit.
        unsafe {
            let kept = if round == 0 { 0 } else { pages(3).bytes() };
            assert!(bytes.as_ref()[kept..].iter().all(|&byte| byte == 0), "round {round}");
            assert!(bytes.as_ref()[..kept].iter().all(|&byte| byte == 0xAA), "round {round}");
            range.base().write_bytes(0xAA, bytes.len());
            range.decommit_from(pages(3)).unwrap();
        }
        assert_eq!(range.committed(), pages(3));
    }
}

#[test]
fn discarded_memory_stays_accessible_and_reads_zero() {
    let pages = |count: usize| Pages::round_up(count * common::page()).unwrap();
    let range = Reservation::new(pages(16)).unwrap();
    range.commit_to(pages(16)).unwrap();
    // SAFETY: the range is committed and ours alone.
    unsafe {
        range.base().write_bytes(0xAA, pages(16).bytes());
        range.discard_from(pages(1)).unwrap();
        assert_eq!(range.committed(), pages(16));
        let bytes = NonNull::slice_from_raw_parts(range.base(), pages(16).bytes()).as_ref();
        assert!(bytes[..pages(1).bytes()].iter().all(|&byte| byte == 0xAA));
        assert!(bytes[pages(1).bytes()..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn bounds_are_checked_before_any_arithmetic_on_them() {
    let page = common::page();
    let pages = |count: usize| Pages::round_up(count * page).unwrap();
    let range = Reservation::new(pages(4)).unwrap();
    for end in [pages(5), Pages::round_down(isize::MAX as usize), Pages::round_down(usize::MAX)] {
        let error = range.commit_to(end).expect_err("beyond the reservation");
        assert_eq!((error.bytes(), error.os_code()), (end.bytes(), None), "the system was not asked");
    }
    range.commit_to(pages(2)).unwrap();
    // SAFETY: nothing in the range is in use.
    unsafe {
        range.decommit_from(Pages::round_down(usize::MAX)).unwrap();
        range.discard_from(Pages::round_down(usize::MAX)).unwrap();
    }
    assert_eq!(range.committed(), pages(2), "nothing is committed there");
}

#[test]
fn preparing_makes_pages_present() {
    // Some arenas believe that MADV_WILLNEED does; on anonymous memory it does nothing.
    #[cfg(target_os = "linux")]
    for policy in [CommitPolicy::Throughput, CommitPolicy::Latency] {
        let arena = Arena::options().commit_policy(policy).build().unwrap();
        let start = std::ptr::from_mut(arena.alloc(1_u8));
        arena.prepare(3 << 20).unwrap();
        assert!(common::resident_bytes(start.expose_provenance(), 3 << 20) >= 3 << 20, "{policy:?}");
    }
}

/// A guard page that the limit includes would make the last bytes of a reservation a trap.
#[test]
fn every_byte_of_a_reservation_can_be_used() {
    for policy in [CommitPolicy::Throughput, CommitPolicy::Latency] {
        for bytes in [1, 100_000, 1 << 20, (1 << 20) + 1, 5 << 20] {
            let arena = Arena::options().commit_policy(policy).reservation(bytes).build().unwrap();
            let size = arena.remaining_capacity();
            assert_eq!(size, bytes.next_multiple_of(common::page()));
            let all = arena.try_alloc_slice_fill_copy(size, 0xAA_u8).unwrap();
            assert_eq!(all.last(), Some(&0xAA));
            assert_eq!((arena.remaining_capacity(), arena.committed_bytes()), (0, size));
            assert!(arena.try_alloc(1_u8).is_err());
        }
    }
}

/// A decommit maps new memory over the old, which knows nothing of what was told about that.
#[cfg(target_os = "linux")]
#[test]
fn core_dump_and_huge_page_advice_outlives_a_trim() {
    let has = |start: *mut u8, offset: usize, flag: &str| {
        let mappings = common::mappings(start.addr() + offset, 1);
        assert_eq!(mappings.len(), 1);
        assert_eq!(mappings[0].access, "rw-p");
        mappings[0].flags.iter().any(|has| has == flag)
    };
    let mut arena = Arena::options().core_dumps(false).name(c"peers").reservation(64 << 20).build().unwrap();
    let mut named = None;
    for round in 0..3 {
        let start = arena.alloc_slice_fill_copy(8 << 20, 1_u8).as_mut_ptr();
        for offset in [0, 100_000, 7 << 20] {
            assert!(has(start, offset, "dd"), "no core dump of byte {offset} in round {round}");
            let name = common::mappings(start.addr() + offset, 1)[0].name.clone();
            // Kernels may be built without names.
            assert_eq!(&name, named.get_or_insert(name.clone()), "byte {offset} in round {round}");
        }
        if std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() && common::page() == 4096 {
            assert!(has(start, 7 << 20, "hg"), "huge pages in round {round}");
        }
        arena.reset();
        arena.trim(0).unwrap();
    }
    assert!(named.is_some_and(|name| name.is_empty() || name == "[anon:peers]"));
}
