//! The load: threads that send requests one after another, each on its own connection, and check every reply.

use crate::figures::Latencies;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::str;
use std::time::{Duration, Instant};

/// A reply that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests and what their replies begin with.
pub struct Requests(Vec<(Vec<u8>, Vec<u8>)>);

impl Requests {
    /// Most of them have some tens of orders, one in a hundred has six hundred; always the same.
    pub fn new() -> Self {
        let orders = |number: usize| if number % 100 == 99 { 600 } else { 1 + number * number % 131 };
        Self((0..200).map(|number| request(orders(number))).collect())
    }
}

fn request(orders: usize) -> (Vec<u8>, Vec<u8>) {
    let mut body = String::from("[");
    let mut total = 0;
    for order in 0..orders {
        let (city, amount) = (order * order % 97, order * 7 % 1000);
        total += amount;
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            "{}{{\"id\": {order}, \"city\": \"City of {city}\", \"amount\": {amount}, \"paid\": true, \
             \"items\": [\"bolt\", \"nut\", \"a \\\"washer\\\"\"]}}",
            if order == 0 { "" } else { ", " }
        );
    }
    body.push(']');
    let head = format!("POST /totals HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    ((head + &body).into_bytes(), format!("{{\"orders\":{orders},\"total\":{total},").into_bytes())
}

/// One client and what it has seen.
pub struct Client {
    port: u16,
    connection: TcpStream,
    /// The next of the requests.
    next: usize,
    reply: Vec<u8>,
    pub lost: u64,
    pub latencies: Latencies,
}

impl Client {
    pub fn connect(port: u16, first: usize) -> io::Result<Self> {
        let (connection, reply) = (connect(port)?, Vec::new());
        Ok(Self { port, connection, next: first, reply, lost: 0, latencies: Latencies::default() })
    }

    /// Sends requests until the time is over. What gets no reply, or a wrong one, is lost, and the client connects
    /// again.
    pub fn run_until(&mut self, end: Instant, requests: &Requests) -> io::Result<()> {
        while Instant::now() < end {
            let (request, expected) = &requests.0[self.next % requests.0.len()];
            self.next += 1;
            let start = Instant::now();
            if let Ok(true) = self.is_answered(request, expected) {
                self.latencies.add(start.elapsed());
            } else {
                self.lost += 1;
                self.connection = connect(self.port)?;
            }
        }
        Ok(())
    }

    pub fn forget_latencies(&mut self) {
        self.latencies = Latencies::default();
    }

    fn is_answered(&mut self, request: &[u8], expected: &[u8]) -> io::Result<bool> {
        self.connection.write_all(request)?;
        self.reply.clear();
        let mut piece = [0; 16 << 10];
        loop {
            let bytes = self.connection.read(&mut piece)?;
            self.reply.extend_from_slice(&piece[..bytes]);
            let Some(text) = str::from_utf8(&self.reply).ok() else { return Ok(false) };
            if let Some((head, content)) = text.split_once("\r\n\r\n") {
                let (status, length) = head.split_once("\r\nContent-Length: ").unwrap_or_default();
                if status != "HTTP/1.1 200 OK" || length.parse() == Ok(content.len()) {
                    return Ok(status == "HTTP/1.1 200 OK" && content.as_bytes().starts_with(expected));
                }
            }
            if bytes == 0 {
                return Ok(false);
            }
        }
    }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}
