//! An arena keeps about as much memory as it hands out: a small one some pages, a larger one at most a quarter
//! more than is used (at least 16 KiB), up to a mebibyte. Reserving costs nothing, and trimming gives back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(target_os = "linux")]

mod common;

use common::{mappings, page, resident_bytes};
use std::alloc::Layout;
use v_alloc::{Arena, CommitPolicy, Pages, Reservation};

const POLICIES: [CommitPolicy; 2] = [CommitPolicy::Throughput, CommitPolicy::Latency];

/// What an arena may keep beyond what is used. With pages beyond 4 KiB it cannot keep less than one.
fn slack(used: usize) -> usize {
    (16 << 10).max(used / 4).max(page())
}

fn arena(policy: CommitPolicy, huge_pages: bool) -> (Arena, usize) {
    let arena = Arena::options().commit_policy(policy).huge_pages(huge_pages).build().unwrap();
    let start = std::ptr::from_mut(arena.alloc(1_u8));
    (arena, start.expose_provenance())
}

/// Beyond what is committed nothing can be resident.
fn resident(arena: &Arena, start: usize) -> usize {
    resident_bytes(start, arena.committed_bytes())
}

/// A block of that many bytes, all of them touched.
fn fill(arena: &Arena, bytes: usize) {
    let block = arena.alloc_layout(Layout::from_size_align(bytes, 1).unwrap());
    // SAFETY: the block is new and of this size.
    unsafe { block.write_bytes(7, bytes) };
}

#[test]
fn an_arena_of_a_kibibyte_keeps_at_most_sixteen() {
    for policy in POLICIES {
        let (arena, start) = arena(policy, true);
        while arena.used_bytes() + 16 <= 1 << 10 {
            arena.alloc([7_u64; 2]);
        }
        let resident = resident(&arena, start);
        assert!(resident <= (16 << 10).max(page()), "{policy:?}: {resident} bytes");
    }
}

#[test]
fn up_to_a_mebibyte_an_arena_keeps_at_most_a_quarter_more_than_is_used() {
    for policy in POLICIES {
        for huge_pages in [true, false] {
            for (size, align) in
                [(1, 1), (24, 8), (64, 64), (1000, 8), (4096, 8), (5000, 1), (40_000, 16), (300_000, 8)]
            {
                let (arena, start) = arena(policy, huge_pages);
                let layout = Layout::from_size_align(size, align).unwrap();
                let mut next_look = 0;
                while arena.used_bytes() + size + align <= 1 << 20 {
                    let block = arena.alloc_layout(layout);
                    // SAFETY: the block is new and of this size.
                    unsafe { block.write_bytes(7, size) };
                    if arena.used_bytes() >= next_look {
                        let (used, resident) = (arena.used_bytes(), resident(&arena, start));
                        assert!(
                            resident <= used + slack(used),
                            "{resident} bytes are resident for {used} in blocks of {size} ({policy:?})"
                        );
                        next_look = used + 3000;
                    }
                }
            }
        }
    }
}

#[test]
fn blocks_of_mixed_sizes_keep_no_more() {
    for policy in POLICIES {
        let (arena, start) = arena(policy, true);
        let mut state = 1_u32;
        loop {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let size = 1 + (state >> 8) as usize % (1 << ((state >> 28) + 1));
            if arena.used_bytes() + size > 1 << 20 {
                break;
            }
            fill(&arena, size);
            let used = arena.used_bytes();
            if state.is_multiple_of(4) {
                let resident = resident(&arena, start);
                assert!(
                    resident <= used + slack(used),
                    "{resident} bytes are resident for {used} ({policy:?})"
                );
            }
        }
    }
}

/// Beyond the head, that is: as huge pages, where the kernel has them to give, and else as small ones.
#[test]
fn a_large_arena_has_the_next_huge_page_present_before_it_is_used() {
    const HUGE: usize = 2 << 20;
    if page() != 4096 {
        return; // huge pages of other sizes are not asked for
    }
    let (arena, start) = arena(CommitPolicy::Throughput, true);
    while arena.used_bytes() <= 9 << 20 {
        let (used, committed) = (arena.used_bytes(), arena.committed_bytes());
        assert!(used <= 1 << 20 || committed - used < HUGE + 4096, "{committed} are committed for {used}");
        assert!(used <= 1 << 20 || resident(&arena, start) >= committed - 4096, "{used}");
        fill(&arena, 4096);
    }
}

/// An eighth more than is used, at least 16 KiB and at most 128, once that is worth a system call; where latency counts, nothing.
#[cfg(feature = "allocator-api2")]
#[test]
fn a_vector_has_the_next_pages_present_before_it_is_used_and_no_more_than_few() {
    common::isolated("a_vector_has_the_next_pages_present_before_it_is_used_and_no_more_than_few", || {
        // At once, so that neither has what the other leaves.
        let vecs = POLICIES.map(|policy| {
            (policy, v_alloc::StableVec::<[u8; 4096]>::options().commit_policy(policy).build())
        });
        for (policy, vec) in &vecs {
            let start = std::ptr::from_ref(vec.push([7; 4096])).expose_provenance();
            let mut most_at_once = 0;
            while vec.len() < 1000 {
                let capacity = vec.capacity();
                vec.push([7; 4096]);
                most_at_once = most_at_once.max((vec.capacity() - capacity) * 4096);
                let used = (vec.len() * 4096).next_multiple_of(page());
                let ahead = resident_bytes(start, vec.capacity() * 4096) - used;
                let most = match policy {
                    CommitPolicy::Throughput => (used / 8).clamp(16 << 10, 128 << 10).max(page()),
                    _ => 0,
                };
                assert!(ahead <= most, "{policy:?}: {ahead} bytes more than {used}");
                let is_populated = used > 256 << 10 && *policy == CommitPolicy::Throughput;
                let capacity = vec.capacity() * 4096;
                let least = if is_populated { capacity.saturating_sub(used) } else { 0 };
                assert!(ahead >= least, "{policy:?}: only {ahead} bytes more than {used}");
            }
            // What nothing is made present for is asked for in fewer steps.
            assert_eq!(most_at_once > 1 << 20, *policy == CommitPolicy::Latency, "{most_at_once}");
        }
    });
}

/// A large block is for its owner to touch.
#[test]
fn a_block_that_is_not_touched_costs_little() {
    for policy in POLICIES {
        let (arena, start) = arena(policy, false);
        arena.alloc_layout(Layout::from_size_align(32 << 20, 8).unwrap());
        let resident = resident_bytes(start, 32 << 20);
        assert!(resident <= (128 << 10).max(2 * page()), "{policy:?}: {resident} bytes");
    }
}

#[test]
fn reserving_alone_costs_nothing() {
    let range = Reservation::new(Pages::round_up(1 << 30).unwrap()).unwrap();
    let start = range.base().as_ptr().expose_provenance();
    assert_eq!(resident_bytes(start, 1 << 30), 0);
    range.commit_to(Pages::round_up(1 << 30).unwrap()).unwrap();
    assert_eq!(resident_bytes(start, 1 << 30), 0, "nor does committing by itself");
}

fn rss(start: usize, bytes: usize) -> usize {
    mappings(start, bytes).iter().map(|mapping| mapping.rss).sum()
}

/// By `smaps`, which also shows whether the kernel still charges the pages to the process.
#[test]
fn trimming_gives_resident_memory_and_access_back() {
    const BYTES: usize = 32 << 20;
    let (mut arena, start) = arena(CommitPolicy::Throughput, false);
    fill(&arena, BYTES);
    assert!(rss(start, BYTES) >= BYTES);
    arena.reset();
    // With traps it gives it back, and goes on elsewhere.
    assert!(cfg!(feature = "traps") || rss(start, BYTES) >= BYTES, "a reset keeps the memory for reuse");

    arena.trim(1 << 20).unwrap();
    assert!(resident_bytes(start, BYTES) <= 1 << 20);
    assert_eq!(resident_bytes(start + (1 << 20), BYTES), 0);
    let readable = mappings(start, BYTES).iter().any(|mapping| {
        mapping.start < start + BYTES && start + (1 << 20) < mapping.end && mapping.access.starts_with('r')
    });
    assert!(!readable, "what was given back is inaccessible");

    arena.trim(0).unwrap();
    assert_eq!((resident_bytes(start, BYTES), arena.committed_bytes()), (0, 0));
}

#[test]
fn discarding_gives_resident_memory_back() {
    const BYTES: usize = 8 << 20;
    let size = Pages::round_up(BYTES).unwrap();
    let range = Reservation::new(size).unwrap();
    range.commit_to(size).unwrap();
    let start = range.base().as_ptr().expose_provenance();
    // SAFETY: the range is committed, ours alone, and not read again.
    unsafe {
        range.base().write_bytes(7, BYTES);
        assert_eq!(resident_bytes(start, BYTES), BYTES);
        range.discard_from(Pages::round_up(1).unwrap()).unwrap();
    }
    assert_eq!(resident_bytes(start, BYTES), page());
}

#[test]
fn dropping_an_arena_gives_everything_back() {
    common::isolated("dropping_an_arena_gives_everything_back", || {
        let before = common::status("VmRSS");
        for _ in 0..20 {
            fill(&Arena::new(), 32 << 20);
        }
        let after = common::status("VmRSS");
        assert!(after < before + (16 << 20), "{before} bytes became {after}");
    });
}

/// With traps every rewind gives its memory back, and what is committed stays as much.
#[test]
#[cfg(not(all(feature = "traps", debug_assertions)))]
fn an_arena_that_retains_keeps_what_its_tasks_need_and_gives_the_rest_back_when_they_need_less() {
    let mut arena = Arena::options().retain(1 << 20).build().unwrap();
    let start = std::ptr::from_mut(arena.alloc(1_u8)).expose_provenance();
    arena.reset();
    let task = |arena: &mut Arena, bytes: usize| {
        let zeroed = arena.alloc_slice_zeroed::<u8>(bytes);
        assert!(zeroed.iter().step_by(64).all(|&byte| byte == 0), "what was given back reads zero");
        zeroed.fill(1);
        arena.reset();
        arena.committed_bytes()
    };
    let large = task(&mut arena, 16 << 20);
    assert!((0..20).all(|_| task(&mut arena, 16 << 20) == large), "tasks that are alike change nothing");
    assert!(
        (0..20).all(|round| task(&mut arena, (10 + round % 6) << 20) == large),
        "nor those that vary little"
    );
    assert_eq!(task(&mut arena, 16 << 20), large);
    let kept: Vec<usize> = (0..50).map(|_| task(&mut arena, 1 << 10)).collect();
    assert!(kept[..3].iter().all(|&bytes| bytes == large), "a few small ones neither: {kept:?}");
    assert!(kept.is_sorted_by(|before, after| before >= after), "{kept:?}");
    assert!(kept[49] <= 2 << 20, "{kept:?}");
    assert!(resident_bytes(start, large) <= kept[49]);
    let steps = kept.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(steps <= 5, "each gives half back: {kept:?}");
}

#[test]
fn preparing_makes_the_page_of_the_cursor_present_too_and_commits_no_more_than_it_must() {
    let arena = Arena::options().huge_pages(false).build().unwrap();
    let block = arena.alloc_layout(Layout::from_size_align(3 * page() + 8, 1).unwrap()); // not touched
    let of_the_cursor = block.addr().get() + 3 * page();
    assert_eq!(resident_bytes(of_the_cursor, page()), 0);
    arena.prepare(8).unwrap();
    assert_eq!(resident_bytes(of_the_cursor, page()), page());

    let committed = arena.committed_bytes();
    let rest = committed - arena.used_bytes();
    arena.prepare(rest).unwrap();
    assert_eq!(arena.committed_bytes(), committed, "it was enough");
    arena.alloc_layout(Layout::from_size_align(rest, 1).unwrap());
    arena.prepare(0).unwrap(); // at the limit there is nothing to be touched
    assert_eq!(arena.committed_bytes(), committed);
}

/// For any size: what is kept must suffice for one more.
#[test]
#[cfg(not(all(feature = "traps", debug_assertions)))]
fn tasks_that_are_alike_make_an_arena_that_retains_neither_commit_nor_give_back() {
    let mebibyte = 1 << 20;
    for policy in POLICIES {
        for retain in [0, 5000, mebibyte] {
            for size in
                [100, 3000, 5000, 40_000, 300_000, mebibyte, mebibyte + 1, 1_200_000, 1_500_000, 5 * mebibyte]
            {
                let mut arena = Arena::options().retain(retain).commit_policy(policy).build().unwrap();
                for _ in 0..3 {
                    fill(&arena, size);
                    arena.reset();
                }
                let kept = arena.committed_bytes();
                for _ in 0..20 {
                    fill(&arena, size);
                    assert_eq!(arena.committed_bytes(), kept, "{policy:?}, retain {retain}, {size} bytes");
                    arena.reset();
                    assert_eq!(arena.committed_bytes(), kept, "{policy:?}, retain {retain}, {size} bytes");
                }
                assert!(
                    kept <= 2 * size.max(retain).next_multiple_of(page()).max(16 << 10),
                    "{kept} for {size}"
                );
            }
        }
    }
}
