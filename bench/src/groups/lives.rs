//! The life of an arena: it is made, allocated from, and dropped, again and again in one process. A small one hands out
//! one block of a KiB, as a program's temporary buffer; a large one a MiB in objects of 64 bytes, which are written. And the
//! life of a vector, which grows from nothing to a few elements, or a thousand.

use super::instructions::Counted;
use super::{Group, no_such_case};
use crate::contenders::{Contender, Emptied, Freed, MALLOC, chain_of_pages};
use crate::interleave::{self, Case};
use crate::shared::Pushed;
use crate::table::Row;
use crate::{Effort, Result, clock, loops, memory};
use blink_alloc::{BlinkAlloc, SyncBlinkAlloc};
use bumpalo::Bump;
use libdd_alloc::{ChainAllocator, VirtualAllocator};
use std::alloc::{Layout, System};
use std::ptr::NonNull;
use v_alloc::{Arena, ArenaPool, StableVec, SyncArena, SyncVec};

pub const GROUP: Group = Group {
    name: "lives",
    title: "lives: ns to make an arena or a vector, use it and drop it",
    measure,
    run_case: no_such_case,
};

/// Arenas that live one after another in a round: enough for some tenths of a millisecond.
const LIVES: u32 = 1000;
/// The same for those that take some microseconds, or more.
const SLOW_LIVES: u32 = 50;

/// 64 bytes.
const WORDS: usize = 8;
const OBJECTS: usize = (1 << 20) / 64;

/// What an arena does in its life; `None` if there is no memory.
type Life = fn() -> Option<()>;

const POOLED: &str = "ArenaPool";
const SCRATCH: &str = "scratch()";
const ARENA: &str = "Arena";
const BUMPALO: &str = "bumpalo";
const LIBDD: &str = "libdd Chain of pages";

const SMALL: &[(&str, u32, Life)] = &[
    (POOLED, LIVES, || block(&*POOL.get())),
    (SCRATCH, LIVES, || block(&*v_alloc::scratch())),
    (ARENA, LIVES, || block(&Arena::new())),
    (BUMPALO, LIVES, || block(&Bump::new())),
    ("bump-scope", LIVES, || block(&<bump_scope::Bump>::new())),
    ("blink-alloc", LIVES, || block(&BlinkAlloc::new())),
    (LIBDD, SLOW_LIVES, || block(&ChainAllocator::new_in(4096, VirtualAllocator {}))),
    ("malloc + free", LIVES, malloc),
];

const LARGE: &[(&str, u32, Life)] = &[
    (POOLED, SLOW_LIVES, || objects(&*POOL.get())),
    (SCRATCH, SLOW_LIVES, || objects(&*v_alloc::scratch())),
    (ARENA, SLOW_LIVES, || objects(&Arena::new())),
    (BUMPALO, SLOW_LIVES, || objects(&Bump::new())),
    ("bump-scope", SLOW_LIVES, || objects(&<bump_scope::Bump>::new())),
    ("blink-alloc", SLOW_LIVES, || objects(&BlinkAlloc::new())),
    (LIBDD, SLOW_LIVES, || objects(&chain_of_pages())),
    ("malloc + free", SLOW_LIVES, || mallocs().ok()),
];

const STABLE: &str = "StableVec";

/// Of ten elements, and of a thousand.
const VECTORS: [&[(&str, u32, Life)]; 2] = [
    &[(STABLE, LIVES, || stable_vec(10)), ("Vec", LIVES, || vec(10))],
    &[(STABLE, LIVES, || stable_vec(1000)), ("Vec", LIVES, || vec(1000))],
];

/// What threads can share, used by one.
const SHARED_ARENAS: &[(&str, u32, Life)] = &[
    ("SyncArena", LIVES, || block(&SyncArena::new())),
    ("blink-alloc, SyncBlinkAlloc", LIVES, || block(&SyncBlinkAlloc::new().local())),
];
const SHARED_VECTORS: [&[(&str, u32, Life)]; 2] = [
    &[
        ("SyncVec", LIVES, || shared::<SyncVec<u64>>(10)),
        ("boxcar", LIVES, || shared::<boxcar::Vec<u64>>(10)),
    ],
    &[
        ("SyncVec", LIVES, || shared::<SyncVec<u64>>(1000)),
        ("boxcar", LIVES, || shared::<boxcar::Vec<u64>>(1000)),
    ],
];

static POOL: ArenaPool = ArenaPool::new();

/// Targets: what the pool may take of a peer's time.
const SMALL_TARGETS: &[(&str, f64)] = &[(BUMPALO, 0.5), (LIBDD, 0.01)];

/// Small lives, for instruction counts.
pub fn counted() -> Vec<Counted> {
    let counted = |&(name, _, life): &(&str, u32, Life)| {
        let ours = [POOLED, SCRATCH].contains(&name);
        Counted::new(format!("life of a 1 KiB arena, {name}"), ours, [1_000, 2_000], move |count| {
            live(count, life)
        })
    };
    // Not those of vectors: valgrind has no addresses for what they share.
    let without_system = SMALL.iter().filter(|life| life.1 == LIVES);
    without_system.map(counted).collect()
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 21,
        Effort::Full => 201,
    };
    memory::touch(64 << 20)?;
    let mut rows = table("1 KiB", SMALL, SMALL_TARGETS, rounds)?;
    // Each life is a thousand times as long.
    rows.extend(table("1 MiB", LARGE, &[], rounds / 10 + 3)?);
    rows.extend(table("10 elements", VECTORS[0], &[], rounds)?);
    rows.extend(table("1000 elements", VECTORS[1], &[], rounds)?);
    rows.extend(table("1 KiB, shared", SHARED_ARENAS, &[], rounds)?);
    rows.extend(table("10 elements, shared", SHARED_VECTORS[0], &[], rounds)?);
    rows.extend(table("1000 elements, shared", SHARED_VECTORS[1], &[], rounds)?);
    Ok(rows)
}

/// The first is ours; the others are what it is compared with.
fn table(
    title: &str,
    lives: &[(&'static str, u32, Life)],
    targets: &[(&str, f64)],
    rounds: usize,
) -> Result<Vec<Row>> {
    eprintln!("lives: {title}, {rounds} rounds");
    let case = |&(name, count, life): &(_, u32, Life)| {
        let measure = move || {
            live(1, life)?;
            let (nanoseconds, outcome) = clock::nanoseconds(|| live(count, life));
            outcome.map(|()| nanoseconds / f64::from(count))
        };
        Case { name, measure: Box::new(measure) }
    };
    let measured = interleave::run(&lives.iter().map(case).collect::<Vec<_>>(), rounds, |_| ())?;
    let row = |name| {
        let row = Row::new(format!("{title}, {name}"), format!("{:.1}", measured.of(name)?.median));
        let ours = lives.first().map_or(POOLED, |life| life.0);
        if name == ours {
            return Ok(row);
        }
        let ratio = measured.ratio(ours, name)?;
        let target = targets.iter().find(|target| target.0 == name);
        Ok(target.iter().fold(row.ratio(ratio), |row, target| row.at_most(ratio.median, &[("", target.1)])))
    };
    measured.names().map(row).collect()
}

/// That many, one after another.
fn live(count: u32, life: Life) -> Result<()> {
    (0..count).try_for_each(|_| life()).ok_or("out of memory".into())
}

/// A KiB in one block, which is not written.
#[inline(always)]
fn block(arena: &impl Contender) -> Option<()> {
    loops::keep(arena.block(Layout::new::<[u64; 128]>())?);
    Some(())
}

fn stable_vec(count: u64) -> Option<()> {
    let vector = StableVec::new();
    for number in 0..count {
        vector.try_push(number).ok()?;
    }
    loops::keep(NonNull::from(&*vector));
    Some(())
}

fn vec(count: u64) -> Option<()> {
    let mut vector = Vec::new();
    for number in 0..count {
        vector.push(number);
    }
    loops::keep(NonNull::new(vector.as_mut_ptr())?);
    Some(())
}

fn shared<V: Pushed>(count: u64) -> Option<()> {
    let vector = V::default();
    for number in 0..count {
        vector.push(number);
    }
    loops::keep(NonNull::new(std::ptr::from_ref(&vector).cast_mut())?);
    Some(())
}

fn malloc() -> Option<()> {
    let (malloc, layout) = (MALLOC, Layout::new::<[u64; 128]>());
    let block = malloc.block(layout)?;
    loops::keep(block);
    // SAFETY: the block was just handed out, and is not used again.
    unsafe { malloc.free(block, layout) };
    Some(())
}

/// A MiB of objects, which are written.
#[inline(always)]
fn objects(arena: &impl Contender) -> Option<()> {
    loops::values::<WORDS>(arena, OBJECTS as u64)
}

/// Each is given back by itself, from a list of them.
fn mallocs() -> Result<()> {
    let mut list = Freed::<System>::with_list(OBJECTS);
    objects(&list).ok_or("out of memory")?;
    list.empty()
}
