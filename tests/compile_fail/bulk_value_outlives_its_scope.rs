//! What a handle of a scope hands out lives as long as the scope.

fn main() {
    let mut arena = v_alloc::Arena::new();
    let number = arena.scoped(|scope| {
        let bulk = scope.bulk();
        &*bulk.alloc(1)
    });
    println!("{number}");
}
