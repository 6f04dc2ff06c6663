//! C programs and the library mean the same bytes by the structures that they share: each side is compared with a list.
//! The list is the library's interface to programs that are compiled already; to change it is to break them.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(missing_docs, reason = "a test says by panicking what is wrong")]

use v_alloc_c_tests::{Compilation, Linking, is_there, not_run};

/// The other side, in Rust, is a unit test of `src/capi`.
#[test]
fn sizes_and_offsets_in_c_are_those_of_the_list() {
    for (compiler, language) in [("gcc", "c11"), ("g++", "c++11"), ("clang", "c11")] {
        if !is_there(compiler) {
            not_run(&format!("sizes and offsets: {compiler} is not installed"));
            continue;
        }
        let standard = format!("-std={language}");
        let mut flags = vec![standard.as_str()];
        flags.extend((compiler == "g++").then_some("-xc++"));
        let program =
            Compilation::of("abi.c", compiler).with(&flags).link(&format!("abi_{compiler}"), Linking::Static);
        assert_eq!(program.run(&[]), include_str!("../../../src/capi/abi.txt"), "by {compiler}");
    }
}
