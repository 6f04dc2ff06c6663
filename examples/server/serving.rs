//! The server: a thread for each connection, and for each request an arena from the pool.

use crate::orders;
use allocator_api2::alloc::{Allocator, Global};
use allocator_api2::vec::Vec as VecIn;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::str;
use std::thread;
use v_alloc::{Arena, ArenaPool, ReserveError};

/// Requests at a time; more are served too, from arenas that are made for them.
const ARENAS: usize = 8;

/// What an arena keeps from one request to the next. A request that takes more gets more, and gives the rest back.
const KEPT: usize = 1 << 20;

static POOL: ArenaPool<ARENAS> =
    ArenaPool::with_slots().retain(KEPT).options(Arena::options().name(c"request"));

/// No request is larger.
const LARGEST: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    Arena,
    System,
}

/// Prints the port, and serves until standard input ends: that is, until whoever started this process is gone.
pub fn serve(memory: Memory) -> Result<(), Box<dyn Error>> {
    if memory == Memory::Arena {
        prepare_all()?;
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that hangs up, or sends nonsense, ends its own connection only.
            thread::spawn(move || while let Ok(true) = serve_one(&connection, memory) {});
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// From now on requests that take at most `KEPT` need nothing from the operating system.
fn prepare_all() -> Result<(), ReserveError> {
    let arenas = [(); ARENAS].map(|()| POOL.get());
    arenas.iter().try_for_each(|arena| arena.prepare(KEPT))
}

/// False when the client has no more requests.
fn serve_one(connection: &TcpStream, memory: Memory) -> io::Result<bool> {
    // An arena is lent once there is something to do, not while the connection is idle.
    connection.set_nodelay(true)?;
    if connection.peek(&mut [0])? == 0 {
        return Ok(false);
    }
    match memory {
        Memory::Arena => answer(connection, &*POOL.get())?,
        Memory::System => answer(connection, Global)?,
    }
    Ok(true)
}

fn answer<A: Allocator + Copy>(mut connection: &TcpStream, memory: A) -> io::Result<()> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut request = VecIn::new_in(memory);
    let mut piece = [0; 16 << 10];
    let mut read_more = |request: &mut VecIn<u8, A>| match connection.read(&mut piece)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        _ if request.len() > LARGEST => Err(invalid("too large")),
        bytes => {
            request.extend_from_slice(&piece[..bytes]);
            Ok(())
        }
    };
    let head_end = loop {
        read_more(&mut request)?;
        if let Some(start) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break start + 4;
        }
    };
    let length = content_length(&request[..head_end]).ok_or_else(|| invalid("no length"))?;
    let end = head_end.checked_add(length).ok_or_else(|| invalid("too large"))?;
    while request.len() < end {
        read_more(&mut request)?;
    }
    let (head, body) = request[..end].split_at(head_end);
    connection.write_all(&orders::reply(head, body, memory)?)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = str::from_utf8(head).ok()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    length.trim().parse().ok()
}
