//! The C library, built as its users build it: optimised, from the package `v_alloc-capi`.

use crate::tools::{output_of, target_directory};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// How a program gets the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// From `libv_alloc.a`.
    Static,
    /// From `libv_alloc.so`.
    Shared,
}

/// Where the library lies.
#[derive(Debug)]
pub struct Library {
    /// The package `v_alloc-capi`.
    pub package: PathBuf,
    /// The directory of both libraries.
    pub directory: PathBuf,
}

impl Library {
    /// The directory of `v_alloc.h`.
    pub fn include(&self) -> PathBuf {
        self.package.join("include")
    }

    /// `libv_alloc.a`.
    pub fn archive(&self) -> PathBuf {
        self.directory.join("libv_alloc.a")
    }

    /// `libv_alloc.so`.
    pub fn shared(&self) -> PathBuf {
        self.directory.join("libv_alloc.so")
    }
}

/// The library. The first call of a process builds it; cargo lets one process at a time do so.
pub fn library() -> &'static Library {
    static BUILT: OnceLock<Library> = OnceLock::new();
    BUILT.get_or_init(|| {
        let package =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the package").to_owned();
        let target = target_directory().join("c-tests/library");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--profile", "c-library", "--quiet", "--package", "v_alloc-capi"]);
        cargo.current_dir(&package).env("CARGO_TARGET_DIR", &target);
        // Flags for the tests are not flags for the library.
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(variable);
        }
        output_of(&mut cargo);
        let library = Library { package, directory: target.join("c-library") };
        name_as_installed(&library);
        library
    })
}

/// Programs look for the shared library under the name that it says it has.
fn name_as_installed(library: &Library) {
    // Already there, from an earlier run or another process.
    let _ = std::os::unix::fs::symlink("libv_alloc.so", library.directory.join("libv_alloc.so.0"));
}
