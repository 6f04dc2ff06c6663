//! A string goes with its interner.
use v_alloc::Interner;

fn main() {
    let name: &str;
    {
        let names = Interner::new();
        name = names.intern_full("gone").1;
    }
    println!("{name}");
}
