//! Only what is hashed and compared by code of the library can be interned through a shared borrow.
use v_alloc::{Interned, Interner};

struct Mine;

impl Interned for Mine {}

fn main() {
    Interner::<Mine>::default().intern(&Mine);
}
