//! What `push` returns lives as long as the vector.
use v_alloc::SyncVec;

fn main() {
    let text = {
        let texts = SyncVec::new();
        texts.push("gone".to_owned()).1
    };
    println!("{text}");
}
