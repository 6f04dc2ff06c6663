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
