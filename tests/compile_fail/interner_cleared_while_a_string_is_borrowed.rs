//! To clear needs the interner exclusively, because other strings will take the place of those that are borrowed.
use v_alloc::Interner;

fn main() {
    let mut names = Interner::new();
    let symbol = names.intern("old");
    let name: &str = names.resolve(symbol);
    names.clear();
    println!("{name}");
}
