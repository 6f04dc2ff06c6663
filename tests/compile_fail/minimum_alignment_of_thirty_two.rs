//! A minimum alignment beyond 16 would waste more than it saves.
use v_alloc::{Arena, Reserved};

static ARENA: std::sync::Mutex<Arena<Reserved, 32>> = std::sync::Mutex::new(Arena::with_min_align());

fn main() {
    ARENA.lock().unwrap().alloc(1);
}
