//! Memory that an arena keeps resident, against what is used of it. A process of its own fills one arena with
//! small objects, and reads from the kernel's account (`/proc/self/smaps`) how much of its range is resident.

use super::{Group, no_such_case};
use crate::table::Row;
use crate::{Effort, Result, child};
use v_alloc::Arena;

pub const GROUP: Group = Group { name: "resident", title: "resident memory of an arena", measure, run_case };

const KIB: u32 = 1 << 10;
const PAGE: u32 = 4 * KIB;
/// Up to here every page of use is looked at.
const LARGEST: u32 = 1 << 20;
/// Bytes in use that have a row of their own.
const SHOWN: [u32; 5] = [PAGE, 16 * KIB, 64 * KIB, 256 * KIB, LARGEST];

/// What the arena is filled with.
const OBJECT: [u8; OBJECT_BYTES as usize] = [1; OBJECT_BYTES as usize];
const OBJECT_BYTES: u32 = 64;

fn measure(_: Effort) -> Result<Vec<Row>> {
    eprintln!("resident: 1 KiB to 1 MiB");
    let numbers = child::run::<u32>(GROUP.name, &[])?;
    let (mut rows, mut worst, mut worst_used) = (Vec::new(), 0.0, 0);
    for pair in numbers.chunks_exact(2) {
        let &[used, resident] = pair else { continue };
        let row = Row::new(format!("{} KiB used", used / KIB), format!("{} KiB", resident / KIB));
        let kib = |bytes| f64::from(bytes) / f64::from(KIB);
        if used == KIB {
            rows.push(row.at_most(kib(resident), &[("KiB", 16.0)]));
            continue;
        }
        let allowed = used + (used / 4).max(16 * KIB);
        if SHOWN.contains(&used) {
            rows.push(row.at_most(kib(resident), &[("KiB", kib(allowed))]));
        }
        let part = f64::from(resident) / f64::from(allowed);
        if part > worst {
            (worst, worst_used) = (part, used);
        }
    }
    let case = format!("worst of 4 KiB to 1 MiB: {worst_used} B used");
    let measured = format!("{worst:.4} x (used + max(16 KiB, 25 %))");
    rows.push(Row::new(case, measured).at_most(worst, &[("", 1.0)]));
    Ok(rows)
}

/// Prints pairs of used and resident bytes.
fn run_case(case: &[&str]) -> Result<()> {
    if !case.is_empty() {
        return no_such_case(case);
    }
    let arena = Arena::new();
    let base = std::ptr::from_mut(arena.alloc(OBJECT)).addr();
    loop {
        let used = u32::try_from(arena.used_bytes())?;
        // At the end of a page, and when the next has just been begun: there the arena holds the most unused.
        if used == KIB || (used >= PAGE && matches!(used % PAGE, 0 | OBJECT_BYTES)) {
            println!("{used} {}", resident(base, arena.reserved_bytes())?);
        }
        if used >= LARGEST {
            return Ok(());
        }
        arena.alloc(OBJECT);
    }
}

/// Resident bytes of a range that is made of whole mappings.
fn resident(base: usize, bytes: usize) -> Result<u32> {
    let report = std::fs::read_to_string("/proc/self/smaps")?;
    let (mut inside, mut mappings, mut resident) = (false, 0, 0);
    for line in report.lines() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some((start, end)) = first.split_once('-') {
            let (start, end) = (usize::from_str_radix(start, 16)?, usize::from_str_radix(end, 16)?);
            inside = base <= start && end <= base + bytes;
            mappings += usize::from(inside);
        } else if inside && first == "Rss:" {
            resident += rest.trim().trim_end_matches(" kB").parse::<u32>()? * KIB;
        }
    }
    if mappings == 0 { Err("the arena shares a mapping with its neighbour".into()) } else { Ok(resident) }
}
