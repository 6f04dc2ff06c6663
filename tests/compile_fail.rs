//! The compiler refuses what would be unsound, or would not mean what it seems to; and accepts the honest twin.
//!
//! The messages in `compile_fail/*.stderr` are those of the current stable compiler: they show that each program is
//! refused for its own reason, and not for a misspelt name. `TRYBUILD=overwrite` writes them anew.
#![allow(missing_docs, reason = "a test says by panicking what is wrong")]
// Programs of their own are compiled for the machine that the tests run on.
#![cfg(all(not(miri), feature = "allocator-api2"))]

/// One test for both directories: a program that must build makes trybuild build them all, and the bounds of
/// `MIN_ALIGN` are checked only then.
#[test]
fn what_must_and_what_must_not_compile() {
    let programs = trybuild::TestCases::new();
    programs.pass("tests/compile_ok/*.rs");
    programs.compile_fail("tests/compile_fail/*.rs");
}
