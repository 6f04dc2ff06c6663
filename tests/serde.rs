//! Containers are read as they were written, from honest formats and from others: lengths that lie, keys that come
//! twice, more than there is room for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "serde", feature = "map"))]

mod common;

use proptest::prelude::*;
use serde::de::value::{Error as ValueError, MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use serde::ser::Serialize;
use std::collections::HashMap;
use v_alloc::{Interner, StableMap, StableSet, StableString, StableVec, Symbol};

/// Writes, and reads what was written.
fn through_json<T: Serialize + DeserializeOwned>(value: &T, json: &str) -> T {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    serde_json::from_str(json).unwrap()
}

fn refused<T: DeserializeOwned>(json: &str) -> String {
    serde_json::from_str::<T>(json).err().expect("it cannot be read").to_string()
}

#[test]
fn what_is_written_is_read() {
    let vec = StableVec::from([(1, 'a'), (2, 'b')]);
    assert_eq!(through_json(&vec, r#"[[1,"a"],[2,"b"]]"#), vec);
    let string = StableString::from("\"ß\" \\");
    assert_eq!(through_json(&string, r#""\"ß\" \\""#), string);
    let map = StableMap::from([("b".to_owned(), vec![1]), ("a".to_owned(), vec![])]);
    assert!(through_json(&map, r#"{"b":[1],"a":[]}"#).iter().eq(&map), "in the same order");
    let set: StableSet<u8> = [3, 1, 2].into_iter().collect();
    assert!(through_json(&set, "[3,1,2]").iter().eq(&set), "in the same order");

    assert!(through_json(&StableVec::<u8>::new(), "[]").is_empty());
    assert_eq!(through_json(&StableString::new(), r#""""#), "");
    assert!(through_json(&StableMap::<u8, u8>::new(), "{}").is_empty());
    assert!(through_json(&StableSet::<u8>::new(), "[]").is_empty());
    assert!(through_json(&Interner::new(), "[]").is_empty());
}

#[test]
fn symbols_mean_the_same_strings_after_reading() {
    let names: Interner = ["main", "", "print"].into_iter().collect();
    let program = [names.intern("print"), names.intern("main")];
    let names = through_json(&names, r#"["main","","print"]"#);
    let program = program.map(|symbol| through_json(&symbol, &symbol.to_u32().to_string()));
    assert_eq!(program.map(|symbol| names.resolve(symbol)), ["print", "main"]);

    let bytes = Interner::of_bytes();
    let symbols = [&[0xFF, 0][..], b"ab"].map(|string| bytes.intern(string));
    let bytes = through_json(&bytes, "[[255,0],[97,98]]");
    assert_eq!(symbols.map(|symbol| bytes.resolve(symbol)), [&[0xFF, 0][..], b"ab"]);
    let bytes: Interner<[u8]> = serde_json::from_str(r#"["ab",[97]]"#).unwrap();
    assert_eq!((&bytes[symbols[0]], &bytes[symbols[1]]), (&b"ab"[..], &b"a"[..]));
}

#[test]
fn holes_are_left_out() {
    let mut map: StableMap<u32, u32> = (0..5).map(|key| (key, key * key)).collect();
    let mut set: StableSet<u32> = (0..5).collect();
    for gone in [0, 3] {
        map.remove(&gone);
        set.remove(&gone);
    }
    let read = through_json(&map, r#"{"1":1,"2":4,"4":16}"#);
    assert_eq!((&read, read.index_end()), (&map, 3));
    assert_eq!(through_json(&set, "[1,2,4]"), set);
    for gone in [1, 2, 4] {
        map.remove(&gone);
        set.remove(&gone);
    }
    // A format may write nothing at all where it is told that there are no entries.
    assert!(through_json(&map, "{}").is_empty());
    assert!(through_json(&set, "[]").is_empty());
}

#[test]
fn of_equal_keys_the_last_counts_and_of_equal_strings_none() {
    let json = r#"{"a":1,"b":2,"a":3,"b":4,"a":5}"#;
    let map: StableMap<String, u8> = serde_json::from_str(json).unwrap();
    assert!(map.iter().eq([(&"a".to_owned(), &5), (&"b".to_owned(), &4)]));
    assert_eq!(serde_json::from_str::<HashMap<String, u8>>(json).unwrap()["a"], map["a"]);
    let set: StableSet<u8> = serde_json::from_str("[1,2,1,3,2]").unwrap();
    assert!(set.iter().eq(&[1, 2, 3]));
    let error = refused::<Interner>(r#"["a","b","a"]"#);
    assert!(error.contains(r#"the string "a" comes twice"#), "{error}");
    let error = refused::<Interner<[u8]>>("[[1],[2],[2]]");
    assert!(error.contains("the string [2] comes twice"), "{error}");
}

#[test]
fn what_is_something_else_is_refused_for_that() {
    for (error, reason) in [
        (refused::<StableVec<u8>>("[1,2,256]"), "invalid value: integer `256`, expected u8"),
        (refused::<StableVec<u8>>("{}"), "invalid type: map, expected a sequence"),
        (refused::<StableVec<u8>>("[1,2"), "EOF"),
        (refused::<StableString>("[97]"), "invalid type: sequence, expected a string"),
        (refused::<StableString>(r#""\ud800""#), "unexpected end of hex escape"),
        (refused::<StableMap<u8, u8>>("[[1,2]]"), "invalid type: sequence, expected a map"),
        (refused::<StableMap<u8, u8>>(r#"{"1":2,"x":3}"#), "expected"),
        (refused::<StableSet<u8>>("7"), "invalid type: integer `7`, expected a sequence"),
        (refused::<Interner>(r#"["a",1]"#), "invalid type: integer `1`, expected a string"),
        (refused::<Interner>("null"), "invalid type: null, expected a sequence of strings"),
        (refused::<Interner<[u8]>>("[[1,-1]]"), "invalid value: integer `-1`, expected u8"),
        (refused::<Interner<[u8]>>("[true]"), "invalid type: boolean `true`, expected bytes"),
        (refused::<Symbol>("4294967295"), "invalid value: integer `4294967295`, expected a symbol"),
        (refused::<Symbol>("4294967296"), "expected u32"),
        (refused::<Symbol>("-1"), "expected u32"),
    ] {
        assert!(error.contains(reason), "{error}, not {reason}");
    }
    assert_eq!(Symbol::from_index(u32::MAX as usize - 1), serde_json::from_str("4294967294").unwrap());
    let bytes: &[u8] = b"a\xFF";
    let text = IntoDeserializer::<ValueError>::into_deserializer(bytes);
    assert!(StableString::deserialize(text).unwrap_err().to_string().contains("expected a string"));
    let text = IntoDeserializer::<ValueError>::into_deserializer(&bytes[..1]);
    assert_eq!(StableString::deserialize(text).unwrap(), "a");
}

/// Says that there is more to come than there is memory for.
struct Boaster<I>(I);

impl<'de, I: Iterator<Item = u32>> SeqAccess<'de> for Boaster<I> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        self.0.next().map(|number| seed.deserialize(number.into_deserializer())).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::MAX)
    }
}

impl<'de, I: Iterator<Item = u32>> MapAccess<'de> for Boaster<I> {
    type Error = ValueError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ValueError> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ValueError> {
        Ok(self.next_element_seed(seed)?.expect("a value follows each key"))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::MAX)
    }
}

#[test]
fn lengths_that_lie_are_not_believed() {
    let sequence = || SeqAccessDeserializer::new(Boaster(0..3));
    let vec = StableVec::<u32>::deserialize(sequence()).unwrap();
    assert_eq!(vec, [0, 1, 2]);
    assert!(vec.capacity() * size_of::<u32>() <= 64 << 10, "{}", vec.capacity());
    assert_eq!(StableSet::<u32>::deserialize(sequence()).unwrap().len(), 3);
    let map = MapAccessDeserializer::new(Boaster(0..6));
    let map = StableMap::<u32, u32>::deserialize(map).unwrap();
    assert!(map.iter().eq([(&0, &1), (&2, &3), (&4, &5)]));
    assert!(map.capacity() * size_of::<u64>() <= 64 << 10, "{}", map.capacity());
}

#[cfg(unix)]
#[test]
fn what_there_is_no_room_for_is_an_error_of_the_format() {
    common::isolated("what_there_is_no_room_for_is_an_error_of_the_format", || {
        const ROOM: usize = 256 << 10;
        v_alloc::set_default_reservation(ROOM);
        let count = u32::try_from(ROOM).unwrap();
        let numbers: Vec<u32> = (0..count).collect();
        let list = serde_json::to_string(&numbers).unwrap();
        let map: HashMap<u32, u32> = numbers.iter().map(|&number| (number, number)).collect();
        let texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let texts = serde_json::to_string(&texts).unwrap();
        for error in [
            refused::<StableVec<u32>>(&list),
            refused::<StableSet<u32>>(&list),
            refused::<StableMap<u32, u32>>(&serde_json::to_string(&map).unwrap()),
            refused::<Interner>(&texts),
            refused::<Interner<[u8]>>(&texts),
        ] {
            assert!(error.contains("that is more than is left of the reservation"), "{error}");
        }
        // What there is room for is read; and a string comes all at once, so that room is made for it.
        let string = through_json(
            &StableString::from(&*"x".repeat(2 * ROOM)),
            &format!("\"{}\"", "x".repeat(2 * ROOM)),
        );
        assert_eq!(string.len(), 2 * ROOM);
        let vec: StableVec<u32> =
            serde_json::from_str(&serde_json::to_string(&numbers[..1000]).unwrap()).unwrap();
        assert_eq!(vec, numbers[..1000]);
    });
}

proptest! {
    #[test]
    fn any_map_is_read_as_it_was_written(
        entries in prop::collection::vec((any::<u16>(), any::<String>()), 0..200),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..50),
    ) {
        let mut map: StableMap<u16, String> = entries.iter().cloned().collect();
        for index in removed {
            if map.index_end() > 0 {
                map.remove_index(index.index(map.index_end()));
            }
        }
        let json = serde_json::to_string(&map).unwrap();
        let read: StableMap<u16, String> = serde_json::from_str(&json).unwrap();
        prop_assert!(read.iter().eq(&map));
        let also: HashMap<u16, String> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(also.len(), map.len());
    }

    #[test]
    fn no_input_makes_a_container_panic(json in r#"[\[\]{}":,0-9a\\]{0,40}"#) {
        let _ = serde_json::from_str::<StableVec<Option<u8>>>(&json);
        let _ = serde_json::from_str::<StableMap<StableString, StableVec<u8>>>(&json);
        let _ = serde_json::from_str::<StableSet<String>>(&json);
        let _ = serde_json::from_str::<Interner>(&json);
        let _ = serde_json::from_str::<Interner<[u8]>>(&json);
    }
}
