//! Instructions per allocation while memory is at hand, loop included: the price of the fast path, free of the
//! noise of time. The cursor's round trip through memory hides some of them; code size and slower processors
//! do not.

use super::{Group, no_such_case, threads};
use crate::contenders::{Freed, NoAllocator, Reusable};
use crate::table::Row;
use crate::{Effort, Result, callgrind, child, loops};
use allocator_api2::alloc::Global;
use blink_alloc::BlinkAlloc;
use libdd_alloc::{ChainAllocator, LinearAllocator};
use mimalloc::MiMalloc;
use std::alloc::System;
use tikv_jemallocator::Jemalloc;
use v_alloc::{Arena, Reserved};

pub const GROUP: Group =
    Group { name: "instructions", title: "instructions per allocation, loop included", measure, run_case };

/// Both counts fit into the memory at hand, so their difference has no slow path. They have as many digits, so
/// reading the command line costs the same too.
const FEWER: u32 = 10_000;
const MORE: u32 = 20_000;
/// More than any block of the loops needs, with alignment.
const ROOM: usize = MORE as usize * 160;

/// What is allocated.
#[derive(Clone, Copy)]
enum Kind {
    Typed,
    Mixed,
}

const KINDS: &[(&str, Kind)] = &[("typed 8 B", Kind::Typed), ("mixed Layout", Kind::Mixed)];

/// [`fill`] for one contender.
type Fill = fn(Kind, u32) -> Result<()>;

const CONTENDERS: &[(&str, Fill)] = &[
    ("Arena", fill::<Arena>),
    ("Arena<Reserved, 8>", fill::<Arena<Reserved, 8>>),
    ("Linear", fill::<v_alloc::LinearAllocator<Global>>),
    ("Linear<_, 8>", fill::<v_alloc::LinearAllocator<Global, 8>>),
    ("Chain", fill::<v_alloc::ChainAllocator<Global>>),
    ("Chain<_, 8>", fill::<v_alloc::ChainAllocator<Global, 8>>),
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

/// Targets: the kind, the contender, and its most instructions.
const TARGETS: &[(&str, &str, f64)] = &[
    ("typed 8 B", "Arena", 11.0),
    ("typed 8 B", "Arena<Reserved, 8>", 9.0),
    ("mixed Layout", "Arena", 19.0),
];

/// Targets: the kind, the contender, and the most instructions as a part of another's.
const RATIOS: &[(&str, &str, &str, f64)] = &[
    ("typed 8 B", "Linear", "libdd Linear", 0.5),
    ("typed 8 B", "Linear<_, 8>", "libdd Linear", 0.5),
    ("typed 8 B", "Chain", "libdd Chain", 0.35),
    ("typed 8 B", "Chain<_, 8>", "libdd Chain", 0.35),
];

fn measure(_: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for &(kind, _) in KINDS {
        let mut counts = Vec::new();
        for &(name, _) in CONTENDERS {
            eprintln!("instructions: {kind}, {name}");
            let arguments = child::arguments(GROUP.name, &[kind, name]);
            let count = callgrind::per_iteration(&std::env::current_exe()?, &arguments, FEWER, MORE)?;
            // To a tenth: what remains of the run around the loop is less than that.
            counts.push((name, (count * 10.0).round() / 10.0));
        }
        let peers: Vec<_> =
            counts.iter().filter(|(name, _)| matches!(*name, "bumpalo" | "bump-scope")).copied().collect();
        for &(name, count) in &counts {
            let row = Row::new(format!("{kind}, {name}"), format!("{count:.1}"));
            let target = TARGETS.iter().find(|target| (target.0, target.1) == (kind, name));
            let ratio = RATIOS.iter().find(|ratio| (ratio.0, ratio.1) == (kind, name));
            let of = |name| counts.iter().find(|known| known.0 == name).map(|&(_, count)| count);
            rows.push(match (target, ratio) {
                (Some(&(_, _, limit)), _) => row.at_most(count, &[&[("", limit)], peers.as_slice()].concat()),
                (None, Some(&(_, _, peer, part))) => {
                    let (peer_count, alone) = of(peer).zip(of(NO_ALLOCATOR)).ok_or("no such contender")?;
                    let (ratio, net) = (count / peer_count, (count - alone) / (peer_count - alone));
                    row.note(format!("{ratio:.3} of {peer}, {net:.3} net of the loop"))
                        .at_most(ratio, &[("", part)])
                }
                (None, None) => row,
            });
        }
    }
    rows.extend(threads::instructions()?);
    Ok(rows)
}

fn run_case(case: &[&str]) -> Result<()> {
    let &[kind, name, iterations] = case else { return no_such_case(case) };
    let kind = KINDS.iter().find(|known| known.0 == kind);
    let contender = CONTENDERS.iter().find(|known| known.0 == name);
    match (kind, contender) {
        (Some(&(_, kind)), Some((_, fill))) => fill(kind, iterations.parse()?),
        _ => no_such_case(case),
    }
}

/// Allocates that often, in a contender with enough room, and frees all.
fn fill<C: Reusable>(kind: Kind, iterations: u32) -> Result<()> {
    let layouts = loops::mixed_layouts(MORE as usize);
    let mut contender = C::with_room(ROOM)?;
    match kind {
        Kind::Typed => loops::values::<1>(&contender, iterations.into()),
        Kind::Mixed => loops::blocks(&contender, layouts.get(..iterations as usize).ok_or("too many")?),
    }
    .ok_or("out of memory")?;
    contender.empty()
}
