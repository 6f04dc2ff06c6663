//! The benchmarks of `v_alloc`, with their targets: `cargo run --release -p v_alloc-bench`.
//!
//! Prints one table on standard output, each row with its target and whether it was met, and progress on
//! standard error. Then it writes the rows to `results.tsv` in `docs/charts`, and draws charts from them. Arguments:
//!
//! * the groups to run (`instructions`, `c`, `warm`, `cold`, `refill`, `lives`, `chain`, `resident`, `growth`, `tail`,
//!   `blocks`, `vectors`, `maps`, `workloads`, `threads`), all without any; rows of other groups stay in the file;
//! * `--quick` for fewer rounds and without the case that needs 8 GiB; then nothing is written without a folder;
//! * `--charts FOLDER` for a folder instead of `docs/charts`.
//!
//! `charts` or `charts FOLDER` draws the charts of the file again. `gate` compares the instruction counts of v_alloc's
//! own with `bench/instructions.txt` and fails where one grew; `gate --update` writes that file.
//!
//! For Linux; `instructions`, `c` and `gate` need `valgrind`, `c` and `gate` a C compiler, `refill` needs `strace`, and
//! `threads` two processors.
//!
//! This file is the command line. It also has the other end of `child`: `case <group> <arguments>` runs one
//! case in this process and prints its numbers.

mod callgrind;
mod charts;
mod child;
mod clock;
mod contenders;
mod crew;
mod figure;
mod gate;
mod groups;
mod interleave;
mod loops;
mod machine;
mod memory;
mod random;
mod reallocs;
mod results;
mod shared;
mod system_calls;
mod table;
mod ways;
mod workloads;

use results::Results;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whatever stops a measurement: all of them end the program with a message.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many rounds are worth their time.
#[derive(Clone, Copy)]
enum Effort {
    Quick,
    Full,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["case", group, arguments @ ..] => groups::run_case(group, arguments),
        ["gate"] => gate::check(),
        ["gate", "--update"] => gate::update(),
        ["charts"] => draw(&default_folder()),
        ["charts", folder] => draw(Path::new(folder)),
        arguments => measure(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("v_alloc-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the groups that are named, or all, and prints the rows of each as soon as it is done. Writes them all, and draws
/// the charts.
fn measure(arguments: &[&str]) -> Result<()> {
    let (mut effort, mut folder, mut names) = (Effort::Full, None, Vec::new());
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        match argument {
            "--quick" => effort = Effort::Quick,
            "--charts" => folder = Some(PathBuf::from(arguments.next().ok_or("--charts needs a folder")?)),
            name if groups::ALL.iter().any(|group| group.name == name) => names.push(name),
            _ => {
                let known: Vec<_> = groups::ALL.iter().map(|group| group.name).collect();
                let known = known.join(", ");
                return Err(format!(
                    "unknown argument {argument}; it takes --quick, --charts FOLDER, {known}"
                )
                .into());
            }
        }
    }
    if matches!(effort, Effort::Full) {
        folder.get_or_insert_with(default_folder);
    }
    let mut results = Results::default();
    if let Some(folder) = &folder {
        fs::create_dir_all(folder)?;
        results = Results::read(&folder.join(RESULTS))?;
        results.replace("machine", &machine::rows()?);
    }
    for group in groups::ALL {
        if names.is_empty() || names.contains(&group.name) {
            let rows = (group.measure)(effort)?;
            table::print(group.title, &rows);
            results.replace(group.name, &rows);
            // Now, lest it be lost if a later group fails.
            folder.iter().try_for_each(|folder| results.write(&folder.join(RESULTS)))?;
        }
    }
    folder.iter().try_for_each(|folder| charts::draw(&results, folder))
}

const RESULTS: &str = "results.tsv";

/// Where the README's charts are.
fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/charts")
}

/// Draws the charts of the results that are there.
fn draw(folder: &Path) -> Result<()> {
    charts::draw(&Results::read(&folder.join(RESULTS))?, folder)
}
