//! A vector that took shorter borrows through a shared borrow would show them to its owner, who expects longer ones.
use v_alloc::SyncVec;

fn push<'a>(texts: &SyncVec<&'a str>, text: &'a str) {
    texts.push(text);
}

fn main() {
    let texts: SyncVec<&'static str> = SyncVec::new();
    {
        let text = String::from("gone");
        push(&texts, &text);
    }
    let first: &'static str = texts[0];
    println!("{first}");
}
