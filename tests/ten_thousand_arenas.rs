//! Address space is shared with the rest of the process: ten thousand default arenas live at once, each of them
//! of use, and leave room for threads and for `malloc`. All of it comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
// Ten thousand arenas of 256 KiB and more do not fit into an eighth of 32 bits.
#![cfg(all(unix, target_pointer_width = "64"))]

mod common;

use std::sync::Barrier;
use v_alloc::{Arena, process_committed_bytes, process_reserved_bytes};

const ARENAS: usize = 10_000;
const THREADS: usize = 64;

#[test]
fn ten_thousand_arenas_leave_room_for_the_process() {
    common::isolated("ten_thousand_arenas_leave_room_for_the_process", || {
        assert_eq!((process_reserved_bytes(), process_committed_bytes()), (0, 0));
        let arenas: Vec<Arena> = (0..ARENAS).map(|_| Arena::new()).collect();
        let marks: Vec<&mut [usize]> =
            arenas.iter().enumerate().map(|(mark, arena)| arena.alloc_slice_fill_copy(100, mark)).collect();

        let reserved: usize = arenas.iter().map(Arena::reserved_bytes).sum();
        assert_eq!(process_reserved_bytes(), reserved, "the account is that of the arenas");
        assert_eq!(process_committed_bytes(), arenas.iter().map(Arena::committed_bytes).sum());
        #[cfg(target_arch = "x86_64")]
        assert!(reserved <= (1 << 47) / 8, "{reserved} bytes of 47 bits");
        let least = arenas.iter().map(Arena::reserved_bytes).min();
        assert!(least >= Some(256 << 10), "{least:?} bytes are not of much use");

        start_threads();
        use_malloc();

        for (mark, slice) in marks.iter().enumerate() {
            assert!(slice.iter().all(|&value| value == mark), "arena {mark}");
        }
        // None of them is a token: each can take more than its first pages.
        arenas.iter().step_by(1000).for_each(|arena| {
            arena.try_alloc_slice_fill_copy(200_000, 7_u8).unwrap();
        });
        drop(arenas);
        assert_eq!((process_reserved_bytes(), process_committed_bytes()), (0, 0), "all is given back");

        let arena = Arena::new();
        arena.alloc(1);
        assert!(arena.reserved_bytes() >= 1 << 30, "and can be had again: {arena:?}");
    });
}

/// All at once, each with its stack.
fn start_threads() {
    let barrier = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| std::thread::Builder::new().spawn_scoped(scope, || barrier.wait()).expect("a thread"))
            .collect();
        let leaders = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(leaders.filter(std::sync::BarrierWaitResult::is_leader).count(), 1);
    });
}

/// Four gigabytes, in one piece and in many.
fn use_malloc() {
    let mut large: Vec<u8> = Vec::new();
    large.try_reserve_exact(2 << 30).expect("two gigabytes");
    let room = large.spare_capacity_mut();
    for offset in (0..room.len()).step_by(256 << 20) {
        room[offset].write(7);
    }
    let many: Vec<Vec<u8>> = (0..1024)
        .map(|_| {
            let mut block = Vec::new();
            block.try_reserve_exact(2 << 20).expect("two of the other megabytes");
            block.push(7);
            block
        })
        .collect();
    assert!(many.iter().all(|block| block[0] == 7));
}
