//! While the window is held, the arena itself knows of none.

fn main() {
    let mut arena = v_alloc::Arena::new();
    let bulk = arena.bulk();
    let number = arena.alloc(1);
    bulk.alloc(*number);
}
