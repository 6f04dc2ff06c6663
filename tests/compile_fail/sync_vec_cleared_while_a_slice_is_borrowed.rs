//! To clear a vector is to drop what its slices show.
use v_alloc::SyncVec;

fn main() {
    let mut texts: SyncVec<String> = SyncVec::new();
    texts.push("gone".to_owned());
    let slice = texts.as_slice();
    texts.clear();
    println!("{}", slice[0]);
}
