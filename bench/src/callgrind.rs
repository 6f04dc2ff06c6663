//! Instruction counts: a program runs a case under `valgrind --tool=callgrind`, twice, with
//! different numbers of iterations. The difference is what the additional iterations executed, to the
//! instruction; all that happens before and after them cancels out.

use crate::Result;
use std::path::Path;
use std::process::Command;

/// Instructions per iteration of a program, which takes the number of iterations as its last argument.
pub fn per_iteration(program: &Path, arguments: &[&str], fewer: u32, more: u32) -> Result<f64> {
    let total = |iterations: u32| instructions(program, &[arguments, &[&iterations.to_string()]].concat());
    let additional = total(more)? - total(fewer)?;
    Ok(additional / f64::from(more - fewer))
}

/// All instructions of one process.
fn instructions(program: &Path, arguments: &[&str]) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run valgrind, which only instruction counts need: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{arguments:?} under valgrind failed: {report}").into());
    }
    let count = report.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    Ok(count.ok_or("callgrind printed no count")?.parse()?)
}
