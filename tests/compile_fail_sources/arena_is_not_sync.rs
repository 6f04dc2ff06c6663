//! An arena's cursor is for one thread at a time, whatever its source.
use v_alloc::{Arena, Reserved};

fn shared_between_threads<T: Sync>() {}

fn main() {
    shared_between_threads::<Arena>();
    shared_between_threads::<Arena<Reserved, 16>>();
}
