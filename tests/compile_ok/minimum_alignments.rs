//! All that there are, named by a type or by an annotation.
use v_alloc::{Arena, Reserved};

fn main() {
    Arena::<Reserved, 1>::with_min_align().alloc(1);
    Arena::<Reserved, 2>::with_min_align().alloc(1);
    Arena::<Reserved, 4>::with_min_align().alloc(1);
    let eight: Arena<_, 8> = Arena::with_min_align();
    eight.alloc(1_u8);
    assert_eq!(eight.used_bytes(), 8);
    let sixteen: Arena<Reserved, 16> = Arena::options().build_with_min_align().unwrap();
    sixteen.alloc(1_u8);
    assert_eq!(sixteen.used_bytes(), 16);
}
