//! What is allocated through a claim lives no longer than it; through its arena, longer.
use v_alloc::SyncArena;

fn main() {
    let arena = SyncArena::new();
    let claim = arena.try_claim().unwrap();
    let longer = claim.arena().alloc(1);
    let number = claim.alloc(1);
    drop(claim);
    *longer += *number;
}
