//! Blocks of `v_alloc_realloc` are made, resized, handed over and freed by many threads, and are still their owners'.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use v_alloc_c_tests::{Compilation, Linking, Program, is_there, not_run};

fn program(name: &str, flags: &[&str]) -> Program {
    Compilation::of("threads.c", "gcc").with(&["-std=gnu11", "-O2"]).with(flags).link(name, Linking::Static)
}

#[test]
fn many_threads() {
    program("threads", &["-Wall", "-Wextra", "-Wconversion", "-Werror"]).run(&[]);
}

#[test]
fn many_threads_under_the_address_sanitizer() {
    program("threads_address", &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]).run(&[]);
}

#[test]
fn many_threads_under_the_thread_sanitizer() {
    // It wants its addresses where newer kernels, placing mappings at random, may put something else.
    let runner = ["setarch", "--addr-no-randomize"];
    if !is_there(runner[0]) {
        return not_run("threads under the thread sanitizer: there is no setarch");
    }
    program("threads_thread", &["-fsanitize=thread"]).under(&runner).run(&[]);
}
