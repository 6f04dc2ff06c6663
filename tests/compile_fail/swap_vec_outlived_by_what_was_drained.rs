//! What was drained still lies in the buffer.
use v_alloc::SwapVec;

fn main() {
    let drained = {
        let texts = SwapVec::new();
        texts.try_push("gone".to_owned()).unwrap();
        texts.drain()
    };
    println!("{}", drained[0]);
}
