//! Limits of a process end in an error that says why, never in a pointer to memory that is not there; and what
//! can be had within the limits still works. Each test has a process of its own, because limits do not go away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(unix)]

mod common;

use common::{SIGABRT, isolated, killed, limit};
use rustix::process::Resource;
use std::alloc::Layout;
#[cfg(target_has_atomic = "64")]
use v_alloc::SyncVec;
#[cfg(target_os = "linux")]
use v_alloc::{AllocError, CommitPolicy};
use v_alloc::{Arena, Operation, Pages, process_reserved_bytes};

const ENOMEM: i32 = 12;

/// Writes to all of an arena's memory that is asked for, and reads it back.
fn use_bytes(arena: &Arena, bytes: usize, mark: u8) {
    let slice = arena.try_alloc_slice_fill_copy(bytes, mark).unwrap();
    assert!(slice.iter().all(|&byte| byte == mark));
}

#[test]
fn default_arenas_find_room_under_a_small_limit_on_addresses() {
    isolated("default_arenas_find_room_under_a_small_limit_on_addresses", || {
        const LIMIT: usize = 900 << 20;
        limit(Resource::As, LIMIT as u64);
        let arenas: Vec<Arena> = (0..20_u8)
            .map(|mark| {
                let arena = Arena::new();
                use_bytes(&arena, 100_000, mark);
                arena
            })
            .collect();
        assert!(arenas[0].reserved_bytes() >= 4 << 20, "the first is roomy: {:?}", arenas[0]);
        assert!(arenas[19].reserved_bytes() >= 256 << 10, "the last has room: {:?}", arenas[19]);
        assert!(process_reserved_bytes() <= LIMIT / 8, "{}", process_reserved_bytes());
        // The rest is for the program.
        assert!(Vec::<u8>::new().try_reserve_exact(500 << 20).is_ok());
        drop(arenas);
        assert_eq!(process_reserved_bytes(), 0);
        let again = Arena::new();
        use_bytes(&again, 100_000, 1);
        assert!(again.reserved_bytes() >= 4 << 20, "what was given back can be had again: {again:?}");
    });
}

#[test]
fn default_arenas_end_in_an_error_when_their_share_is_used_up() {
    isolated("default_arenas_end_in_an_error_when_their_share_is_used_up", || {
        limit(Resource::As, 900 << 20);
        let mut arenas: Vec<Arena> = Vec::new();
        let arena = loop {
            let arena = Arena::new();
            if arena.try_alloc(1_u8).is_err() {
                break arena;
            }
            arenas.push(arena);
            assert!(arenas.len() < 10_000, "{} bytes are reserved", process_reserved_bytes());
        };
        let error = arena.last_error().unwrap();
        assert_eq!((error.operation(), error.os_code()), (Operation::Reserve, None));
        assert!(error.to_string().contains("share of the address space"), "{error}");
        assert!(arenas.len() >= 8, "{} arenas", arenas.len());
        arenas.clear();
        use_bytes(&arena, 1000, 7); // it was not broken by the failure
    });
}

#[test]
#[cfg(target_has_atomic = "64")]
fn where_addresses_are_few_the_flags_of_a_shared_vector_take_a_byte_for_each_element() {
    isolated("where_addresses_are_few_the_flags_of_a_shared_vector_take_a_byte_for_each_element", || {
        limit(Resource::As, 900 << 20);
        let vectors = || {
            let mut vectors = Vec::new();
            loop {
                let (vector, before) = (SyncVec::<u64>::new(), process_reserved_bytes());
                if vector.try_push(7).is_err() {
                    break;
                }
                let (limit, reserved) = (vector.limit(), process_reserved_bytes() - before);
                assert_eq!(reserved, 8 * limit + limit.max(common::page()), "{limit} elements");
                vectors.push(vector);
            }
            vectors.len()
        };
        let before = vectors();
        assert!(before >= 20, "{before}");
        for _ in 0..3 {
            assert_eq!((vectors(), process_reserved_bytes()), (before, 0), "nothing of the share is lost");
        }
        let nothings = SyncVec::new();
        assert!(nothings.try_push(()).is_ok() && nothings.limit() >= 4 << 20, "{}", nothings.limit());
    });
}

#[test]
fn an_exact_reservation_beyond_a_limit_on_addresses_fails_with_the_systems_reason() {
    isolated("an_exact_reservation_beyond_a_limit_on_addresses_fails_with_the_systems_reason", || {
        limit(Resource::As, 900 << 20);
        let error = Arena::with_reservation(1 << 30).map(|_| ()).unwrap_err();
        assert_eq!(
            (error.operation(), error.bytes(), error.os_code()),
            (Operation::Reserve, 1 << 30, Some(ENOMEM))
        );
        assert_eq!(process_reserved_bytes(), 0, "nothing is left of the attempt");
        let arena = Arena::with_reservation(300 << 20).unwrap();
        assert_eq!(arena.reserved_bytes(), 300 << 20, "exact requests are no part of the share");
    });
}

/// As defect 1 of the C original: a limit on data of about a mebibyte, and a block of 64.
#[cfg(target_os = "linux")]
fn commit_fails_under_a_limit_on_data(policy: CommitPolicy) {
    // What the process has already counts too.
    limit(Resource::Data, (common::status("VmData") + (1 << 20)) as u64);
    let arena = Arena::options().commit_policy(policy).build().unwrap();
    use_bytes(&arena, 100_000, 1);
    let (used, committed) = (arena.used_bytes(), arena.committed_bytes());
    assert_eq!(arena.last_error(), None);

    let layout = Layout::from_size_align(32 << 20, 1).unwrap();
    assert_eq!(arena.try_alloc_layout(layout), Err(AllocError));
    let error = arena.last_error().expect("the system said why");
    assert_eq!((error.operation(), error.os_code()), (Operation::Commit, Some(ENOMEM)));
    assert!(error.bytes() > (32 << 20) - committed, "{error}");
    assert!(error.bytes() <= (32 << 20) + used, "it was tried with no more than needed: {error}");
    assert!(error.to_string().starts_with(&format!("cannot commit {} bytes of memory: ", error.bytes())));

    assert_eq!((arena.used_bytes(), arena.committed_bytes()), (used, committed), "as it was");
    use_bytes(&arena, 100_000, 2);
    arena.prepare(32 << 20).map_err(|error| error.os_code()).expect_err("nor can it be prepared");
    use_bytes(&arena, 100_000, 3);

    // A step of the usual size may be too large when what is needed is not.
    let mut small = 0;
    while small <= 8 << 20 && arena.try_alloc([7_u8; 64]).is_ok() {
        small += 64;
    }
    assert!((400_000..8 << 20).contains(&small), "{small} bytes of the last mebibyte could be used");
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_beyond_a_limit_on_data_fails_and_the_arena_stays_usable() {
    isolated("a_commit_beyond_a_limit_on_data_fails_and_the_arena_stays_usable", || {
        commit_fails_under_a_limit_on_data(CommitPolicy::Throughput);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_beyond_a_limit_on_data_fails_for_latency_too() {
    isolated("a_commit_beyond_a_limit_on_data_fails_for_latency_too", || {
        commit_fails_under_a_limit_on_data(CommitPolicy::Latency);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn trimming_gives_a_commit_charge_back() {
    isolated("trimming_gives_a_commit_charge_back", || {
        limit(Resource::Data, (common::status("VmData") + (8 << 20)) as u64);
        let mut first = Arena::options().huge_pages(false).build().unwrap();
        let second = Arena::options().huge_pages(false).build().unwrap();
        use_bytes(&first, 6 << 20, 1);
        assert!(second.try_alloc_slice_fill_copy(6 << 20, 2_u8).is_err());
        first.reset();
        assert!(second.try_alloc_slice_fill_copy(6 << 20, 2_u8).is_err(), "a reset keeps the memory");
        assert!(first.trim(0).unwrap() >= 6 << 20);
        use_bytes(&second, 6 << 20, 2);
    });
}

#[test]
fn whole_pages_shrink_in_place_and_take_no_memory() {
    use v_alloc::{Allocator, VirtualAllocator};
    isolated("whole_pages_shrink_in_place_and_take_no_memory", || {
        const MIB: usize = 1 << 20;
        limit(Resource::Data, 100 << 20);
        let (pages, layout) = (VirtualAllocator::default(), |size| Layout::from_size_align(size, 8).unwrap());
        let before = (process_reserved_bytes(), v_alloc::process_committed_bytes());
        let block = pages.allocate(layout(60 * MIB)).unwrap();
        // SAFETY: so many bytes are ours. Then each call has the layout that the block has at that time.
        unsafe {
            block.cast::<u8>().write_bytes(0xA5, 60 * MIB);
            for (size, smaller) in [
                (60 * MIB, 50 * MIB),
                (50 * MIB, 50 * MIB - 5),
                (50 * MIB - 5, 3 * MIB + 1),
                (3 * MIB + 1, 1),
            ] {
                let shrunk = pages.shrink(block.cast(), layout(size), layout(smaller)).unwrap();
                assert_eq!(shrunk.cast::<u8>(), block.cast());
                assert!((smaller..smaller + common::page()).contains(&shrunk.len()), "{}", shrunk.len());
                let after = (process_reserved_bytes(), v_alloc::process_committed_bytes());
                assert_eq!(after, (before.0 + shrunk.len(), before.1 + shrunk.len()));
                assert!((0..smaller).step_by(1000).all(|byte| block.cast::<u8>().add(byte).read() == 0xA5));
            }
            pages.deallocate(block.cast(), layout(1));
        }
        assert_eq!((process_reserved_bytes(), v_alloc::process_committed_bytes()), before);
    });
}

#[test]
fn a_reservation_beyond_the_address_space_is_an_error_that_says_so() {
    #[cfg(target_pointer_width = "64")]
    {
        let error = Arena::with_reservation(1 << 50).map(|_| ()).unwrap_err();
        assert_eq!(
            (error.operation(), error.bytes(), error.os_code()),
            (Operation::Reserve, 1 << 50, Some(ENOMEM))
        );
        assert!(error.to_string().starts_with("cannot reserve 1125899906842624 bytes of address space: "));
    }
    for bytes in [isize::MAX as usize, usize::MAX / 2 + 2, usize::MAX - 100, usize::MAX] {
        let error = Arena::with_reservation(bytes).map(|_| ()).unwrap_err();
        assert_eq!((error.operation(), error.os_code()), (Operation::Reserve, None), "{bytes}");
        let bytes = Pages::round_up(bytes).map_or(bytes, Pages::bytes);
        assert_eq!(error.bytes(), bytes, "in whole pages, where there is such a number");
        let said = error.to_string();
        let expected =
            format!("cannot reserve {bytes} bytes of address space: that is more than the address space");
        assert_eq!(said, expected);
    }
}

#[test]
fn a_block_beyond_the_reservation_is_an_error_that_says_so() {
    let arena = Arena::with_reservation(1 << 20).unwrap();
    arena.alloc([0_u8; 1000]);
    for bytes in [1 << 20, (1 << 20) - 999, isize::MAX as usize] {
        assert!(arena.try_alloc_layout(Layout::from_size_align(bytes, 1).unwrap()).is_err());
        let error = arena.last_error().unwrap();
        assert_eq!(
            (error.operation(), error.bytes(), error.os_code()),
            (Operation::Commit, bytes, None),
            "the system was not asked"
        );
        assert_eq!(
            error.to_string(),
            format!("cannot commit {bytes} bytes of memory: that is more than is left of the reservation")
        );
    }
    let error = arena.prepare(usize::MAX).unwrap_err();
    assert_eq!((error.operation(), error.bytes()), (Operation::Commit, usize::MAX));
    assert_eq!(arena.last_error(), Some(error));
    arena.prepare(arena.remaining_capacity()).expect("all of the rest can be prepared");
}

#[test]
fn a_short_form_that_fails_aborts_with_a_line_on_standard_error() {
    let test = "a_short_form_that_fails_aborts_with_a_line_on_standard_error";
    let died = killed(test, || {
        let arena = Arena::with_reservation(64 << 10).unwrap();
        arena.alloc_slice_zeroed::<u8>(arena.remaining_capacity());
        arena.alloc([0_u64; 100]);
    });
    let (signal, said) = died.unwrap();
    assert_eq!(signal, SIGABRT, "{said}");
    assert!(
        said.contains(&format!("v_alloc: allocation failed: 800 bytes aligned to {}\n", align_of::<u64>())),
        "{said}"
    );
}

#[test]
fn a_slice_of_more_bytes_than_can_be_counted_aborts_too() {
    let died = killed("a_slice_of_more_bytes_than_can_be_counted_aborts_too", || {
        Arena::new().alloc_slice_fill_copy(usize::MAX / 2, 0_u64);
    });
    let (signal, said) = died.unwrap();
    assert_eq!(signal, SIGABRT, "{said}");
    let largest = isize::MAX as usize - (align_of::<u64>() - 1);
    assert!(
        said.contains(&format!(
            "v_alloc: allocation failed: {largest} bytes aligned to {}\n",
            align_of::<u64>()
        )),
        "{said}"
    );
}

#[test]
fn a_block_by_layout_that_fails_aborts_and_names_the_layout() {
    let died = killed("a_block_by_layout_that_fails_aborts_and_names_the_layout", || {
        let layout = Layout::from_size_align(123, 1 << 30).unwrap();
        Arena::with_reservation(1 << 20).unwrap().alloc_layout(layout);
    });
    let (signal, said) = died.unwrap();
    assert_eq!(signal, SIGABRT, "{said}");
    assert!(said.contains("v_alloc: allocation failed: 123 bytes aligned to 1073741824\n"), "{said}");
}
