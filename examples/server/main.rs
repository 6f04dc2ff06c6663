//! A server that takes an arena per request from an `ArenaPool`, under load, beside the same server on the system
//! allocator.
//!
//! ```text
//! cargo run --release --example server -- [--seconds N]
//! ```
//!
//! Each server is a process of its own, so that its memory can be seen from outside; the clients are threads of this
//! one. Both get N seconds of load (5, unless told otherwise) in turns of half a second, so that they meet the same
//! machine. Ends with exit code 1 if a request was lost, or if the memory of the server with the arenas was not flat
//! within 5 % after the first quarter. (Only Linux tells how much memory another process has.)

mod figures;
mod json;
mod load;
mod orders;
mod report;
mod server;
mod serving;

use indicatif::{ProgressBar, ProgressStyle};
use load::Requests;
use report::Report;
use server::Server;
use serving::Memory;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

const TURN: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve-from-arenas"] => serving::serve(Memory::Arena).map(|()| true),
        ["--serve-from-the-system"] => serving::serve(Memory::System).map(|()| true),
        [] => compare(5),
        ["--seconds", seconds] => match seconds.parse() {
            Ok(seconds @ 2..=3600) => compare(seconds),
            _ => Err("--seconds takes a whole number from 2 to 3600".into()),
        },
        _ => Err("usage: server [--seconds N], with N seconds of load for each of the two servers".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// False if a promise was broken.
fn compare(seconds: u32) -> Result<bool, Box<dyn Error>> {
    let requests = Requests::new();
    let mut servers = [
        Server::start("arenas", "--serve-from-arenas")?,
        Server::start("system", "--serve-from-the-system")?,
    ];
    let turns = 2 * seconds;
    let warm = turns.div_ceil(4);
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} seconds: {msg}")?;
    let progress = ProgressBar::new(u64::from(2 * seconds)).with_style(style);
    for turn in 0..turns {
        progress.set_message(if turn < warm { "warming up" } else { "measuring" });
        for server in &mut servers {
            if turn == warm {
                server.forget_what_was_measured();
            }
            server.load(&requests, TURN)?;
        }
        progress.set_position(u64::from(turn + 1)); // two turns of half a second
    }
    progress.finish_and_clear();

    let [arenas, system] = servers.map(|server| Report::of(&server));
    report::print_latencies(&arenas, &system);
    println!();
    report::print_memory(&arenas, &system);
    println!();
    Ok(report::promises_are_kept(&arenas, &system))
}
