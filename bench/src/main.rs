//! The benchmarks of `v_alloc`, with their targets: `cargo run --release -p v_alloc-bench`.
//!
//! Prints one table on standard output, each row with its target and whether it was met, and progress on
//! standard error. Arguments are the groups to run (`instructions`, `c`, `warm`, `cold`, `chain`, `resident`,
//! `growth`, `blocks`, `vectors`, `maps`, `threads`; all without any), and `--quick` for fewer rounds and without the case that
//! needs 8 GiB. For Linux; `instructions` and `c` need `valgrind`, `c` a C compiler
//! too, and `threads` two processors.
//!
//! This file is the command line. It also has the other end of `child`: `case <group> <arguments>` runs one
//! case in this process and prints its numbers.

mod callgrind;
mod child;
mod clock;
mod contenders;
mod crew;
mod figure;
mod groups;
mod interleave;
mod loops;
mod memory;
mod random;
mod reallocs;
mod shared;
mod system_calls;
mod table;
mod ways;
mod workloads;

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

/// Runs the groups that are named, or all, and prints the rows of each as soon as it is done.
fn measure(arguments: &[&str]) -> Result<()> {
    let mut effort = Effort::Full;
    let mut names = Vec::new();
    for &argument in arguments {
        if argument == "--quick" {
            effort = Effort::Quick;
        } else if groups::ALL.iter().any(|group| group.name == argument) {
            names.push(argument);
        } else {
            let known: Vec<_> = groups::ALL.iter().map(|group| group.name).collect();
            return Err(
                format!("unknown argument {argument}; it takes --quick and {}", known.join(", ")).into()
            );
        }
    }
    for group in groups::ALL {
        if names.is_empty() || names.contains(&group.name) {
            table::print(group.title, &(group.measure)(effort)?);
        }
    }
    Ok(())
}
