//! Instructions per operation while memory is at hand, loop included: the price of the fast path, free of the
//! noise of time. The cursor's round trip through memory hides some of them; code size and slower processors
//! do not.

use super::{Group, lives, methods, no_such_case, threads, vectors};
use crate::contenders::{Emptied, Freed, NoAllocator, Reusable};
use crate::table::Row;
use crate::{Effort, Result, callgrind, child, loops};
use allocator_api2::alloc::Global;
use blink_alloc::BlinkAlloc;
use libdd_alloc::{ChainAllocator, LinearAllocator};
use mimalloc::MiMalloc;
use std::alloc::System;
use std::ptr::NonNull;
use tikv_jemallocator::Jemalloc;
use v_alloc::{Arena, Reserved};

pub const GROUP: Group =
    Group { name: "instructions", title: "instructions per operation, loop included", measure, run_case };

/// Both counts fit into the memory at hand, so their difference has no slow path. They have as many digits, so
/// reading the command line costs the same too.
const ITERATIONS: [u32; 2] = [10_000, 20_000];
const MORE: usize = ITERATIONS[1] as usize;
/// More than any block of the loops needs, with alignment.
const ROOM: usize = MORE * 160;

/// A loop whose instructions are counted.
pub struct Counted {
    name: String,
    /// Whether it is v_alloc's, which the gate watches.
    pub ours: bool,
    /// Fewer and more.
    iterations: [u32; 2],
    run: Box<dyn Fn(u32) -> Result<()>>,
}

impl Counted {
    pub fn new(
        name: impl Into<String>,
        ours: bool,
        iterations: [u32; 2],
        run: impl Fn(u32) -> Result<()> + 'static,
    ) -> Self {
        Self { name: name.into(), ours, iterations, run: Box::new(run) }
    }
}

/// What is allocated.
#[derive(Clone, Copy)]
enum Kind {
    Typed,
    Mixed,
    Text,
}

const KINDS: &[(&str, Kind)] =
    &[("typed 8 B", Kind::Typed), ("mixed Layout", Kind::Mixed), ("short text", Kind::Text)];

/// [`fill`] for one contender.
type Fill = fn(Kind, u32) -> Result<()>;

const OURS: &[(&str, Fill)] = &[
    ("Arena", fill::<Arena>),
    ("Arena<Reserved, 8>", fill::<Arena<Reserved, 8>>),
    ("Linear", fill::<v_alloc::LinearAllocator<Global>>),
    ("Linear<_, 8>", fill::<v_alloc::LinearAllocator<Global, 8>>),
    ("Chain", fill::<v_alloc::ChainAllocator<Global>>),
    ("Chain<_, 8>", fill::<v_alloc::ChainAllocator<Global, 8>>),
];

const PEERS: &[(&str, Fill)] = &[
    ("bumpalo", fill::<bumpalo::Bump>),
    ("bumpalo<8>", fill::<bumpalo::Bump<8>>),
    ("bump-scope", fill::<bump_scope::Bump>),
    ("blink-alloc", fill::<BlinkAlloc>),
    ("libdd Linear", fill::<LinearAllocator<Global>>),
    ("libdd Chain", fill::<ChainAllocator<Global>>),
    ("malloc + free", fill::<Freed<System>>),
    ("mimalloc + free", fill::<Freed<MiMalloc>>),
    ("jemalloc + free", fill::<Freed<Jemalloc>>),
    (NO_ALLOCATOR, fill::<NoAllocator>),
];

/// What the loop and its stores cost, for whoever wants to subtract it. The targets do not.
const NO_ALLOCATOR: &str = "no allocator";

/// Targets: the row, and the most instructions; `bumpalo` and `bump-scope` are limits too.
const TARGETS: &[(&str, f64)] =
    &[("typed 8 B, Arena", 11.0), ("typed 8 B, Arena<Reserved, 8>", 9.0), ("mixed Layout, Arena", 19.0)];

/// Ratios: the row that shows it, ours, the peer, and the most that ours may be as a part of it; for texts the target is
/// one of time.
const RATIOS: &[(&str, &str, &str, Option<f64>)] = &[
    ("typed 8 B, Linear", "typed 8 B, Linear", "typed 8 B, libdd Linear", Some(0.5)),
    ("typed 8 B, Linear<_, 8>", "typed 8 B, Linear<_, 8>", "typed 8 B, libdd Linear", Some(0.5)),
    ("typed 8 B, Chain", "typed 8 B, Chain", "typed 8 B, libdd Chain", Some(0.35)),
    ("typed 8 B, Chain<_, 8>", "typed 8 B, Chain<_, 8>", "typed 8 B, libdd Chain", Some(0.35)),
    ("typed 8 B, bumpalo", "typed 8 B, Arena", "typed 8 B, bumpalo", Some(0.75)),
    ("mixed Layout, bumpalo", "mixed Layout, Arena", "mixed Layout, bumpalo", Some(0.6)),
    ("short text, bumpalo", "short text, Arena", "short text, bumpalo", None),
];

fn measure(_: Effort) -> Result<Vec<Row>> {
    let counts = counts(|_| true)?;
    let of = |name: &str| {
        let count = counts.iter().find(|known| known.0 == name);
        count.map(|&(_, count)| count).ok_or_else(|| format!("nothing counts {name}"))
    };
    let row = |&(ref name, count): &(String, f64)| {
        let row = Row::new(name, format!("{count:.1}"));
        let kind = name.split(", ").next().unwrap_or("");
        if let Some(&(_, limit)) = TARGETS.iter().find(|target| target.0 == name) {
            let peer = |peer| Ok::<_, String>((peer, of(&format!("{kind}, {peer}"))?));
            return Ok(row.at_most(count, &[("", limit), peer("bumpalo")?, peer("bump-scope")?]));
        }
        let Some(&(_, ours, peer, part)) = RATIOS.iter().find(|ratio| ratio.0 == name) else {
            return Ok(row);
        };
        let (ours, theirs, alone) = (of(ours)?, of(peer)?, of(&format!("{kind}, {NO_ALLOCATOR}"))?);
        let (ratio, net) = (ours / theirs, (ours - alone) / (theirs - alone));
        let row = row.note(format!("{ratio:.3} ({net:.3} net of the loop)"));
        Ok(part.iter().fold(row, |row, &part| row.at_most(ratio, &[("", part)])))
    };
    counts.iter().map(row).collect()
}

/// Counts what is chosen.
pub fn counts(chosen: impl Fn(&Counted) -> bool) -> Result<Vec<(String, f64)>> {
    let program = std::env::current_exe()?;
    let count = |Counted { name, iterations: [fewer, more], .. }: Counted| {
        eprintln!("instructions: {name}");
        let arguments = child::arguments(GROUP.name, &[&name]);
        let count = callgrind::per_iteration(&program, &arguments, fewer, more)?;
        // To a tenth: what remains of the run around the loop is less than that.
        Ok((name, (count * 10.0).round() / 10.0))
    };
    all().into_iter().filter(chosen).map(count).collect()
}

fn all() -> Vec<Counted> {
    let mut all = Vec::new();
    for &(kind, what) in KINDS {
        for (contenders, ours) in [(OURS, true), (PEERS, false)] {
            for &(name, fill) in contenders {
                let run = move |count| fill(what, count);
                all.push(Counted::new(format!("{kind}, {name}"), ours, ITERATIONS, run));
            }
        }
    }
    all.push(Counted::new("typed 8 B, Arena::bulk", true, ITERATIONS, fill_in_bulk::<1>));
    all.push(Counted::new("typed 8 B, Arena<Reserved, 8>::bulk", true, ITERATIONS, fill_in_bulk::<8>));
    all.push(Counted::new("typed 32 B by try_alloc, Arena", true, ITERATIONS, fill_or_refuse));
    all.extend(methods::counted());
    all.extend(threads::counted());
    all.extend(lives::counted());
    all.extend(vectors::counted());
    all
}

/// Values of more than two words, which a function gets in memory.
fn fill_or_refuse(count: u32) -> Result<()> {
    let arena = <Arena as Reusable>::with_room(ROOM)?;
    for index in 0..u64::from(count) {
        let value = arena.try_alloc([index; 4]).map_err(|_| "out of memory")?;
        loops::keep(NonNull::from(value));
    }
    Ok(())
}

fn run_case(case: &[&str]) -> Result<()> {
    let &[name, iterations] = case else { return no_such_case(case) };
    let Some(counted) = all().into_iter().find(|known| known.name == name) else { return no_such_case(case) };
    (counted.run)(iterations.parse()?)
}

/// Allocates that often, in a contender with enough room, and frees all.
fn fill<C: Reusable>(kind: Kind, iterations: u32) -> Result<()> {
    let count = iterations as usize;
    let layouts = loops::mixed_layouts(MORE);
    let texts = loops::short_texts(MORE);
    let mut contender = C::with_room(ROOM)?;
    match kind {
        Kind::Typed => loops::values::<1>(&contender, iterations.into()),
        Kind::Mixed => loops::blocks(&contender, layouts.get(..count).ok_or("too many")?),
        Kind::Text => loops::texts(&contender, texts.get(..count).ok_or("too many")?),
    }
    .ok_or("out of memory")?;
    contender.empty()
}

fn fill_in_bulk<const MIN_ALIGN: usize>(iterations: u32) -> Result<()> {
    let mut arena = Arena::<Reserved, MIN_ALIGN>::with_room(ROOM)?;
    loops::values_in_bulk::<1, MIN_ALIGN>(&mut arena, iterations.into());
    arena.empty()
}
