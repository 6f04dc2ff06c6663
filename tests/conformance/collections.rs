//! Real collections in every arena: they use the trait as nobody would think of.

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use std::alloc::Layout;
use std::mem::MaybeUninit;
use v_alloc::{
    Allocator, Arena, BufferArena, ChainAllocator, Global, LinearAllocator, Reserved, VirtualAllocator,
};

fn nested_vectors<A: Allocator + Copy>(allocator: A) {
    let mut rows: Vec<Vec<u32, A>, A> = Vec::new_in(allocator);
    for row in 0..60 {
        rows.push(Vec::new_in(allocator));
        // All rows grow in turns, so that hardly one is the last block.
        for (index, numbers) in rows.iter_mut().enumerate() {
            numbers.push((row * index) as u32);
        }
    }
    rows.retain(|numbers| numbers.len() % 3 != 0);
    for numbers in &mut rows {
        numbers.shrink_to_fit();
        numbers.insert(0, 7);
        numbers.reserve_exact(100);
    }
    let more = rows.clone();
    rows.truncate(3);
    rows.shrink_to(1);
    assert_eq!(rows[..], more[..3]);
    for numbers in &more {
        let row = 60 - (numbers.len() - 1);
        assert!(
            numbers[1..].iter().enumerate().all(|(index, &number)| number as usize == (row + index) * row)
        );
    }
}

fn boxes<A: Allocator + Copy>(allocator: A) {
    #[derive(Debug)]
    struct List<A: Allocator>(u32, Option<Box<List<A>, A>>);
    #[derive(Debug)]
    #[repr(align(256))]
    struct Wide(u8);
    let mut list = None;
    for number in 0..500 {
        list = Some(Box::new_in(List(number, list), allocator));
    }
    let mut expected = (0..500).rev();
    while let Some(node) = list {
        let List(number, rest) = Box::into_inner(node);
        assert_eq!(Some(number), expected.next());
        list = rest;
    }
    let wide: std::vec::Vec<_> = (0..9).map(|number| Box::new_in(Wide(number), allocator)).collect();
    for (index, wide) in wide.iter().enumerate() {
        assert_eq!((usize::from(wide.0), std::ptr::from_ref(&**wide).addr() % 256), (index, 0));
    }
    let empty: Box<[u64], A> = Vec::new_in(allocator).into_boxed_slice();
    assert_eq!(*Box::new_in((), allocator), ());
    assert!(empty.is_empty());
}

fn maps<A: Allocator + Copy>(allocator: A) {
    let mut squares: HashMap<u64, u64, DefaultHashBuilder, A> = HashMap::new_in(allocator);
    let mut words: HashMap<std::string::String, Vec<u8, A>, DefaultHashBuilder, A> =
        HashMap::new_in(allocator);
    for number in 0..3000_u64 {
        squares.insert(number, number * number);
        words.entry(format!("{}", number % 97)).or_insert_with(|| Vec::new_in(allocator)).push(number as u8);
        if number % 3 == 0 {
            squares.remove(&(number / 2));
        }
    }
    for (number, square) in &squares {
        assert_eq!(number * number, *square);
    }
    assert_eq!(words.len(), 97);
    assert_eq!(words.values().map(Vec::len).sum::<usize>(), 3000);
    squares.retain(|number, _| number % 10 == 0);
    squares.shrink_to_fit();
    assert!(squares.keys().all(|number| number % 10 == 0));
    let copy = squares.clone();
    assert_eq!(copy, squares);
    let set: HashSet<u64, DefaultHashBuilder, A> = {
        let mut set = HashSet::new_in(allocator);
        set.extend(copy.keys().copied());
        set
    };
    assert_eq!(set.len(), squares.len());
    drop(squares);
    words.clear();
    words.shrink_to_fit();
    assert!(words.is_empty());
}

fn all<A: Allocator + Copy>(allocator: A) {
    nested_vectors(allocator);
    boxes(allocator);
    maps(allocator);
}

/// Calls a function with each kind of arena.
macro_rules! in_every_arena {
    ($run:path) => {
        #[test]
        fn an_arena() {
            $run(&Arena::new());
            $run(&Arena::<Reserved, 16>::with_min_align());
        }

        #[test]
        fn a_scope() {
            Arena::new().scoped(|scope| $run(&*scope));
            ChainAllocator::new_in(1000, Global).scoped(|scope| $run(&*scope));
        }

        #[test]
        fn a_linear_allocator() {
            let block = Layout::new::<[u64; 1 << 20]>();
            $run(&LinearAllocator::new_in(block, Global).unwrap());
        }

        #[test]
        fn a_buffer() {
            let mut buffer = std::boxed::Box::new_uninit_slice(8 << 20);
            $run(&BufferArena::from_buffer(&mut buffer));
        }

        #[test]
        fn a_chain() {
            for hint in [0, 1000, 64 << 10] {
                $run(&ChainAllocator::new_in(hint, Global));
            }
            let parent = Arena::new();
            $run(&ChainAllocator::new_in(5000, &parent));
        }

        #[test]
        fn a_chain_over_pages() {
            $run(&ChainAllocator::new_in(1, VirtualAllocator {}));
        }
    };
}

mod with_the_trait_of_allocator_api2 {
    use super::*;

    in_every_arena!(all);

    #[test]
    fn pages() {
        boxes_of_pages();
    }

    fn boxes_of_pages() {
        let mut numbers = Vec::new_in(VirtualAllocator {});
        numbers.extend(0..100_000_u32);
        numbers.truncate(10);
        numbers.shrink_to_fit();
        assert_eq!(numbers[..], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        nested_vectors(VirtualAllocator {});
    }
}

/// A collection may own its arena.
#[test]
fn an_arena_in_its_vector() {
    let mut numbers = Vec::new_in(ChainAllocator::new_in(1000, Global));
    let mut others = Vec::new_in(LinearAllocator::new_in(Layout::new::<[u8; 100_000]>(), Global).unwrap());
    let mut pages = Vec::new_in(Arena::new());
    for number in 0..9000_u32 {
        numbers.push(number);
        others.push(number);
        pages.push(number);
    }
    let moved = std::boxed::Box::new((numbers, others, pages));
    let (numbers, others, pages) = *moved;
    assert!(numbers.iter().copied().eq(0..9000));
    assert!(others.iter().copied().eq(0..9000));
    assert!(pages.iter().copied().eq(0..9000));
    assert!(pages.allocator().used_bytes() >= 36_000);
}

#[test]
fn a_full_buffer_refuses_and_the_vector_stays() {
    let mut buffer = [MaybeUninit::uninit(); 1000];
    let arena = BufferArena::from_buffer(&mut buffer);
    let mut bytes = Vec::new_in(&arena);
    while bytes.try_reserve(1).is_ok() {
        bytes.push(bytes.len() as u8);
    }
    assert!(bytes.len() >= 500 && bytes.iter().enumerate().all(|(index, &byte)| byte == index as u8));
    assert!(bytes.try_reserve(usize::MAX).is_err());
    let rest = 1000 - bytes.capacity();
    assert!(bytes.try_reserve_exact(rest).is_ok());
}

#[cfg(feature = "nightly")]
mod with_the_trait_of_the_compiler {
    use super::*;
    use std::alloc::Allocator;
    use std::boxed::Box;
    use std::collections::{BTreeMap, VecDeque};
    use std::rc::Rc;
    use std::sync::Arc;
    use std::vec::Vec;

    fn all<A: Allocator + Copy>(allocator: A) {
        let mut map = BTreeMap::new_in(allocator);
        let mut queue = VecDeque::new_in(allocator);
        for number in 0..2000_u32 {
            let mut digits = Vec::new_in(allocator);
            digits.extend(number.to_string().bytes());
            map.insert(number * 7 % 2000, digits);
            queue.push_back(Box::new_in(number, allocator));
            if number % 3 == 0 {
                queue.pop_front();
                map.remove(&(number / 2));
            }
        }
        assert!(map.iter().all(|(&key, digits)| {
            let number: u32 = str::from_utf8(digits).unwrap().parse().unwrap();
            number * 7 % 2000 == key
        }));
        assert!(queue.iter().map(|number| **number).eq(2000 - queue.len() as u32..2000));
        let shared = Rc::new_in([7_u64; 100], allocator);
        let weak = Rc::downgrade(&shared);
        let clones: Vec<_, A> = {
            let mut clones = Vec::new_in(allocator);
            clones.resize(50, shared.clone());
            clones
        };
        assert!(clones.iter().all(|clone| clone[99] == 7));
        drop((clones, shared));
        assert!(weak.upgrade().is_none());
        let numbers: Arc<[u32], A> = Arc::from({
            let mut numbers = Vec::new_in(allocator);
            numbers.extend(0..1000);
            numbers
        });
        assert!(numbers.iter().copied().eq(0..1000));
        let object: Box<dyn Fn(u32) -> u32, A> = Box::new_in(move |number| number + numbers[999], allocator);
        assert_eq!(object(1), 1000);
    }

    in_every_arena!(all);
}
