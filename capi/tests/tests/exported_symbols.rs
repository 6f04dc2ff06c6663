//! What the library shows to programs, what it needs from them, and how large it is.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what is wrong")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use v_alloc_c_tests::{Program, library, output_of, scratch};

/// The last word of each line that `nm` prints about the shared library's dynamic symbols, without versions.
fn dynamic_symbols(which: &str) -> BTreeSet<String> {
    let output = output_of(Command::new("nm").args(["--dynamic", which]).arg(library().shared()));
    let names = output.lines().filter_map(|line| line.split_whitespace().last());
    names.map(|name| name.split('@').next().unwrap_or(name).to_owned()).collect()
}

/// The functions of the header, in `.0` those that it leaves to the library, in `.1` those that it defines itself.
fn functions_of_the_header() -> (BTreeSet<String>, BTreeSet<String>) {
    let header = std::fs::read_to_string(library().include().join("v_alloc.h")).unwrap();
    let first_lines =
        header.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    let functions = first_lines
        .filter(|line| !line.starts_with("typedef") && !line.starts_with("V_ALLOC_"))
        .filter_map(|line| {
            let (before_the_arguments, _) = line.split_once('(')?;
            let name = before_the_arguments.rsplit([' ', '*']).next()?;
            Some((line.starts_with("static"), name.to_owned()))
        });
    let (inline, left): (Vec<_>, Vec<_>) = functions.partition(|(is_inline, _)| *is_inline);
    let names = |functions: Vec<(bool, String)>| functions.into_iter().map(|(_, name)| name).collect();
    (names(left), names(inline))
}

#[test]
fn only_functions_of_the_header_are_exported() {
    let exported = dynamic_symbols("--defined-only");
    let (left_to_the_library, inline) = functions_of_the_header();
    assert!(exported.is_superset(&left_to_the_library), "{exported:?}");
    // Some inline ones too, for those who cannot include the header.
    let others: Vec<_> = exported
        .iter()
        .filter(|&name| !left_to_the_library.contains(name) && !inline.contains(name))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(exported.iter().all(|name| name.starts_with("v_alloc_")), "{exported:?}");
}

#[test]
fn nothing_that_allocates_prints_aborts_or_locks_is_called() {
    let allowed = [
        "__cxa_finalize", // what the linker puts into each shared library
        "__errno_location",
        "__gmon_start__",
        "_ITM_deregisterTMCloneTable",
        "_ITM_registerTMCloneTable",
        "bcmp",
        "getauxval",
        "getrlimit",
        "getpid",
        "getrlimit64",
        "memcmp",
        "memcpy",
        "memfd_create",
        "memmove",
        "memset",
        "strlen",
        "sysconf",
    ];
    let called = dynamic_symbols("--undefined-only");
    let others: Vec<_> = called.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn the_name_has_a_version_and_only_libc_is_needed() {
    let dynamic = output_of(Command::new("readelf").args(["--dynamic", "--wide"]).arg(library().shared()));
    let entries = |kind: &str| -> Vec<&str> {
        let lines = dynamic.lines().filter(|line| line.contains(kind));
        lines.filter_map(|line| line.split(['[', ']']).nth(1)).collect()
    };
    assert_eq!(entries("(SONAME)"), ["libv_alloc.so.0"]);
    assert_eq!(entries("(NEEDED)"), ["libc.so.6"]);
}

#[test]
fn the_text_is_small() {
    // Text in the sense of this tool: all that is loaded and never written, not only the code.
    let sizes = output_of(Command::new("size").arg(library().shared()));
    let text = sizes.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap();
    let text: usize = text.parse().unwrap();
    assert!(text <= 64 << 10, "{text} bytes");
    println!("{text} bytes");
}

/// Another static library in Rust, which has the standard library in it.
const OTHER_LIBRARY: &str = r#"
    #[unsafe(no_mangle)]
    pub extern "C" fn other_library_sums(count: usize) -> usize {
        let caught = std::panic::catch_unwind(|| -> usize { panic!("caught") });
        let numbers: Vec<usize> = (0..count).collect();
        numbers.iter().sum::<usize>() + caught.unwrap_or(0)
    }
"#;

#[test]
fn it_links_beside_another_rust_library() {
    let directory = scratch("other_library");
    let (source, archive) = (directory.join("other.rs"), directory.join("libother.a"));
    std::fs::write(&source, OTHER_LIBRARY).unwrap();
    let mut rustc = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"));
    rustc.args(["--crate-type=staticlib", "--edition=2024", "-o"]).arg(&archive).arg(&source);
    output_of(&mut rustc);

    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, first, second) in
        [("first", library().archive(), archive.clone()), ("last", archive, library().archive())]
    {
        let program = directory.join(name);
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=c11", "-Wall", "-Werror", "-I"]).arg(library().include());
        gcc.arg(package.join("c/beside_rust.c")).args([first, second]);
        output_of(gcc.args(["-pthread", "-ldl", "-lm", "-lgcc_s", "-o"]).arg(&program));
        assert_eq!(Program::new(program).run(&[]), "4950\n");
    }
}
