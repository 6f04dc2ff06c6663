//! The elements are dropped with what `drain` returned.
use v_alloc::SwapVec;

fn main() {
    let texts = SwapVec::new();
    texts.try_push("gone".to_owned()).unwrap();
    let drained = texts.drain();
    let slice: &[String] = &drained;
    drop(drained);
    println!("{}", slice[0]);
}
