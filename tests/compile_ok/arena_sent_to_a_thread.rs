//! An arena can change threads, and come back with what is in it.
use allocator_api2::vec::Vec;
use v_alloc::Arena;

fn main() {
    let arena = Arena::new();
    arena.alloc(1);
    let mut vector = Vec::new_in(arena);
    vector.push(String::from("from here"));
    let vector = std::thread::spawn(move || {
        vector.push(String::from("from there"));
        vector
    })
    .join()
    .unwrap();
    assert_eq!(vector.concat(), "from herefrom there");
}
