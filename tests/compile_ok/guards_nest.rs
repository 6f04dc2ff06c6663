//! A guard inside a guard, and a scope inside that.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut outer = arena.scope();
    outer.alloc(1_u64);
    {
        let mut inner = outer.scope();
        inner.alloc(2_u64);
        assert_eq!(inner.scoped(|scope| *scope.alloc(3)), 3);
        assert_eq!(inner.used_bytes(), 16);
    }
    assert_eq!(outer.used_bytes(), 8);
    drop(outer);
    assert_eq!(arena.used_bytes(), 0);
}
