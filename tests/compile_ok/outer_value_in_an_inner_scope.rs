//! Values of an outer scope stay usable in an inner one, and the inner one can leave copies.
use v_alloc::Arena;

fn main() {
    let mut arena = Arena::new();
    let total = arena.scoped(|outer| {
        let mut numbers: Vec<&mut u64> = vec![outer.alloc(1)];
        let sum = outer.scoped(|inner| {
            let two = inner.alloc(2);
            *numbers[0] += 10;
            *numbers[0] + *two
        });
        numbers.push(outer.alloc(sum));
        numbers.iter().map(|number| **number).sum::<u64>()
    });
    assert_eq!(total, 11 + 13);
}
