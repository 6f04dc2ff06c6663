//! Instruction counts: a case runs in a process of its own under `valgrind --tool=callgrind`, twice, with
//! different numbers of iterations. The difference is what the additional iterations executed, to the
//! instruction; all that happens before and after them cancels out.

use crate::{Result, child};
use std::process::Command;

/// Instructions per iteration of a case, which takes the number of iterations as its last argument.
pub fn per_iteration(group: &str, case: &[&str], fewer: u32, more: u32) -> Result<f64> {
    let total = |iterations: u32| instructions(group, &[case, &[&iterations.to_string()]].concat());
    let additional = total(more)? - total(fewer)?;
    Ok(additional / f64::from(more - fewer))
}

/// All instructions of one process.
fn instructions(group: &str, case: &[&str]) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(child::arguments(group, case))
        .output()
        .map_err(|error| format!("cannot run valgrind, which no other group needs: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("case {case:?} under valgrind failed: {report}").into());
    }
    let count = report.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    Ok(count.ok_or("callgrind printed no count")?.parse()?)
}
