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
