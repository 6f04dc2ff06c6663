//! A container in a shared arena is gone with it.
use allocator_api2::vec::Vec;
use v_alloc::SyncArena;

fn main() {
    let mut numbers = {
        let arena = SyncArena::new();
        Vec::new_in(&arena)
    };
    numbers.push(1);
}
