//! What is printed in the end.

use crate::figures::Latencies;
use crate::server::Server;
use std::time::Duration;

const PERCENTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// What was seen of a server after warming up; lost requests are those of all the time.
pub struct Report {
    name: &'static str,
    answered: u64,
    lost: u64,
    time: Duration,
    latencies: [Duration; PERCENTILES.len()],
    resident: Vec<u64>,
}

impl Report {
    pub fn of(server: &Server) -> Self {
        let mut all = Latencies::default();
        server.clients.iter().for_each(|client| all.merge(&client.latencies));
        Self {
            name: server.name,
            answered: all.count(),
            lost: server.clients.iter().map(|client| client.lost).sum(),
            time: server.time,
            latencies: PERCENTILES.map(|(_, share)| all.quantile(share)),
            resident: server.resident.clone(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn per_second(&self) -> f64 {
        self.answered as f64 / self.time.as_secs_f64()
    }

    /// The least and the most, in KiB.
    fn resident_range(&self) -> Option<(u64, u64)> {
        Some((*self.resident.iter().min()?, *self.resident.iter().max()?))
    }
}

pub fn print_latencies(arenas: &Report, system: &Report) {
    print!("{:<16} {:>9} {:>9} {:>6} ", "server", "requests", "per s", "lost");
    for (name, _) in PERCENTILES {
        print!(" {name:>8}");
    }
    println!();
    for report in [arenas, system] {
        let per_second = report.per_second();
        print!("{:<16} {:>9} {per_second:>9.0} {:>6} ", report.name, report.answered, report.lost);
        for latency in report.latencies {
            print!(" {:>8}", format!("{latency:.1?}"));
        }
        println!();
    }
    print!(
        "{:<16} {:>9} {:>9.2} {:>6} ",
        "arenas / system",
        "",
        arenas.per_second() / system.per_second(),
        ""
    );
    for (arenas, system) in arenas.latencies.iter().zip(&system.latencies) {
        print!(" {:>8.2}", arenas.as_secs_f64() / system.as_secs_f64());
    }
    println!();
}

pub fn print_memory(arenas: &Report, system: &Report) {
    for report in [arenas, system] {
        let Some((low, high)) = report.resident_range() else {
            println!("{:<16} resident memory: this system does not tell, Linux does", report.name);
            continue;
        };
        println!(
            "{:<16} resident memory: {low} to {high} KiB, seen {} times under load; {:.1} % apart",
            report.name,
            report.resident.len(),
            percent_apart(low, high),
        );
    }
}

/// Says which promises were kept; false if one was broken.
pub fn promises_are_kept(arenas: &Report, system: &Report) -> bool {
    let answered = [arenas, system].iter().all(|report| report.lost == 0 && report.answered > 0);
    println!("{}: no request was lost", if answered { "kept" } else { "BROKEN" });
    let flat = arenas.resident_range().map(|(low, high)| percent_apart(low, high) <= 5.0);
    let word = match flat {
        Some(true) => "kept",
        Some(false) => "BROKEN",
        None => "not seen",
    };
    println!("{word}: with arenas, resident memory is flat within 5 %");
    answered && flat != Some(false)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn percent_apart(low: u64, high: u64) -> f64 {
    (high as f64 / low as f64 - 1.0) * 100.0
}
