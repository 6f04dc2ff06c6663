//! Each statement of `v_alloc.h` holds, for programs in C and in C++, linked either way, and no tool that looks for
//! misused memory finds any.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::collections::BTreeSet;
use std::path::Path;
use v_alloc_c_tests::{Compilation, Linking, is_there, not_run};

const PROGRAMS: [&str; 4] = ["arenas", "bumping", "blocks", "reports"];

/// Compiles each program in one way and runs it; what any of them says is wrong, is shown.
fn all_run(way: &str, compiler: &str, flags: &[&str], linking: Linking, runner: &[&str]) {
    if let Some(missing) = runner.first().into_iter().chain([&compiler]).find(|tool| !is_there(tool)) {
        return not_run(&format!("the functions, {way}: {missing} is not installed"));
    }
    let failures = PROGRAMS.iter().filter_map(|name| {
        let compilation = Compilation::of(&format!("{name}.c"), compiler).with(flags);
        compilation.link(&format!("{name}_{way}"), linking).under(runner).outcome(&[]).err()
    });
    let failures: String = failures.collect();
    assert!(failures.is_empty(), "{failures}");
}

/// The words of a text that are names of the library.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        lower.starts_with("v_alloc_") || lower == "allocinfo" || lower.starts_with("valloc")
    };
    words.filter(ours).collect()
}

#[test]
fn the_programs_use_all_of_the_header() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = std::fs::read_to_string(package.join("../include/v_alloc.h")).unwrap();
    let sources = PROGRAMS.map(|name| std::fs::read_to_string(package.join(format!("c/{name}.c"))).unwrap());
    let used: BTreeSet<&str> = sources.iter().flat_map(|source| names(source)).collect();
    // What the header keeps to itself, and causes that these programs cannot bring about: limits and threads can.
    let apart = [
        "V_ALLOC_H",
        "V_ALLOC_UNLIKELY",
        "V_ALLOC_ALIGNOF",
        "V_ALLOC_ALWAYS_ASK",
        "V_ALLOC_ASSERT",
        "V_ALLOC_CHECKED",
        "V_ALLOC_ASSUME",
        "VAllocOperation",
        "VAllocCause",
        "V_ALLOC_BEYOND_BUDGET",
        "V_ALLOC_BUSY",
    ];
    let unused: Vec<&str> =
        names(&header).into_iter().filter(|name| !used.contains(name) && !apart.contains(name)).collect();
    assert!(unused.is_empty(), "not used by any program: {unused:?}");
}

#[test]
fn without_the_header() {
    let compilation = Compilation::of("without_header.c", "gcc").with(&["-std=c11", "-Wall", "-Werror"]);
    compilation.link("without_header", Linking::Shared).run(&[]);
}

#[test]
fn linked_statically() {
    all_run("static", "gcc", &["-std=c11", "-O2"], Linking::Static, &[]);
}

#[test]
fn linked_to_the_shared_library() {
    all_run("shared", "gcc", &["-std=c17"], Linking::Shared, &[]);
}

#[test]
fn by_clang() {
    all_run("clang", "clang", &["-std=c11", "-O2"], Linking::Static, &[]);
}

#[test]
fn in_cpp() {
    all_run("cpp", "g++", &["-x", "c++", "-std=c++11", "-O2"], Linking::Static, &[]);
}

#[test]
fn with_choices_of_the_program() {
    let flags = ["-std=c11", "-DV_ALLOC_ALIGNMENT=64", "-DMAX_ARENA_CAPACITY=((size_t)64<<20)"];
    all_run("choices", "gcc", &flags, Linking::Static, &[]);
    all_run("unaligned", "gcc", &["-std=c11", "-DV_ALLOC_ALIGNMENT=1"], Linking::Static, &[]);
    all_run("checked", "gcc", &["-std=c11", "-DV_ALLOC_CHECKED"], Linking::Static, &[]);
}

#[test]
fn a_checked_build_refuses_stale_copies_at_once() {
    Compilation::of("stale_copies.c", "gcc")
        .with(&["-std=c11"])
        .link("stale_copies", Linking::Static)
        .run(&[]);
}

#[test]
fn under_the_sanitizers() {
    let flags = ["-std=c11", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    all_run("sanitizers", "gcc", &flags, Linking::Static, &[]);
}

#[test]
fn under_valgrind() {
    let runner = ["valgrind", "--quiet", "--error-exitcode=99"];
    all_run("valgrind", "gcc", &["-std=c11", "-O1"], Linking::Shared, &runner);
}
