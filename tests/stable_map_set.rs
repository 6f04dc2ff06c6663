//! A `StableSet` is what a `HashSet` is, with elements that keep index and address.
#![cfg(feature = "map")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

use v_alloc::StableSet;

#[test]
fn a_set() {
    let mut set: StableSet<String> = ["a", "b", "a"].into_iter().map(String::from).collect();
    assert_eq!((set.len(), set.is_empty()), (2, false));
    let (index, new) = set.insert_full("c".into());
    assert!(new && set.contains("c") && !set.contains("d"));
    assert_eq!((set.get_index_of("c"), set.get_index(index).unwrap().as_str()), (Some(index), "c"));
    assert_eq!(set.insert_full("c".into()), (index, false));
    let at = set.get("c").unwrap().as_ptr();
    assert!(set.remove("a") && !set.remove("a"));
    assert_eq!(set.take("b").as_deref(), Some("b"));
    set.extend((0..5000).map(|number| number.to_string()));
    assert_eq!(set.get("c").unwrap().as_ptr(), at);
    assert_eq!((set.len(), set.iter().len()), (5001, 5001));
    assert!((0..5000).all(|number| set.contains(&number.to_string())));
    let clone = set.clone();
    assert!(clone == set);
    set.retain(|element| element.len() == 1);
    assert!(clone != set);
    assert_eq!(set.len(), 11);
    assert_eq!(set.remove_index(index).as_deref(), Some("c"));
    let mut drained: Vec<_> = set.drain().collect();
    drained.sort_unstable();
    assert_eq!(drained.concat(), "0123456789");
    assert!(set.is_empty() && set.iter().next().is_none());
    set.insert("x".into());
    assert_eq!(format!("{set:?}"), r#"{"x"}"#);
    assert_eq!((&set).into_iter().count(), 1);
    set.clear();
    assert_eq!(set, StableSet::new());
    assert_eq!(set, StableSet::<String>::default());
}

#[test]
fn a_set_is_to_the_standard_library_what_a_set_is() {
    let mut set = StableSet::from([3, 1, 3, 2]);
    assert_eq!((set.len(), set.index_end(), set.get_full(&1)), (3, 3, Some((1, &1))));
    assert_eq!(set.remove_full(&1), Some((1, 1)));
    assert_eq!((set.len(), set.index_end(), set.get_full(&1)), (2, 3, None));
    set.extend(&[9, 3]);
    assert_eq!(set.get_index_of(&9), Some(1), "the hole");
    assert!((&set).into_iter().eq(&[3, 9, 2]));
    let mut drained = set.drain();
    assert_eq!((drained.len(), drained.next_back()), (3, Some(2)));
    drop(drained);
    assert!(set.is_empty());
    set.reserve(100);
    assert!(set.capacity() >= 100 && set.try_reserve(usize::MAX).is_err());
    set.extend([7, 8]);
    set.shrink_to_fit();
    assert!(set.into_iter().rev().eq([8, 7]));
    let hasher = v_alloc::DefaultHasher::default();
    let set: StableSet<u8> = StableSet::with_capacity_and_hasher(3, hasher.clone());
    assert_eq!(
        std::hash::BuildHasher::hash_one(set.hasher(), 1),
        std::hash::BuildHasher::hash_one(&hasher, 1)
    );
    let map = v_alloc::StableMap::from([("a", ()), ("b", ())]);
    assert_eq!(StableSet::from(map), StableSet::from(["b", "a"]));
}

#[test]
fn operators_make_a_set_of_clones() {
    let (a, b) = (StableSet::from([1, 2, 3].map(Box::new)), StableSet::from([3, 4].map(Box::new)));
    let numbers = |set: StableSet<Box<i32>>| set.into_iter().map(|number| *number).collect::<Vec<_>>();
    assert_eq!(numbers(&a & &b), [3]);
    assert_eq!(numbers(&a | &b), [1, 2, 3, 4]);
    assert_eq!(numbers(&a ^ &b), [1, 2, 4]);
    assert_eq!(numbers(&a - &b), [1, 2]);
    assert_eq!(numbers(&b - &a), [4]);
    assert_eq!((a.len(), b.len()), (3, 2), "what they are made of stays");
}

/// Equal to another if its number is, whatever its text.
#[derive(Clone, Debug)]
struct Numbered(u8, &'static str);

impl PartialEq for Numbered {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Numbered {}

impl std::hash::Hash for Numbered {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn an_element_is_replaced_where_it_is() {
    let mut set = StableSet::from([Numbered(1, "one"), Numbered(2, "two")]);
    let at = std::ptr::from_ref(&set[0]);
    assert!(!set.insert(Numbered(1, "uno")), "one that is there stays");
    assert_eq!(set[0].1, "one");
    assert_eq!(set.replace(Numbered(1, "uno")).unwrap().1, "one");
    assert_eq!((set[0].1, std::ptr::from_ref(&set[0]), set.len()), ("uno", at, 2));
    assert!(set.replace(Numbered(3, "three")).is_none());
    assert_eq!(set.get_or_insert_with(&Numbered(3, "tre"), Clone::clone).1, "three");
    assert_eq!(set.get_or_insert_with(&Numbered(4, "four"), Clone::clone).1, "four");
    assert_eq!((set.len(), set.get_index_of(&Numbered(4, ""))), (4, Some(3)));
}
