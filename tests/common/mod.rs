//! What several rooms need: tests in a process of their own, and looks at the memory of this one.
#![allow(dead_code, unused_imports, reason = "every room uses another part")]

pub mod elements;
pub mod panics;
#[cfg(all(feature = "map", target_has_atomic = "64"))]
pub mod things;
pub mod typed;

pub use processes::*;

#[cfg(target_os = "linux")]
pub use memory::*;

/// The bytes of a page.
pub fn page() -> usize {
    v_alloc::os::page_size().unwrap()
}

mod processes {
    use std::ffi::OsString;
    #[cfg(unix)]
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus, Output, Stdio};

    /// Names the test that a child process is to run.
    const CHILD: &str = "V_ALLOC_TEST_CHILD";

    pub const SIGABRT: i32 = 6;

    /// Runs `body` in a process that runs nothing else, so that limits and totals of a process do not touch other
    /// tests. `test` is the path of the calling test.
    pub fn isolated(test: &str, body: impl FnOnce()) {
        if is_child(test) {
            body();
            println!("{}", reached_its_end(test));
            return;
        }
        let output = run_child(test);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains(&reached_its_end(test)),
            "{test} in a process of its own: {}\n{said}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        print!("{said}"); // what it measured
    }

    /// Runs `body`, which must not return, in a child process; tells by which signal that died, and what it wrote
    /// to standard error.
    #[cfg(unix)]
    pub fn killed(test: &str, body: impl FnOnce()) -> Option<(i32, String)> {
        let (status, error) = died(test, body);
        assert!(status.signal().is_some(), "{test}: no signal, but {status}\n{error}");
        status.signal().map(|signal| (signal, error))
    }

    /// Runs `body` in a child process, and expects that to end it by the signal or the exception of an access that is
    /// not allowed; tells what it wrote.
    pub fn faulted(test: &str, body: impl FnOnce()) -> String {
        let (status, said) = died(test, body);
        #[cfg(unix)]
        let (ended, expected) = {
            const SIGSEGV: i32 = 11;
            const SIGBUS_OF_APPLE: i32 = 10;
            let apples = cfg!(target_vendor = "apple") && status.signal() == Some(SIGBUS_OF_APPLE);
            (status.signal(), Some(if apples { SIGBUS_OF_APPLE } else { SIGSEGV }))
        };
        #[cfg(windows)]
        let (ended, expected) = {
            const STATUS_ACCESS_VIOLATION: i32 = 0xC000_0005_u32.cast_signed();
            (status.code(), Some(STATUS_ACCESS_VIOLATION))
        };
        assert_eq!(ended, expected, "{status}\n{said}");
        said
    }

    /// Runs `body`, which must not return, in a child process; tells how that ended, and what it wrote.
    fn died(test: &str, body: impl FnOnce()) -> (ExitStatus, String) {
        if is_child(test) {
            #[cfg(unix)]
            no_core_file();
            body();
            println!("{}", reached_its_end(test));
            std::process::exit(0);
        }
        let output = run_child(test);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains(&reached_its_end(test)), "{test}: the child survived");
        let error = String::from_utf8_lossy(&output.stderr);
        (output.status, format!("{error}\n{said}"))
    }

    fn is_child(test: &str) -> bool {
        std::env::var_os(CHILD).is_some_and(|name| name == *test)
    }

    /// This executable once more. Where the kernel cannot start it by itself, a variable says how: an emulator and its
    /// arguments.
    pub fn this_executable() -> Command {
        let runner = std::env::var("V_ALLOC_TEST_RUNNER").unwrap_or_default();
        let executable = std::env::current_exe().unwrap().into_os_string();
        let mut words = runner.split_whitespace().map(OsString::from).chain([executable]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command
    }

    fn run_child(test: &str) -> Output {
        // The runner without test threads: nothing else maps memory in that process.
        this_executable()
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, test)
            // A backtrace needs memory, which a limit may deny; the panic would hang.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Without it, a misspelt name would run no test, and pass.
    fn reached_its_end(test: &str) -> String {
        format!("the child of {test} reached its end")
    }

    #[cfg(unix)]
    fn no_core_file() {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    }

    /// Lowers a limit of this process.
    #[cfg(unix)]
    pub fn limit(resource: rustix::process::Resource, bytes: u64) {
        let limits = rustix::process::Rlimit { current: Some(bytes), maximum: Some(bytes) };
        rustix::process::setrlimit(resource, limits).unwrap();
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use std::ffi::{c_int, c_uchar, c_void};

    unsafe extern "C" {
        fn mincore(start: *mut c_void, bytes: usize, pages: *mut c_uchar) -> c_int;
    }

    /// How many of the `bytes` from `start` on are resident; `start` is rounded down to a page, `bytes` up.
    pub fn resident_bytes(start: usize, bytes: usize) -> usize {
        let page = super::page();
        let first = start / page * page;
        let size = (start + bytes).next_multiple_of(page) - first;
        let mut pages: Vec<c_uchar> = vec![0; size / page];
        // SAFETY: there is a byte for every page, and the kernel only looks at the range.
        let status =
            unsafe { mincore(std::ptr::with_exposed_provenance_mut(first), size, pages.as_mut_ptr()) };
        assert_eq!(status, 0, "mincore: {}", std::io::Error::last_os_error());
        pages.iter().filter(|&&state| state & 1 == 1).count() * page
    }

    /// A mapping of this process, as `/proc/self/smaps` shows it.
    #[derive(Debug)]
    pub struct Mapping {
        pub start: usize,
        pub end: usize,
        /// As `rw-p`.
        pub access: String,
        /// The rest of the first line: a path, or the name of anonymous memory.
        pub name: String,
        pub rss: usize,
        /// As `rd wr mr`, see `VmFlags` in proc(5).
        pub flags: Vec<String>,
    }

    /// The mappings that overlap `start .. start + bytes`.
    pub fn mappings(start: usize, bytes: usize) -> Vec<Mapping> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut all: Vec<Mapping> = Vec::new();
        for line in smaps.lines() {
            let mut words = line.split_ascii_whitespace();
            let key = words.next().unwrap();
            if let Some(field) = key.strip_suffix(':') {
                let last = all.last_mut().unwrap();
                match field {
                    "Rss" => last.rss = words.next().unwrap().parse::<usize>().unwrap() << 10,
                    "VmFlags" => last.flags = words.map(str::to_owned).collect(),
                    _ => {}
                }
                continue;
            }
            let (from, to) = key.split_once('-').unwrap();
            let address = |text| usize::from_str_radix(text, 16).unwrap();
            all.push(Mapping {
                start: address(from),
                end: address(to),
                access: words.next().unwrap().to_owned(),
                name: words.skip(3).collect::<Vec<_>>().join(" "),
                rss: 0,
                flags: Vec::new(),
            });
        }
        all.retain(|mapping| mapping.start < start + bytes && start < mapping.end);
        all
    }

    /// A field of `/proc/self/status` in bytes, such as `VmRSS`.
    pub fn status(field: &str) -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.split_ascii_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
    }
}
