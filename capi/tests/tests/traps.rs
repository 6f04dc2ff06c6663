//! The C library for testing: stale pointers fault where they are used, what is refused is told with the name and the
//! generation of the arena, and everything else is as ever.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what is wrong")]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use v_alloc_c_tests::{WARNINGS, library, output_of, scratch};

const SIGSEGV: i32 = 11;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The prefix, into which the library for testing is installed once.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = scratch("prefix");
        let target = library().directory.parent().unwrap();
        let mut install = Command::new("sh");
        install.arg(package().join("../install.sh")).arg("--debug").arg(&prefix);
        install.env("CARGO", env!("CARGO")).env("CARGO_TARGET_DIR", target);
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "DESTDIR"] {
            install.env_remove(variable);
        }
        output_of(&mut install);
        prefix
    })
}

/// Compiles a program as those who use pkg-config do, with the flags that are needed here, too.
fn compiled(source: &str, flags: &[&str]) -> PathBuf {
    let config = std::fs::read_to_string(prefix().join("lib/pkgconfig/v_alloc.pc")).unwrap();
    assert!(config.contains("-DV_ALLOC_CHECKED="), "{config}");
    let program = scratch("programs").join(source.strip_suffix(".c").unwrap());
    let mut gcc = Command::new("gcc");
    gcc.arg("-o").arg(&program).arg(package().join("c").join(source)).args(flags);
    gcc.arg("-DV_ALLOC_CHECKED=").arg("-I").arg(prefix().join("include"));
    output_of(gcc.arg(prefix().join("lib/libv_alloc.a")));
    program
}

fn run(mistake: &str) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compiled("traps.c", &[&["-std=c11"][..], &WARNINGS].concat()));
    Command::new(program).arg(mistake).output().unwrap()
}

#[track_caller]
fn faults(mistake: &str) {
    let output = run(mistake);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGSEGV), "{}\n{said}", output.status);
    let after = |words: &str| said.split_once(words).and_then(|(_, rest)| rest.split_whitespace().next());
    assert!(after("fault at ").is_some(), "{said}");
    assert_eq!(after("fault at "), after("about to use "), "{said}");
}

/// What the library says, with the generation that the program has printed before in place of `{}`.
#[track_caller]
fn says(mistake: &str, expected: &str) {
    let output = run(mistake);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{said}", output.status);
    let (generation, text) = said.split_once('\n').unwrap();
    assert_eq!(text.trim(), expected.replace("{}", generation));
}

#[test]
fn a_stale_pointer_faults_after_reset() {
    faults("after_reset");
}

#[test]
fn a_stale_pointer_faults_after_free() {
    faults("after_free");
}

#[test]
fn a_stale_pointer_faults_after_rewind() {
    faults("after_rewind");
}

#[test]
fn a_stale_pointer_faults_after_its_block_was_freed() {
    faults("after_realloc_to_nothing");
}

#[test]
fn a_stale_pointer_faults_after_its_block_was_shrunk() {
    faults("after_shrinking");
}

#[test]
fn a_stale_copy_is_told_with_its_name_and_generation() {
    let text = "cannot commit 16 bytes of memory: no live block starts there (tokens, generation {})";
    says("a_stale_copy", text);
}

#[test]
fn a_second_free_is_told_with_name_and_generation() {
    let text = "cannot free a block of 1073741824 bytes: no live block starts there (tokens, generation {})";
    says("a_second_free", text);
    let text = "cannot free a block of 0 bytes: no live block starts there (words, generation {})";
    says("a_second_free_of_a_block", text);
}

#[test]
fn a_pointer_into_an_arena_is_told_with_its_name_and_generation() {
    let text = "cannot resize a block to 200 bytes: no live block starts there (tokens, generation {})";
    says("a_pointer_into_an_arena", text);
    says("a_pointer_from_elsewhere", "cannot resize a block to 200 bytes: no live block starts there");
}

#[test]
fn programs_without_mistakes_run_as_ever() {
    // Not arenas.c, which also checks that a reset arena starts where it did.
    for source in ["bumping.c", "blocks.c", "reports.c", "stale_copies.c"] {
        output_of(&mut Command::new(compiled(source, &["-std=c11", "-pthread"])));
    }
}
