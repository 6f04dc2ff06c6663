//! A crash handler that works when the heap does not. The program starts itself three times; each child damages its
//! heap and crashes, its handler writes a report with nothing but prepared memory, and the parent prints it.
//!
//! ```text
//! cargo run --release --example crash_handler
//! ```
//!
//! `handler` is what a program would take over, with `report`, `maps` and `registers`. For Linux on x86-64 and aarch64.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "."] // the files lie beside this one
mod linux {
    pub mod child;
    mod handler;
    mod maps;
    pub mod parent;
    mod registers;
    mod report;
    #[path = "../symbols.rs"]
    mod symbols;
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use linux::{child, parent};

    match parent::as_child() {
        Some((crash, handler)) => Ok(child::run(crash, handler)?),
        None => parent::run_all(),
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {
    println!("This example is for Linux on x86-64 and aarch64. `SyncArena` works on all platforms.");
}
