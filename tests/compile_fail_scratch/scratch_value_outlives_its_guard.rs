//! When its guard is dropped, an arena is empty, and perhaps another's.
use v_alloc::scratch;

fn shout(text: &str) -> &str {
    let scratch = scratch();
    scratch.alloc_str(text)
}

fn main() {
    println!("{}", shout("gone"));
}
