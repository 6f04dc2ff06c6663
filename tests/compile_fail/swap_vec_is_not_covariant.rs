//! A buffer that took shorter borrows through a shared borrow would show them to its owner, who expects longer ones.
use v_alloc::SwapVec;

fn push<'a>(texts: &SwapVec<&'a str>, text: &'a str) {
    let _ = texts.try_push(text);
}

fn main() {
    let texts: SwapVec<&'static str> = SwapVec::new();
    {
        let text = String::from("gone");
        push(&texts, &text);
    }
    let first: &'static str = texts.drain()[0];
    println!("{first}");
}
