//! A program that was compiled.

use crate::library::library;
use crate::tools::{output_of, succeeded};
use std::path::PathBuf;
use std::process::Command;

/// A program, and the command that runs it.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    runner: Vec<String>,
}

impl Program {
    /// The program in a file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, runner: Vec::new() }
    }

    /// Run by another program, such as valgrind.
    #[must_use]
    pub fn under(mut self, runner: &[&str]) -> Self {
        self.runner = runner.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Runs it to the end, which must be success. Returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        output_of(&mut self.command(arguments))
    }

    /// Runs it to the end. What it printed, or if it failed, how.
    ///
    /// # Errors
    /// The program failed.
    pub fn outcome(&self, arguments: &[&str]) -> Result<String, String> {
        succeeded(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.runner.iter().map(String::as_ref).chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(arguments).env("LD_LIBRARY_PATH", &library().directory);
        command
    }
}
