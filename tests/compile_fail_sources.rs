//! The compiler refuses to take arenas over other memory to another thread with a parent that must stay, to share
//! any arena between threads, and to let an arena outlive the memory it lies in.
//!
//! `send` has what it accepts. `TRYBUILD=overwrite` writes the messages anew; they are those of the current stable
//! compiler.
#![allow(missing_docs, reason = "a test says by panicking what is wrong")]
// Programs of their own are compiled for the machine that the tests run on.
#![cfg(all(not(miri), feature = "allocator-api2", feature = "alloc"))]

#[test]
fn what_must_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail_sources/*.rs");
}
