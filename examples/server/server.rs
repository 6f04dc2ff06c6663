//! One of the two servers, seen from outside: its process, its clients, its memory.

use crate::figures::resident_kib;
use crate::load::{Client, Requests};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: u16 = 4;

/// Between two looks at the server's memory.
const PAUSE: Duration = Duration::from_millis(10);

pub struct Server {
    pub name: &'static str,
    process: Child,
    pub clients: Vec<Client>,
    /// In KiB, while requests are being served and when they are; nothing where the system does not tell.
    pub resident: Vec<u64>,
    /// What was measured under load.
    pub time: Duration,
}

impl Server {
    pub fn start(name: &'static str, argument: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(argument)
            .stdin(Stdio::piped()) // it ends with this process
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        BufReader::new(process.stdout.as_mut().ok_or("a pipe")?).read_line(&mut port)?;
        let port = port.trim().parse().map_err(|_| "the server did not start")?;
        // Each begins elsewhere in the list of requests.
        let clients = (0..CLIENTS).map(|number| Client::connect(port, 50 * usize::from(number)));
        let clients = clients.collect::<Result<_, _>>()?;
        Ok(Self { name, process, clients, resident: Vec::new(), time: Duration::ZERO })
    }

    /// All clients send requests for some time.
    pub fn load(&mut self, requests: &Requests, time: Duration) -> Result<(), Box<dyn Error>> {
        let (process, start) = (self.process.id(), Instant::now());
        thread::scope(|threads| {
            let run = |client| threads.spawn(move || Client::run_until(client, start + time, requests));
            let clients: Vec<_> = self.clients.iter_mut().map(run).collect();
            while clients.iter().any(|client| !client.is_finished()) {
                thread::sleep(PAUSE);
                self.resident.extend(resident_kib(process));
            }
            clients
                .into_iter()
                .try_for_each(|client| client.join().map_err(|_| "a client panicked")?.map_err(Box::from))
        })
        .inspect(|()| self.time += start.elapsed())
    }

    /// But not what was lost.
    pub fn forget_what_was_measured(&mut self) {
        for client in &mut self.clients {
            client.forget_latencies();
        }
        self.resident.clear();
        self.time = Duration::ZERO;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
