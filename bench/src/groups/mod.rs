//! The groups of the table, one file each: what it measures, in which cases, against which targets.

mod blocks;
pub mod c;
mod chain;
mod cold;
mod growth;
pub mod instructions;
mod lives;
mod maps;
mod methods;
mod refill;
mod resident;
mod tail;
mod threads;
mod vectors;
mod warm;
mod workloads;

use crate::table::Row;
use crate::{Effort, Result};

/// A part of the table that can be run by itself.
pub struct Group {
    /// For the command line.
    pub name: &'static str,
    /// For the table.
    pub title: &'static str,
    /// Measures all cases.
    pub measure: fn(Effort) -> Result<Vec<Row>>,
    /// Runs one case in this process and prints its numbers; for groups that start processes.
    run_case: fn(&[&str]) -> Result<()>,
}

/// All groups, in the order of the table.
pub const ALL: &[Group] = &[
    instructions::GROUP,
    c::GROUP,
    warm::GROUP,
    methods::GROUP,
    cold::GROUP,
    refill::GROUP,
    lives::GROUP,
    chain::GROUP,
    resident::GROUP,
    growth::GROUP,
    tail::GROUP,
    blocks::GROUP,
    vectors::GROUP,
    maps::GROUP,
    workloads::GROUP,
    threads::GROUP,
];

/// Runs one case of a group in this process: what `child` and `callgrind` start.
pub fn run_case(group: &str, case: &[&str]) -> Result<()> {
    let group = ALL.iter().find(|known| known.name == group).ok_or_else(|| format!("no group {group}"))?;
    (group.run_case)(case)
}

/// What is wrong with a command line that no group printed.
pub fn no_such_case(case: &[&str]) -> Result<()> {
    Err(format!("no case {case:?}").into())
}
