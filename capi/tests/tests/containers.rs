//! The example containers of `capi/examples`, which take an allocator of `realloc`'s shape.
#![cfg(unix)]

use std::fs;
use v_alloc_c_tests::{Compilation, Linking, Program, WARNINGS, scratch};

const STRING_MAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/string_map.c");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

fn program(source: &str, name: &str, flags: &[&str]) -> Program {
    Compilation::of(source, "cc")
        .with(&WARNINGS)
        .with(&["-std=c11", "-D_DEFAULT_SOURCE", "-O2", "-I", EXAMPLES, STRING_MAP])
        .with(flags)
        .link(name, Linking::Static)
}

#[test]
fn pointers_stay_valid_across_a_million_insertions() {
    let containers = program("clients/containers.c", "containers", &[]);
    assert_eq!(containers.run(&["v_alloc"]), containers.run(&["malloc"]));
}

#[test]
fn the_sanitizers_find_nothing() {
    let sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let containers = program("clients/containers.c", "containers_sanitized", &sanitizers);
    assert_eq!(containers.run(&["v_alloc"]), containers.run(&["malloc"]));
}

#[test]
fn the_example_counts_words() {
    let text = scratch("texts").join("text.txt");
    fs::write(&text, format!("A rose is a Rose, is a rose.\n{}It's été.", "filler\n".repeat(2))).unwrap();
    let printed = program("../../examples/word_count.c", "word_count", &[]).run(&[text.to_str().unwrap()]);
    let counts: Vec<_> = printed.lines().map(str::trim).collect();
    assert_eq!(counts, ["3 a", "3 rose", "2 is", "2 filler", "1 it's", "1 été"]);
}
