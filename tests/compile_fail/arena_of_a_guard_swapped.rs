//! Swapped, the guard would rewind another arena than the one it marked.
use v_alloc::Arena;

fn main() {
    let (mut first, mut second) = (Arena::new(), Arena::new());
    let mut guard = first.scope();
    std::mem::swap(&mut *guard, &mut second);
}
