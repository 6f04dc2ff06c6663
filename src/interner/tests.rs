//! The interner with the operating system failing at each call, and with hashes that are all equal.
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use super::{Interner, Symbol};
use crate::os::faults::{Call, INJECTED, alone, fail_each_call};
use crate::{process_committed_bytes, process_reserved_bytes};
use std::string::String;
use std::vec::Vec;

#[test]
fn strings_with_equal_hashes_are_told_apart() {
    let interner = Interner::of_bytes();
    let strings: Vec<Vec<u8>> = (0..600_u32).map(|number| number.to_le_bytes()[..2].to_vec()).collect();
    // SAFETY: what is looked at is in the index.
    let find =
        |tag, bytes: &[u8]| interner.find(tag, |place| unsafe { interner.strings.symbol_if(place, bytes) });
    for (number, string) in strings.iter().enumerate() {
        assert_eq!(find(7, string), None);
        assert_eq!(interner.add(7, string).map(Symbol::index), Ok(number));
    }
    for (number, string) in strings.iter().enumerate() {
        assert_eq!(find(7, string).map(Symbol::index), Some(number));
        assert_eq!(find(7, &string[..1]), None, "a beginning is another string");
        assert_eq!(find(1 << 30 | 7, string), None);
    }
}

/// Interns until all that grows has grown a few times. A failure leaves what was there, and passes.
fn intern_many() {
    let interner = Interner::with_reservation(1 << 16, 1 << 20).map_err(|error| error.os_code());
    let interner = match interner {
        Ok(interner) => interner,
        Err(code) => return assert_eq!(code, Some(INJECTED)),
    };
    let string = |number: usize| {
        let mut string = std::format!("{number} ");
        string.extend(core::iter::repeat_n('x', number % 200));
        string
    };
    let strings: Vec<String> = (0..3000).map(string).collect();
    let mut addresses = Vec::new();
    for (number, string) in strings.iter().enumerate() {
        let before = (interner.len(), interner.string_bytes());
        let symbol = interner.try_intern(string).or_else(|error| {
            assert_eq!(error.os_code(), Some(INJECTED));
            assert_eq!((interner.len(), interner.string_bytes()), before);
            assert_eq!(interner.get(string), None);
            // One call has failed; no other will.
            interner.try_intern(string)
        });
        let symbol = symbol.unwrap();
        assert_eq!(symbol.index(), number);
        addresses.push(interner.resolve(symbol).as_ptr());
    }
    assert_eq!(interner.string_bytes(), strings.iter().map(String::len).sum::<usize>());
    for (number, string) in strings.iter().enumerate() {
        let (symbol, now) = interner.try_intern_full(string).unwrap();
        assert_eq!((symbol.index(), now, now.as_ptr()), (number, &**string, addresses[number]));
    }
}

#[test]
fn whichever_system_call_fails_the_interner_stays_as_it_was() {
    alone("interner::tests::whichever_system_call_fails_the_interner_stays_as_it_was", || {
        intern_many(); // makes what all blocks share
        let account = || (process_reserved_bytes(), process_committed_bytes());
        let mut before = account();
        let failed = fail_each_call(intern_many, |call| {
            if matches!(call, Call::Release | Call::Decommit | Call::Discard) {
                before = account(); // what the system did not take back is still there, and counted
            }
            assert_eq!(account(), before, "{call:?}");
        });
        assert!(failed.contains(&Call::Reserve) && failed.contains(&Call::Commit), "{failed:?}");
    });
}
