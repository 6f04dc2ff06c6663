//! Programs as they were written for the C original compile, without a warning, and run as there.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use v_alloc_c_tests::{Compilation, Linking};

fn prints(name: &str, expected: &str) {
    for (way, linking) in [("static", Linking::Static), ("shared", Linking::Shared)] {
        let compilation = Compilation::of(&format!("original/{name}.c"), "gcc");
        let program = compilation.with(&["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2"]);
        assert_eq!(program.link(&format!("{name}_{way}"), linking).run(&[]), expected);
    }
}

#[test]
fn strings_and_numbers_in_an_arena() {
    prints("arena", "Hello, V_Alloc!\nFirst value: 33\n");
}

#[test]
fn one_block_that_grows() {
    prints("resize", "stays, 1048576 of 1048576\n");
}

#[test]
fn blocks_like_those_of_realloc() {
    prints("realloc", "Hello, v_alloc! 1\n7 1\n");
}

#[test]
fn arenas_handed_around_by_value() {
    prints("by_value", "word 999\n");
}

#[test]
fn a_realloc_of_the_program_s_own() {
    prints("own_header", "in place\n");
}
