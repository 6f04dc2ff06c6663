//! A program to look at: arenas that grow, are reset and shrink, at a pace that eyes can follow.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;
use v_alloc::{Arena, ArenaPool, StableVec, SyncArena, registry};

/// Starts the program, shows it, and ends it.
pub fn with_program(show: impl FnOnce(u32) -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut program = Command::new(std::env::current_exe()?)
        .arg("--demo-program")
        .stdin(Stdio::piped()) // it ends with this process, however that ends
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    BufReader::new(program.stdout.take().ok_or("a pipe")?).read_line(&mut ready)?;
    let shown = show(program.id());
    drop(program.stdin.take());
    program.wait()?;
    shown
}

static EVENTS: SyncArena = Arena::options().name(c"events").build_sync();
static REQUESTS: ArenaPool<4> = ArenaPool::with_slots().options(Arena::options().name(c"request"));

/// The program itself.
pub fn program() -> Result<(), Box<dyn Error>> {
    let _ = std::fs::write("/proc/self/comm", "demo"); // its name, for whoever looks
    registry::publish()?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let _cache = Arena::options().name(c"cache, not yet used").build()?;
    let mut frame = Arena::options().name(c"frame").build()?;
    let mut syntax = Arena::options().name(c"syntax tree").build()?;
    let mut index = StableVec::<u64>::options().name(c"index").build();
    println!("ready");
    for step in 0_usize.. {
        // A frame is forgotten at once, but the memory stays for the next one.
        frame.reset();
        frame.alloc_slice_fill_copy(1 << 20 | (step * 7 % 5) << 18, 1_u8);
        // A file is parsed bit by bit; then the memory is given back.
        syntax.alloc_slice_fill_copy(600_000, 2_u8);
        if step % 40 == 39 {
            syntax.reset();
            syntax.trim(1 << 20)?;
        }
        // What is kept only grows.
        if step < 1000 {
            EVENTS.alloc_slice_fill_copy(100 << 10, 3_u8);
        }
        // An index grows and, now and then, is made half as large.
        index.extend((0..30_000_u64).map(|number| number * 3));
        if step % 80 == 79 {
            index.truncate(index.len() / 2);
            index.shrink_to_fit();
        }
        // Requests come two at a time; what they take beyond 2 MiB goes back.
        let requests = [REQUESTS.get(), REQUESTS.get()];
        requests[0].alloc_slice_fill_copy((step % 7) << 20, 4_u8);
        requests[1].alloc_slice_fill_copy((step % 3) << 21, 4_u8);
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
