//! Text in a `StableString` stays where it is while it grows, and is always text.
#![cfg(all(feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::panics::panic_of;
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use v_alloc::{StableString, StableVec};

#[test]
fn text_stays_where_it_was_pushed() {
    let text = StableString::new();
    let mut pieces = Vec::new();
    for number in 0..if cfg!(miri) { 200 } else { 20_000 } {
        pieces.push(text.push_str(if number % 2 == 0 { "zwölf ☃ " } else { "🦀" }));
    }
    let mut place = text.as_ptr();
    for (number, piece) in pieces.iter().enumerate() {
        assert_eq!(*piece, if number % 2 == 0 { "zwölf ☃ " } else { "🦀" });
        assert_eq!(piece.as_ptr(), place);
        place = place.wrapping_add(piece.len());
    }
    assert_eq!(*text, pieces.concat());
    let itself = text.push_str(&text);
    assert_eq!(itself, &text[..text.len() / 2]);
    assert_eq!(text.push_str(""), "");
}

#[test]
fn a_string_is_written_to_and_cut_between_characters() {
    let mut text = StableString::new();
    assert_eq!(text.push_str(""), "");
    assert_eq!(text.pop(), None);
    write!(&text, "{}-{:?}", 12, "ä").unwrap();
    write!(text, " {:>4}", 'ß').unwrap();
    assert_eq!(text, "12-\"ä\"    ß");
    text.push('€');
    assert_eq!((text.pop(), text.pop(), text.pop()), (Some('€'), Some('ß'), Some(' ')));
    text.truncate(100);
    assert_eq!(text, "12-\"ä\"   ");
    assert_eq!(panic_of(|| text.truncate(5)).as_deref(), Some("5 lies within a character"));
    assert_eq!(text, "12-\"ä\"   ");
    text.truncate(6);
    assert_eq!(text.pop(), Some('ä'));
    text.truncate(text.len());
    text.as_mut_str().make_ascii_uppercase();
    text.extend(["ü", "", "x"]);
    assert_eq!(text.to_string(), "12-\"üx");
    assert_eq!(format!("{text:?} {text:>8}"), "\"12-\\\"üx\"   12-\"üx");
    assert_eq!(text.clone(), text);
    assert_eq!(["a", "b"].into_iter().collect::<StableString>(), StableString::from("ab"));
    text.clear();
    assert!(text.is_empty() && text.into_bytes().capacity() > 0);
}

#[test]
fn a_string_that_is_full_takes_no_part_of_a_text() {
    let page = common::page();
    let bytes = StableVec::from([1, 2, 255]);
    assert_eq!(StableString::in_vec(bytes), "");
    let mut text = StableString::in_vec(StableVec::<u8>::options().reservation(page).build());
    text.push_str(&"x".repeat(page - 1));
    let error = text.try_push_str("ä").unwrap_err();
    assert_eq!(error.bytes(), page + 1);
    assert!(write!(text, "ä").is_err());
    assert_eq!(panic_of(|| text.push('ä')), Some(format!("StableVec: {error}")));
    assert_eq!(text.len(), page - 1);
    assert_eq!(text.push_str("y"), "y");
    assert_eq!(text.try_push_str(""), Ok(""));
    assert!(text.clone().try_push_str("z").is_err(), "a clone has the same limit");
    assert_eq!(text.pop(), Some('y'));
    text.push('z');
    assert!(text.ends_with("xz"));
}

#[derive(Clone, Debug)]
enum Op {
    Push(char),
    PushStr(String),
    Pop,
    Insert(usize, char),
    InsertStr(usize, String),
    Remove(usize),
    Truncate(usize),
    SplitOff(usize),
    ReplaceRange(usize, usize, String),
    Drain(usize, usize),
    ExtendFromWithin(usize, usize),
    Retain(Vec<bool>),
    Extend(Vec<char>),
    Clear,
    Shrink,
}

/// Characters of one to four bytes.
const CHARACTER: &str = "[aä€🦀]";
const TEXT: &str = "[aä€🦀]{0,6}";

fn op() -> impl Strategy<Value = Op> {
    let character = || CHARACTER.prop_map(|text| text.chars().next().unwrap());
    let at = || 0..24_usize;
    prop_oneof![
        3 => character().prop_map(Op::Push),
        3 => TEXT.prop_map(Op::PushStr),
        1 => Just(Op::Pop),
        2 => (at(), character()).prop_map(|(at, character)| Op::Insert(at, character)),
        2 => (at(), TEXT).prop_map(|(at, text)| Op::InsertStr(at, text)),
        2 => at().prop_map(Op::Remove),
        1 => at().prop_map(Op::Truncate),
        1 => at().prop_map(Op::SplitOff),
        3 => (at(), 0..9_usize, TEXT).prop_map(|(at, len, text)| Op::ReplaceRange(at, at + len, text)),
        2 => (at(), 0..9_usize).prop_map(|(at, len)| Op::Drain(at, at + len)),
        2 => (at(), 0..9_usize).prop_map(|(at, len)| Op::ExtendFromWithin(at, at + len)),
        1 => prop::collection::vec(any::<bool>(), 1..9).prop_map(Op::Retain),
        2 => prop::collection::vec(character(), 0..5).prop_map(Op::Extend),
        1 => Just(Op::Clear),
        1 => Just(Op::Shrink),
    ]
}

/// Does the same to a `String` or a `StableString`; says what it returned.
macro_rules! run {
    ($op:expr, $text:expr) => {
        match $op.clone() {
            Op::Push(character) => $text.push(character),
            Op::PushStr(more) => drop($text.push_str(&more)),
            Op::Pop => return format!("{:?}", $text.pop()),
            Op::Insert(at, character) => $text.insert(at, character),
            Op::InsertStr(at, more) => $text.insert_str(at, &more),
            Op::Remove(at) => return $text.remove(at).to_string(),
            Op::Truncate(len) => $text.truncate(len),
            Op::SplitOff(at) => return $text.split_off(at).to_string(),
            Op::ReplaceRange(from, to, with) => $text.replace_range(from..to, &with),
            Op::Drain(from, to) => {
                let mut drain = $text.drain(from..to);
                return format!("{:?}", (drain.next(), drain.next_back(), drain.size_hint()));
            }
            Op::ExtendFromWithin(..) => unreachable!("a `String` has it since Rust 1.87 only"),
            Op::Retain(keep) => {
                let mut keep = keep.into_iter().cycle();
                $text.retain(|_| keep.next().unwrap());
            }
            Op::Extend(characters) => $text.extend(characters),
            Op::Clear => $text.clear(),
            Op::Shrink => $text.shrink_to_fit(),
        }
    };
}

fn run(op: &Op, text: &mut StableString) -> String {
    if let &Op::ExtendFromWithin(from, to) = op {
        text.extend_from_within(from..to);
        return String::new();
    }
    #[allow(dropping_references, reason = "a `String` returns nothing")]
    {
        run!(op, text);
    }
    String::new()
}

fn run_model(op: &Op, text: &mut String) -> String {
    if let &Op::ExtendFromWithin(from, to) = op {
        let part = text[from..to].to_owned();
        text.push_str(&part);
        return String::new();
    }
    #[allow(clippy::drop_non_drop, reason = "a `StableString` returns something")]
    {
        run!(op, text);
    }
    String::new()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 6 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_sequence_of_operations_leaves_what_it_leaves_in_a_string(ops in prop::collection::vec(op(), 1..60)) {
        let (mut text, mut model) = (StableString::new(), String::new());
        for op in ops {
            let (mut of_text, mut of_model) = (None, None);
            let refused = panic_of(|| of_text = Some(run(&op, &mut text)));
            let refused_by_model = panic_of(|| of_model = Some(run_model(&op, &mut model)));
            prop_assert_eq!(refused.is_some(), refused_by_model.is_some(), "{:?}: {:?}", op, refused);
            prop_assert_eq!(of_text, of_model, "{:?}", op);
            // From its bytes, which must be text.
            prop_assert_eq!(std::str::from_utf8(text.as_bytes()).unwrap(), &model, "{:?}", op);
        }
    }
}

#[test]
fn a_panic_in_retain_loses_no_character() {
    let all = "aäb€c🦀d";
    for stop in 0..=all.chars().count() {
        let (mut text, mut asked) = (StableString::from(all), 0);
        let panic = panic_of(|| {
            text.retain(|character| {
                asked += 1;
                assert!(asked <= stop, "asked for {character}");
                character.is_ascii()
            });
        });
        assert_eq!(panic.is_none(), stop == all.chars().count());
        let (looked_at, rest) = (all.chars().take(stop), all.chars().skip(stop));
        assert_eq!(text, looked_at.filter(char::is_ascii).chain(rest).collect::<String>());
    }
}

#[test]
#[allow(clippy::mutable_key_type, reason = "nobody pushes to a key here")]
#[allow(clippy::cmp_owned, reason = "it is what is asked")]
fn a_string_is_to_the_standard_library_what_a_string_is() {
    let text = StableString::from("größe");
    // Either way round.
    assert_eq!(text, "größe");
    assert_eq!("größe", text);
    assert_eq!(text, *"größe");
    assert_eq!(*"größe", text);
    assert_eq!(text, String::from("größe"));
    assert_eq!(String::from("größe"), text);
    assert_ne!(text, "groß");
    assert_ne!("groß", text);
    assert_eq!(StableString::from(String::from("größe")), text);
    assert_eq!(StableString::from(Cow::from("größe")), text);
    assert_eq!("größe".parse(), Ok(text.clone()));
    assert_eq!(StableString::from('ö'), "ö");
    assert_eq!(["gr", "öße"].map(Cow::from).into_iter().collect::<StableString>(), text);
    let mut sum = StableString::from("gr");
    let start = sum.as_ptr();
    sum += "öß";
    let sum = sum + "e";
    assert_eq!((&sum, sum.as_ptr()), (&text, start));
    assert_eq!("größe".chars().collect::<StableString>(), text);
    assert_eq!("größe".chars().collect::<Vec<_>>().iter().collect::<StableString>(), text);
    assert_eq!(["gr", "öße"].map(String::from).into_iter().collect::<StableString>(), text);
    assert_eq!(AsRef::<[u8]>::as_ref(&text), AsRef::<str>::as_ref(&text).as_bytes());
    let sizes = HashMap::from([(text.clone(), 5)]);
    assert_eq!((sizes.get("größe"), sizes.get("groß")), (Some(&5), None));
    let mut text = text;
    text[..2].make_ascii_uppercase();
    assert_eq!(text, "GRöße");
    assert!(text < StableString::from("H"));
    assert_eq!(StableString::from_utf8(text.clone().into_bytes()), Ok(text.clone()));
    let mut bytes = text.into_bytes();
    bytes.truncate(3);
    let error = StableString::from_utf8(bytes).unwrap_err();
    assert_eq!((error.error.valid_up_to(), &error.bytes[..]), (2, &b"GR\xC3"[..]));
    assert_eq!(error.to_string(), error.error.to_string());
    assert_eq!(format!("{error:?}"), format!("FromUtf8Error({:?})", error.error));
}

#[test]
fn text_that_does_not_fit_in_the_middle_changes_nothing() {
    let page = common::page();
    let mut text = StableString::in_vec(StableVec::<u8>::options().reservation(page).build());
    text.push_str(&"ä".repeat(page / 2 - 1));
    let full = text.to_string();
    assert!(panic_of(|| text.insert_str(4, "abc")).unwrap().starts_with("StableVec: cannot commit "));
    assert!(panic_of(|| text.replace_range(2..4, "abcde")).is_some());
    assert!(text.try_reserve(3).is_err() && text.try_push('€').is_err());
    assert_eq!(*text, *full);
    text.replace_range(2..4, "abcd");
    assert_eq!((text.len(), text.capacity(), text.reserved(), &text[..8]), (page, page, page, "äabcdä"));
    assert_eq!(text.remove(2), 'a');
    assert_eq!((text.try_push('x'), text.pop()), (Ok(()), Some('x')));
    let rest = text.split_off(2);
    assert_eq!((&*text, &rest[..5], rest.reserved()), ("ä", "bcdä", page));
    text.reserve(page - 2);
    assert!(panic_of(|| text.reserve(page)).is_some());
    assert!(StableString::with_capacity(100).capacity() >= 100);
}

#[test]
fn characters_that_are_drained_leave_together_when_the_iterator_ends() {
    let mut text = StableString::from("grüße an alle");
    let start = text.as_ptr();
    let mut drain = text.drain(2..7);
    assert_eq!((drain.size_hint().1, drain.next(), drain.next_back()), (Some(5), Some('ü'), Some('e')));
    assert_eq!((drain.next(), drain.next(), drain.next_back()), (Some('ß'), None, None));
    drop(drain);
    assert_eq!((&*text, text.as_ptr()), ("gr an alle", start));
    drop(text.drain(..3));
    assert_eq!((text.drain(0..0).count(), &*text), (0, "an alle"));
    assert!(text.drain(3..=6).rev().eq("ella".chars()));
    std::mem::forget(text.drain(..2));
    assert_eq!(text, "an ", "forgotten, it removes nothing");
    text.push('ü');
    for range in [(2, 4), (4, 5), (0, 6), (3, 2)] {
        assert!(panic_of(|| text.drain(range.0..range.1).count()).is_some(), "{range:?}");
    }
    assert!(panic_of(|| text.drain(..=usize::MAX).count()).is_some());
    assert_eq!(text, "an ü");
}
