//! Compiling a C or C++ source of the tests.

use crate::library::{Linking, library};
use crate::program::Program;
use crate::tools::{output_of, scratch};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What must have nothing to say about the header.
pub const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// One call of a compiler.
#[derive(Debug)]
pub struct Compilation {
    compiler: String,
    source: PathBuf,
    flags: Vec<String>,
    libraries: Vec<String>,
}

impl Compilation {
    /// A source from `capi/tests/c`, to be compiled by `compiler`.
    pub fn of(source: &str, compiler: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c").join(source);
        Self { compiler: compiler.to_owned(), source, flags: Vec::new(), libraries: Vec::new() }
    }

    /// Adds flags.
    #[must_use]
    pub fn with(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    /// Adds what is linked after the source, such as `-lm`.
    #[must_use]
    pub fn against(mut self, libraries: &[&str]) -> Self {
        self.libraries.extend(libraries.iter().map(|&library| library.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.compiler);
        command.args(&self.flags).arg("-I").arg(library_include());
        command
    }

    /// Only looks for mistakes.
    pub fn check(&self) {
        output_of(self.command().arg("-fsyntax-only").arg(&self.source));
    }

    /// Compiles and links a program. `name` is used for no other program of the same test file.
    pub fn link(&self, name: &str, linking: Linking) -> Program {
        let path = scratch("programs").join(name);
        let mut command = self.command();
        command.arg("-g").arg("-o").arg(&path).arg(&self.source);
        // What follows is a library again, whatever language the source was said to be in.
        command.args(["-x", "none"]);
        match linking {
            Linking::Static => command.arg(library().archive()),
            Linking::Shared => command.arg(library().shared()),
        };
        output_of(command.args(&self.libraries).arg("-pthread"));
        Program::new(path)
    }
}

/// Known without building the library.
fn library_include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include")
}
