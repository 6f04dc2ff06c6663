//! One process per case, for what leaves traces in a process: cold memory is cold only once, and what is
//! resident depends on what ran before. The case runs in this same program, started anew.

use crate::Result;
use std::error::Error;
use std::process::{Command, Stdio};
use std::str::FromStr;

/// The command line that runs one case of a group.
pub fn arguments<'a>(group: &'a str, case: &[&'a str]) -> Vec<&'a str> {
    [&["case", group], case].concat()
}

/// Runs a case in a process of its own: the numbers that it printed.
pub fn run<N: FromStr<Err: Error + 'static>>(group: &str, case: &[&str]) -> Result<Vec<N>> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(arguments(group, case)).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("case {case:?} of {group} failed: {}", output.status).into());
    }
    let numbers = String::from_utf8(output.stdout)?;
    Ok(numbers.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
}
