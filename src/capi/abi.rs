//! Sizes, alignments and offsets of what C shares with the library, on 64 bits. `capi/tests/tests/abi.rs` compares the
//! header's with the same list.

use super::{AllocInfo, VAllocError, VAllocOptions};
use core::fmt::Write;
use core::mem::offset_of;
use std::string::String;

/// Lines for a type that has these fields.
macro_rules! layout {
    ($list:ident, $name:ident { $($field:ident),+ }) => {
        writeln!($list, "{} {} {}", stringify!($name), size_of::<$name>(), align_of::<$name>()).unwrap();
        $(
            let (offset, size) = (offset_of!($name, $field), size_of_field(|value: &$name| &raw const value.$field));
            writeln!($list, "{}.{} {offset} {size}", stringify!($name), stringify!($field)).unwrap();
        )+
    };
}

/// `field` names one; it is not called.
fn size_of_field<S, F>(_field: impl Fn(&S) -> *const F) -> usize {
    size_of::<F>()
}

#[test]
#[allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
fn sizes_and_offsets_in_rust_are_those_of_the_list() {
    let mut list = String::new();
    layout!(list, VAllocError { operation, cause, os_code, bytes });
    layout!(list, AllocInfo { base, ptr, end, reserved_size, page_size, generation, flags, error });
    layout!(list, VAllocOptions { reservation, flags, name });
    assert_eq!(list, include_str!("abi.txt"));
}
