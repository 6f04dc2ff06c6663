//! Text that was pushed stays as long as it is borrowed.
use v_alloc::StableString;

fn main() {
    let mut text = StableString::new();
    let piece: &str = text.push_str("piece");
    text.clear();
    println!("{piece}");
}
