//! A dropped arena leaves its range to the next one, which shows in nothing but time: figures, zeroes and limits are those of
//! an arena whose memory is new. Each test has a process of its own, because ranges are kept for all of a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
// Nothing is kept where whatever is freed must stay unused; and where addresses are few, but one range.
#![cfg(all(target_pointer_width = "64", not(feature = "traps")))]

mod common;

use common::isolated;
use std::ptr;
use v_alloc::{Arena, CommitPolicy, process_committed_bytes, process_reserved_bytes};

/// How many ranges are kept.
const KEPT: usize = 8;

/// How much of each.
fn ready() -> usize {
    common::page().max(16 << 10)
}

fn figures() -> (usize, usize) {
    (process_reserved_bytes(), process_committed_bytes())
}

/// Fills so many bytes with a mark; returns where they begin.
fn fill(arena: &Arena, bytes: usize, mark: u8) -> *const u8 {
    ptr::from_ref(arena.alloc_slice_fill_copy(bytes, mark)).cast()
}

#[test]
fn a_dropped_arena_leaves_its_range_to_the_next() {
    isolated("a_dropped_arena_leaves_its_range_to_the_next", || {
        let address = fill(&Arena::new(), 1000, 1);
        assert_eq!(figures(), (0, 0), "what is kept is nobody's, and on no account");
        for bytes in [1, 100_000, 3 << 20, 1000] {
            assert_eq!(fill(&Arena::new(), bytes, 2), address);
            assert_eq!(figures(), (0, 0));
        }
        // Two at once have two, whichever is dropped first.
        let (first, second) = (Arena::new(), Arena::new());
        let addresses = [fill(&first, 1, 3), fill(&second, 1, 4)];
        assert!(addresses[0] == address && addresses[1] != address);
        drop(first);
        drop(second);
        let (first, second) = (Arena::new(), Arena::new());
        assert_eq!([fill(&first, 1, 5), fill(&second, 1, 6)], addresses);
    });
}

#[test]
fn what_an_arena_left_is_never_taken_for_zero() {
    isolated("what_an_arena_left_is_never_taken_for_zero", || {
        let ready = ready();
        for bytes in [10, 5000, ready - 1, ready, ready + 1, 300_000, 5 << 20, 100] {
            let arena = Arena::new();
            let zeroes = arena.alloc_slice_zeroed::<u8>(bytes);
            assert!(zeroes.iter().all(|&byte| byte == 0), "{bytes} bytes");
            zeroes.fill(0xA5);
            fill(&arena, 10_000, 0x5A);
            assert!(
                arena.alloc_slice_zeroed::<u64>(bytes / 8).iter().all(|&word| word == 0),
                "{bytes} bytes"
            );
        }
    });
}

#[test]
fn its_figures_are_those_of_an_arena_whose_memory_is_new() {
    isolated("its_figures_are_those_of_an_arena_whose_memory_is_new", || {
        let life = || {
            let mut arena = Arena::new();
            let mut seen = vec![format!("{arena:?}")];
            for bytes in [1, 20_000, 100, 500_000, 50, 4 << 20, 10] {
                fill(&arena, bytes, 7);
                seen.push(format!("{arena:?} {:?} {}", figures(), arena.remaining_capacity()));
            }
            arena.reset();
            let given_back = arena.trim(100_000).unwrap();
            seen.push(format!("{arena:?} {:?} {given_back}", figures()));
            fill(&arena, 200_000, 7);
            seen.push(format!("{arena:?} {:?}", figures()));
            seen
        };
        let fresh = life();
        for _ in 0..3 {
            assert_eq!(life(), fresh);
        }
    });
}

#[test]
fn only_arenas_with_the_same_options_share_ranges() {
    isolated("only_arenas_with_the_same_options_share_ranges", || {
        let address = fill(&Arena::new(), 1000, 1);
        let others = [
            Arena::options().name(c"named"),
            Arena::options().huge_pages(false),
            Arena::options().core_dumps(false),
            Arena::options().commit_policy(CommitPolicy::Latency),
            Arena::options().reservation(1 << 30),
        ];
        for options in others {
            let addresses = [(); 2].map(|()| {
                let arena = options.build().unwrap();
                let address = fill(&arena, 1000, 2);
                drop(arena);
                address
            });
            assert!(!addresses.contains(&address), "{options:?}");
        }
        let kept = Arena::options().retain(0).build().unwrap();
        assert_eq!(fill(&kept, 1, 3), address, "what it keeps when it is reset is no matter of its range");
    });
}

#[test]
fn a_range_is_one_arenas_at_a_time() {
    isolated("a_range_is_one_arenas_at_a_time", || {
        std::thread::scope(|threads| {
            for thread in 0..8_u8 {
                threads.spawn(move || {
                    for round in (0..16_u8).cycle().take(3000) {
                        let mark = thread * 16 + round;
                        let arenas = [(); 2].map(|()| Arena::new());
                        let slices = arenas.each_ref().map(|arena| {
                            let zeroes = arena.alloc_slice_zeroed::<u8>(100 + 100 * usize::from(round % 7));
                            assert!(zeroes.iter().all(|&byte| byte == 0));
                            zeroes.fill(mark);
                            zeroes
                        });
                        std::thread::yield_now();
                        assert!(slices.iter().all(|slice| slice.iter().all(|&byte| byte == mark)));
                    }
                });
            }
        });
        assert_eq!(figures(), (0, 0));
    });
}

/// The bound for small arenas, in whatever range they are; but what half of the eight before needed is there at once.
#[cfg(target_os = "linux")]
#[test]
fn an_arena_holds_more_than_it_needs_only_if_half_of_the_eight_before_it_did() {
    isolated("an_arena_holds_more_than_it_needs_only_if_half_of_the_eight_before_it_did", || {
        let resident = |bytes| {
            let arena = Arena::new();
            let address = fill(&arena, bytes, 1).addr();
            common::mappings(address, arena.reserved_bytes()).iter().map(|mapping| mapping.rss).sum::<usize>()
        };
        for bytes in
            [1000, 900_000, 300_000, 10_000, 1000, 700_000, 2000, 1000, 20_000, 500_000, 1 << 20, 1000]
        {
            let bound = bytes + ready().max(bytes / 4) + common::page();
            assert!(resident(bytes) <= bound, "{} for {bytes}", resident(bytes));
        }
        assert!((0..8).all(|_| resident(500_000) >= 500_000));
        for others in 0..5 {
            assert!(resident(1000) >= 500_000, "{others} of eight did not");
        }
        assert!(resident(1000) <= ready().max(16 << 10), "most did not");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn at_most_eight_ranges_stay_with_little_of_each() {
    isolated("at_most_eight_ranges_stay_with_little_of_each", || {
        let arenas = [(); 3 * KEPT].map(|()| Arena::new());
        // Where addresses are few, the later ones have smaller ranges.
        let ranges = arenas.each_ref().map(|arena| (fill(arena, 5 << 20, 1).addr(), arena.reserved_bytes()));
        let mappings = |(address, range)| common::mappings(address, range);
        let here = || ranges.map(|at| mappings(at).iter().map(|mapping| mapping.rss).sum::<usize>());
        assert!(here().iter().all(|&bytes| bytes >= 5 << 20));
        drop(arenas);
        let resident = here();
        let with = |expected: usize| resident.iter().filter(|&&bytes| bytes == expected).count();
        let first = KEPT.min(3); // before four were alike
        assert_eq!((with(ready()), with(3 << 20)), (first, KEPT - first), "{resident:?}");
        assert_eq!(with(0), 2 * KEPT, "{resident:?}");
        assert_eq!(ranges.iter().filter(|range| !common::mappings(range.0, 1).is_empty()).count(), KEPT);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_kept_is_given_up_when_addresses_are_short() {
    use rustix::process::Resource;
    isolated("what_is_kept_is_given_up_when_addresses_are_short", || {
        let arenas = [(); 3].map(|()| Arena::new());
        let range = arenas[0].reserved_bytes();
        for arena in &arenas {
            fill(arena, 1000, 1);
        }
        drop(arenas);
        let held = common::status("VmSize");
        assert!(held >= 3 * range, "{held} bytes for three ranges of {range}");
        common::limit(Resource::As, held as u64);
        let arena = Arena::with_reservation(2 * range).unwrap();
        assert_eq!(fill(&arena, 1000, 2).addr() % common::page(), 0);
        assert!(common::status("VmSize") < held, "none is kept");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_kept_is_given_up_for_all_that_is_not_an_arena_too() {
    use rustix::process::Resource;
    use v_alloc::{StableBlock, SyncArena};
    isolated("what_is_kept_is_given_up_for_all_that_is_not_an_arena_too", || {
        let leave_a_range = || {
            let arena = Arena::new();
            fill(&arena, 1000, 1);
            arena.reserved_bytes()
        };
        // An eighth of this is twice what a default range has, of which the largest may take half.
        common::limit(Resource::As, 1100 << 30);
        let range = leave_a_range();
        let shared = SyncArena::new();
        shared.try_alloc(7).unwrap();
        assert_eq!(shared.reserved_bytes(), range);
        drop(shared);
        leave_a_range();
        let mut block = StableBlock::options().reservation(1050 << 30).build();
        block.resize(100).unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_kept_is_given_up_when_memory_is_short() {
    use rustix::process::Resource;
    isolated("what_is_kept_is_given_up_when_memory_is_short", || {
        let arena = Arena::options().huge_pages(false).reservation(64 << 20).build().unwrap();
        let arenas = [(); KEPT].map(|()| Arena::new());
        for arena in &arenas {
            fill(arena, ready(), 1);
        }
        drop(arenas);
        let data = common::status("VmData");
        common::limit(Resource::Data, data as u64);
        // More cannot be had, but in the place of what was kept.
        fill(&arena, (KEPT - 1) * ready(), 2);
        assert!(arena.try_alloc_slice_fill_copy(2 * ready(), 3_u8).is_err());
    });
}
