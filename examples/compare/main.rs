//! v_alloc and others on your machine: `Arena` against `bumpalo`, `StableVec` against `Vec`, `StableMap` against
//! `hashbrown`. What v_alloc lost is said too.
//!
//! ```text
//! cargo run --release --example compare
//! ```
//!
//! Each round runs every workload with both, one right after the other, and the next round begins with the other one.
//! Each time it is a new process, so that nobody finds memory that another one left. Only times of the same round are
//! divided by one another; the table has the medians. It takes some 20 seconds.

mod arenas;
mod clock;
mod containers;
mod rounds;

use indicatif::{ProgressBar, ProgressStyle};
use rounds::{Comparison, MEASURE, Workload};
use std::error::Error;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// When the time is over, no other round begins; but there are some in any case.
const TIME: Duration = Duration::from_secs(18);
const ROUNDS: RangeInclusive<usize> = 3..=25;
const FEW: usize = 6;

/// What differs by less is not called a win or a loss.
const NOISE: f64 = 0.05;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        [MEASURE, workload, contender] => measure(workload, contender),
        _ => Err("this program takes no arguments".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// In a process of its own.
fn measure(workload: &str, contender: &str) -> Result<(), Box<dyn Error>> {
    let workload = workloads().find(|known| known.name == workload).ok_or("no such workload")?;
    let contender = [&workload.ours, &workload.other].into_iter().find(|known| known.name == contender);
    (contender.ok_or("no such contender")?.measure)().print();
    Ok(())
}

fn workloads() -> impl Iterator<Item = &'static Workload> {
    [arenas::WORKLOADS, containers::WORKLOADS].into_iter().flatten()
}

fn compare() -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        println!("This build is not optimised, and its figures mean nothing: use `cargo run --release`.\n");
    }
    let mut comparisons: Vec<_> = workloads().map(Comparison::new).collect();
    let style = ProgressStyle::with_template("{bar:40} {elapsed}: {msg}")?;
    let progress = ProgressBar::new(TIME.as_secs()).with_style(style);
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < *ROUNDS.end() && (rounds < *ROUNDS.start() || start.elapsed() < TIME) {
        for comparison in &mut comparisons {
            progress.set_message(comparison.workload.name);
            comparison.round(rounds % 2 == 0)?;
            progress.set_position(start.elapsed().as_secs());
        }
        rounds += 1;
    }
    progress.finish_and_clear();

    println!("{:<44} {:<18}   {:<18}   {:>6}   middle half", "", "v_alloc", "the other", "ratio");
    for comparison in &comparisons {
        comparison.print();
    }
    println!(
        "\nMedians of {rounds} rounds. Ratios are of times of the same round: below 1, v_alloc was faster."
    );
    println!(
        "The worst: {} steps together, at their quickest in {} runs.",
        containers::TOGETHER,
        containers::RUNS
    );
    if rounds < FEW {
        println!("So few rounds were possible because the machine is busy: the figures are rough.");
    }
    println!();
    print_verdict(&comparisons);
    Ok(())
}

fn print_verdict(comparisons: &[Comparison]) {
    let ratios: Vec<_> = comparisons.iter().flat_map(Comparison::ratios).collect();
    let of = |belongs: &dyn Fn(f64) -> bool| {
        let names = ratios.iter().filter(|(_, ratio)| belongs(*ratio));
        names.map(|(name, ratio)| format!("  {name} ({ratio:.2})")).collect::<Vec<_>>()
    };
    for (what, names) in [
        ("won", of(&|ratio| ratio < 1.0 - NOISE)),
        ("lost", of(&|ratio| ratio > 1.0 + NOISE)),
        ("was even within 5 %", of(&|ratio| (ratio - 1.0).abs() <= NOISE)),
    ] {
        println!("On this machine v_alloc {what} in {} of {}:", names.len(), ratios.len());
        println!("{}", if names.is_empty() { "  nothing".to_owned() } else { names.join("\n") });
    }
}
