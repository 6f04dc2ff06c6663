//! No panic is reachable from the `try_` methods, and no abort is even linked: shown by a program without std that
//! uses all of them, whose panic handler cannot be linked.
//!
//! Where no cargo runs beside the tests (emulators, other systems), the program cannot be built.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// Builds the program; returns its path, or what the linker said.
fn build(feature: Option<&str>) -> Result<std::path::PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_panic");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_panic").join(feature.unwrap_or("plain"));
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
    if output.status.success() { Ok(target.join("release/no_panic")) } else { Err(messages) }
}

/// The functions that a program takes from the C library.
fn imports(program: &Path) -> String {
    let output =
        Command::new("nm").arg("--undefined-only").arg(program).output().expect("binutils are there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_program_that_uses_everything_links_and_runs() {
    let program = build(None).unwrap_or_else(|messages| panic!("{messages}"));
    let status = Command::new(&program).args(["1", "2", "3"]).status().expect("the program was built");
    assert!(status.success(), "{status}");
    let imports = imports(&program);
    assert!(imports.contains("memcpy") && !imports.contains("abort"), "{imports}");
}

#[test]
fn a_reachable_panic_would_be_found() {
    let messages = build(Some("seed_panic")).expect_err("it has a panic");
    assert!(messages.contains("a_panic_is_reachable"), "{messages}");
}

#[test]
fn a_reachable_abort_would_be_found() {
    let program = build(Some("seed_abort")).unwrap_or_else(|messages| panic!("{messages}"));
    assert!(imports(&program).contains("abort"));
}
