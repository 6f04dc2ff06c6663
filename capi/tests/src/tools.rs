//! Commands of the system, and where the tests may write.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Whether a command can be run at all.
pub fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

/// Says what was left out and why. Not with `eprintln!`, which a test that passes keeps to itself.
pub fn not_run(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}");
}

/// Runs a command that must succeed, and returns what it printed.
pub fn output_of(command: &mut Command) -> String {
    succeeded(command).unwrap_or_else(|messages| panic!("{command:?}:\n{messages}"))
}

/// Runs a command. What it printed, or if it failed, how, with all that it printed.
///
/// # Errors
/// The command failed.
pub fn succeeded(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(printed) } else { Err(format!("{}\n{printed}{messages}", output.status)) }
}

/// The target directory of the cargo that runs these tests.
pub(crate) fn target_directory() -> PathBuf {
    let executable = std::env::current_exe().expect("a test is a file");
    executable.ancestors().nth(3).expect("a test lies in target/PROFILE/deps").to_owned()
}

/// A directory for what the tests of this process write, under a name that the caller uses for nothing else.
pub fn scratch(name: &str) -> PathBuf {
    let executable = std::env::current_exe().expect("a test is a file");
    let stem = executable.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let test = stem.rsplit_once('-').map_or(stem.as_str(), |(test, _hash)| test);
    let directory = target_directory().join("c-tests").join(test).join(name);
    std::fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}
