//! A window held in registers hands out what the arena would have: nothing twice, nothing lost, also when the handle is
//! leaked or a parent panics; and the arena goes on behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(any(unix, windows, miri, v_alloc_heap_os), feature = "allocator-api2", feature = "alloc"))]

mod common;

use std::alloc::Layout;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use v_alloc::{
    AllocError, Allocator, Arena, BufferArena, ChainAllocator, Global, LinearAllocator, Reserved, Rewind,
};

/// Values, copies and text in turn until there are `bytes`, with the arena's own methods between handles; then all are
/// looked at.
fn fill<S: Rewind, const M: usize>(arena: &mut Arena<S, M>, bytes: usize) {
    arena.scoped(|scope| {
        let (mut words, mut texts, mut slices) = (Vec::new(), Vec::new(), Vec::new());
        let mut made = 0;
        while made < bytes {
            let bulk = scope.bulk();
            for number in 0..100_usize {
                texts.push((number, bulk.alloc_str(&"abcdefghijklmnopqrstuvwxyz"[..number % 27])));
                words.push((number, bulk.alloc(number as u64)));
                slices.push((number, bulk.alloc_slice_fill_iter((0..number % 9).map(|item| number + item))));
                made += 40;
            }
            drop(bulk);
            words.push((7, scope.alloc(7)));
        }
        assert!(words.iter().all(|(number, word)| **word == *number as u64));
        assert!(texts.iter().all(|(number, text)| **text == "abcdefghijklmnopqrstuvwxyz"[..number % 27]));
        for (number, slice) in slices {
            assert!(slice.iter().enumerate().all(|(index, &item)| item == number + index));
        }
    });
    assert_eq!(arena.used_bytes(), 0, "the scope took everything back");
}

#[test]
fn every_source_can_be_held() {
    fill(&mut Arena::new(), 4 << 20);
    fill(&mut Arena::<Reserved, 8>::with_min_align(), 4 << 20);
    fill(&mut ChainAllocator::new_in(64, Global), 1 << 20);
    fill(&mut LinearAllocator::new_in(Layout::new::<[u64; 10_000]>(), Global).unwrap(), 10_000);
    let mut buffer = vec![std::mem::MaybeUninit::uninit(); 40_000];
    fill(&mut BufferArena::from_buffer(&mut buffer), 10_000);
}

#[test]
fn it_has_every_typed_method() {
    let mut arena = Arena::new();
    every_typed_method!(&arena.bulk());
    arena.scoped(|scope| every_typed_method!(&scope.bulk()));
}

#[test]
fn the_arena_goes_on_where_the_handle_ended() {
    let mut arena = Arena::new();
    let first = NonNull::from(arena.alloc(1_u64)).addr().get();
    let last = NonNull::from(arena.bulk().alloc(2_u64)).addr().get();
    assert_eq!(last, first + 8);
    assert_eq!(NonNull::from(arena.alloc(3_u64)).addr().get(), first + 16);
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (24, 24));
}

#[test]
fn nothing_is_handed_out_twice_when_the_handle_is_leaked() {
    let mut arena = Arena::new();
    arena.scoped(|scope| {
        let bulk = scope.bulk();
        let kept = bulk.alloc([7_u64; 4]);
        std::mem::forget(bulk);
        // What is zeroed is new: not what the leaked handle has written, nor what it might have.
        assert_eq!(scope.alloc_slice_zeroed::<u64>(1000), [0; 1000]);
        scope.alloc_slice_fill_copy(1000, 9_u64);
        assert_eq!(*kept, [7; 4]);
    });
    arena.reset();
    assert_eq!(arena.used_bytes(), 0, "a reset takes back what a leak had kept");
    assert_eq!(arena.alloc_slice_zeroed::<u64>(1000), [0; 1000]);
}

#[test]
fn what_does_not_fit_is_an_error_and_takes_nothing() {
    let mut arena = Arena::with_reservation(64 << 10).unwrap();
    let room = arena.remaining_capacity();
    {
        let bulk = arena.bulk();
        assert_eq!(bulk.try_alloc_slice_fill_copy(room + 1, 1_u8).unwrap_err(), AllocError);
        assert_eq!(
            bulk.try_alloc_with(|| -> [u8; 128 << 10] { unreachable!("no place") }).unwrap_err(),
            AllocError
        );
        assert_eq!(bulk.alloc_slice_fill_copy(room, 1_u8).len(), room);
        assert_eq!(bulk.try_alloc(1_u8).unwrap_err(), AllocError);
        assert_eq!(bulk.alloc(()), &());
    }
    assert_eq!((arena.used_bytes(), arena.remaining_capacity()), (room, 0));
}

/// Panics at one call, for which there is no other reason.
struct Panics(std::cell::Cell<u32>);

// SAFETY: all blocks are those of `Global`.
unsafe impl Allocator for Panics {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.0.set(self.0.get() + 1);
        assert_ne!(self.0.get(), 3, "the third block");
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) };
    }
}

#[test]
fn a_parent_that_panics_loses_nothing() {
    let mut arena = ChainAllocator::new_in(256, Panics(std::cell::Cell::new(0)));
    arena.scoped(|scope| {
        let bulk = scope.bulk();
        let mut words: Vec<&mut u64> = Vec::new();
        let panicked =
            catch_unwind(AssertUnwindSafe(|| (0..1000).for_each(|word| words.push(bulk.alloc(word)))));
        let message = panicked.unwrap_err();
        assert!(message.downcast_ref::<String>().unwrap().contains("the third block"));
        assert!(words.len() > 10);
        words.extend((words.len() as u64..1000).map(|word| bulk.alloc(word)));
        assert!(words.iter().zip(0..).all(|(word, number)| **word == number));
    });
    assert_eq!(arena.used_bytes(), 0);
}

/// What is left of the window is the handle's, also if the arena had it when its parent panicked.
#[test]
fn what_a_parents_panic_left_to_a_handle_that_is_leaked_is_handed_out_once() {
    let mut arena = ChainAllocator::new_in(4096, Panics(std::cell::Cell::new(1)));
    arena.scoped(|scope| {
        let bulk = scope.bulk();
        bulk.alloc(1_u64); // the second block
        assert!(catch_unwind(AssertUnwindSafe(|| bulk.alloc_slice_fill_copy(100_000, 0_u8).len())).is_err());
        let first = bulk.alloc(0xAAAA_u64);
        std::mem::forget(bulk);
        let second = scope.alloc(0xBBBB_u64);
        assert!(!std::ptr::eq(first, second));
        assert_eq!((*first, *second), (0xAAAA, 0xBBBB));
    });
}

/// The block's end is no multiple of the minimum, so a window of which nothing is free ends behind its cursor.
#[test]
fn nothing_is_handed_out_twice_where_the_end_is_used_by_no_block() {
    for bytes in 100..120 {
        let layout = Layout::from_size_align(bytes, 1).unwrap();
        let mut arena = LinearAllocator::<_, 16>::with_min_align_in(layout, Global).unwrap();
        arena.scoped(|scope| {
            let kept = scope.alloc([1_u64; 2]);
            scope.scoped(|inner| {
                std::mem::forget(inner.bulk());
                assert!(inner.try_alloc(2_u8).is_err());
            });
            *scope.alloc(3_u8) = 4;
            std::mem::forget(scope.bulk());
            assert!(scope.try_alloc(2_u8).is_err());
            assert_eq!(*kept, [1; 2], "{bytes}");
        });
        assert_eq!(arena.used_bytes(), 0);
        arena.alloc([5_u64; 2]);
    }
}

/// A type of no bytes may have any alignment, and takes what the minimum says without looking.
#[test]
fn with_a_handle_that_is_leaked_every_block_is_aligned_as_the_arena_promises() {
    for bytes in 100..120 {
        let mut arena =
            LinearAllocator::<_, 16>::with_min_align_in(Layout::from_size_align(bytes, 1).unwrap(), Global)
                .unwrap();
        std::mem::forget(arena.bulk());
        let nothing: *const [u128; 0] = arena.alloc([]);
        assert_eq!(nothing.addr() % 16, 0, "{bytes}");
    }
}
