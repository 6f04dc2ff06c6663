//! Named arenas as another process sees them: through the descriptors and the memory map of a real one, read by the code
//! of `examples/linux/top`.
#![cfg(all(target_os = "linux", feature = "allocator-api2", feature = "alloc", target_has_atomic = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;
#[path = "../examples/linux/top/reading.rs"]
mod reading;
#[path = "../examples/linux/top/units.rs"]
mod units;

use reading::{Arena, Picture, Trouble, look};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use v_alloc::{Arena as OneArena, ArenaPool, StableVec, SyncArena, registry};

const MIB: u64 = 1 << 20;

/// Another process, which goes one step further each time it is told to.
struct Program {
    process: Child,
    says: BufReader<std::process::ChildStdout>,
}

/// Says which test's program a process is to be.
const PROGRAM: &str = "V_ALLOC_TEST_PROGRAM";
const READY: &str = "the program is ready for the next step";

impl Program {
    /// This executable, in a process that runs only `test`, which calls [`Program::is_this`].
    fn start(test: &str) -> Self {
        let mut process = common::this_executable()
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(PROGRAM, test)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        let mut program = Self { process, says };
        program.wait_until_ready();
        program
    }

    fn is_this(test: &str) -> bool {
        std::env::var(PROGRAM).is_ok_and(|name| name == test)
    }

    /// To be called in the program: lets the test look, and goes on when it says so. Ends with the test.
    fn step() {
        println!("\n{READY}");
        if std::io::stdin().read_line(&mut String::new()).unwrap() == 0 {
            std::process::exit(0);
        }
    }

    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        while line.trim() != READY {
            line.clear();
            assert!(self.says.read_line(&mut line).unwrap() > 0, "the program ended before it was ready");
        }
    }

    fn next(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.wait_until_ready();
    }

    fn look(&self) -> Picture {
        look(self.process.id()).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn names(picture: &Picture) -> Vec<&str> {
    picture.arenas.iter().map(|arena| arena.name.as_str()).collect()
}

fn the<'a>(picture: &'a Picture, name: &str) -> &'a Arena {
    picture.arenas.iter().find(|arena| arena.name == name).unwrap_or_else(|| panic!("{name}: {picture:?}"))
}

#[test]
fn sizes_have_three_digits_and_fit_their_column() {
    let sizes = [0, 1, 512, 1 << 10, 1000 << 10, 1023 << 10, (1 << 20) - 1, 1 << 20, 10 << 20, 999 << 20];
    let shown = sizes.map(units::size);
    let expected = [
        "-", "0.00 KiB", "0.50 KiB", "1 KiB", "1000 KiB", "1023 KiB", "1.00 MiB", "1.00 MiB", "10.0 MiB",
        "999 MiB",
    ];
    assert_eq!(shown, expected);
    assert_eq!(units::size(u64::MAX), "16.0 EiB");
    let longest = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 3 << bit >> 1]).map(units::size);
    assert!(longest.into_iter().all(|text| text.len() <= 8));
}

#[test]
fn bars_are_as_high_as_their_part_of_the_greatest_and_nothing_is_blank() {
    let bars = |values: &[u64], greatest| units::sparkline(values.iter().copied(), greatest);
    assert_eq!(bars(&[0, 1, 500, 1000], 1000), " ▁▄█");
    assert_eq!(bars(&[500], 1000), "▄", "of what it once was");
    assert_eq!(bars(&[u64::MAX, u64::MAX / 2, 0], 0), "█▄ ");
    assert_eq!(bars(&[0, 0], 0), "  ");
    assert_eq!(bars(&[], 7), "");
}

/// What this process shows of itself to others.
fn look_here() -> Picture {
    look(std::process::id()).unwrap()
}

#[test]
fn another_process_shows_what_has_a_name_and_how_it_grows_and_shrinks() {
    const TEST: &str = "another_process_shows_what_has_a_name_and_how_it_grows_and_shrinks";
    static EVENTS: SyncArena = OneArena::options().reservation(1 << 24).name(c"events").build_sync();
    static POOL: ArenaPool<4> =
        ArenaPool::with_slots().options(OneArena::options().reservation(1 << 20).name(c"request"));
    if Program::is_this(TEST) {
        let options = OneArena::options().huge_pages(false);
        let _before = options.name(c"made before").build().unwrap();
        registry::publish().unwrap();
        registry::publish().unwrap();
        let mut tokens = options.name(c"tokens").reservation(64 << 20).build().unwrap();
        let unnamed = OneArena::new();
        unnamed.alloc(1);
        let index = StableVec::<u8>::options().name(c"index").reservation(1 << 24).huge_pages(false).build();
        Program::step();
        tokens.alloc_slice_fill_copy(20 << 20, 1_u8);
        EVENTS.alloc_slice_fill_copy(3 << 20, 1_u8);
        index.push(1);
        let requests = [POOL.get(), POOL.get()].map(|arena| *arena.alloc(1));
        assert_eq!(requests, [1, 1]);
        Program::step();
        tokens.reset();
        tokens.trim(1 << 20).unwrap();
        drop(index);
        Program::step();
        drop(tokens);
        Program::step();
        return;
    }
    let mut program = Program::start(TEST);
    let picture = program.look();
    assert_eq!(names(&picture), ["tokens"], "only what has a name and addresses");
    let tokens = &picture.arenas[0];
    assert_eq!((tokens.kind, tokens.reserved, tokens.committed), ("arena", 64 * MIB, 0));
    assert_eq!((tokens.resident, tokens.huge, tokens.peak), (0, 0, 0));

    program.next();
    let picture = program.look();
    assert_eq!(names(&picture), ["events", "index", "request", "request", "tokens"]);
    let tokens = the(&picture, "tokens");
    assert!((20 * MIB..26 * MIB).contains(&tokens.committed), "{tokens:?}");
    assert_eq!((tokens.peak, tokens.huge), (tokens.committed, 0));
    assert!((20 * MIB..=tokens.committed).contains(&tokens.resident), "{tokens:?}");
    let events = the(&picture, "events");
    assert_eq!((events.kind, events.reserved), ("shared", 16 * MIB));
    assert!((3 * MIB..=events.committed).contains(&events.resident), "{events:?}");
    let index = the(&picture, "index");
    assert_eq!((index.kind, index.reserved), ("block", 16 * MIB));
    assert_eq!(index.resident, common::page() as u64, "a byte was written");
    assert!(picture.program.starts_with("registry") && picture.started > 0, "{picture:?}");
    assert!(picture.resident >= 23 * MIB && picture.addresses >= 80 * MIB, "{picture:?}");

    program.next();
    let picture = program.look();
    assert_eq!(names(&picture), ["events", "request", "request", "tokens"], "the vector is gone");
    let trimmed = the(&picture, "tokens");
    assert_eq!((trimmed.committed, trimmed.resident), (MIB, MIB));
    assert!(trimmed.peak >= 20 * MIB, "the peak stays: {trimmed:?}");

    program.next();
    assert_eq!(names(&program.look()), ["events", "request", "request"]);
}

#[test]
fn two_programs_show_each_its_own() {
    const TEST: &str = "two_programs_show_each_its_own";
    if Program::is_this(TEST) {
        registry::publish().unwrap();
        let arena = OneArena::options().name(c"same name").build().unwrap();
        Program::step();
        arena.alloc_slice_fill_copy(100_000, 1_u8);
        Program::step();
        return;
    }
    let (mut one, other) = (Program::start(TEST), Program::start(TEST));
    one.next();
    assert!(one.look().arenas[0].committed >= 100_000);
    assert_eq!(other.look().arenas[0].committed, 0);
}

#[test]
fn threads_that_make_and_drop_arenas_never_show_a_mixture() {
    const TEST: &str = "threads_that_make_and_drop_arenas_never_show_a_mixture";
    const NAMES: [&std::ffi::CStr; 3] = [c"one MiB", c"two MiB", c"three MiB"];
    if Program::is_this(TEST) {
        registry::publish().unwrap();
        for (index, name) in NAMES.into_iter().enumerate() {
            std::thread::spawn(move || {
                loop {
                    let options = OneArena::options().name(name).reservation((index + 1) << 20);
                    let arenas = [(); 3].map(|()| options.build().unwrap());
                    for arena in &arenas {
                        arena.alloc([1_u64; 600]);
                    }
                }
            });
        }
        Program::step();
        return;
    }
    let program = Program::start(TEST);
    let mut seen = 0;
    let start = Instant::now();
    while seen < 100 {
        assert!(start.elapsed() < Duration::from_secs(60), "too few are ever seen: {seen}");
        for arena in program.look().arenas {
            let size = NAMES.iter().position(|name| name.to_str() == Ok(&arena.name));
            assert_eq!(arena.reserved, (size.expect("a name of ours") as u64 + 1) * MIB, "{arena:?}");
            assert!(arena.committed <= arena.peak && arena.peak <= arena.reserved, "{arena:?}");
            seen += 1;
        }
    }
}

#[test]
fn a_full_table_leaves_out_the_rest_and_the_program_goes_on() {
    common::isolated("a_full_table_leaves_out_the_rest_and_the_program_goes_on", || {
        registry::publish().unwrap();
        let options = OneArena::options().name(c"one of many").reservation(1 << 16);
        let mut arenas: Vec<_> = (0..registry::CAPACITY + 50).map(|_| options.build().unwrap()).collect();
        for arena in &arenas {
            arena.alloc(1);
        }
        assert_eq!(look_here().arenas.len(), registry::CAPACITY);
        assert_eq!(registry::entries().filter(|entry| entry.committed > 0).count(), registry::CAPACITY);
        arenas.truncate(10);
        let _late = OneArena::options().name(c"late").build().unwrap();
        assert_eq!(look_here().arenas.len(), 11);
    });
}

/// Where the kernel has no names for memory, and where the names are the same, it makes one mapping of them.
#[test]
fn neighbours_that_are_one_mapping_are_told_apart() {
    common::isolated("neighbours_that_are_one_mapping_are_told_apart", || {
        registry::publish().unwrap();
        let page = common::page();
        let options = StableVec::<u8>::options().name(c"row").reservation(8 * page).huge_pages(false);
        let rows: Vec<_> = (1..8).map(|pages| (pages, options.build())).collect();
        for (pages, row) in &rows {
            (0..pages * page).for_each(|_| _ = row.push(1));
        }
        let picture = look_here();
        for (pages, row) in &rows {
            let address = row.as_slice().as_ptr().addr() as u64;
            let arena = picture.arenas.iter().find(|arena| arena.address == address).unwrap();
            assert_eq!(arena.resident, (pages * page) as u64, "{arena:?}");
        }
    });
}

#[test]
fn huge_pages_are_counted() {
    common::isolated("huge_pages_are_counted", || {
        registry::publish().unwrap();
        let arena = OneArena::options().name(c"large").reservation(1 << 30).build().unwrap();
        let bytes = arena.alloc_slice_fill_copy(32 << 20, 1_u8);
        // Beyond the first mebibyte, which is apart.
        let inside = bytes.as_ptr().addr() + (16 << 20);
        let huge_bytes = || {
            let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let mut lines = smaps.lines().skip_while(|line| {
                let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
                let range = range.and_then(|(start, end)| {
                    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
                });
                !range.is_some_and(|range| range.contains(&inside))
            });
            let kib = lines.find_map(|line| line.strip_prefix("AnonHugePages:")?.trim().strip_suffix(" kB"));
            kib.unwrap().parse::<u64>().unwrap() << 10
        };
        // The kernel may make a huge page of small ones at any time.
        let (before, shown, after) = (huge_bytes(), the(&look_here(), "large").huge, huge_bytes());
        assert!((before..=after).contains(&shown), "{before} <= {shown} <= {after}");
        println!("{shown} bytes in huge pages");
    });
}

#[test]
fn names_cannot_reach_the_terminal_as_commands() {
    common::isolated("names_cannot_reach_the_terminal_as_commands", || {
        registry::publish().unwrap();
        let _arenas =
            [c"\x1b]0;title\x07red\x1b[31m", c"two\nlines\t\x7f\xc2\x9b1m", c"\xe2\x80\xaeesrever", c"\xff"]
                .map(|name| OneArena::options().name(name).reservation(1).build().unwrap());
        let picture = look_here();
        assert_eq!(picture.arenas.len(), 4);
        for name in names(&picture) {
            assert!(!name.chars().any(|each| each.is_control() || each == '\u{202e}'), "{name:?}");
        }
        assert_eq!(
            names(&picture),
            [
                "",
                "two\u{fffd}lines\u{fffd}\u{fffd}\u{fffd}1m",
                "\u{fffd}]0;title\u{fffd}red\u{fffd}[31m",
                "\u{fffd}esrever"
            ]
        );
    });
}

#[test]
fn after_a_fork_the_child_leaves_its_parents_table_alone_and_may_publish_its_own() {
    common::isolated("after_a_fork_the_child_leaves_its_parents_table_alone_and_may_publish_its_own", || {
        registry::publish().unwrap();
        let arena = OneArena::options().name(c"parent's").reservation(1 << 24).build().unwrap();
        arena.alloc(1);
        let other = OneArena::options().name(c"dropped by the child").build().unwrap();
        let before: Vec<_> = registry::entries().collect();
        let in_child = || {
            assert_eq!(registry::entries().count(), 0, "nothing is published");
            arena.alloc_slice_fill_copy(1 << 20, 1_u8);
            drop(other);
            let _unseen = OneArena::options().name(c"child's, unseen").build().unwrap();
            assert!(
                matches!(look(std::process::id()), Err(Trouble::NoRegistry(..))),
                "the parent's file is not its own"
            );
            registry::publish().unwrap();
            let _own = OneArena::options().name(c"child's").build().unwrap();
            arena.alloc_slice_fill_copy(4 << 20, 1_u8);
            assert_eq!(names(&look_here()), ["child's"]);
        };
        // SAFETY: the other thread of this process only waits, so nothing that the child needs is locked.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(in_child));
            // SAFETY: it ends the process without running what the parent is to run.
            unsafe { libc::_exit(i32::from(done.is_err())) };
        }
        let mut status = -1;
        // SAFETY: the status is ours.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child said why");
        assert_eq!(registry::entries().collect::<Vec<_>>(), before, "the parent's table");
        assert_eq!(names(&look_here()), ["dropped by the child", "parent's"]);
    });
}

#[test]
fn programs_that_are_executed_inherit_no_descriptor() {
    common::isolated("programs_that_are_executed_inherit_no_descriptor", || {
        registry::publish().unwrap();
        let open = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let open = String::from_utf8(open.stdout).unwrap();
        assert!(open.contains(" 1 -> ") && !open.contains(registry::FILE_NAME), "{open}");
        let own = std::fs::read_dir("/proc/self/fd").unwrap();
        let own = own.filter(|file| {
            let target = std::fs::read_link(file.as_ref().unwrap().path()).unwrap_or_default();
            target.to_string_lossy().contains(registry::FILE_NAME)
        });
        assert_eq!(own.count(), 1, "one descriptor, however often it is published");
    });
}

/// Else any process that may look could end this one: a write beyond the end of a mapped file is a SIGBUS.
#[test]
fn nobody_who_may_look_can_cut_the_table_off_or_write_to_it() {
    common::isolated("nobody_who_may_look_can_cut_the_table_off_or_write_to_it", || {
        registry::publish().unwrap();
        let file = std::fs::read_dir("/proc/self/fd").unwrap().find_map(|file| {
            let path = file.unwrap().path();
            let target = std::fs::read_link(&path).ok()?;
            target.to_string_lossy().contains(registry::FILE_NAME).then_some(path)
        });
        let mut file = std::fs::OpenOptions::new().read(true).write(true).open(file.unwrap()).unwrap();
        for size in [0, 4096, 1 << 20] {
            let error = file.set_len(size).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{size}: {error}");
        }
        let error = file.write_all(b"x").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{error}");
        let _arena = OneArena::options().name(c"still written by its owner").build().unwrap();
        assert_eq!(names(&look_here()), ["still written by its owner"]);
    });
}

/// Making a file larger than the limit ends a process by SIGXFSZ, unless it asks before.
#[test]
fn where_files_may_not_be_so_large_publishing_is_an_error() {
    common::isolated("where_files_may_not_be_so_large_publishing_is_an_error", || {
        common::limit(rustix::process::Resource::Fsize, 4096);
        let error = registry::publish().unwrap_err();
        assert_eq!(error.os_code(), Some(libc::EFBIG), "{error}");
        let arena = OneArena::options().name(c"not listed").build().unwrap();
        assert_eq!(*arena.alloc(7), 7);
        assert_eq!(registry::entries().count(), 0);
    });
}

#[test]
fn whoever_cannot_look_is_told_why() {
    const TEST: &str = "whoever_cannot_look_is_told_why";
    if Program::is_this(TEST) {
        Program::step();
        registry::publish().unwrap();
        // Now it is only root's to look into.
        // SAFETY: it changes who may look.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) }, 0);
        Program::step();
        return;
    }
    let said = |process| look(process).map(|picture| names(&picture).join(" ")).unwrap_err().to_string();
    assert_eq!(said(u32::MAX), "there is no process 4294967295");
    let mut program = Program::start(TEST);
    let process = program.process.id();
    let message = said(process);
    assert!(message.ends_with(") has no registry: it must call v_alloc::registry::publish()"), "{message}");
    program.next();
    let as_nobody = move || {
        // SAFETY: by the system call itself only this thread changes its user. Who is nobody already stays it.
        let _ = unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
        look(process).map(|_| ()).unwrap_err().to_string()
    };
    let message = std::thread::spawn(as_nobody).join().unwrap();
    assert!(message.starts_with(&format!("no permission to look into process {process} (")), "{message}");
    program.process.kill().unwrap();
    let start = Instant::now();
    // It is a zombie until it is waited for.
    while !matches!(look(process), Err(Trouble::NoProcess(_))) {
        assert!(start.elapsed() < Duration::from_secs(60), "it is still there");
    }
    program.process.wait().unwrap();
    assert_eq!(said(process), format!("there is no process {process}"));
}
