//! What threads share: allocators and vectors, by one thread and by two at once. Two threads run on two processors.
//!
//! Warm rows use memory that was used before and fits the first-level cache. A cold vector is a new one in a process of
//! its own.

use super::Group;
use super::instructions::Counted;
use crate::contenders::Contender;
use crate::crew::Member;
use crate::figure::{Figure, Rivals, Summary};
use crate::interleave::{self, Case, Rounds, Spread};
use crate::shared::{ByLocals, FetchAdd, Malloc, Pushed, Shared};
use crate::table::Row;
use crate::ways::{self, Way};
use crate::{Effort, Result, clock, crew, loops};
use blink_alloc::SyncBlinkAlloc;
use bumpalo::Bump;
use std::cell::{Cell, UnsafeCell};
use std::hint::black_box;
use std::sync::Mutex;
use v_alloc::{SyncArena, SyncVec};

pub const GROUP: Group = Group {
    name: "threads",
    title: "threads: ns of each thread",
    measure,
    run_case: |case| ways::run_case(WAYS, case),
};

/// Values that a thread allocates in a batch: 32 KB if they have 32 bytes, which the first-level cache holds.
const VALUES: u32 = 1000;
/// Bytes that a thread needs at most, with what an allocator keeps for itself.
const ROOM: usize = 8 * 32 * VALUES as usize;

/// Elements that a thread pushes in a batch: 16 KiB.
const PUSHES: u32 = 2 << 10;

/// Batches that are timed in a round: some tenths of a millisecond, rarely interrupted.
const BATCHES: u32 = 32;

/// The least part of the time that threads which push to a cold vector should have had their processors. Else they try
/// again.
const TOGETHER: f64 = 0.9;
const TRIES: u32 = 10;

/// Elements of a cold vector.
const MANY: u32 = 1_000_000;
const FEW: u32 = 10_000;

/// For instruction counts, which must not see a slow path in their difference.
const FEWER: u32 = 1_000;
const MORE: u32 = 2_000;

const VEC: &str = "SyncVec";
const BOXCAR: &str = "boxcar";

const LOCAL: [&str; 2] = ["LocalArena, 1 thread", "LocalArena, 2 threads"];
const ARENA: [&str; 2] = ["SyncArena, 1 thread", "SyncArena, 2 threads"];
const BLINK: [&str; 2] = ["blink-alloc's local, 1 thread", "blink-alloc's local, 2 threads"];
const MUTEX: [&str; 2] = ["Mutex<bumpalo>, 1 thread", "Mutex<bumpalo>, 2 threads"];
const ADD: [&str; 2] = ["one fetch_add, 1 thread", "one fetch_add, 2 threads"];
const SYSTEM: [&str; 2] = ["malloc + free, 1 thread", "malloc + free, 2 threads"];

/// Cold pushes.
const WAYS: &[Way] = &[
    Way {
        name: "1 thread",
        memory: 64 << 20,
        contenders: &[
            (VEC, || cold::<SyncVec<u64>>(1, MANY)),
            (BOXCAR, || cold::<boxcar::Vec<u64>>(1, MANY)),
        ],
        figures: &[pushed("cold push of 10^6, 1 thread", &[(BOXCAR, Some(0.7))])],
    },
    Way {
        name: "2 threads",
        memory: 64 << 20,
        contenders: &[
            (VEC, || cold::<SyncVec<u64>>(2, MANY)),
            (BOXCAR, || cold::<boxcar::Vec<u64>>(2, MANY)),
        ],
        figures: &[pushed("cold push of 10^6, 2 threads", &[(BOXCAR, Some(0.7))])],
    },
    Way {
        name: "1 thread, few",
        memory: 1 << 20,
        contenders: &[(VEC, || cold::<SyncVec<u64>>(1, FEW)), (BOXCAR, || cold::<boxcar::Vec<u64>>(1, FEW))],
        figures: &[pushed("cold push of 10^4, 1 thread", &[(BOXCAR, None)])],
    },
];

const fn pushed(name: &'static str, rivals: Rivals) -> Figure {
    Figure { name, place: 0, summary: Summary::Median, ours: VEC, limit: None, rivals }
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 21,
        Effort::Full => 201,
    };
    let mut rows = allocators::<1>("8 B", rounds)?;
    rows.extend(allocators::<4>("32 B", rounds)?);
    rows.extend(vectors(rounds)?);
    rows.extend(ways::measure(GROUP.name, WAYS, effort)?);
    Ok(rows)
}

/// Loops of one thread, for instruction counts.
pub fn counted() -> Vec<Counted> {
    let counted =
        |ours: bool, name: &str, run: fn(u32) -> Result<()>| Counted::new(name, ours, [FEWER, MORE], run);
    vec![
        counted(true, "typed 32 B, LocalArena", fill::<ByLocals>),
        counted(true, "typed 32 B, SyncArena", fill::<SyncArena>),
        counted(false, "typed 32 B, blink-alloc's local", fill::<SyncBlinkAlloc>),
        counted(false, "typed 32 B, Mutex<bumpalo>", fill::<Mutex<Bump>>),
        counted(true, "push that threads share, SyncVec", push_all::<SyncVec<u64>>),
        counted(false, "push that threads share, boxcar", push_all::<boxcar::Vec<u64>>),
    ]
}

/// One thread and two, of each contender.
fn pair<'a>(
    names: [&'static str; 2],
    case: impl Fn(&'static str, u32) -> Result<Case<'a>>,
) -> Result<Vec<Case<'a>>> {
    names.into_iter().zip(1..).map(|(name, threads)| case(name, threads)).collect()
}

fn allocators<const WORDS: usize>(title: &str, rounds: usize) -> Result<Vec<Row>> {
    eprintln!("threads: allocations of {title}, {rounds} rounds");
    let cases = [
        pair(LOCAL, allocator::<ByLocals, WORDS>)?,
        pair(BLINK, allocator::<SyncBlinkAlloc, WORDS>)?,
        pair(MUTEX, allocator::<Mutex<Bump>, WORDS>)?,
        pair(ARENA, allocator::<SyncArena, WORDS>)?,
        pair(ADD, allocator::<FetchAdd, WORDS>)?,
        pair(SYSTEM, allocator::<Malloc, WORDS>)?,
    ];
    let measured = interleave::run(&cases.into_iter().flatten().collect::<Vec<_>>(), rounds, |_| ())?;
    let rows = [
        (LOCAL, [None, Some(1.5)]),
        (BLINK, [Some(0.9), Some(0.9)]),
        (MUTEX, [Some(0.2), None]),
        (ARENA, [None, None]),
        (ADD, [None, None]),
        (SYSTEM, [None, None]),
    ];
    let mut table = Vec::new();
    for (names, limits) in rows {
        for (thread, (name, limit)) in names.into_iter().zip(limits).enumerate() {
            // Of as many threads; what two threads cost, of one.
            let ratio = if name == LOCAL[1] { (name, LOCAL[0]) } else { (LOCAL[thread], name) };
            table.push(row(&measured, title, name, ratio, limit)?);
        }
    }
    Ok(table)
}

fn vectors(rounds: usize) -> Result<Vec<Row>> {
    const OURS: [&str; 2] = ["SyncVec, 1 thread", "SyncVec, 2 threads"];
    const THEIRS: [&str; 2] = ["boxcar, 1 thread", "boxcar, 2 threads"];
    eprintln!("threads: warm pushes, {rounds} rounds");
    let mut cases = pair(OURS, vector::<SyncVec<u64>>)?;
    cases.extend(pair(THEIRS, vector::<boxcar::Vec<u64>>)?);
    let measured = interleave::run(&cases, rounds, |_| ())?;
    let mut table = Vec::new();
    for names in [OURS, THEIRS] {
        for (name, ours) in names.into_iter().zip(OURS) {
            table.push(row(&measured, "warm push", name, (ours, name), None)?);
        }
    }
    Ok(table)
}

/// A row with a ratio; without that of a case to itself.
fn row(
    measured: &Rounds,
    title: &str,
    name: &str,
    (ours, theirs): (&str, &str),
    limit: Option<f64>,
) -> Result<Row> {
    let row = Row::new(format!("{title}, {name}"), format!("{:.2}", measured.of(name)?.median));
    if ours == theirs {
        return Ok(row);
    }
    let ratio = measured.ratio(ours, theirs)?;
    let row = row.ratio(ratio);
    Ok(limit.into_iter().fold(row, |row, limit| row.at_most(ratio.median, &[("", limit)])))
}

fn allocator<S: Shared + 'static, const WORDS: usize>(
    name: &'static str,
    threads: u32,
) -> Result<Case<'static>> {
    let shared = Emptied(UnsafeCell::new(S::with_room(ROOM * threads as usize)?));
    let round = Cell::new(0);
    let measure = move || {
        round.set(round.get() + 1);
        let (shared, round) = (&shared, round.get());
        let work = |member: &Member<'_>| {
            // The window's address matters, as in the group `warm`, so it is elsewhere in each round.
            let _gap = black_box(vec![0_u8; round * 272 % 4096]);
            let batch = || {
                member.meet();
                if member.number == 0 {
                    // SAFETY: all others are between these two meetings, where they use nothing.
                    unsafe { &mut *shared.0.get() }.empty();
                }
                member.meet();
                // SAFETY: it is emptied in the next batch, for which this thread comes without its handle.
                let shared = unsafe { &*shared.0.get() };
                // In turn, so that a thread gets the same memory each time, which is in its processor's cache.
                let handle = member.in_turn(|| {
                    let handle = Box::new(shared.handle());
                    handle.value([0_u64; WORDS]).map(|_| handle)
                });
                let fill = || loops::values::<WORDS>(&*handle.flatten()?, (VALUES - 1).into());
                let (nanoseconds, filled) = clock::wall_nanoseconds(fill);
                filled.map_or(f64::NAN, |()| nanoseconds)
            };
            typical(batch) / f64::from(VALUES - 1)
        };
        Ok(crew::run(threads as usize, work)?.mean)
    };
    Ok(Case { name, measure: Box::new(measure) })
}

/// What one thread of a crew empties while the others wait.
struct Emptied<T>(UnsafeCell<T>);

// SAFETY: only a crew shares it, and whoever changes it does so while all others wait.
unsafe impl<T: Sync + Send> Sync for Emptied<T> {}

#[allow(clippy::unnecessary_wraps, reason = "as `allocator`, for `pair`")]
fn vector<V: Pushed + 'static>(name: &'static str, threads: u32) -> Result<Case<'static>> {
    let vector = Emptied(UnsafeCell::new(V::default()));
    let measure = move || {
        let vector = &vector;
        let work = |member: &Member<'_>| {
            let batch = || {
                member.meet();
                if member.number == 0 {
                    // SAFETY: all others are between these two meetings, where they use nothing.
                    unsafe { &mut *vector.0.get() }.clear();
                }
                member.meet();
                // SAFETY: it is cleared in the next batch.
                let vector = unsafe { &*vector.0.get() };
                clock::wall_nanoseconds(|| push(vector, PUSHES)).0
            };
            typical(batch) / f64::from(PUSHES)
        };
        Ok(crew::run(threads as usize, work)?.mean)
    };
    Ok(Case { name, measure: Box::new(measure) })
}

/// The median of some batches, after as many that bring the memory into the caches, and the threads up to speed. When a
/// thread has to wait for its processor, the others wait for it at the next meeting: it spoils one batch.
fn typical(mut batch: impl FnMut() -> f64) -> f64 {
    let mut batches = || -> Vec<f64> { (0..BATCHES).map(|_| batch()).collect() };
    batches();
    Spread::new(batches()).median
}

/// Nanoseconds of each thread for its push, into a new vector.
fn cold<V: Pushed>(threads: u32, count: u32) -> Result<Vec<f64>> {
    let vector: Mutex<Option<&V>> = Mutex::new(None);
    let count = count / threads;
    let work = |member: &Member<'_>| {
        if let (0, Ok(mut vector)) = (member.number, vector.lock()) {
            // Never dropped, or the next one would get its memory, if the work must be done again.
            *vector = Some(Box::leak(Box::default()));
        }
        member.meet();
        let vector = vector.lock().ok().and_then(|vector| *vector);
        member.meet();
        vector.map_or(f64::NAN, |vector| clock::nanoseconds(|| push(vector, count)).0)
    };
    let mut shift = crew::run(threads as usize, work)?;
    for _ in 1..TRIES {
        if shift.share < TOGETHER {
            shift = crew::run(threads as usize, work)?;
        }
    }
    if shift.share < TOGETHER {
        eprintln!("threads: other programs left a thread {:.2} of its processor", shift.share);
    }
    Ok(vec![shift.mean / f64::from(count)])
}

fn push<V: Pushed>(mut vector: &V, count: u32) {
    loops::pushes(&mut vector, count.into(), |vector, number| vector.push(number));
}

/// For callgrind.
fn fill<S: Shared>(count: u32) -> Result<()> {
    let shared = S::with_room(ROOM)?;
    let handle = shared.handle();
    loops::values::<4>(&handle, count.into()).ok_or("out of memory".into())
}

/// For callgrind: so many elements were pushed before that no memory is made.
#[allow(clippy::unnecessary_wraps, reason = "as `fill`, for `counted`")]
fn push_all<V: Pushed>(count: u32) -> Result<()> {
    let mut vector = V::default();
    push(&vector, MORE);
    vector.clear();
    push(&vector, count);
    Ok(())
}
