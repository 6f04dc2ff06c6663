//! Counts of system calls: this program runs a case under `strace`, twice, with different numbers of iterations, as
//! `callgrind` does for instructions.

use crate::Result;
use std::process::Command;

/// System calls per iteration of a case of this program, which takes the number of iterations as its last argument.
pub fn per_iteration(arguments: &[&str], fewer: u32, more: u32) -> Result<f64> {
    let total = |iterations: u32| count(&[arguments, &[&iterations.to_string()]].concat());
    let additional = total(more)? - total(fewer)?;
    Ok(additional / f64::from(more - fewer))
}

/// All system calls of one process, and of those that it starts.
fn count(arguments: &[&str]) -> Result<f64> {
    let output = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name"])
        .arg(std::env::current_exe()?)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run strace, which only system calls need: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{arguments:?} under strace failed: {report}").into());
    }
    let total = report.lines().find_map(|line| line.trim().strip_suffix("total"));
    Ok(total.ok_or("strace printed no total")?.trim().parse()?)
}
