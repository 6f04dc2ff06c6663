//! Containers keep their values in an arena: borrowed, owned, or in a scope; when the arena is moved; and values
//! in them are dropped, which an arena by itself never does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]

use allocator_api2::{boxed::Box as ArenaBox, vec::Vec as ArenaVec};
use hashbrown::{DefaultHashBuilder, HashMap as ArenaMap};
use std::collections::HashMap;
use std::rc::Rc;
use v_alloc::{Arena, Reserved, VirtualAllocator};

/// A number below `bound`, from a sequence that is the same each time.
fn number(state: &mut u64, bound: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % bound
}

#[test]
fn a_map_of_a_hundred_thousand_words_agrees_with_std() {
    const ENTRIES: u64 = 100_000;
    let arena = Arena::new();
    let mut model: HashMap<String, Vec<u32>> = HashMap::new();
    let mut map: ArenaMap<&str, ArenaVec<u32, &Arena>, DefaultHashBuilder, &Arena> =
        ArenaMap::with_hasher_in(DefaultHashBuilder::default(), &arena);
    let mut state = 42;
    for value in 0..ENTRIES as u32 {
        let word = format!("word {}", number(&mut state, ENTRIES));
        map.entry(&*arena.alloc_str(&word)).or_insert_with(|| ArenaVec::new_in(&arena)).push(value);
        model.entry(word).or_default().push(value);
        if value % 5 == 0 {
            let word = format!("word {}", number(&mut state, ENTRIES));
            assert_eq!(map.remove(&*word).as_deref(), model.remove(&word).as_deref(), "{word}");
        }
    }
    assert_eq!(map.len(), model.len());
    for (word, values) in &model {
        assert_eq!(map.get(&**word).map(|values| &values[..]), Some(&values[..]), "{word}");
    }
    map.shrink_to_fit();
    map.reserve(10);
    assert!(map.iter().all(|(word, values)| model[*word] == values[..]));
    drop(map);
}

#[test]
fn a_vector_agrees_with_std_in_any_arena() {
    fn check<A: v_alloc::Allocator + Copy>(allocator: A) {
        let (mut state, mut model) = (1, Vec::new());
        let mut other = ArenaVec::new_in(allocator);
        let mut vector = ArenaVec::new_in(allocator);
        for round in 0..20_000_u64 {
            match number(&mut state, 12) {
                0 => assert_eq!(vector.pop(), model.pop()),
                1 if !model.is_empty() => {
                    let index = number(&mut state, model.len() as u64) as usize;
                    assert_eq!(vector.swap_remove(index), model.swap_remove(index));
                }
                2 => other.push(round), // another block follows
                3 if round % 7 == 0 => {
                    vector.shrink_to_fit();
                    other.shrink_to_fit();
                }
                4 if round % 11 == 0 => {
                    let len = model.len() / 2;
                    vector.truncate(len);
                    model.truncate(len);
                }
                _ => {
                    vector.push(round);
                    model.push(round);
                }
            }
        }
        assert_eq!(&vector[..], &model[..]);
        assert!(other.is_sorted());
    }
    check(&Arena::new());
    check(&Arena::<Reserved, 16>::with_min_align());
    check(&Arena::options().commit_policy(v_alloc::CommitPolicy::Latency).build().unwrap());
    check(VirtualAllocator::default());
    Arena::new().scoped(|scope| check(&*scope));
    check(&*Arena::new().scope());
}

#[test]
fn a_container_owns_its_arena_and_moves_with_it() {
    let mut vector = ArenaVec::new_in(Arena::new());
    vector.extend(0..1000_u64);
    let start = vector.as_ptr();
    let mut moved = Box::new(vector); // to the heap, arena and all
    assert_eq!(moved.as_ptr(), start, "the elements stay where they are");
    moved.extend(1000..200_000);
    assert_eq!(moved.as_ptr(), start, "and stay there when the vector grows");
    let vector = std::thread::spawn(move || {
        assert!(moved.iter().copied().eq(0..200_000));
        moved
    })
    .join()
    .unwrap();
    assert_eq!(vector[199_999], 199_999);

    let mut map: ArenaMap<u64, u64, DefaultHashBuilder, Arena> = ArenaMap::new_in(Arena::new());
    map.extend((0..10_000).map(|key| (key, key * key)));
    let map = Box::new(map);
    assert!((0..10_000).all(|key| map[&key] == key * key));

    let boxed = ArenaBox::new_in([5_u8; 1000], Arena::new());
    let again = [boxed];
    assert_eq!(*again[0], [5; 1000]);
}

#[test]
fn what_an_arena_handed_out_stays_when_the_arena_is_moved() {
    let arena = Arena::new();
    let block = arena.alloc_layout(std::alloc::Layout::new::<u64>()).cast::<u64>();
    // SAFETY: the block is new and of this layout.
    unsafe { block.write(7) };
    let moved = std::hint::black_box(Box::new(arena));
    moved.alloc(8_u64);
    // SAFETY: the arena lives on in its new place.
    assert_eq!(unsafe { block.read() }, 7);
    assert_eq!(moved.used_bytes(), 16);
}

#[test]
fn boxes_and_vectors_drop_their_values_and_arenas_do_not() {
    let value = Rc::new(());
    let arena = Arena::new();
    let boxed = ArenaBox::new_in(Rc::clone(&value), &arena);
    let mut vector = ArenaVec::new_in(&arena);
    vector.extend((0..100).map(|_| Rc::clone(&value)));
    assert_eq!(Rc::strong_count(&value), 102);
    vector.truncate(50);
    assert_eq!(Rc::strong_count(&value), 52);
    drop(vector);
    assert_eq!(Rc::strong_count(&value), 2);
    drop(boxed);
    assert_eq!(Rc::strong_count(&value), 1);

    let owned = ArenaBox::new_in(Rc::clone(&value), Arena::new());
    drop(owned);
    assert_eq!(Rc::strong_count(&value), 1, "before its arena goes, too");

    let forgotten = arena.alloc(Rc::clone(&value));
    assert_eq!(Rc::strong_count(forgotten), 2);
    drop(arena);
    assert_eq!(Rc::strong_count(&value), 2, "an arena drops nothing");
}

#[test]
fn containers_live_in_scopes() {
    let mut arena = Arena::new();
    arena.alloc(1_u8);
    for _ in 0..3 {
        let total = arena.scoped(|scope| {
            let words = scope.alloc_slice_fill_iter("never move a byte".split(' '));
            let lengths = {
                let mut map = ArenaMap::new_in(&*scope);
                for word in words.iter() {
                    map.insert(*word, word.len());
                }
                scope.alloc_slice_fill_iter(words.iter().map(|word| map[word]))
            };
            let inner_total = scope.scoped(|inner| {
                let mut vector = ArenaVec::new_in(&*inner);
                vector.extend((0..1000).map(|index| lengths[index % lengths.len()]));
                vector.iter().sum::<usize>()
            });
            let boxed = ArenaBox::new_in(inner_total, &*scope);
            *boxed + lengths.len()
        });
        assert_eq!(total, 250 * (5 + 4 + 1 + 4) + 4);
        assert_eq!(arena.used_bytes(), 1);
    }
    let guard = arena.scope();
    let mut vector = ArenaVec::new_in(&*guard);
    vector.extend(0..1000);
    assert!(vector.iter().copied().eq(0..1000));
    drop(vector);
    drop(guard);
    assert_eq!(arena.used_bytes(), 1);
}

#[test]
fn a_full_arena_is_an_error_to_a_container_that_can_take_one() {
    let arena = Arena::with_reservation(1 << 16).unwrap();
    let mut vector: ArenaVec<u64, _> = ArenaVec::new_in(&arena);
    vector.try_reserve_exact(8192).unwrap();
    assert_eq!(arena.remaining_capacity(), 0);
    vector.extend(0..8192);
    vector.try_reserve(1).expect_err("not a byte is left");
    assert!(vector.iter().copied().eq(0..8192), "the failure changed nothing");
    let mut map: ArenaMap<u64, u64, DefaultHashBuilder, &Arena> = ArenaMap::new_in(&arena);
    map.try_reserve(1).expect_err("not a byte is left");
    assert!(ArenaBox::try_new_in(1_u8, &arena).is_err());
}
