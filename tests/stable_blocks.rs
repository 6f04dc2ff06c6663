//! Blocks that never move: many of them, under limits, over long lives. What touches the whole process has one of its
//! own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "fill bytes repeat")]

mod common;

use proptest::prelude::*;
use std::collections::HashSet;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use v_alloc::{
    Operation, ReserveError, StableBlock, StableBlockOptions, realloc, realloc_size, realloc_with,
};

/// Held by every test that shares a process with others: some free an address twice, and between the two calls
/// it must not become the block of another test.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A block of `realloc`, filled with a byte of its own.
struct Filled {
    data: NonNull<u8>,
    size: usize,
    fill: u8,
}

// SAFETY: the block belongs to this value alone.
unsafe impl Send for Filled {}

impl Filled {
    fn new(size: usize, fill: u8) -> Result<Self, ReserveError> {
        Self::with(&StableBlock::options(), size, fill)
    }

    fn with(options: &StableBlockOptions, size: usize, fill: u8) -> Result<Self, ReserveError> {
        // SAFETY: a new block.
        let data = unsafe { realloc_with(None, size, options) }?.unwrap();
        let block = Self { data, size, fill };
        assert!(block.all_are(size, 0), "a new block reads zero");
        // SAFETY: the block has `size` bytes.
        unsafe { data.write_bytes(fill, size) };
        Ok(block)
    }

    fn all_are(&self, size: usize, value: u8) -> bool {
        // SAFETY: the block is alive and has so many bytes.
        let bytes = unsafe { NonNull::slice_from_raw_parts(self.data, size).as_ref() };
        bytes.first().is_none_or(|&first| first == value && bytes[1..] == bytes[..bytes.len() - 1])
    }

    fn resize(&mut self, size: usize) -> Result<(), ReserveError> {
        // SAFETY: the block is alive, and nobody else uses it.
        let data = unsafe { realloc(Some(self.data), size) }?;
        assert_eq!(data, Some(self.data), "it never moves");
        assert!(self.all_are(self.size.min(size), self.fill), "it keeps its contents");
        self.size = size;
        // SAFETY: as above; the block has `size` bytes now.
        unsafe {
            self.data.write_bytes(self.fill, size);
            assert_eq!(realloc_size(self.data), Some(size));
        }
        Ok(())
    }

    fn free(self) {
        assert!(self.all_are(self.size, self.fill), "nobody else wrote to it");
        // SAFETY: the block is alive, and not used again.
        assert_eq!(unsafe { realloc(Some(self.data), 0) }, Ok(None));
    }
}

#[cfg(target_os = "linux")]
fn lines_of_maps() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// There is a limit of 65,530 mappings by default, and each block on its own would need two.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn a_hundred_thousand_small_blocks_are_a_few_mappings_and_a_page_each() {
    common::isolated("a_hundred_thousand_small_blocks_are_a_few_mappings_and_a_page_each", || {
        const COUNT: usize = 100_000;
        let (resident, tables) = (common::status("VmRSS"), common::status("VmPTE"));
        let blocks: Vec<_> = (0..COUNT).map(|number| Filled::new(64, number as u8).unwrap()).collect();
        assert!(lines_of_maps() < 2000, "{}", lines_of_maps());
        let per_block = (common::status("VmRSS") - resident) / COUNT;
        assert!(per_block <= common::page() + 256, "{per_block} bytes resident");
        let tables_per_block = (common::status("VmPTE") - tables) / COUNT;
        assert!(tables_per_block <= 2 * common::page(), "{tables_per_block} bytes of page tables");

        // The rest of the process has room, and can start threads.
        assert!(std::thread::spawn(|| Vec::<u8>::new().try_reserve_exact(2 << 30).is_ok()).join().unwrap());

        let addresses: HashSet<_> = blocks.iter().map(|block| block.data).collect();
        assert_eq!(addresses.len(), COUNT);
        let reserved = v_alloc::process_reserved_bytes();
        blocks.into_iter().for_each(Filled::free);
        let kept = common::status("VmRSS").saturating_sub(resident) / COUNT;
        assert!(kept <= 256, "{kept} bytes resident for each block that was freed");
        for number in 0..COUNT {
            let block = Filled::new(64, number as u8).unwrap(); // and never freed
            assert!(addresses.contains(&block.data), "addresses are used again");
        }
        assert_eq!(v_alloc::process_reserved_bytes(), reserved);
    });
}

/// 64 B to as much as the default reservation holds, by doubling and back, with a neighbour on each side.
#[test]
fn a_block_grows_in_place_whatever_else_lives() {
    let _alone = alone();
    let before = Filled::new(100, 1).unwrap();
    let mut block = Filled::new(64, 2).unwrap();
    let after = Filled::new(100, 3).unwrap();
    let most = v_alloc::default_reservation().min(64 << 20) - 64;
    let mut size = 64;
    while size < most {
        size = (2 * size).min(most);
        block.resize(size).unwrap();
    }
    while size > 64 {
        size /= 2;
        block.resize(size).unwrap();
    }
    for block in [before, block, after] {
        block.free();
    }
}

#[test]
fn a_failure_leaves_the_block_as_it_was() {
    let _alone = alone();
    let mut block = Filled::new(100, 7).unwrap();
    for size in [usize::MAX, usize::MAX - 47, usize::MAX - 64, isize::MAX as usize, usize::MAX / 2 - 4095] {
        let error = block.resize(size).unwrap_err();
        assert!(matches!(error.operation(), Operation::Commit | Operation::Resize), "{error}");
        assert!(Filled::new(size, 1).is_err());
        // SAFETY: the block is alive.
        assert_eq!(unsafe { realloc_size(block.data) }, Some(100));
    }
    block.resize(200).unwrap();
    block.free();
}

#[test]
#[cfg(unix)]
fn a_limit_on_addresses_makes_reservations_smaller_and_not_impossible() {
    common::isolated("a_limit_on_addresses_makes_reservations_smaller_and_not_impossible", || {
        common::limit(rustix::process::Resource::As, 900 << 20);
        let blocks: Vec<_> = (0..50).map(|number| Filled::new(1000, number).unwrap()).collect();
        assert!(
            v_alloc::process_reserved_bytes() <= (900 << 20) / 8,
            "{}",
            v_alloc::process_reserved_bytes()
        );
        // What is asked for is honoured, though no power of two of that size would fit twice.
        for _ in 0..3 {
            let mut large = StableBlock::options().reservation(600 << 20).build();
            large.resize(5000).unwrap();
            assert_eq!(large.reserved_bytes(), 600 << 20);
        }
        assert!(Vec::<u8>::new().try_reserve_exact(300 << 20).is_ok(), "the rest is for the program");
        blocks.into_iter().for_each(Filled::free);
    });
}

#[test]
#[cfg(unix)]
fn a_limit_on_addresses_that_comes_later_is_heeded_too() {
    common::isolated("a_limit_on_addresses_that_comes_later_is_heeded_too", || {
        let first = Filled::new(100, 1).unwrap();
        common::limit(rustix::process::Resource::As, 1 << 30);
        // There are free slots of the default size; of this one there are none, and no room for a large space.
        let mut block = StableBlock::options().reservation(100 << 10).build();
        match block.resize(1000) {
            Ok(()) => block.as_mut_slice().fill(1),
            // More is in use already than the limit allows.
            Err(error) => assert_eq!(error.os_code(), Some(12), "{error}"),
        }
        Filled::new(100, 2).unwrap().free();
        first.free();
    });
}

/// On Linux the limit is on writable memory, so each block is committed by itself; macOS has no such limit.
#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn a_limit_on_memory_is_an_error_before_there_is_a_pointer() {
    common::isolated("a_limit_on_memory_is_an_error_before_there_is_a_pointer", || {
        common::limit(rustix::process::Resource::Data, 64 << 20);
        // By default it could not grow to 100 MiB where addresses have 32 bits.
        let options = StableBlock::options().reservation(200 << 20);
        let mut block = Filled::with(&options, 100, 1).unwrap();
        let error = block.resize(100 << 20).unwrap_err();
        assert_eq!((error.operation(), error.os_code()), (Operation::Commit, Some(12)), "{error}");
        block.resize(10 << 20).unwrap();
        let mut blocks = Vec::new();
        let error = loop {
            match Filled::new(1 << 20, 2) {
                Ok(block) => blocks.push(block),
                Err(error) => break error,
            }
        };
        assert_eq!(error.os_code(), Some(12), "{error}");
        assert!(blocks.len() > 20, "{}", blocks.len());
        blocks.pop().unwrap().free();
        Filled::new(1000, 3).unwrap().free();
        block.free();
        blocks.into_iter().for_each(Filled::free);
    });
}

/// Where each block is committed by itself, the kernel's table of mappings ends it.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn under_a_limit_on_memory_thirty_thousand_blocks_live_and_one_too_many_is_an_error() {
    common::isolated(
        "under_a_limit_on_memory_thirty_thousand_blocks_live_and_one_too_many_is_an_error",
        || {
            let most = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
            if most.trim() != "65530" {
                return; // the number below belongs to the default
            }
            common::limit(rustix::process::Resource::Data, 8 << 30);
            let mut blocks = Vec::new();
            let error = loop {
                match Filled::new(64, blocks.len() as u8) {
                    Ok(block) => blocks.push(block),
                    Err(error) => break error,
                }
                assert!(blocks.len() < 40_000, "more than the kernel allows");
            };
            assert!(blocks.len() > 30_000, "{}: {error}", blocks.len());
            assert_eq!(error.os_code(), Some(12), "{error}");
            blocks.into_iter().for_each(Filled::free);
            Filled::new(64, 1).unwrap().free();
        },
    );
}

/// A real-time program locks all memory that it will map: what is only reserved must not be filled.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_locks_its_memory_has_blocks_too() {
    common::isolated("a_program_that_locks_its_memory_has_blocks_too", || {
        use rustix::mm::{MlockAllFlags, mlockall};
        if mlockall(MlockAllFlags::FUTURE).is_err() {
            return; // not allowed to
        }
        let mut blocks: Vec<_> = (0..100).filter_map(|number| Filled::new(1000, number).ok()).collect();
        assert!(common::status("VmRSS") < 256 << 20, "{}", common::status("VmRSS"));
        for block in &mut blocks {
            let _ = block.resize(10_000);
        }
        blocks.into_iter().for_each(Filled::free);
    });
}

/// A huge page reaches beyond the last byte of its block, and makes the block a mapping of its own.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn blocks_on_huge_pages_leave_neither_memory_nor_mappings_behind() {
    common::isolated("blocks_on_huge_pages_leave_neither_memory_nor_mappings_behind", || {
        const COUNT: usize = 60;
        Filled::new(100, 1).unwrap().free();
        let (resident, mappings) = (common::status("VmRSS"), lines_of_maps());
        let committed = v_alloc::process_committed_bytes();
        let gone = |what: &str| {
            let left = common::status("VmRSS").saturating_sub(resident);
            assert!(left < 4 << 20, "{what}: {left} bytes resident");
            assert!(lines_of_maps() < mappings + COUNT / 4, "{what}: {} mappings", lines_of_maps());
        };
        let mut blocks: Vec<_> =
            (0..COUNT).map(|_| Filled::new((2 << 20) + (64 << 10), 7).unwrap()).collect();
        let more = common::status("VmRSS") - resident;
        assert!(
            more <= v_alloc::process_committed_bytes() - committed + (4 << 20),
            "resident is committed at most"
        );
        for block in &mut blocks {
            block.resize(100).unwrap();
        }
        gone("shrunk");
        for block in &mut blocks {
            block.resize(5 << 20).unwrap();
        }
        blocks.into_iter().for_each(Filled::free);
        gone("freed");
        let records = v_alloc::process_committed_bytes() - committed;
        assert!(records <= 64 << 10, "{records} bytes");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn blocks_whose_pages_were_locked_leave_no_mappings_behind() {
    common::isolated("blocks_whose_pages_were_locked_leave_no_mappings_behind", || {
        let before = lines_of_maps();
        let blocks: Vec<_> =
            (0..=255).cycle().take(1000).map(|number| Filled::new(100, number).unwrap()).collect();
        for block in &blocks {
            // SAFETY: locking changes nothing in the block. Where it is not allowed there is nothing to find out.
            let _ = unsafe { rustix::mm::mlock(block.data.as_ptr().cast(), 100) };
        }
        blocks.into_iter().for_each(Filled::free);
        // 128 of each size keep what they have, locked, each between two others; where addresses are few there are several sizes.
        let few = if cfg!(target_pointer_width = "64") { 2 * 128 + 64 } else { 3 * 2 * 128 + 64 };
        assert!(lines_of_maps() < before + few, "{} and {before}", lines_of_maps());
    });
}

/// Larger than any range that blocks share: each is mapped for itself, and the next may get its addresses.
#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn very_large_blocks_come_and_go_in_many_threads() {
    common::isolated("very_large_blocks_come_and_go_in_many_threads", || {
        let before = v_alloc::process_reserved_bytes();
        std::thread::scope(|scope| {
            for thread in 0..3_u8 {
                scope.spawn(move || {
                    let options = StableBlock::options().reservation(65 << 30).huge_pages(false);
                    for _ in 0..1000 {
                        // SAFETY: a new block.
                        let data = unsafe { realloc_with(None, 100, &options) }.unwrap().unwrap();
                        let mut block = Filled { data, size: 0, fill: thread };
                        block.resize(10_000).unwrap();
                        block.free();
                    }
                });
            }
        });
        assert_eq!(v_alloc::process_reserved_bytes(), before);
    });
}

#[test]
fn blocks_wander_between_threads() {
    let _alone = alone();
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Filled>(64);
    let receiver = std::sync::Mutex::new(receiver);
    std::thread::scope(|scope| {
        for thread in 0..3_u8 {
            let sender = sender.clone();
            scope.spawn(move || {
                for round in 0..3000_usize {
                    let mut block = Filled::new(1 + round % 5000, thread).unwrap();
                    block.resize(1 + round * 7 % 9000).unwrap();
                    sender.send(block).unwrap();
                }
            });
        }
        drop(sender);
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Ok(mut block) = receiver.lock().unwrap().recv() else { return };
                    block.resize(block.size / 2 + 1).unwrap();
                    block.free();
                }
            });
        }
    });
}

/// Two threads free the same block: exactly one does.
#[test]
fn of_two_that_free_a_block_one_is_told_that_it_is_gone() {
    let _alone = alone();
    for _ in 0..2000 {
        let block = Filled::new(100, 1).unwrap();
        let start = std::sync::Barrier::new(2);
        let address = block.data.as_ptr().expose_provenance();
        let free = || {
            start.wait();
            let data = NonNull::new(std::ptr::with_exposed_provenance_mut(address));
            // SAFETY: the block is not used, and was alive until the first of the two calls.
            unsafe { realloc(data, 0) }.map(|_| ())
        };
        let errors: Vec<_> = std::thread::scope(|scope| {
            let threads = [scope.spawn(free), scope.spawn(free)];
            threads.into_iter().filter_map(|thread| thread.join().unwrap().err()).collect()
        });
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].operation(), Operation::Free);
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Make(usize),
    MakeWithin(usize, usize),
    Resize(prop::sample::Index, usize),
    Free(prop::sample::Index),
    FreeTwice(prop::sample::Index),
}

/// One operation. (`fuzz/` takes it from here, too.)
pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![3 => 1..300_usize, 3 => 1..200_000_usize, 1 => 1..(5_usize << 20)];
    prop_oneof![
        3 => size().prop_map(Op::Make),
        1 => (size(), 1..(8_usize << 20)).prop_map(|(size, room)| Op::MakeWithin(size, room)),
        5 => (any::<prop::sample::Index>(), size()).prop_map(|(which, size)| Op::Resize(which, size)),
        2 => any::<prop::sample::Index>().prop_map(Op::Free),
        1 => any::<prop::sample::Index>().prop_map(Op::FreeTwice),
    ]
}

/// `Filled` checks contents and addresses at every step.
pub(crate) fn run_ops(ops: Vec<Op>) {
    let _alone = alone();
    let mut blocks: Vec<Filled> = Vec::new();
    for (number, op) in ops.into_iter().enumerate() {
        let fill = number as u8 | 1;
        match op {
            Op::Make(size) => blocks.extend(Filled::new(size, fill)),
            Op::MakeWithin(size, room) => {
                let options = StableBlock::options().reservation(room);
                // SAFETY: a new block.
                match unsafe { realloc_with(None, size, &options) } {
                    Ok(data) => {
                        assert!(size + 64 <= room.next_multiple_of(common::page()));
                        let mut block = Filled { data: data.unwrap(), size: 0, fill };
                        block.resize(size).unwrap();
                        blocks.push(block);
                    }
                    Err(error) => assert!(size + 64 > room.next_multiple_of(common::page()), "{error}"),
                }
            }
            Op::Resize(which, size) if !blocks.is_empty() => {
                let block = which.get(&blocks);
                let (data, old) = (block.data, block.size);
                let which = blocks.iter().position(|block| block.data == data).unwrap();
                if blocks[which].resize(size).is_err() {
                    assert_eq!(blocks[which].size, old);
                }
            }
            Op::Free(which) if !blocks.is_empty() => {
                let which = which.index(blocks.len());
                blocks.swap_remove(which).free();
            }
            Op::FreeTwice(which) if !blocks.is_empty() => {
                let block = blocks.swap_remove(which.index(blocks.len()));
                let data = block.data;
                block.free();
                // SAFETY: a block that is gone is refused; no newer one has its address yet.
                let again = unsafe { realloc(Some(data), 0) };
                assert!(again.is_err());
            }
            _ => {}
        }
        let addresses: HashSet<_> = blocks.iter().map(|block| block.data).collect();
        assert_eq!(addresses.len(), blocks.len());
    }
    for block in blocks {
        block.free();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_keeps_addresses_and_contents(ops in prop::collection::vec(any_op(), 1..80)) {
        run_ops(ops);
    }
}
