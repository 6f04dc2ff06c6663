//! Zero is no reference.
use v_alloc::Arena;

fn main() {
    let arena = Arena::new();
    let texts = arena.alloc_slice_zeroed::<&str>(3);
    println!("{texts:?}");
}
