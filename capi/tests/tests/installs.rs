//! One command installs the library to a prefix, where programs find it by pkg-config and by CMake.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use v_alloc_c_tests::{is_there, library, not_run, output_of, scratch};

const PRINTED: &str = "an arena of 1024 MiB, a block of 64 bytes\n";

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The prefix, into which the library is installed once.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| installed("a prefix")) // blanks are allowed
}

/// Installs the library to a prefix of this name.
fn installed(name: &str) -> PathBuf {
    let prefix = scratch(name);
    std::fs::remove_dir_all(&prefix).unwrap(); // what an earlier run left must not help
    let target = library().directory.parent().unwrap();
    let mut install = Command::new("sh");
    install.arg(package().join("../install.sh")).arg(&prefix);
    install.env("CARGO", env!("CARGO")).env("CARGO_TARGET_DIR", target);
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "DESTDIR"] {
        install.env_remove(variable);
    }
    output_of(&mut install);
    prefix
}

#[test]
fn a_prefix_is_installed_as_it_is_spelt() {
    let prefix = installed(r"R&D | \1");
    let file = std::fs::read_to_string(prefix.join("lib/pkgconfig/v_alloc.pc")).unwrap();
    assert_eq!(file.lines().next().unwrap(), format!("prefix={}", prefix.display()));
}

#[test]
fn the_shared_library_is_found_by_its_versioned_name() {
    let libraries = prefix().join("lib");
    assert_eq!(libraries.join("libv_alloc.so").read_link().unwrap(), Path::new("libv_alloc.so.0"));
    assert!(libraries.join("libv_alloc.so.0").is_file());
}

/// What pkg-config says, as words; a blank inside one is behind a backslash.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let directory = prefix().join("lib/pkgconfig");
    let output = output_of(
        Command::new("pkg-config").args(arguments).arg("v_alloc").env("PKG_CONFIG_PATH", directory),
    );
    let words = output.trim().replace("\\ ", "\n");
    words.split(' ').map(|word| word.replace('\n', " ")).collect()
}

/// Compiles a program with what pkg-config says and these flags, and runs it. Returns what it printed.
fn run_by_pkg_config(source: &Path, name: &str, flags: &[&str], libraries: &[String]) -> String {
    let program = scratch("by_pkg_config").join(name);
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(source);
    output_of(gcc.args(flags).args(pkg_config(&["--cflags"])).args(libraries));
    output_of(Command::new(program).env("LD_LIBRARY_PATH", prefix().join("lib")))
}

#[test]
fn pkg_config_finds_it() {
    if !is_there("pkg-config") {
        return not_run("installation: there is no pkg-config");
    }
    assert_eq!(pkg_config(&["--modversion"]), ["0.1.0"]);
    let prints = |name, flags: &[&str], libraries: &[String]| {
        let printed = run_by_pkg_config(&package().join("c/installed.c"), name, flags, libraries);
        assert_eq!(printed, PRINTED, "{name}");
    };
    prints("shared", &[], &pkg_config(&["--libs"]));
    prints("static", &["-static"], &pkg_config(&["--libs", "--static"]));
    let archive = format!("{}/libv_alloc.a", pkg_config(&["--variable=libdir"]).join(" "));
    prints("static_beside_shared_libc", &[], &[archive]);
}

#[test]
fn the_c_of_the_readme_and_of_the_guide_compiles_without_a_warning_and_runs() {
    if !is_there("pkg-config") {
        return not_run("the C of the texts: there is no pkg-config");
    }
    let texts = ["README.md", "docs/from-c-v_alloc.md"];
    let snippets = texts.map(|name| std::fs::read_to_string(package().join("../..").join(name)).unwrap());
    let snippets: Vec<&str> = snippets.iter().flat_map(|text| text.split("```c\n").skip(1)).collect();
    assert_eq!(snippets.len(), 2, "texts without a program show nothing");
    for (number, snippet) in snippets.into_iter().enumerate() {
        let snippet = snippet.split("```").next().unwrap_or_default();
        let whole = snippet.contains("int main(void)");
        let program = if whole {
            snippet.to_string()
        } else {
            format!("#include <v_alloc.h>\nint main(void) {{\n{snippet}return data == NULL;\n}}\n")
        };
        let name = format!("from_the_texts_{number}");
        let source = scratch("by_pkg_config").join(&name).with_extension("c");
        std::fs::write(&source, program).unwrap();
        run_by_pkg_config(&source, &name, &[], &pkg_config(&["--libs"]));
    }
}

#[test]
fn cmake_finds_it() {
    if !is_there("cmake") {
        return not_run("the CMake project: there is no cmake");
    }
    let build = scratch("cmake build");
    std::fs::remove_dir_all(&build).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(package().join("cmake_project")).arg("-B").arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
    output_of(&mut configure);
    output_of(Command::new("cmake").arg("--build").arg(&build));
    // CMake writes into a program where the shared library lies.
    for program in ["with_shared", "with_static"] {
        assert_eq!(output_of(&mut Command::new(build.join(program))), PRINTED);
    }
}
