//! Filling memory for the first time: 512 MiB of 64-byte objects, one process per case, in interleaved rounds.
//! Page faults are nearly all of the cost. The floor is what the machine can do: one aligned mapping on huge
//! pages with the same stores, and no allocator.

use super::{Group, no_such_case};
use crate::contenders::{Contender, MALLOC, chain_of_pages};
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::{Effort, Result, child, clock, loops, memory};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::mem::ManuallyDrop;
use std::{ptr, slice};
use v_alloc::Arena;

pub const GROUP: Group =
    Group { name: "cold", title: "cold: ms to fill 512 MiB with 64 B objects", measure, run_case };

const BYTES: usize = 512 << 20;
/// 64 bytes.
const WORDS: usize = 8;
const OBJECTS: usize = BYTES / (WORDS * size_of::<u64>());
const HUGE_PAGE: usize = 2 << 20;
/// `malloc` takes a quarter more than the objects, and the kernel need not hand out the pages that it got last.
const TOUCHED: usize = 2 * BYTES;
const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

const FLOOR: &str = "mmap on huge pages";

const CHAIN: &str = "Chain, 64 KiB of pages";
const LIBDD_CHAIN: &str = "libdd Chain, 64 KiB of pages";

/// Fills the memory; `None` if there is none.
type Filler = fn() -> Option<()>;

const FILLERS: &[(&str, Filler)] = &[
    ("Arena", || fill(Arena::new())),
    (CHAIN, || fill(v_alloc::ChainAllocator::new_in(64 << 10, v_alloc::VirtualAllocator {}))),
    (FLOOR, fill_mapping),
    ("bumpalo", || fill(bumpalo::Bump::new())),
    ("bump-scope", || fill(<bump_scope::Bump>::new())),
    (LIBDD_CHAIN, || fill(chain_of_pages())),
    ("malloc", || fill(MALLOC)),
];

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 3,
        Effort::Full => 15,
    };
    let cases: Vec<_> = FILLERS.iter().map(|&(name, _)| case(name)).collect();
    let measured =
        interleave::run(&cases, rounds, |round| eprintln!("cold: round {} of {rounds}", round + 1))?;
    let mut rows = Vec::new();
    for name in measured.names() {
        let row = Row::new(name, format!("{:.1}", measured.of(name)?.median));
        if name == "Arena" || name == CHAIN {
            rows.push(match measured.ratio(CHAIN, LIBDD_CHAIN) {
                Ok(ratio) if name == CHAIN => {
                    let note = format!("{:.3} of {LIBDD_CHAIN}", ratio.median);
                    row.note(note).at_most(ratio.median, &[("", 0.5)])
                }
                _ => row,
            });
            continue;
        }
        let ratio = measured.ratio("Arena", name)?;
        let row = row.ratio(ratio);
        rows.push(match name {
            FLOOR => row.at_most(ratio.median, &[("", 1.10)]),
            "bumpalo" => row.at_most(ratio.median, &[("", 0.5)]),
            _ => row,
        });
    }
    Ok(rows)
}

fn case(name: &'static str) -> Case<'static> {
    let measure = move || {
        memory::touch(TOUCHED)?;
        child::run(GROUP.name, &[name])?.pop().ok_or("the case printed nothing".into())
    };
    Case { name, measure: Box::new(measure) }
}

fn run_case(case: &[&str]) -> Result<()> {
    let &[name] = case else { return no_such_case(case) };
    let Some((_, fill)) = FILLERS.iter().find(|known| known.0 == name) else { return no_such_case(case) };
    let (nanoseconds, filled) = clock::nanoseconds(fill);
    filled.ok_or("out of memory")?;
    println!("{}", nanoseconds / 1e6);
    Ok(())
}

/// Fills a contender. It is not dropped: giving memory back is another matter.
fn fill(contender: impl Contender) -> Option<()> {
    let contender = ManuallyDrop::new(contender);
    loops::values::<WORDS>(&*contender, OBJECTS as u64)
}

/// The floor: the same stores in the same order, without an allocator.
fn fill_mapping() -> Option<()> {
    let mapped = BYTES + HUGE_PAGE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), mapped, READ_WRITE, MapFlags::PRIVATE) }.ok()?;
    let start = start.wrapping_byte_add(start.addr().wrapping_neg() % HUGE_PAGE);
    // SAFETY: the range lies in the mapping.
    unsafe { madvise(start, BYTES, Advice::LinuxHugepage) }.ok()?;
    // SAFETY: the range lies in the mapping, is aligned, and reads zero; nobody else knows of it.
    let objects = unsafe { slice::from_raw_parts_mut(start.cast::<[u64; WORDS]>(), OBJECTS) };
    loops::stores(objects);
    Some(())
}
