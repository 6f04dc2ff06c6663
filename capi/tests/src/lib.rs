//! What the tests of the C library share: the library, built once; compilers; programs to compile and to run.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says by panicking what is wrong")]

mod compiler;
mod library;
mod program;
mod tools;

pub use compiler::{Compilation, WARNINGS};
pub use library::{Library, Linking, library};
pub use program::Program;
pub use tools::{is_there, not_run, output_of, scratch, succeeded};
