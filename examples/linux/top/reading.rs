//! The arenas of another process: its registry, and what the kernel says of the memory behind them.
//!
//! Only `/proc/PID` is read, and nothing in it is believed: any program may say whatever it likes there.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use v_alloc::registry::{FILE_NAME, Image, Kind, Snapshot};

/// A process and its arenas at one time. All sizes are bytes.
#[derive(Debug)]
pub struct Picture {
    pub program: String,
    /// When it was started, in the kernel's ticks: tells it from another process that has its number later.
    pub started: u64,
    /// All its addresses (`top` says VIRT), and all its memory (RES).
    pub addresses: u64,
    pub resident: u64,
    /// By name, then by address.
    pub arenas: Vec<Arena>,
}

#[derive(Debug)]
pub struct Arena {
    /// Fit for a terminal.
    pub name: String,
    pub kind: &'static str,
    pub address: u64,
    pub reserved: u64,
    pub committed: u64,
    pub peak: u64,
    /// Memory that is there, and the part of it that is in huge pages.
    pub resident: u64,
    pub huge: u64,
}

/// Why there is nothing to see.
#[derive(Debug)]
pub enum Trouble {
    NoProcess(u32),
    NotAllowed(u32, String),
    NoRegistry(u32, String),
    UnknownFormat(u32, String),
    Other(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess(process) => write!(formatter, "there is no process {process}"),
            Self::NotAllowed(process, program) => write!(
                formatter,
                "no permission to look into process {process} ({program}): it must run as the same user, or this as root"
            ),
            Self::NoRegistry(process, program) => write!(
                formatter,
                "process {process} ({program}) has no registry: it must call v_alloc::registry::publish()"
            ),
            Self::UnknownFormat(process, program) => {
                write!(formatter, "the registry of process {process} ({program}) is of another version")
            }
            Self::Other(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Trouble {}

/// Looks at a process now: the registry before and after the kernel's figures, so that what comes or goes meanwhile is
/// left out.
///
/// # Errors
/// [`Trouble`] if there is none, or none that shows its arenas to this user.
pub fn look(process: u32) -> Result<Picture, Trouble> {
    let status = Status::of(process)?;
    let trouble = |error: io::Error| match error.kind() {
        ErrorKind::PermissionDenied => Trouble::NotAllowed(process, status.program.clone()),
        _ if Status::of(process).is_err() => Trouble::NoProcess(process), // it ended meanwhile
        _ => Trouble::Other(error),
    };
    let (mut file, first) = own_table(process, status.own_number)
        .map_err(trouble)?
        .ok_or_else(|| Trouble::NoRegistry(process, status.program.clone()))?;
    let mappings = mappings(process).map_err(trouble)?;
    let second = whole(&mut file).map_err(trouble)?;
    let image =
        Image::new(&first, &second).ok_or_else(|| Trouble::UnknownFormat(process, status.program.clone()))?;
    let mut arenas: Vec<_> = image.entries().map(Arena::of).collect();
    arenas.sort_by_key(|arena| arena.address);
    // So much takes a tenth of a second.
    let mut pages = Pages { file: File::open(format!("/proc/{process}/pagemap")), left: 16 << 30 };
    for mapping in mappings {
        mapping.share_among(&mut arenas, &mut pages);
    }
    arenas.sort_by(|one, other| one.name.cmp(&other.name)); // stable: by address where names are the same
    let started = started(process).map_err(trouble)?;
    let Status { program, addresses, resident, .. } = status;
    Ok(Picture { program, started, addresses, resident, arenas })
}

impl Arena {
    /// What the registry says of it.
    fn of(entry: Snapshot) -> Self {
        let kind = match entry.kind {
            Kind::Arena => "arena",
            Kind::Shared => "shared",
            Kind::Block => "block",
            _ => "other",
        };
        let [address, reserved, committed, peak] =
            [entry.address, entry.reserved, entry.committed, entry.peak].map(|figure| figure as u64);
        Self { name: harmless(entry.name()), kind, address, reserved, committed, peak, resident: 0, huge: 0 }
    }
}

/// What `/proc/PID/status` says, which everyone may read.
struct Status {
    program: String,
    /// As the process sees itself, perhaps in a container.
    own_number: Option<u32>,
    addresses: u64,
    resident: u64,
}

impl Status {
    fn of(process: u32) -> Result<Self, Trouble> {
        let text = fs::read(format!("/proc/{process}/status")).map_err(|_| Trouble::NoProcess(process))?;
        let text = String::from_utf8_lossy(&text);
        let field = |key| {
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap_or_default().trim()
        };
        let bytes =
            |key| field(key).trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib.saturating_mul(1024));
        if field("State").starts_with(['Z', 'X']) {
            return Err(Trouble::NoProcess(process)); // it has ended, and its parent has not asked how
        }
        Ok(Self {
            program: harmless(field("Name")),
            own_number: field("NStgid").split_whitespace().next_back().and_then(|number| number.parse().ok()),
            addresses: bytes("VmSize"),
            resident: bytes("VmRSS"),
        })
    }
}

fn started(process: u32) -> io::Result<u64> {
    let stat = fs::read(format!("/proc/{process}/stat"))?;
    let stat = String::from_utf8_lossy(&stat);
    // The name of the program may have anything in it, also spaces and parentheses.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    Ok(rest.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or_default())
}

/// The file of the process's registry, and a first reading of it. A child has its parent's file open, too, until it
/// executes a program; a file that cannot be read is taken for the process's own.
fn own_table(process: u32, own_number: Option<u32>) -> io::Result<Option<(File, Vec<u8>)>> {
    for file in fs::read_dir(format!("/proc/{process}/fd"))? {
        let path = file?.path();
        let Ok(target) = fs::read_link(&path) else { continue }; // closed meanwhile
        if target.to_string_lossy().starts_with(&format!("/memfd:{FILE_NAME}")) {
            // Not a pipe by that name, which would never open.
            let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
            let bytes = whole(&mut file)?;
            if Image::new(&bytes, &bytes).is_none_or(|image| Some(image.process()) == own_number) {
                return Ok(Some((file, bytes)));
            }
        }
    }
    Ok(None)
}

/// All of a file that is as small as a registry.
fn whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A name as it may be shown: without what moves the cursor, changes colours or the direction of writing.
fn harmless(name: &str) -> String {
    let unseen = |character| {
        matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    name.chars().map(|each| if each.is_control() || unseen(each) { '\u{fffd}' } else { each }).collect()
}

/// The mappings of a process of which something is in memory.
fn mappings(process: u32) -> io::Result<Vec<Mapping>> {
    let mut smaps = BufReader::new(File::open(format!("/proc/{process}/smaps"))?);
    let mut mappings: Vec<Mapping> = Vec::new();
    let mut line = Vec::new();
    while smaps.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let kib =
            |value: &str| value.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib << 10);
        match (text.split_once(':'), mappings.last_mut()) {
            (Some(("Rss", value)), Some(last)) => last.resident = kib(value),
            (Some(("AnonHugePages", value)), Some(last)) => last.huge = kib(value),
            _ => {
                if let Some(range) = range_of(&text) {
                    mappings.push(Mapping { range, resident: 0, huge: 0 });
                }
            }
        }
        line.clear();
    }
    mappings.retain(|mapping| mapping.resident > 0);
    Ok(mappings)
}

/// `start-end rest of the line`, in hexadecimal.
fn range_of(line: &str) -> Option<Range<u64>> {
    let (start, end) = line.split_whitespace().next()?.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}

struct Mapping {
    range: Range<u64>,
    resident: u64,
    huge: u64,
}

impl Mapping {
    fn share_among(&self, arenas: &mut [Arena], pages: &mut Pages) {
        let first =
            arenas.partition_point(|arena| arena.address.saturating_add(arena.reserved) <= self.range.start);
        let overlapping = arenas[first..].iter_mut().take_while(|arena| arena.address < self.range.end);
        for arena in overlapping {
            let reserved = arena.address..arena.address.saturating_add(arena.reserved);
            if reserved.start <= self.range.start && self.range.end <= reserved.end {
                arena.resident += self.resident;
                arena.huge += self.huge;
                continue;
            }
            // Neighbours that are alike are one mapping to the kernel: the pages have to be counted.
            let committed = arena.address.saturating_add(arena.committed);
            let part = reserved.start.max(self.range.start)..committed.min(self.range.end);
            let most = self.resident.min(part.end.saturating_sub(part.start));
            let resident = pages.present(part).unwrap_or(most).min(most);
            arena.resident += resident;
            let huge = u128::from(self.huge) * u128::from(resident) / u128::from(self.resident);
            arena.huge += u64::try_from(huge).unwrap_or(0); // on the average
        }
    }
}

/// Which pages of the process are there: a word for each, whose uppermost bit says so.
struct Pages {
    file: io::Result<File>,
    /// Bytes that may still be looked through: what another process lists may be anything, also the same a thousand times.
    left: u64,
}

impl Pages {
    /// Bytes of a range that are in memory, unless there is too much to be looked through, or nobody may.
    fn present(&mut self, range: Range<u64>) -> Option<u64> {
        let page = v_alloc::os::page_size().ok()? as u64;
        let file = self.file.as_ref().ok()?;
        let (mut next, end) = (range.start / page, range.end / page);
        self.left = self.left.checked_sub(end.saturating_sub(next) * page)?;
        let mut words = [0; 8 << 10];
        let mut present = 0;
        while next < end {
            let wanted = words.len().min(usize::try_from((end - next) * 8).ok()?);
            file.read_exact_at(&mut words[..wanted], next * 8).ok()?;
            let there = words[..wanted].chunks_exact(8).filter(|word| word[7] & 0x80 != 0);
            present += there.count() as u64 * page;
            next += wanted as u64 / 8;
        }
        Some(present)
    }
}
