//! What must not compile with temporary arenas of a thread, and why: as in `compile_fail`, but with the feature. Apart
//! from `scratch`, which runs where no compiler does.
#![allow(missing_docs, reason = "a test says by panicking what is wrong")]
#![cfg(all(not(miri), feature = "std"))]

#[test]
fn what_must_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail_scratch/*.rs");
}
