//! The parent: starts this program again as one that crashes, waits for its report, and says whether it is complete.

use super::child::Crash;
use super::handler::Handler;
use super::report::{FIRST_LINE, LAST_LINE};
use super::symbols::Symbols;
use std::error::Error;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const CRASHES: [(&str, Crash, i32); 3] = [
    ("SEGV", Crash::Segv, libc::SIGSEGV),
    ("ABRT", Crash::Abrt, libc::SIGABRT),
    ("BUS", Crash::Bus, libc::SIGBUS),
];

/// What a child is told to do, if this is one.
pub fn as_child() -> Option<(Crash, Handler)> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next()?;
    let (_, crash, _) = CRASHES.iter().find(|(known, ..)| *known == name)?;
    Some((*crash, if arguments.next().is_some() { Handler::Heap } else { Handler::Arena }))
}

/// The signal that ended a child, and what it wrote.
fn run(arguments: &[&str]) -> Result<(Option<i32>, String), Box<dyn Error>> {
    let child = Command::new(std::env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
    // A small pipe that is read late: the report waits in the middle, and the other thread crashes meanwhile.
    if let Some(pipe) = &child.stdout {
        // SAFETY: the pipe is open.
        unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) };
    }
    thread::sleep(Duration::from_millis(100));
    let output = child.wait_with_output()?;
    Ok((output.status.signal(), String::from_utf8(output.stdout)?))
}

pub fn run_all() -> Result<(), Box<dyn Error>> {
    println!("== a handler that uses the heap, with the heap damaged");
    let (signal, text) = run(&["SEGV", "with the heap"])?;
    println!("ended by signal {signal:?}; the report: {} bytes\n", text.len());

    for (name, _, number) in CRASHES {
        println!("== {name}, with arenas");
        let (signal, report) = run(&[name])?;
        print_with_names(&report);
        let complete = report.starts_with(&format!("{FIRST_LINE}{number}\n")) && report.ends_with(LAST_LINE);
        if !complete || report.matches(FIRST_LINE).count() != 1 {
            return Err("the report is not complete".into());
        }
        if signal != Some(number) {
            return Err(format!("the child ended by signal {signal:?}").into());
        }
        println!("complete: {} bytes\n", report.len());
    }
    Ok(())
}

/// The report with the names of functions, which the child could not look up, and without the map.
fn print_with_names(report: &str) {
    let (before, rest) = report.split_once("memory map:\n").unwrap_or((report, ""));
    let (map, after) = rest.split_once("end of map\n").unwrap_or((rest, ""));
    let mut symbols = Symbols::new(map);
    for line in before.lines() {
        let address = line.strip_prefix("  frame 0x").and_then(|rest| rest.split(' ').next());
        match address.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(address) => {
                let (name, place) = symbols.describe(address);
                println!("{line}  {name}  {place}");
            }
            None => println!("{line}"),
        }
    }
    println!("  memory map of {} lines\n{}", map.lines().count(), after.trim_end());
}
