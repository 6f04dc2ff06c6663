//! Many threads share one arena: each gets memory of its own, all of it is accounted for, and whatever fails or is
//! freed leaves the arena as it should be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "allocator-api2")]

mod common;

use allocator_api2::boxed::Box as ArenaBox;
use allocator_api2::vec::Vec as ArenaVec;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;
use std::sync::Barrier;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use v_alloc::{AllocError, Allocator, Operation, SyncArena};

const THREADS: usize = 4;
const ROUNDS: usize = if cfg!(miri) { 2 } else { 100 };

/// Numbers without a pattern, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 1).unwrap()
}

/// A block that one thread filled with its mark.
struct Marked {
    start: usize,
    slice: &'static [u8],
    mark: u8,
}

/// Starts so many threads at once, and returns what each has made.
fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let start = |number: usize| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..threads).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn each_thread_gets_memory_of_its_own_and_all_of_it_is_accounted() {
    const BLOCKS: usize = match (cfg!(miri), cfg!(v_alloc_heap_os)) {
        (true, _) => 100,
        (_, true) => 2000, // a default reservation has 16 MiB there
        _ => 20_000,
    };
    static ARENA: SyncArena = SyncArena::new();
    let blocks = at_once(THREADS, |thread| {
        let mut numbers = Numbers(thread as u64);
        let local = ARENA.local();
        let mut blocks = Vec::new();
        for number in 0..BLOCKS {
            let mark = u8::try_from(thread * 60 + number % 60).unwrap();
            let size = 1 + numbers.below(if number % 1000 == 0 { 40_000 } else { 60 });
            let slice: &[u8] = match numbers.below(4) {
                0 => local.alloc_slice_fill_copy(size, mark),
                1 => ARENA.alloc_slice_fill_iter((0..size).map(|_| mark).filter(|_| true)),
                _ => ARENA.alloc_slice_fill_copy(size, mark),
            };
            blocks.push(Marked { start: slice.as_ptr().addr(), slice, mark });
        }
        blocks
    });
    let mut all: Vec<Marked> = blocks.into_iter().flatten().collect();
    assert_eq!(all.len(), THREADS * BLOCKS);
    all.sort_unstable_by_key(|block| block.start);
    for pair in all.windows(2) {
        assert!(pair[0].start + pair[0].slice.len() <= pair[1].start, "two blocks overlap");
    }
    assert!(all.iter().all(|block| block.slice.iter().all(|&byte| byte == block.mark)));
    let (first, last) = (&all[0], &all[all.len() - 1]);
    let used: usize = all.iter().map(|block| block.slice.len()).sum();
    assert!(used <= ARENA.used_bytes(), "{used} bytes of {ARENA:?}");
    assert!(last.start + last.slice.len() - first.start <= ARENA.used_bytes());
    assert!(ARENA.used_bytes() <= ARENA.committed_bytes());
}

#[test]
fn nothing_is_lost_between_blocks_without_alignment() {
    for _ in 0..ROUNDS {
        let arena = SyncArena::new();
        let sizes = at_once(THREADS, |thread| {
            let mut numbers = Numbers(thread as u64);
            let size = |_| {
                let size = 1 + numbers.below(3000);
                arena.alloc_slice_fill_copy(size, 1_u8);
                size
            };
            (0..100).map(size).sum::<usize>()
        });
        assert_eq!(arena.used_bytes(), sizes.iter().sum::<usize>());
        assert_eq!(arena.peak_bytes(), arena.used_bytes());
    }
}

#[test]
fn threads_that_exhaust_a_reservation_get_all_of_it_and_then_an_error() {
    const BLOCK: usize = 48;
    for _ in 0..ROUNDS {
        let arena = SyncArena::with_reservation(if cfg!(miri) { 1 << 12 } else { 1 << 18 }).unwrap();
        let blocks = at_once(THREADS, |_| {
            let mut count = 0;
            while let Ok(block) = arena.try_alloc([0xA5_u8; BLOCK]) {
                assert_eq!(block, &[0xA5; BLOCK]);
                count += 1;
            }
            count
        });
        let blocks: usize = blocks.into_iter().sum();
        assert_eq!(blocks, arena.reserved_bytes() / BLOCK);
        assert_eq!(arena.used_bytes(), blocks * BLOCK);
        assert_eq!(arena.remaining_capacity(), arena.reserved_bytes() % BLOCK);
        // What is left may still be had.
        assert!(arena.try_alloc_slice_fill_copy(arena.remaining_capacity(), 1_u8).is_ok());
        assert_eq!(arena.try_alloc(1_u8), Err(AllocError));
    }
}

#[cfg(unix)]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn of_threads_that_allocate_first_at_the_same_time_one_makes_the_reservation() {
    use v_alloc::{process_committed_bytes, process_reserved_bytes};
    common::isolated("of_threads_that_allocate_first_at_the_same_time_one_makes_the_reservation", || {
        for round in 0..300 {
            let arena = match round % 3 {
                0 => SyncArena::new(),
                1 => SyncArena::options().reservation(10 << 20).name(c"race").build_sync(),
                _ => SyncArena::options().reservation(0).build_sync(),
            };
            let values = at_once(8, |thread| (thread, arena.alloc(thread)));
            assert!(values.iter().all(|(thread, value)| *thread == **value));
            assert_eq!(process_reserved_bytes(), arena.reserved_bytes(), "one range is left");
            assert_eq!(process_committed_bytes(), arena.committed_bytes());
            assert_eq!(arena.used_bytes(), size_of::<[usize; 8]>());
            drop(arena);
            assert_eq!((process_reserved_bytes(), process_committed_bytes()), (0, 0));
        }
    });
}

#[cfg(unix)]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn what_threads_commit_at_the_same_time_is_on_the_account_once() {
    use v_alloc::{process_committed_bytes, process_reserved_bytes};
    common::isolated("what_threads_commit_at_the_same_time_is_on_the_account_once", || {
        for round in 0..100 {
            let mut arena = SyncArena::with_reservation(32 << 20).unwrap();
            for _ in 0..2 {
                at_once(THREADS, |thread| {
                    for number in 1..40 {
                        let size = (thread + 1) * number * 97 + round;
                        arena.alloc_slice_fill_copy(size, 1_u8);
                        if number % 16 == 0 {
                            arena.prepare(100_000).unwrap();
                        }
                    }
                });
                assert_eq!(process_committed_bytes(), arena.committed_bytes());
                assert_eq!(process_reserved_bytes(), arena.reserved_bytes());
                let committed = arena.committed_bytes();
                arena.reset();
                assert_eq!(arena.trim(100_000).unwrap(), committed - arena.committed_bytes());
                assert_eq!(process_committed_bytes(), arena.committed_bytes());
            }
            drop(arena);
            assert_eq!((process_reserved_bytes(), process_committed_bytes()), (0, 0));
        }
    });
}

#[test]
fn a_block_grows_in_place_until_another_follows() {
    let arena = SyncArena::with_reservation(1 << 20).unwrap();
    let block = arena.alloc_layout(bytes(100));
    // SAFETY: the block is live, of the size that it was last grown or shrunk to.
    unsafe {
        block.write_bytes(7, 100);
        assert_eq!(arena.try_grow(block, 100, 300_000), Ok(()));
        assert_eq!((arena.used_bytes(), block.add(99).read()), (300_000, 7));
        assert_eq!(arena.try_grow(block, 300_000, (1 << 20) + 1), Err(AllocError));
        assert_eq!(arena.try_grow(block, 300_000, usize::MAX), Err(AllocError));
        assert_eq!(arena.used_bytes(), 300_000, "a failure leaves the block as it was");
        assert_eq!(arena.try_shrink(block, 300_000, 200), Ok(()));
        let next = arena.alloc_layout(bytes(1));
        assert_eq!(next.addr().get(), block.addr().get() + 200);
        assert_eq!(arena.try_grow(block, 200, 201), Err(AllocError));
        assert_eq!(arena.try_shrink(block, 200, 100), Err(AllocError));
        assert_eq!(arena.used_bytes(), 201);
        assert_eq!(arena.try_shrink(next, 1, 0), Ok(()));
        assert_eq!(arena.try_grow(block, 200, 1 << 20), Ok(()));
        assert_eq!(arena.remaining_capacity(), 0);
    }
    assert_eq!(arena.peak_bytes(), 1 << 20);
}

/// All grow their own blocks, free some, and allocate: a block in place only if it is the last.
#[test]
fn blocks_that_grow_and_shrink_in_many_threads_keep_apart() {
    for round in 0..ROUNDS {
        let arena = SyncArena::new();
        at_once(THREADS, |thread| {
            let mut numbers = Numbers((round * THREADS + thread) as u64);
            let mark = u8::try_from(thread + 1).unwrap();
            let mut blocks: Vec<(NonNull<u8>, usize)> = Vec::new();
            for _ in 0..200 {
                let size = 1 + numbers.below(200);
                // SAFETY: each block is live, of the size that goes with it, and this thread's alone.
                unsafe {
                    match (numbers.below(4), blocks.pop()) {
                        (0, Some((block, old))) => arena.deallocate(block, bytes(old)),
                        (1, Some((block, old))) => {
                            let grown =
                                arena.grow(block, bytes(old), bytes(old + size)).unwrap().cast::<u8>();
                            grown.add(old).write_bytes(mark, size);
                            blocks.push((grown, old + size));
                        }
                        (2, Some((block, old))) => {
                            let less = old.min(size);
                            blocks.push((arena.shrink(block, bytes(old), bytes(less)).unwrap().cast(), less));
                        }
                        (_, popped) => {
                            blocks.extend(popped);
                            let block = arena.allocate_zeroed(bytes(size)).unwrap();
                            assert!(block.as_ref().iter().all(|&byte| byte == 0), "zeroed memory is dirty");
                            block.cast::<u8>().write_bytes(mark, size);
                            blocks.push((block.cast(), size));
                        }
                    }
                }
            }
            for (block, size) in blocks {
                // SAFETY: as above.
                let block = unsafe { NonNull::slice_from_raw_parts(block, size).as_ref() };
                assert!(block.iter().all(|&byte| byte == mark), "{block:?} is not of thread {mark}");
            }
        });
    }
}

#[test]
fn memory_that_another_thread_has_freed_reads_zero_when_it_is_asked_for_zeroed() {
    let arena = SyncArena::new();
    let keep = arena.alloc_slice_fill_copy(100, 1_u8);
    for size in [10, 1000, 50_000] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let block = arena.allocate(bytes(size)).unwrap();
                // SAFETY: the block is new, and nobody uses it after this.
                unsafe {
                    block.cast::<u8>().write_bytes(0xFF, size);
                    arena.deallocate(block.cast(), bytes(size));
                }
            });
        });
        assert_eq!(arena.used_bytes(), 100, "it was freed");
        let zeroed = arena.allocate_zeroed(bytes(size + 10)).unwrap();
        // SAFETY: the block is new, and nobody uses it after this.
        unsafe {
            assert!(zeroed.as_ref().iter().all(|&byte| byte == 0), "{size}");
            zeroed.cast::<u8>().write_bytes(0xFF, size + 10);
            arena.deallocate(zeroed.cast(), bytes(size + 10));
        }
    }
    assert_eq!(keep, &[1; 100]);
}

#[test]
fn a_reset_keeps_memory_and_a_trim_gives_it_back() {
    let mut arena = SyncArena::with_reservation(4 << 20).unwrap();
    assert_eq!((arena.used_bytes(), arena.peak_bytes(), arena.committed_bytes()), (0, 0, 0));
    arena.alloc_slice_fill_copy(300_000, 0xFF_u8);
    let committed = arena.committed_bytes();
    arena.reset();
    assert_eq!((arena.used_bytes(), arena.peak_bytes()), (0, 300_000));
    assert_eq!((arena.committed_bytes(), arena.remaining_capacity()), (committed, 4 << 20));
    assert!(arena.alloc_slice_zeroed::<u8>(200_000).iter().all(|&byte| byte == 0));
    assert_eq!(arena.peak_bytes(), 300_000);
    arena.reset();
    assert_eq!(arena.trim(usize::MAX), Ok(0));
    let page = common::page();
    let kept = 100_000_usize.next_multiple_of(page);
    assert_eq!(arena.trim(100_000).unwrap(), committed - kept);
    assert_eq!((arena.committed_bytes(), arena.trim(100_000)), (kept, Ok(0)));
    assert!(arena.alloc_slice_zeroed::<u8>(400_000).iter().all(|&byte| byte == 0), "old bytes came back");
    assert_eq!(arena.trim(0).unwrap(), arena.peak_bytes().next_multiple_of(page) - arena.committed_bytes());
    arena.reset();
    arena.trim(0).unwrap();
    assert_eq!((arena.committed_bytes(), arena.peak_bytes(), arena.reserved_bytes()), (0, 400_000, 4 << 20));
    assert_eq!(arena.alloc(5), &5);
}

#[test]
fn requests_that_no_arena_can_hold_change_nothing() {
    let arena = SyncArena::with_reservation(1 << 20).unwrap();
    arena.alloc(1_u8);
    let figures = || (arena.used_bytes(), arena.peak_bytes(), arena.committed_bytes());
    let before = figures();
    let largest = isize::MAX as usize;
    for (size, align) in [(largest, 1), (largest - 4095, 4096), (1, 1 << (usize::BITS - 2)), (1 << 20, 1)] {
        let layout = Layout::from_size_align(size, align).unwrap();
        assert_eq!(arena.try_alloc_layout(layout), Err(AllocError), "{layout:?}");
        // SAFETY: the layout has a size.
        assert!(unsafe { GlobalAlloc::alloc(&arena, layout) }.is_null());
        assert_eq!(figures(), before, "{layout:?}");
    }
    for bytes in [1 << 20, largest, usize::MAX - 1, usize::MAX] {
        let error = arena.prepare(bytes).unwrap_err();
        assert_eq!((error.operation(), error.bytes(), error.os_code()), (Operation::Commit, bytes, None));
        assert_eq!(figures(), before);
    }
    assert!(SyncArena::with_reservation(usize::MAX).is_err());
    let hopeless = SyncArena::options().reservation(usize::MAX).build_sync();
    assert_eq!(hopeless.try_alloc(1), Err(AllocError));
    assert_eq!((hopeless.reserved_bytes(), hopeless.used_bytes()), (0, 0));
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn a_limit_on_memory_is_an_error_for_each_thread_and_all_before_it_is_of_use() {
    use rustix::process::Resource;
    common::isolated("a_limit_on_memory_is_an_error_for_each_thread_and_all_before_it_is_of_use", || {
        let arena = SyncArena::with_reservation(1 << 30).unwrap();
        at_once(THREADS, |_| ()); // the threads' own memory
        let room = 24 << 20;
        common::limit(Resource::Data, (common::status("VmData") + room) as u64);
        let (failed, started) = (AtomicUsize::new(0), Barrier::new(2));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    started.wait(); // else one takes the memory that the other starts with
                    while let Ok(block) = arena.try_alloc([0x5A_u8; 10_000]) {
                        assert_eq!(block[9_999], 0x5A);
                    }
                    failed.fetch_add(1, Relaxed);
                });
            }
        });
        assert_eq!(failed.load(Relaxed), 2);
        assert_eq!(arena.used_bytes() % 10_000, 0, "a failure takes nothing");
        assert!(arena.used_bytes() > 1 << 20, "{arena:?}");
        assert_eq!(v_alloc::process_committed_bytes(), arena.committed_bytes());
        assert_eq!(arena.prepare(64 << 20).unwrap_err().os_code(), Some(12));
        let left = arena.committed_bytes() - arena.used_bytes();
        assert!(arena.try_alloc_slice_fill_copy(left, 1_u8).is_ok(), "what is committed can be had");
    });
}

#[test]
fn every_typed_method_works_on_a_shared_arena() {
    static ARENA: SyncArena = SyncArena::new();
    at_once(2, |_| every_typed_method!(&ARENA));
}

#[test]
fn code_of_the_caller_that_panics_leaves_the_arena_in_order() {
    let arena = SyncArena::new();
    arena.alloc(1_u64);
    let panics = |work: &dyn Fn()| common::panics::panic_of(work).unwrap();
    let said = panics(&|| _ = arena.alloc_slice_fill_with(10, |index| assert_ne!(index, 5, "fill")));
    assert!(said.contains("fill"));
    let said = panics(&|| {
        arena.alloc_slice_fill_iter((0..100_u32).map(|number| {
            assert_ne!(number, 50, "iter");
            u64::from(number)
        }));
    });
    assert!(said.contains("iter"));
    assert_eq!(arena.used_bytes(), 8, "nothing follows them, so their memory is free again");
    // The place is taken before the code runs: it is lost, not handed out twice.
    panics(&|| _ = arena.alloc_with(|| -> u64 { panic!("make") }));
    let (a, b) = (arena.alloc(2_u64), arena.alloc_with(|| *arena.alloc(3_u64)));
    assert_eq!((*a, *b), (2, 3));
}

#[test]
fn containers_of_the_ecosystem_live_in_a_shared_arena() {
    let arena = SyncArena::new();
    let maps = at_once(THREADS, |thread| {
        let mut map = HashMap::with_hasher_in(DefaultHashBuilder::default(), &arena);
        let mut list = ArenaVec::new_in(&arena);
        for number in 0..1000 {
            map.insert(number, ArenaBox::new_in(number * thread, &arena));
            list.push(number);
        }
        map.retain(|number, _| number % 2 == 0);
        list.shrink_to_fit();
        assert!(list.iter().copied().eq(0..1000));
        map
    });
    for (thread, map) in maps.iter().enumerate() {
        assert_eq!(map.len(), 500);
        assert!(map.iter().all(|(number, product)| **product == number * thread));
    }
    drop(maps);
    // One that owns its arena takes it along when it moves.
    let mut list = ArenaVec::new_in(SyncArena::new());
    list.extend(0..1000);
    let mut list = thread::spawn(move || list).join().unwrap();
    list.extend(1000..50_000);
    assert!(list.iter().copied().eq(0..50_000));
}

#[test]
fn blocks_keep_their_contents_whichever_way_they_are_resized() {
    let arena = SyncArena::new();
    let filled = |block: *mut u8, size: usize| {
        // SAFETY: the callers' blocks have at least this size, all of it written.
        unsafe { std::slice::from_raw_parts(block, size) }.iter().all(|&byte| byte == 0x77)
    };
    for align in [1, 2, 16, 64, 4096, 65536] {
        let layout = Layout::from_size_align(100, align).unwrap();
        // SAFETY: each block is live, of the layout that goes with it.
        unsafe {
            let block = GlobalAlloc::alloc(&arena, layout);
            assert_eq!(block.addr() % align, 0);
            block.write_bytes(0x77, 100);
            assert_eq!(arena.realloc(block, layout, 200), block, "the last block grows in place");
            let layout = Layout::from_size_align(200, align).unwrap();
            block.add(100).write_bytes(0x77, 100);
            let wall = arena.alloc(1_u8);
            let moved = arena.realloc(block, layout, 1000);
            assert!(moved != block && filled(moved, 200) && moved.addr() % align == 0);
            moved.add(200).write_bytes(0x77, 800);
            let layout = Layout::from_size_align(1000, align).unwrap();
            assert_eq!(arena.realloc(moved, layout, 10), moved);
            let layout = Layout::from_size_align(10, align).unwrap();
            let zeroed = arena.alloc_zeroed(bytes(2000));
            assert!(std::slice::from_raw_parts(zeroed, 2000).iter().all(|&byte| byte == 0));
            assert!(filled(moved, 10));
            // Not the last, so it stays; then the last, which goes.
            let used = arena.used_bytes();
            GlobalAlloc::dealloc(&arena, moved, layout);
            assert_eq!(arena.used_bytes(), used);
            GlobalAlloc::dealloc(&arena, zeroed, bytes(2000));
            assert_eq!(arena.used_bytes(), used - 2000);
            assert_eq!(*wall, 1);
            // A stricter alignment moves a block, and a larger size with it or not.
            let block = arena.allocate(bytes(64)).unwrap().cast::<u8>();
            block.write_bytes(0x77, 64);
            let strict = Layout::from_size_align(64, 8192).unwrap();
            let aligned = arena.grow(block, bytes(64), strict).unwrap().cast::<u8>();
            assert!(aligned.addr().get() % 8192 == 0 && filled(aligned.as_ptr(), 64));
            let stricter = Layout::from_size_align(32, 1 << 20).unwrap();
            let aligned = arena.shrink(aligned, strict, stricter).unwrap().cast::<u8>();
            assert!(aligned.addr().get() % (1 << 20) == 0 && filled(aligned.as_ptr(), 32));
            let larger = Layout::from_size_align(5000, 1 << 20).unwrap();
            let zeroed = arena.grow_zeroed(aligned, stricter, larger).unwrap();
            assert!(
                zeroed.as_ref()[32..].iter().all(|&byte| byte == 0) && filled(zeroed.cast().as_ptr(), 32)
            );
        }
    }
}

#[test]
fn a_block_of_no_bytes_owns_nothing() {
    let arena = SyncArena::new();
    let nothing = Layout::from_size_align(0, 64).unwrap();
    let none = arena.allocate(nothing).unwrap();
    assert_eq!((none.addr().get() % 64, none.len(), arena.reserved_bytes()), (0, 0, 0));
    let first = arena.alloc(1_u64);
    // SAFETY: each block is live, of the layout that goes with it.
    unsafe {
        arena.deallocate(none.cast(), nothing);
        let grown = arena.grow(none.cast(), nothing, Layout::from_size_align(8, 64).unwrap()).unwrap();
        assert_eq!(grown.addr().get() % 64, 0);
        let used = arena.used_bytes();
        let empty = arena.shrink(grown.cast(), Layout::from_size_align(8, 64).unwrap(), nothing).unwrap();
        assert_eq!(arena.used_bytes(), used - 8);
        let second = arena.alloc(2_u64);
        // Both have one address, and one owner.
        arena.deallocate(empty.cast(), nothing);
        let third = arena.alloc(3_u64);
        assert_eq!((*first, *second, *third), (1, 2, 3));
    }
}

#[test]
fn of_threads_that_claim_at_the_same_time_one_wins_until_it_lets_go() {
    let arena = SyncArena::new();
    for _ in 0..ROUNDS {
        let done = Barrier::new(THREADS);
        // Whether a thread won, and then whether it did while somebody had won. (A panic would leave the others waiting.)
        let won = at_once(THREADS, |_| {
            let claim = arena.try_claim();
            done.wait();
            let won = (claim.is_some(), arena.try_claim().is_some());
            done.wait();
            drop(claim);
            won
        });
        assert_eq!(won.iter().filter(|won| won.0).count(), 1);
        assert!(won.iter().all(|won| !won.1), "two have it");
        assert!(arena.try_claim().is_some(), "it was let go");
    }
    assert!(
        arena.try_claim().is_some_and(|claim| claim.try_claim().is_none() && claim.try_claim().is_none())
    );
    let claim = arena.try_claim().unwrap();
    let report = claim.arena().alloc_str("outlives the claim");
    drop(claim);
    assert_eq!(report, "outlives the claim");
}
