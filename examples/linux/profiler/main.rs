//! A sampling profiler: a timer interrupts the busy threads 4,000 times a second, the handler pushes where they are
//! into a `SwapVec`, a thread drains it meanwhile, and in the end there is a list and a flame graph.
//!
//! ```text
//! cargo run --release --example profiler [directory for profile.svg]
//! ```
//!
//! The handler follows frame pointers. Compilers leave them out on x86-64 unless told otherwise; without them each
//! sample still has its innermost function. With them:
//!
//! ```text
//! cargo rustc --release --package v_alloc-examples --example profiler -- -C force-frame-pointers && target/release/examples/profiler
//! ```
//!
//! For Linux on x86-64 and aarch64.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "."] // the files lie beside this one
mod linux {
    pub mod handler;
    pub mod report;
    #[path = "../symbols.rs"]
    mod symbols;
    pub mod workload;
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use linux::{handler, report, workload};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    const FREQUENCY: i64 = 4000;
    const TIME: Duration = Duration::from_millis(1500);
    static DONE: AtomicBool = AtomicBool::new(false);

    handler::install()?;
    let counts = std::thread::scope(|threads| {
        let drainer = threads.spawn(|| report::drain_until(&DONE));
        let workers =
            [(); 2].map(|()| threads.spawn(|| handler::profiled(FREQUENCY, || workload::run(TIME))));
        let results =
            workers.map(|worker| worker.join().map_err(|_| "a worker panicked")?.map_err(|e| e.to_string()));
        DONE.store(true, Ordering::Release);
        let counts = drainer.join().map_err(|_| "the drainer panicked".to_owned());
        results.into_iter().collect::<Result<Vec<u64>, String>>().and(counts)
    })?;
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| "target/profiler".into());
    counts.report(directory.as_ref())
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {
    println!("This example is for Linux on x86-64 and aarch64. `SwapVec` works on all platforms.");
}
