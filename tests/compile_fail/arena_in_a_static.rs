//! All threads see a static: there an arena needs a lock around it.
use v_alloc::Arena;

static ARENA: Arena = Arena::new();

fn main() {
    ARENA.alloc(1);
}
