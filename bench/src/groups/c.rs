//! Instructions of a push in C: `bench/c/committ.c`, compiled as its users compile against the header and the static
//! library, in a warm loop, loop included.

use super::{Group, no_such_case};
use crate::table::Row;
use crate::{Effort, Result, callgrind};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const GROUP: Group =
    Group { name: "c", title: "instructions in C, loop included", measure, run_case: no_such_case };

/// As many digits each, so that reading the command line costs the same.
const FEWER: u32 = 10_000;
const MORE: u32 = 20_000;

/// The target is for the first: the loop of `typed 8 B` in `instructions`. The others are for information.
const LOOPS: &[(&str, Option<f64>)] =
    &[("one word", Some(12.0)), ("both words", None), ("one word, checked for NULL", None)];

fn measure(_: Effort) -> Result<Vec<Row>> {
    let row = |((_, limit), (name, count)): (&(_, Option<f64>), (String, f64))| {
        let row = Row::new(name, format!("{count:.1}"));
        limit.iter().fold(row, |row, &limit| row.at_most(count, &[("", limit)]))
    };
    Ok(LOOPS.iter().zip(counts()?).map(row).collect())
}

/// Counts each of the loops.
pub fn counts() -> Result<Vec<(String, f64)>> {
    let program = compile()?;
    let count = |&(name, _): &(&str, _)| {
        eprintln!("c: {name}");
        let count = callgrind::per_iteration(&program, &[name], FEWER, MORE)?;
        Ok((format!("v_alloc_committ(16), stores {name}"), (count * 10.0).round() / 10.0))
    };
    LOOPS.iter().map(count).collect()
}

/// Builds the C library beside this program, and the C program with it.
fn compile() -> Result<PathBuf> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = bench.parent().ok_or("the benchmarks are not in a workspace")?;
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent).ok_or("this program is not in a target directory")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .args(["build", "--quiet", "--profile", "c-library", "-p", "v_alloc-capi", "--target-dir"])
        .arg(target)
        .current_dir(workspace);
    run(&mut cargo)?;

    let (library, program) = (target.join("c-library/libv_alloc.a"), target.join("c-library/committ"));
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-I"])
        .arg(workspace.join("capi/include"))
        .args([&bench.join("c/committ.c"), &library])
        .arg("-o")
        .arg(&program);
    run(&mut compiler)?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status =
        command.status().map_err(|error| format!("cannot run {name}, which only `c` needs: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {status}").into()) }
}
