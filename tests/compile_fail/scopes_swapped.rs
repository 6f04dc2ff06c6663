//! Swapped, the handles of two arenas would allocate from one what the other takes back.
use v_alloc::Arena;

fn main() {
    let (mut first, mut second) = (Arena::new(), Arena::new());
    first.scoped(|one| second.scoped(|other| std::mem::swap(one, other)));
}
