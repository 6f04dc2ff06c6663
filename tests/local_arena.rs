//! A thread's part of a shared arena: what it hands out outlives it, belongs to nobody else, and what is left over
//! goes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "allocator-api2")]

use allocator_api2::vec::Vec as ArenaVec;
use v_alloc::SyncArena;

/// Numbers that tell where they belong.
fn numbers(count: u16) -> impl Iterator<Item = u16> {
    (0..count).map(|number| number.wrapping_mul(40_503))
}

#[test]
fn a_block_that_grows_at_the_end_of_its_window_keeps_its_contents() {
    const WINDOW: usize = 64 << 10;
    for at_end in (1000..4000).step_by(61) {
        let arena = SyncArena::new();
        let local = arena.local();
        for _ in 0..WINDOW - at_end {
            local.alloc(0xEE_u8);
        }
        let mut grows = ArenaVec::with_capacity_in(at_end / 2 - 1, &local);
        grows.extend(numbers(6000));
        assert!(grows.iter().copied().eq(numbers(6000)), "{at_end}");
    }
}
