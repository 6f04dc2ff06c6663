//! A minimum alignment is a power of two.
use v_alloc::{Arena, Reserved};

fn main() {
    Arena::<Reserved, 3>::with_min_align().alloc(1);
}
