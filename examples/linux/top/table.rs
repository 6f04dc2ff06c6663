//! The table for scripts: one line for each arena, sizes in bytes, the name last because it may have spaces.

use super::reading::{self, Arena};
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

/// Prints the arenas of a process.
pub fn once(process: u32) -> Result<(), Box<dyn Error>> {
    let mut text = format!(
        "{:<16} {:<6} {:>15} {:>13} {:>13} {:>13} {:>13} NAME\n",
        "ADDRESS", "KIND", "RESERVED", "COMMITTED", "RESIDENT", "HUGE", "PEAK"
    );
    for arena in reading::look(process)?.arenas {
        let Arena { name, kind, address, reserved, committed, peak, resident, huge } = arena;
        writeln!(
            text,
            "{address:016x} {kind:<6} {reserved:>15} {committed:>13} {resident:>13} {huge:>13} {peak:>13} {name}"
        )?;
    }
    print(&text)
}

/// Whoever reads may have seen enough, as `head` has.
pub fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
