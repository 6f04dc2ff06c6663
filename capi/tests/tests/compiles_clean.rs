//! The header, and programs that use all of it, compile without a warning in every standard of C and C++ since 2011.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use v_alloc_c_tests::{Compilation, WARNINGS, is_there, not_run};

/// Between them they use every function and macro of the header: see `every_function.rs`.
const SOURCES: [&str; 4] = ["arenas.c", "bumping.c", "blocks.c", "reports.c"];

// Under the names that old compilers know too.
const C_STANDARDS: [&str; 3] = ["-std=c11", "-std=c17", "-std=c2x"];
const CPP_STANDARDS: [&str; 5] = ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20", "-std=c++2b"];

/// What a program may define before it includes the header.
const CHOICES: [&[&str]; 2] = [&[], &["-DV_ALLOC_ALIGNMENT=64", "-DMAX_ARENA_CAPACITY=((size_t)64<<20)"]];

fn compiles(compiler: &str, language: &str, standards: &[&str]) {
    if !is_there(compiler) {
        return not_run(&format!("the header in {compiler}: it is not installed"));
    }
    for standard in standards {
        for choices in CHOICES {
            for source in SOURCES {
                let compilation = Compilation::of(source, compiler).with(&WARNINGS).with(choices);
                compilation.with(&["-x", language, standard]).check();
            }
        }
    }
}

#[test]
fn as_c_by_gcc() {
    assert!(is_there("gcc"), "gcc is needed for these tests");
    compiles("gcc", "c", &C_STANDARDS);
}

#[test]
fn as_c_by_clang() {
    compiles("clang", "c", &C_STANDARDS);
}

#[test]
fn as_cpp_by_gcc() {
    compiles("g++", "c++", &CPP_STANDARDS);
}

#[test]
fn as_cpp_by_clang() {
    compiles("clang++", "c++", &CPP_STANDARDS);
}
