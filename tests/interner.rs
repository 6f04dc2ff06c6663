//! An `Interner` gives equal strings one symbol and one place, which they keep: against a model, with strings from
//! everywhere, at its limits, in threads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(feature = "map")]

use proptest::prelude::*;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Mutex;
use v_alloc::{Interner, Operation, Symbol};

const fn send<T: Send>() {}
const _: () = send::<Interner>();

/// Whatever is `Sync` has this twice, and which one is meant would be unclear.
trait NotSync<Which> {
    const IS_NOT: () = ();
}
impl<T: ?Sized> NotSync<u8> for T {}
impl<T: Sync + ?Sized> NotSync<u16> for T {}
const _: () = <Interner as NotSync<_>>::IS_NOT;

/// What an interner does, in the plainest way.
#[derive(Default)]
struct Model {
    indices: HashMap<String, usize>,
    strings: Vec<String>,
}

impl Model {
    fn intern(&mut self, string: &str) -> usize {
        *self.indices.entry(string.to_owned()).or_insert_with(|| {
            self.strings.push(string.to_owned());
            self.strings.len() - 1
        })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Intern(String),
    InternFull(String),
    Get(String),
    /// A part of a string that is there.
    InternPart(prop::sample::Index, prop::sample::Index),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    // Few letters, so that strings come again.
    let string = || prop_oneof![8 => "[abß]{0,4}", 1 => "[a-z]{0,300}", 1 => any::<String>()];
    prop_oneof![
        10 => string().prop_map(Step::Intern),
        5 => string().prop_map(Step::InternFull),
        5 => string().prop_map(Step::Get),
        3 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(of, end)| Step::InternPart(of, end)),
    ]
}

/// Runs the steps until all are done or one is to clear; returns those left.
fn run<'a>(interner: &Interner, steps: &'a [Step]) -> &'a [Step] {
    let mut model = Model::default();
    // What was handed out, by index.
    let mut handed_out: Vec<&str> = Vec::new();
    for (done, step) in steps.iter().enumerate() {
        let mut check = |string: &str, symbol: Symbol| {
            assert_eq!(symbol.index(), model.intern(string));
            let resolved = interner.resolve(symbol);
            if symbol.index() == handed_out.len() {
                handed_out.push(resolved);
            }
            let before = handed_out[symbol.index()];
            assert_eq!((resolved, resolved.as_ptr()), (string, before.as_ptr()), "it stays where it was");
        };
        match step {
            Step::Intern(string) => check(string, interner.intern(string)),
            Step::InternFull(string) => {
                let (symbol, now) = interner.intern_full(string);
                check(string, symbol);
                assert!(std::ptr::eq(now, &raw const interner[symbol]));
            }
            Step::Get(string) => {
                let index = interner.get(string).map(Symbol::index);
                assert_eq!(index, model.indices.get(string).copied());
            }
            Step::InternPart(..) if interner.is_empty() => {}
            Step::InternPart(of, end) => {
                let whole = interner.iter().nth(of.index(interner.len())).unwrap().1;
                let mut end = end.index(whole.len() + 1);
                while !whole.is_char_boundary(end) {
                    end -= 1;
                }
                check(&whole[..end], interner.intern(&whole[..end]));
            }
            Step::Clear => return &steps[done + 1..],
        }
        assert_eq!(interner.len(), model.strings.len());
        assert_eq!(interner.string_bytes(), model.strings.iter().map(String::len).sum::<usize>());
    }
    assert_eq!(handed_out, model.strings, "all that was handed out is what it was");
    assert!(interner.iter().map(|(_, string)| string).eq(&model.strings));
    assert!(interner.iter().map(|(symbol, _)| symbol.index()).eq(0..model.strings.len()));
    &[]
}

proptest! {
    #[test]
    fn an_interner_is_a_map_to_numbers_and_back(
        mut parts in prop::collection::vec(prop::collection::vec(step(), 0..120), 1..4),
    ) {
        for part in &mut parts {
            part.push(Step::Clear);
        }
        let steps = parts.concat();
        let (mut interner, mut left) = (Interner::new(), &steps[..]);
        while !left.is_empty() {
            left = run(&interner, left);
            interner.clear();
            prop_assert_eq!((interner.len(), interner.string_bytes(), interner.iter().count()), (0, 0, 0));
        }
    }
}

#[test]
fn many_strings_stay_where_they_are() {
    let name = |number: u32| format!("{:x} {number}", number.wrapping_mul(0x9E37_79B9) >> (number % 32));
    let count = 300_000;
    // On 32 bits what other tests hold at the same time may leave less by default.
    let interner = Interner::with_reservation(count as usize, 8 << 20).unwrap();
    let first: Vec<&str> = (0..count).map(|number| interner.intern_full(&name(number)).1).collect();
    assert_eq!(interner.len(), first.len());
    // A symbol, a length, a hash and a place, and padding.
    let used = interner.string_bytes() + 16 * interner.len();
    let padding = 3 * interner.len();
    assert!(
        (used..used + padding + (8 << 20)).contains(&interner.committed_bytes()),
        "{}",
        interner.committed_bytes()
    );
    for (number, &string) in (0..).zip(&first) {
        let symbol = interner.get(&name(number)).unwrap();
        assert_eq!(symbol.to_u32(), number);
        assert!(string == name(number) && std::ptr::eq(string, interner.resolve(symbol)));
        assert_eq!(interner.get(&format!("{string}!")), None);
    }
}

#[test]
fn bytes_need_not_be_text_and_the_empty_string_is_one() {
    let interner = Interner::of_bytes();
    let strings: [&[u8]; 6] = [&[], &[0], &[0, 0], &[0xFF], &[0xFF, 0], b"text"];
    let symbols = strings.map(|string| interner.intern(string));
    assert_eq!(symbols.map(Symbol::index), [0, 1, 2, 3, 4, 5]);
    assert_eq!(symbols.map(|symbol| interner.resolve(symbol)), strings);
    assert_eq!(strings.map(|string| interner.intern(string)), symbols);
    assert_eq!(interner.get(&[0, 0, 0]), None);
    assert_eq!(format!("{interner:?}")[..32], "{Symbol(0): [], Symbol(1): [0], "[..32]);
}

#[test]
fn what_is_there_is_found_when_there_is_no_room_for_more() {
    let page = v_alloc::os::page_size().unwrap();
    // First the bytes run out, then the places by hash: 64 bytes for eight of them, and four more.
    for (symbols, bytes) in [(page / 4, 1), (1, 1 << 30)] {
        let interner = Interner::with_reservation(symbols, bytes).unwrap();
        let name = |number: usize| format!("{number:07}");
        let mut kept: Vec<&str> = Vec::new();
        let error = loop {
            match interner.try_intern_full(&name(kept.len())) {
                Ok((_, string)) => kept.push(string),
                Err(error) => break error,
            }
        };
        assert_eq!((error.operation(), error.os_code()), (Operation::Commit, None));
        assert!(error.to_string().contains("more than is left of the reservation"), "{error}");
        // Seven bytes take 20: a symbol, a length and a hash come before them, and they take whole words. Of each symbol it is kept where its string is.
        let room = (symbols * 15 + bytes).next_multiple_of(page);
        assert_eq!(kept.len(), if bytes == 1 { room / 20 } else { page / 8 + 4 });
        let exact = |kept: &[&str]| {
            assert_eq!((interner.len(), interner.string_bytes()), (kept.len(), kept.concat().len()));
            assert_eq!(interner.get(&name(kept.len())), None);
            for (number, string) in kept.iter().enumerate() {
                assert_eq!(interner.try_intern(string).unwrap().index(), number);
                assert!(**string == name(number) && std::ptr::eq(*string, interner.intern_full(string).1));
            }
        };
        exact(&kept);
        // Again and again the same error, and the same strings.
        for _ in 0..3 {
            assert_eq!(interner.try_intern(&name(kept.len())), Err(error));
        }
        exact(&kept);
        // A byte takes 16.
        let is_left = bytes == 1 && room % 20 >= 16;
        assert_eq!(interner.try_intern("!").is_ok(), is_left);
    }
}

#[test]
fn the_short_form_says_what_is_missing() {
    let interner = Interner::with_reservation(10, 1).unwrap();
    let long = "x".repeat(interner_room(&interner) + 1);
    let panic = catch_unwind(std::panic::AssertUnwindSafe(|| interner.intern(&long))).unwrap_err();
    let expected = format!(
        "Interner: cannot commit {} bytes of memory: that is more than is left of the reservation",
        long.len().next_multiple_of(4) + 12
    );
    assert_eq!(panic.downcast_ref::<String>(), Some(&expected));
    assert_eq!(interner.intern(&long[1..]).index(), 0, "and all is as before");
}

/// For one string, of the whole pages of a reservation of few bytes: it is behind twelve bytes of its own.
fn interner_room(interner: &Interner) -> usize {
    assert!(interner.is_empty());
    v_alloc::os::page_size().unwrap() - 12
}

#[test]
fn a_symbol_that_is_not_there_is_refused() {
    let (one, two) = (Interner::new(), Interner::new());
    let symbol = one.intern("a");
    assert_eq!(two.try_resolve(symbol), None);
    let panic = catch_unwind(std::panic::AssertUnwindSafe(|| two.resolve(symbol).len())).unwrap_err();
    let expected = "Interner: no string has Symbol(0) here";
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(expected));
    two.intern("b");
    assert_eq!(two[symbol], *"b", "symbols do not know their interner");
}

#[test]
fn a_symbol_is_a_small_number() {
    assert_eq!((size_of::<Symbol>(), size_of::<Option<Symbol>>()), (4, 4));
    for index in [0, 1, 0xFFFF, u32::MAX as usize - 1] {
        let symbol = Symbol::from_index(index).unwrap();
        assert_eq!((symbol.index(), symbol.to_u32() as usize), (index, index));
        assert_eq!(format!("{symbol:?}"), format!("Symbol({index})"));
    }
    assert_eq!(Symbol::from_index(u32::MAX as usize), None);
    assert_eq!(Symbol::from_index(usize::MAX), None);
    assert!(Symbol::from_index(1) < Symbol::from_index(2));
}

#[test]
fn iteration_sees_the_strings_that_were_there() {
    let mut interner: Interner = ["b", "a", "b", "c"].into_iter().collect();
    let mut seen = Vec::new();
    for (symbol, string) in &interner {
        interner.intern(&format!("{string}{string}"));
        seen.push((symbol.index(), string));
    }
    assert_eq!(seen, [(0, "b"), (1, "a"), (2, "c")]);
    let mut iter = interner.iter();
    assert_eq!((iter.len(), iter.clone().rev().count()), (6, 6));
    assert_eq!(iter.next_back().map(|(symbol, string)| (symbol.index(), string)), Some((5, "cc")));
    interner.extend([String::from("d"), String::from("a")]);
    assert_eq!(interner.len(), 7);
    assert_eq!(
        format!("{interner:?}"),
        r#"{Symbol(0): "b", Symbol(1): "a", Symbol(2): "c", Symbol(3): "bb", Symbol(4): "aa", Symbol(5): "cc", Symbol(6): "d"}"#
    );
}

#[test]
fn a_clone_has_the_same_symbols_and_goes_its_own_way() {
    let names: Interner = ["b", "", "a", "b"].into_iter().collect();
    let clone = names.clone();
    assert_eq!(clone, names);
    assert_ne!(clone, ["", "b", "a"].into_iter().collect(), "the same strings with other symbols");
    assert_ne!(clone, ["b", ""].into_iter().collect());
    assert_ne!(
        clone[Symbol::from_index(0).unwrap()].as_ptr(),
        names[Symbol::from_index(0).unwrap()].as_ptr()
    );
    assert_eq!((clone.intern("c"), names.intern("d")), (names.get("d").unwrap(), clone.get("c").unwrap()));
    assert_eq!((clone.get("d"), names.get("c")), (None, None));
    drop(names);
    assert!(clone.iter().map(|(_, name)| name).eq(["b", "", "a", "c"]));
}

/// Of any size, so also of one whose index grows, and of one that was cleared.
#[test]
fn clones_of_all_sizes_find_what_the_interner_finds() {
    let name = |number: usize| format!("{number} ").repeat(1 + number % 9);
    let mut names = Interner::new();
    for round in 0..2 {
        for size in 0..2500 {
            if size % 97 == 0 {
                let clone = names.clone();
                assert_eq!(clone, names);
                assert_eq!(clone.string_bytes(), names.string_bytes());
                for number in 0..size + 5 {
                    assert_eq!(clone.get(&name(number + round)), names.get(&name(number + round)));
                }
                let (added, all) = (clone.intern("another"), clone.iter().map(|(_, name)| name.len()).sum());
                assert_eq!((added.index(), clone.string_bytes()), (size, all));
            }
            names.intern(&name(size + round));
        }
        names.clear();
        assert!(names.clone().is_empty());
    }
}

#[test]
fn an_interner_moves_between_threads_and_its_strings_do_not() {
    static NAMES: Mutex<Interner> = Mutex::new(Interner::new());
    let first = NAMES.lock().unwrap().intern_full("first").1.as_ptr().addr();
    std::thread::spawn(|| NAMES.lock().unwrap().intern("second")).join().unwrap();
    let names = NAMES.lock().unwrap();
    assert_eq!((names.len(), names.intern_full("first").1.as_ptr().addr()), (2, first));

    let owned: Interner = names.iter().map(|(_, string)| string).collect();
    let before = owned.intern_full("second").1.as_ptr().addr();
    let (symbol, after) = std::thread::spawn(move || {
        let (symbol, string) = owned.intern_full("second");
        (symbol, string.as_ptr().addr())
    })
    .join()
    .unwrap();
    assert_eq!((symbol.index(), after), (1, before));
}
