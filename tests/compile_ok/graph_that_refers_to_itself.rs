//! Nodes of one arena may refer to each other in circles, because an arena does not drop them.
use std::cell::Cell;
use v_alloc::Arena;

struct Node<'a>(u32, Cell<Option<&'a Node<'a>>>);

fn main() {
    let arena = Arena::new();
    let first: &Node = arena.alloc(Node(1, Cell::new(None)));
    let second: &Node = arena.alloc(Node(2, Cell::new(Some(first))));
    first.1.set(Some(second));
    let third = first.1.get().unwrap().1.get().unwrap();
    assert!(std::ptr::eq(first, third) && third.0 == 1);
}
