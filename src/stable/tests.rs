//! What blocks do, with the system calls failing and with nothing failing.

use super::*;
use crate::os;
use crate::os::faults::{Call, alone, fail_each_call};
use crate::reservation::totals;
use core::cell::Cell;
use std::vec::Vec;

fn page() -> usize {
    os::page_bytes()
}

#[test]
fn a_block_keeps_its_place_and_its_contents() {
    let mut block = StableBlock::new();
    block.resize(100).unwrap();
    let base = block.base();
    block.as_mut_slice().fill(7);
    for size in [1 << 20, 3 << 20, 40, 5 << 20, 100] {
        if size > block.reserved_bytes() {
            continue; // the heap that stands in for a system has little
        }
        block.resize(size).unwrap();
        assert_eq!((block.base(), block.len()), (base, size));
        assert!(block.as_slice().iter().take(40).all(|&byte| byte == 7));
    }
    block.resize(0).unwrap();
    assert_eq!((block.reserved_bytes(), block.committed_bytes()), (0, 0));
}

#[test]
fn a_freed_address_is_used_again_and_reads_zero() {
    alone("stable::tests::a_freed_address_is_used_again_and_reads_zero", || {
        let mut block = StableBlock::new();
        block.resize(10).unwrap();
        let base = block.base();
        block.as_mut_slice().fill(1);
        drop(block);
        let mut block = StableBlock::new();
        block.resize(10).unwrap();
        // With traps, other addresses come first.
        assert_eq!(
            block.base() == base,
            !cfg!(all(feature = "traps", debug_assertions, not(v_alloc_heap_os)))
        );
        assert_eq!(block.as_slice(), [0; 10]);
    });
}

#[test]
fn shrinking_gives_pages_back_past_a_hysteresis() {
    let mut block = StableBlock::new();
    block.resize(256 << 10).unwrap();
    block.resize(200 << 10).unwrap();
    assert_eq!(block.committed_bytes(), 256 << 10, "not worth a system call");
    block.as_mut_slice().fill(9);
    block.resize(page()).unwrap();
    assert_eq!(block.committed_bytes(), page());
    block.resize(256 << 10).unwrap();
    assert!(block.as_slice()[page()..].iter().all(|&byte| byte == 0));
    assert!(block.as_slice()[..page()].iter().all(|&byte| byte == 9));
}

#[test]
fn a_first_size_above_the_default_reserves_what_it_needs() {
    let mut block = StableBlock::new();
    let size = 2 * default_reservation() + 1;
    block.resize(size).unwrap();
    assert!(block.reserved_bytes() >= size);
    block.as_mut_slice()[size - 1] = 1;
}

#[test]
fn a_chosen_reservation_is_exact() {
    for bytes in [1, 64 << 10, (64 << 10) + 1, 3 << 20] {
        let mut block = StableBlock::options().reservation(bytes).build();
        block.resize(1).unwrap();
        assert_eq!(block.reserved_bytes(), bytes.next_multiple_of(page()));
        block.resize(block.reserved_bytes()).unwrap();
        let error = block.resize(block.reserved_bytes() + 1).unwrap_err();
        assert_eq!(error.operation(), crate::Operation::Commit);
        assert_eq!(block.len(), block.reserved_bytes());
    }
}

#[test]
fn a_block_larger_than_any_shared_space_has_its_own_and_gives_it_back() {
    alone("stable::tests::a_block_larger_than_any_shared_space_has_its_own_and_gives_it_back", || {
        let size = 2 * space::largest_space();
        for _ in 0..3 {
            let before = totals::process_reserved_bytes();
            let mut block = StableBlock::options().reservation(size).build();
            block.resize(100).unwrap();
            assert_eq!(block.reserved_bytes(), size);
            assert_eq!(totals::process_reserved_bytes(), before + size);
            // SAFETY: the address is no pointer that `realloc` returned, which is an error.
            assert!(unsafe { crate::realloc(Some(block.base()), 10) }.is_err());
            drop(block);
            assert_eq!(totals::process_reserved_bytes(), before);
        }
    });
}

/// Else first-level caches take one for another: see `os::GAP`.
#[test]
#[cfg(all(target_pointer_width = "64", not(any(miri, v_alloc_heap_os))))]
fn large_blocks_differ_in_the_lower_half_of_their_addresses_and_there_is_none_between_them() {
    alone(
        "stable::tests::large_blocks_differ_in_the_lower_half_of_their_addresses_and_there_is_none_between_them",
        || {
            let in_one_space = |size: &usize| *size <= space::largest_space() / 8;
            for reservation in [64 << 20, 1 << 30].into_iter().filter(in_one_space) {
                let block = || {
                    let mut block = StableBlock::options().reservation(reservation).build();
                    block.resize(1).unwrap();
                    block
                };
                let blocks: Vec<_> = (0..16).map(|_| block()).collect();
                let lower = |block: &StableBlock| block.base().addr().get() % (1 << 28);
                assert!(blocks.windows(2).all(|two| lower(&two[0]) != lower(&two[1])), "{blocks:?}");
                for block in &blocks {
                    let behind = block.base().as_ptr().wrapping_add(reservation);
                    // SAFETY: the pointer is none that `realloc` returned, which is an error.
                    let error = unsafe { crate::realloc(NonNull::new(behind), 10) }.unwrap_err();
                    assert_eq!(error.operation(), crate::Operation::Resize);
                }
            }
        },
    );
}

#[test]
fn pointers_that_are_no_blocks_are_refused_and_not_followed() {
    // SAFETY: only live blocks are resized or freed; all other pointers are refused.
    unsafe {
        let data = crate::realloc(None, 100).unwrap().unwrap();
        let mut block = StableBlock::new();
        block.resize(1000).unwrap();
        let foreign = [
            data.add(1),
            data.add(4096),
            data.sub(1),
            block.base(),
            block.base().add(64),
            NonNull::new(core::ptr::without_provenance_mut(1)).unwrap(),
            NonNull::new(core::ptr::without_provenance_mut(64)).unwrap(),
            NonNull::new(core::ptr::without_provenance_mut(65)).unwrap(),
            NonNull::new(core::ptr::without_provenance_mut(usize::MAX)).unwrap(),
            NonNull::from(&block).cast(),
        ];
        for pointer in foreign {
            for size in [0, 10, usize::MAX] {
                let error = crate::realloc(Some(pointer), size).unwrap_err();
                assert!(size == usize::MAX || std::format!("{error}").contains("no live block"), "{error}");
            }
            assert_eq!(crate::realloc_size(pointer), None);
        }
        assert_eq!(crate::realloc_size(data), Some(100));
        crate::realloc(Some(data), 0).unwrap();
        let error = crate::realloc(Some(data), 0).unwrap_err();
        assert_eq!(error.operation(), crate::Operation::Free);
    }
}

#[test]
fn a_stale_copy_is_refused() {
    let wanted = StableBlock::options().wanted();
    let block = Block::new(10, wanted).unwrap();
    let copy = block;
    // SAFETY: nobody uses the memory.
    unsafe {
        block.free().unwrap();
        assert!(copy.free().is_err());
        assert!(copy.commit_to(100, 100).is_err());
        assert!(copy.give_back_from(0).is_err());
        assert!(copy.resize(1).is_err());
        let next = Block::new(10, wanted).unwrap();
        assert!(copy.free().is_err(), "the addresses may be the next block's");
        next.free().unwrap();
    }
}

#[test]
fn the_account_is_exact_whichever_system_call_fails() {
    alone("stable::tests::the_account_is_exact_whichever_system_call_fails", || {
        let scenario = || {
            let mut block = StableBlock::new();
            let mut size = 0;
            for next in [100, 300 << 10, page(), 0, 100] {
                let before = (block.base(), block.committed_bytes());
                if block.resize(next).is_ok() {
                    size = next;
                } else if size > 0 {
                    assert_eq!((block.base(), block.committed_bytes()), before, "all stays as it was");
                }
                assert_eq!(block.len(), size);
                block.as_mut_slice().fill(1);
            }
            let mut large = StableBlock::options().reservation(2 * os::LARGEST_SPACE).build();
            if large.resize(100).is_ok() {
                large.as_mut_slice().fill(1);
            }
        };
        // What spaces take, they keep; all blocks are gone after each run.
        scenario();
        let lost = Cell::new(0);
        let before = totals::process_committed_bytes();
        let failed = fail_each_call(scenario, |call| {
            if call == Call::Discard || call == Call::Decommit || call == Call::Release {
                lost.set(totals::process_committed_bytes() - before); // a drop cannot say that it failed
            } else {
                assert_eq!(totals::process_committed_bytes(), before + lost.get(), "{call:?}");
            }
        });
        assert!(failed.contains(&Call::Reserve), "{failed:?}");
        assert!(failed.contains(&Call::Discard) || failed.contains(&Call::Decommit), "{failed:?}");
    });
}

/// With traps the pages of a freed block are inaccessible.
#[test]
#[cfg(not(all(feature = "traps", debug_assertions, not(v_alloc_heap_os))))]
fn small_lives_in_turn_make_no_system_call_and_read_zero() {
    alone("stable::tests::small_lives_in_turn_make_no_system_call_and_read_zero", || {
        let life = |mark| {
            let mut blocks = [const { StableBlock::new() }; 16];
            for block in &mut blocks {
                block.resize(100).unwrap();
                assert_eq!(block.as_slice(), [0; 100]);
                block.as_mut_slice().fill(mark);
                block.resize(10_000).unwrap();
                assert!(block.as_slice()[100..].iter().all(|&byte| byte == 0));
                block.as_mut_slice().fill(mark);
            }
        };
        life(1);
        assert_eq!(fail_each_call(|| life(2), |_| ()), []);
    });
}

/// Of blocks that need not read zero, as those of vectors.
#[test]
#[cfg(not(all(feature = "traps", debug_assertions, not(v_alloc_heap_os))))]
fn of_usual_lives_the_next_has_what_they_had() {
    alone("stable::tests::of_usual_lives_the_next_has_what_they_had", || {
        let life = |bytes| {
            let mut block = StableBlock::options().reservation(2 << 20).zeroed(false).build();
            block.resize(1).unwrap();
            block.resize(bytes).unwrap();
            block.as_mut_slice().fill(1);
        };
        (0..8).for_each(|_| life(500_000));
        assert_eq!(fail_each_call(|| life(500_000), |_| ()), []);
        // Also where others come between.
        for bytes in [10, 500_000, 100_000, 500_000, 10, 500_000] {
            life(bytes);
        }
        assert_eq!(fail_each_call(|| life(500_000), |_| ()), []);
        // Where most need little, it ends.
        (0..5).for_each(|_| life(10));
        assert!(pool::kept() <= pool::KEPT, "{}", pool::kept());
        life(500_000);
        assert!(pool::kept() <= pool::KEPT, "{}", pool::kept());
    });
}

#[test]
#[cfg(not(all(feature = "traps", debug_assertions, not(v_alloc_heap_os))))]
fn freed_blocks_keep_little_however_many_there_were() {
    alone("stable::tests::freed_blocks_keep_little_however_many_there_were", || {
        let count = if cfg!(target_pointer_width = "64") { 1000 } else { 50 };
        let block = |size| {
            let mut block = StableBlock::options().reservation(128 << 10).build();
            block.resize(size).map(|()| block)
        };
        let blocks = |size| (0..count).map(|_| block(size).unwrap()).collect::<Vec<_>>();
        drop(blocks(1)); // makes the spaces, which take memory themselves
        for size in [10, 100_000] {
            let before = totals::process_committed_bytes();
            drop(blocks(size));
            assert_eq!(totals::process_committed_bytes(), before);
            let kept = pool::kept();
            assert!((1..=pool::ALL_KEPT + 2 * size).contains(&kept), "{kept}");
            // Those that keep something come first, and do not stand in the way of others.
            let again = [block(size).unwrap(), block(size).unwrap()];
            assert!(pool::kept() < kept, "{kept}");
            drop(again);
            assert_eq!(pool::kept(), kept);
        }
    });
}

#[test]
fn what_a_block_before_kept_lies_within_the_limit_of_the_next() {
    alone("stable::tests::what_a_block_before_kept_lies_within_the_limit_of_the_next", || {
        let mut block = StableBlock::options().reservation(64 << 10).build();
        block.resize(64 << 10).unwrap();
        block.as_mut_slice().fill(1);
        drop(block);
        let mut block = StableBlock::options().reservation(1).build();
        block.resize(1).unwrap();
        assert_eq!((block.reserved_bytes(), block.committed_bytes()), (page(), page()));
        assert!(block.resize(page() + 1).is_err());
        block.resize(page()).unwrap();
        assert!(block.as_slice().iter().all(|&byte| byte == 0));
    });
}

/// The one call in the life of a block gives pages back. (Where it is made to fail the slot is lost, of which
/// a space on 32 bits has few.)
#[test]
#[cfg(target_pointer_width = "64")]
fn in_steady_state_nothing_is_mapped() {
    alone("stable::tests::in_steady_state_nothing_is_mapped", || {
        let life = || {
            let mut block = StableBlock::new();
            for size in [100, 5000, 200_000, 300, 40_000] {
                if block.resize(size).is_err() {
                    return; // what fails here is found below
                }
                block.as_mut_slice().fill(1);
            }
        };
        let other = {
            life();
            let mut block = StableBlock::new();
            block.resize(1).unwrap();
            block
        };
        life();
        let reserved = totals::process_reserved_bytes();
        let asked = fail_each_call(life, |_| ());
        let expected: &[Call] = if cfg!(windows) {
            &[Call::Commit, Call::Decommit]
        } else if cfg!(all(feature = "traps", debug_assertions, not(v_alloc_heap_os))) {
            &[Call::Commit, Call::Discard] // what was freed was inaccessible
        } else {
            &[Call::Discard]
        };
        assert!(asked.iter().all(|call| expected.contains(call)), "{asked:?}");
        assert_eq!(totals::process_reserved_bytes(), reserved);
        drop(other);
    });
}

#[test]
fn blocks_from_many_threads_are_apart() {
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            scope.spawn(move || {
                let mut blocks = std::vec::Vec::new();
                for round in 0..if cfg!(miri) { 20 } else { 2000 } {
                    let mut block = StableBlock::options().reservation(64 << 10).build();
                    block.resize(100 + round % 1000).unwrap();
                    assert!(block.as_slice().iter().all(|&byte| byte == 0));
                    block.as_mut_slice().fill(thread + 1);
                    blocks.push(block);
                    if round % 3 == 0 {
                        let block = blocks.swap_remove(round % blocks.len());
                        assert!(block.as_slice().iter().all(|&byte| byte == thread + 1));
                    }
                }
            });
        }
    });
}
