//! A server that takes an arena per request from an `ArenaPool`, under load, beside the same server on the system
//! allocator.
//!
//! ```text
//! cargo run --release --example server [-- --seconds N]
//! ```
//!
//! Each server is a process of its own, so that its memory can be seen from outside; the clients are threads of this
//! one. The load alternates between the two in slices of half a second, so that both meet the same machine. Fails if
//! a request is lost, or the memory of the server with the arenas does not stay within 5 % after the first quarter.

mod figures;
mod json;
mod load;
mod orders;
mod serving;

use figures::{Latencies, resident_kib};
use load::{Client, Requests};
use serving::Memory;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 4;
const SLICE: Duration = Duration::from_millis(500);

struct Server {
    name: &'static str,
    process: Child,
    clients: Vec<Client>,
    /// At the end of each slice, in KiB.
    resident: Vec<Option<u64>>,
}

impl Server {
    fn start(name: &'static str, argument: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(argument)
            .stdin(Stdio::piped()) // it ends with this process
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        BufReader::new(process.stdout.as_mut().ok_or("a pipe")?).read_line(&mut port)?;
        let port = port.trim().parse()?;
        let clients =
            (0..CLIENTS).map(|number| Client::connect(port, number * 50)).collect::<Result<_, _>>()?;
        Ok(Self { name, process, clients, resident: Vec::new() })
    }

    /// All clients send requests for the time of a slice.
    fn slice(&mut self, requests: &Requests) -> Result<(), Box<dyn Error>> {
        let end = Instant::now() + SLICE;
        thread::scope(|threads| {
            let run = |client| threads.spawn(move || Client::run_until(client, end, requests));
            let clients: Vec<_> = self.clients.iter_mut().map(run).collect();
            clients
                .into_iter()
                .try_for_each(|client| client.join().map_err(|_| "a client panicked")?.map_err(Into::into))
        })
        .inspect(|()| self.resident.push(resident_kib(self.process.id())))
    }

    fn forget_latencies(&mut self) {
        for client in &mut self.clients {
            client.latencies = Latencies::default();
        }
    }

    fn sum(&self, figure: impl Fn(&Client) -> u64) -> u64 {
        self.clients.iter().map(figure).sum()
    }

    fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        self.clients.iter().for_each(|client| all.merge(&client.latencies));
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seconds = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve-from-arenas"] => return Ok(serving::serve(Memory::Arena).map(|()| ExitCode::SUCCESS)?),
        ["--serve-from-heap"] => return Ok(serving::serve(Memory::System).map(|()| ExitCode::SUCCESS)?),
        [] => 3,
        ["--seconds", seconds] => seconds.parse::<usize>()?.max(2),
        _ => return Err("usage: server [--seconds N], N for each of the two servers".into()),
    };

    let requests = Requests::new();
    let mut servers =
        [Server::start("arenas", "--serve-from-arenas")?, Server::start("heap", "--serve-from-heap")?];
    let slices = 2 * seconds;
    let warm = slices.div_ceil(4);
    for slice in 0..slices {
        eprint!("\rslice {} of {slices}", slice + 1);
        for server in &mut servers {
            if slice == warm {
                server.forget_latencies();
            }
            server.slice(&requests)?;
        }
    }
    eprint!("\r                          \r");

    print_latencies(&servers);
    println!();
    let flat = print_memory(&servers, warm);
    let lost = servers.iter().map(|server| server.sum(|client| client.lost)).sum::<u64>();
    if lost > 0 {
        eprintln!("{lost} requests were lost");
    }
    Ok(if flat && lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_latencies(servers: &[Server]) {
    println!(
        "{:<8} {:>9} {:>5}   {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "requests", "lost", "50 %", "90 %", "99 %", "99.9 %", "longest"
    );
    for server in servers {
        let (sent, lost) = (server.sum(|client| client.sent), server.sum(|client| client.lost));
        print!("{:<8} {sent:>9} {lost:>5}  ", server.name);
        let latencies = server.latencies();
        for share in [0.5, 0.9, 0.99, 0.999, 1.0] {
            print!(" {:>5} us", latencies.quantile(share).as_micros());
        }
        println!();
    }
}

/// Resident memory over time; false if that of the first server was not flat.
fn print_memory(servers: &[Server], warm: usize) -> bool {
    let mut flat = true;
    for (index, server) in servers.iter().enumerate() {
        let Some(resident) = server.resident.iter().copied().collect::<Option<Vec<_>>>() else {
            println!("resident memory: this system does not tell (Linux does)");
            return true;
        };
        let after = &resident[warm..];
        let (low, high) = (after.iter().min().unwrap_or(&0), after.iter().max().unwrap_or(&0));
        let shown: Vec<_> = resident.iter().step_by(resident.len().div_ceil(8)).map(u64::to_string).collect();
        println!(
            "{:<8} resident, KiB: {} ... after warming up {low} to {high}",
            server.name,
            shown.join(" ")
        );
        if index == 0 && high * 100 > low * 105 {
            eprintln!("the memory of the server with arenas grew by more than 5 %");
            flat = false;
        }
    }
    flat
}
