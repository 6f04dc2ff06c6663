//! What a handler may call contains, as a linked program, no panic, no heap, no thread-local: shown by a program without
//! std that calls it all, and by the functions that this program takes from elsewhere.
//!
//! Where no cargo runs beside the tests (emulators, other systems), the program cannot be built.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program; returns its path, or what the linker said.
fn build(feature: Option<&str>) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handlers/program");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("handlers").join(feature.unwrap_or("plain"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet"]).current_dir(folder);
    if let Some(feature) = feature {
        cargo.args(["--features", feature]);
    }
    // Flags for this test are not flags for that program.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(variable);
    }
    let output = cargo.env("CARGO_TARGET_DIR", &target).output().expect("cargo built this test");
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(target.join("release/handler_program")) } else { Err(messages) }
}

fn built(feature: Option<&str>) -> PathBuf {
    build(feature).unwrap_or_else(|messages| panic!("{messages}"))
}

fn output(tool: &str, arguments: &[&str], program: &Path) -> String {
    let output = Command::new(tool).args(arguments).arg(program).output().expect("binutils are there");
    assert!(output.status.success(), "{tool}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The functions that a program takes from the C library, without those that start it.
fn imports(program: &Path) -> Vec<String> {
    let symbols = output("nm", &["--undefined-only"], program);
    symbols
        .lines()
        .filter_map(|line| line.trim().strip_prefix("U "))
        .map(|name| name.split('@').next().unwrap_or(name).to_owned())
        .filter(|name| name != "__libc_start_main")
        .collect()
}

/// Instructions that reach a thread's own memory, and the segment that such memory would be in.
fn thread_locals(program: &Path) -> Vec<String> {
    let code = output("objdump", &["--disassemble", "--no-show-raw-insn"], program);
    let segments = output("readelf", &["--program-headers", "--wide"], program);
    let own_memory = |line: &&str| line.contains("%fs:") || line.contains("tls_get_addr");
    let segment = |line: &&str| line.trim_start().starts_with("TLS");
    assert!(code.contains("<main>:") && segments.contains("LOAD"), "that was not read");
    code.lines().filter(own_memory).chain(segments.lines().filter(segment)).map(str::to_owned).collect()
}

#[test]
fn it_needs_no_panic_no_heap_and_no_thread_local() {
    let program = built(None);
    let status = Command::new(&program).args(["1", "2", "3"]).status().expect("the program was built");
    assert!(status.success(), "{status}");
    // Of `errno` only the place, to keep it; `sysconf` gives the size of a page, from a variable; `getrlimit` is one system call.
    let harmless = [
        "memcpy",
        "memmove",
        "memset",
        "memcmp",
        "bcmp",
        "__errno_location",
        "sysconf",
        "getrlimit64",
        "getrlimit",
    ];
    let others: Vec<_> =
        imports(&program).into_iter().filter(|name| !harmless.contains(&name.as_str())).collect();
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(thread_locals(&program), Vec::<String>::new());
}

#[test]
fn a_reachable_panic_would_be_found() {
    let messages = build(Some("seed_panic")).expect_err("it has a panic");
    assert!(messages.contains("a_panic_is_reachable"), "{messages}");
}

#[test]
fn a_reachable_heap_would_be_found() {
    assert!(imports(&built(Some("seed_malloc"))).contains(&"malloc".to_owned()));
}

#[test]
fn a_reachable_thread_local_would_be_found() {
    assert_eq!(thread_locals(&built(Some("seed_thread_local"))).len(), 1);
}
