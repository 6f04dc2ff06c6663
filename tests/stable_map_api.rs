//! A `StableMap` is what a `HashMap` is to the standard library.
#![cfg(feature = "map")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::panics::panic_of;
use common::things::Hashing;
use std::cell::Cell;
use std::rc::Rc;
use v_alloc::{Entry, StableMap, StableSet};

#[test]
fn borrowed_keys() {
    let mut map = StableMap::new();
    let (index, _) = map.insert_full(String::from("one"), 1);
    map.insert(String::from("two"), 2);
    assert_eq!((map.get("one"), map["two"], map.get("three")), (Some(&1), 2, None));
    assert_eq!(map.get_full("one"), Some((index, &String::from("one"), &1)));
    assert_eq!(map.get_key_value("two"), Some((&String::from("two"), &2)));
    *map.get_mut("one").unwrap() += 10;
    assert!(map.contains_key("one"));
    assert_eq!(map.remove_full("one"), Some((index, String::from("one"), 11)));
    assert_eq!(map.remove_entry("one"), None);
    assert_eq!(map.remove("two"), Some(2));
    // What is empty does not hash.
    assert_eq!(map.get_index_of("two"), None);
}

#[test]
#[should_panic(expected = "no entry found for key")]
fn indexing_panics_for_a_missing_key() {
    let map = StableMap::from([("a", 1)]);
    assert_eq!(map["b"], 1);
}

#[test]
fn traits_of_a_map() {
    let map = StableMap::from([(1, "a"), (2, "b"), (1, "c")]);
    assert_eq!(format!("{map:?}"), r#"{1: "c", 2: "b"}"#);
    assert_eq!(map.len(), 2);
    let other: StableMap<_, _> = [(2, "b"), (1, "c")].into_iter().collect();
    assert_eq!(map, other);
    assert_eq!(map.clone(), map);
    assert_ne!(map, StableMap::from([(1, "c")]));
    assert_ne!(map, StableMap::from([(1, "c"), (2, "x")]));
    assert_ne!(map, StableMap::from([(1, "c"), (3, "b")]));
    let empty = StableMap::<i32, &str>::default();
    assert!(empty.is_empty() && empty.iter().next().is_none() && empty.get(&1).is_none());
    assert_eq!((empty.len(), empty.index_end(), empty == StableMap::new()), (0, 0, true));
    // By reference, and with another hasher.
    let mut copies = StableMap::with_hasher(Hashing::Well);
    copies.extend(&map);
    assert!(copies == map);
    for (_, value) in &mut copies {
        *value = "z";
    }
    assert!(copies.values().eq(&["z", "z"]));
    assert_eq!(*copies.entry(9).or_default(), "");
    assert_eq!(*copies.entry(10).or_insert_with_key(|key| if *key == 10 { "ten" } else { "" }), "ten");
    assert_eq!(copies.entry(10).key(), &10);
    for value in copies.values_mut() {
        *value = "y";
    }
    assert!(copies.into_iter().rev().map(|(key, _)| key).eq([10, 9, 2, 1]));
}

#[test]
fn an_iterator_by_value_shows_and_drops_what_is_left_of_it_with_holes_in_between() {
    use std::rc::Rc;
    let values: Vec<_> = (0..6).map(Rc::new).collect();
    let mut map: StableMap<_, _> = (0..6).zip(values.iter().cloned()).collect();
    map.remove(&2);
    let mut entries = map.into_iter();
    assert_eq!((entries.next(), entries.next_back()), (Some((0, Rc::new(0))), Some((5, Rc::new(5)))));
    assert_eq!((format!("{entries:?}").as_str(), entries.len()), ("[(1, 1), (3, 3), (4, 4)]", 3));
    assert!(values.iter().map(Rc::strong_count).eq([1, 2, 1, 2, 2, 1]), "the others are in the iterator");
    drop(entries);
    assert!(values.iter().all(|value| Rc::strong_count(value) == 1), "each was dropped once");
}

#[test]
#[rustfmt::skip]
fn a_panic_names_the_line_that_asked_for_what_is_not_there() {
    let mut map = StableMap::from([(1_usize, "a")]);
    map.remove(&1);
    map.insert(2, "b");
    panics_here!(map[&1]);
    panics_here!(map[1]);
    panics_here!(map[&1] = "x");
    panics_here!(map[1] = "x");
    panics_here!(map.reserve(usize::MAX));
    panics_here!(StableMap::<u8, u8>::with_capacity(usize::MAX));
    let set = StableSet::from([1]);
    panics_here!(set[1]);
    panics_here!(StableSet::<u8>::with_capacity(usize::MAX));
}

#[test]
fn indices_are_numbers_and_keys_are_references() {
    let mut map = StableMap::from([(5_usize, 'a'), (0, 'b')]);
    assert_eq!((map[&0], map[0], map[&5], map[1]), ('b', 'a', 'a', 'b'));
    map[0] = 'c';
    map[&0] = 'd';
    assert_eq!(map, StableMap::from([(0, 'd'), (5, 'c')]));
    let set = StableSet::from(["x", "y"]);
    assert_eq!((set[0], set[1]), ("x", "y"));
}

#[test]
fn entries_know_their_index_and_show_their_key() {
    let mut map = StableMap::from([("a", 1), ("b", 2), ("c", 3)]);
    map.remove("b");
    assert_eq!(map.entry("d").index(), 1, "the hole");
    assert_eq!(format!("{:?}", map.entry("d")), r#"Entry(VacantEntry("d"))"#);
    let Entry::Vacant(entry) = map.entry("d") else { panic!() };
    let mut entry = entry.insert_entry(4);
    assert_eq!((entry.index(), entry.insert(5), *entry.get()), (1, 4, 5));
    assert_eq!(map.entry("e").index(), 3, "behind all");
    assert_eq!(map.entry("c").index(), 2);
    assert_eq!(format!("{:?}", map.entry("c")), r#"Entry(OccupiedEntry { key: "c", value: 3 })"#);
    assert_eq!(map.entry("c").insert_entry(6).remove_entry(), ("c", 6));
    assert_eq!(map.get_full_mut("d").map(|(index, key, value)| (index, *key, *value)), Some((1, "d", 5)));
    assert_eq!(map.get_full_mut("c"), None);
}

#[test]
fn iterators_have_a_default_without_entries() {
    assert_eq!(v_alloc::Iter::<u8, u8>::default().next(), None);
    assert_eq!(v_alloc::IterMut::<u8, u8>::default().len(), 0);
    assert_eq!(v_alloc::IntoIter::<u8, u8>::default().next_back(), None);
    assert_eq!(v_alloc::Keys::<u8, u8>::default().next(), None);
    assert_eq!(v_alloc::IntoValues::<u8, u8>::default().next(), None);
}

#[test]
fn keys_and_values_of_no_size() {
    let mut map = const { StableMap::<(), (), _>::with_hasher(Hashing::Well) };
    assert_eq!((map.insert_full((), ()), map.insert_full((), ())), ((0, None), (0, Some(()))));
    assert_eq!((map.remove_full(&()), map.len()), (Some((0, (), ())), 0));
}

const fn send<T: Send>() {}
const fn sync<T: Sync>() {}

const _: () = {
    send::<StableMap<u64, String>>();
    send::<StableMap<u64, Cell<u64>>>();
    send::<StableSet<String>>();
    send::<v_alloc::IntoIter<u64, Cell<u64>>>();
    send::<v_alloc::Iter<'_, u64, String>>();
    sync::<v_alloc::Iter<'_, u64, String>>();
    send::<v_alloc::IterMut<'_, u64, Cell<u64>>>();
    send::<v_alloc::Keys<'_, u64, String>>();
};

/// Does not compile if `$type: $trait`: then there are two of `Unlike`.
macro_rules! is_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {
        const _: () = {
            trait Unlike<A> {
                const HERE: () = ();
            }
            impl<T: ?Sized> Unlike<()> for T {}
            impl<T: ?Sized + $trait> Unlike<u8> for T {}
            $(let () = <$type as Unlike<_>>::HERE;)+
        };
    };
}

is_not!(Send: StableMap<u64, Rc<u64>>, StableMap<Rc<u64>, u64>, StableMap<u64, u64, Rc<u64>>, StableSet<Rc<u64>>);
is_not!(Send: v_alloc::Iter<'static, u64, Cell<u64>>, v_alloc::IntoIter<u64, Rc<u64>>);
is_not!(Sync: StableMap<u64, Cell<u64>>, StableMap<Cell<u64>, u64>, StableSet<Cell<u64>>);

#[test]
fn a_map_goes_to_another_thread_with_its_entries() {
    let mut map = StableMap::new();
    for key in 0..1000_u64 {
        map.insert(key, key.to_string());
    }
    let at = std::ptr::from_ref(&map[&500]).addr();
    let map = std::thread::spawn(move || {
        map.extend((1000..5000).map(|key| (key, key.to_string())));
        assert_eq!(std::ptr::from_ref(&map[&500]).addr(), at);
        map
    })
    .join()
    .unwrap();
    assert!((0..5000).all(|key| map[&key] == key.to_string()));
}

#[test]
fn what_is_extracted_leaves_the_map_and_what_the_iterator_does_not_come_to_stays() {
    let mut map: StableMap<u32, String> = (0..1000).map(|number| (number, number.to_string())).collect();
    map.remove(&1);
    let mut asked = Vec::new();
    let mut odd = map.extract_if(|&number, text| {
        asked.push(number);
        text.push('!');
        number % 2 == 1
    });
    assert_eq!(odd.size_hint(), (0, Some(1000)));
    assert_eq!((odd.next(), odd.next()), (Some((3, "3!".to_string())), Some((5, "5!".to_string()))));
    drop(odd);
    assert_eq!(asked, [0, 2, 3, 4, 5], "nothing is asked about before its turn, nor twice");
    assert_eq!((map.len(), map.get(&3), map[&4].as_str(), map[&7].as_str()), (997, None, "4!", "7"));
    assert_eq!(map.extract_if(|_, _| true).count(), 997);
    assert!(map.is_empty() && map.insert(3, String::new()).is_none());

    let mut set: StableSet<u32> = (0..10).collect();
    assert!(set.extract_if(|number| number % 3 == 0).eq([0, 3, 6, 9]));
    assert_eq!((set.len(), set.get_index_of(&8)), (6, Some(8)));
}

#[test]
fn several_values_are_changed_together_unless_two_are_the_same() {
    let mut map: StableMap<String, u32> = (0..100).map(|number| (number.to_string(), number)).collect();
    map.remove("50");
    let [first, hole, last] = map.get_disjoint_mut(["0", "50", "99"]);
    assert_eq!(hole, None);
    std::mem::swap(first.unwrap(), last.unwrap());
    assert_eq!((map["0"], map["99"]), (99, 0));
    assert_eq!(map.get_disjoint_mut::<str, 0>([]), []);
    assert_eq!(map.get_disjoint_mut(["50", "50"]), [None, None], "what is not there is not the same");
    let panicked = panic_of(|| _ = map.get_disjoint_mut(["1", "2", "1"]));
    assert_eq!(panicked.as_deref(), Some("duplicate keys found"));
    // Values of no size have one address, and are borrowed one by one all the same.
    let mut units = StableMap::from([(1, ()), (2, ())]);
    assert_eq!(units.get_disjoint_mut([&1, &2]), [Some(&mut ()), Some(&mut ())]);
}
