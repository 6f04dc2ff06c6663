//! The machine of a run, for whoever reads its results.

use crate::Result;
use crate::table::Row;
use std::fs;
use std::process::Command;

/// What it is, as rows of the table.
pub fn rows() -> Result<Vec<Row>> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<_> = cpus.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model =
        models.first().map_or("unknown processor", |model| model.trim_start_matches([':', '\t', ' ']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    // The version, without what a distribution adds.
    let kernel = kernel.trim().split(['-', '+']).next().unwrap_or("");
    let today = Command::new("date").args(["--utc", "+%F"]).output()?;
    Ok(vec![
        Row::new("processor", format!("{} x {model}", models.len())),
        Row::new("system", format!("Linux {kernel}")),
        Row::new("date", String::from_utf8(today.stdout)?.trim().to_owned()),
    ])
}
