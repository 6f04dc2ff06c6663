//! Elements that look at the vector when they are dropped would see elements that are gone.
use v_alloc::StableVec;

struct Looks<'a>(&'a StableVec<Looks<'a>>);

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        println!("{}", self.0.len());
    }
}

fn main() {
    let vec = StableVec::new();
    vec.push(Looks(&vec));
}
