//! A view of the arenas of another process, while it runs.
//!
//! ```text
//! cargo run --release --example top -- PID           # in a terminal: q quits
//! cargo run --release --example top -- --once PID    # one table, for scripts: all sizes are bytes
//! cargo run --release --example top -- --demo        # a program to look at comes with it
//! ```
//!
//! The process must have called `v_alloc::registry::publish`. What has a name is shown: see `docs/top.md`. For Linux.

#[cfg(target_os = "linux")]
#[path = "."] // the files lie beside this one
mod linux {
    pub mod arguments;
    pub mod demo;
    mod drawing;
    pub mod reading;
    pub mod table;
    mod units;
    pub mod view;
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use linux::{arguments, demo, table, view};

    let done = match arguments::read() {
        Ok(arguments::Wish::Help) => table::print(arguments::USAGE),
        Ok(arguments::Wish::Once(process)) => table::once(process),
        Ok(arguments::Wish::Live(process)) => view::run(process),
        Ok(arguments::Wish::Demo) => demo::with_program(view::run),
        Ok(arguments::Wish::DemoProgram) => demo::program(),
        Err(usage) => Err(usage.into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("top: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("top: only on Linux can another process's registry be read");
    std::process::ExitCode::FAILURE
}
