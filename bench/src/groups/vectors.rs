//! `StableVec` against `Vec`: pushes of `u64`, one after another. Pushes into memory that was used before are timed in
//! one process; else each case has a process of its own, and its first vector. Both get the pages that they get by
//! default: `StableVec` asks for huge ones beyond its first 20 MiB.
//!
//! The worst push is the one that takes longest whenever it is made: pushes are timed in several vectors, one after
//! another, and of each the shortest time counts, because interrupts and other programs hit another one in each. They
//! are timed 16 at once, so that reading clocks does not take longer than all of them.

use super::Group;
use super::instructions::Counted;
use crate::figure::{Figure, Rivals, Summary};
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::ways::{self, Way};
use crate::{Effort, Result, clock, loops, memory};
use bumpalo::Bump;
use bumpalo::collections::Vec as VecIn;
use std::cell::Cell;
use std::hint::black_box;
use v_alloc::StableVec;

pub const GROUP: Group =
    Group { name: "vectors", title: "vectors of u64", measure, run_case: |case| ways::run_case(WAYS, case) };

const STABLE: &str = "StableVec";
const SMALL_PAGES: &str = "StableVec without huge pages";
const VEC: &str = "Vec";
const BUMPALO: &str = "bumpalo's Vec";
const BOXCAR: &str = "boxcar";
const VIRTUAL: &str = "virtual-buffer's Vec";

const FEWER: u32 = 1_000_000;
const MORE: u32 = 10_000_000;
/// One that copies its elements when it grows has more than one block.
const MEMORY: usize = 3 * MORE as usize * size_of::<u64>();

/// Elements of a warm batch: 32 KiB, which the first-level cache holds.
const BATCH: u32 = 4 << 10;
/// Enough for about a tenth of a millisecond: much for the clock, little for what disturbs the machine.
const BATCHES: u32 = 32;

/// Pushes of the worst that are timed together.
const TOGETHER: usize = 16;
/// Vectors, one after another, for the worst push.
const VECTORS: u32 = 5;

const WARM: Figure = Figure {
    name: "ns per warm push",
    place: 0,
    summary: Summary::Median,
    ours: STABLE,
    limit: None,
    rivals: &[(VEC, Some(1.05)), (BOXCAR, None)],
};

const WAYS: &[Way] = &[
    Way {
        name: "1,000,000 pushes",
        memory: MEMORY / 8,
        contenders: &[
            (STABLE, || cold::<StableVec<u64>>(FEWER)),
            (VEC, || cold::<Vec<u64>>(FEWER)),
            (BUMPALO, || cold::<VecIn<u64>>(FEWER)),
            (BOXCAR, || cold::<boxcar::Vec<u64>>(FEWER)),
            (VIRTUAL, || cold::<VirtualVec>(FEWER)),
        ],
        figures: &[
            time("ms for 10^6 cold pushes", &[(VEC, None), (BUMPALO, None), (BOXCAR, None), (VIRTUAL, None)]),
            peak("peak of 10^6 elements, x of payload"),
        ],
    },
    Way {
        name: "10,000,000 pushes",
        memory: MEMORY,
        contenders: &[
            (STABLE, || cold::<StableVec<u64>>(MORE)),
            (VEC, || cold::<Vec<u64>>(MORE)),
            (BUMPALO, || cold::<VecIn<u64>>(MORE)),
            (BOXCAR, || cold::<boxcar::Vec<u64>>(MORE)),
            (VIRTUAL, || cold::<VirtualVec>(MORE)),
        ],
        figures: &[
            time(
                "ms for 10^7 cold pushes",
                &[(VEC, Some(0.6)), (BUMPALO, None), (BOXCAR, None), (VIRTUAL, None)],
            ),
            peak("peak of 10^7 elements, x of payload"),
        ],
    },
    Way {
        name: "each of 10,000,000 pushes",
        memory: MEMORY,
        contenders: &[
            (STABLE, || Ok(worst::<StableVec<u64>>())),
            (SMALL_PAGES, || Ok(worst::<SmallPages>())),
            (VEC, || Ok(worst::<Vec<u64>>())),
        ],
        figures: &[
            longest(STABLE, &[(VEC, Some(1.0 / 50.0))]),
            longest(SMALL_PAGES, &[(VEC, Some(1.0 / 50.0))]),
        ],
    },
];

const fn time(name: &'static str, rivals: Rivals) -> Figure {
    Figure { name, place: 0, summary: Summary::Median, ours: STABLE, limit: None, rivals }
}

const fn peak(name: &'static str) -> Figure {
    let rivals = &[(VEC, None), (BUMPALO, None), (BOXCAR, None), (VIRTUAL, None)];
    Figure { name, place: 1, summary: Summary::Median, ours: STABLE, limit: Some(1.05), rivals }
}

const fn longest(ours: &'static str, rivals: Rivals) -> Figure {
    let name = "us of the worst of 10^7 pushes";
    Figure { name, place: 0, summary: Summary::Median, ours, limit: None, rivals }
}

/// A vector under test.
trait Vector {
    fn new() -> Self;
    fn push(&mut self, number: u64);
    fn clear(&mut self);
}

impl Vector for StableVec<u64> {
    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        Self::push(self, number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

/// In latency mode.
struct SmallPages(StableVec<u64>);

impl Vector for SmallPages {
    fn new() -> Self {
        Self(StableVec::<u64>::options().huge_pages(false).build())
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        self.0.push(number);
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

impl Vector for Vec<u64> {
    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        self.push(number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

impl Vector for boxcar::Vec<u64> {
    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        boxcar::Vec::push(self, number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

/// With the range of addresses that a `StableVec` has by default.
struct VirtualVec(virtual_buffer::vec::Vec<u64>);

impl Vector for VirtualVec {
    fn new() -> Self {
        Self(virtual_buffer::vec::Vec::new((1 << 30) / size_of::<u64>()))
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        self.0.push(number);
    }

    /// It has no such method: it is made anew.
    fn clear(&mut self) {
        *self = Self::new();
    }
}

/// In an arena of its own, which is never freed.
impl Vector for VecIn<'static, u64> {
    fn new() -> Self {
        Self::new_in(Box::leak(Box::new(Bump::new())))
    }

    #[inline(always)]
    fn push(&mut self, number: u64) {
        self.push(number);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

/// Pushes, for instruction counts: into memory that is there.
pub fn counted() -> Vec<Counted> {
    fn counted<V: Vector>(name: &str, ours: bool) -> Counted {
        let run = |count: u32| {
            let mut vector = V::new();
            loops::pushes(&mut vector, BATCH.into(), V::push);
            vector.clear();
            loops::pushes(&mut vector, count.into(), V::push);
            Ok(())
        };
        Counted::new(format!("push, {name}"), ours, [BATCH / 4, BATCH / 2], run)
    }
    vec![
        counted::<StableVec<u64>>(STABLE, true),
        counted::<Vec<u64>>(VEC, false),
        counted::<boxcar::Vec<u64>>(BOXCAR, false),
    ]
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 101,
        Effort::Full => 1001,
    };
    eprintln!("vectors: warm, {rounds} rounds");
    let cases = [
        warm_case::<StableVec<u64>>(STABLE),
        warm_case::<Vec<u64>>(VEC),
        warm_case::<boxcar::Vec<u64>>(BOXCAR),
    ];
    let mut rows = WARM.rows(&interleave::run(&cases, rounds, |_| ())?)?;
    rows.extend(ways::measure(GROUP.name, WAYS, effort)?);
    Ok(rows)
}

fn warm_case<V: Vector>(name: &'static str) -> Case<'static, Vec<f64>> {
    let round = Cell::new(0);
    let measure = move || {
        round.set(round.get() + 1);
        Ok(vec![warm::<V>(round.get())])
    };
    Case { name, measure: Box::new(measure) }
}

/// Nanoseconds per push into memory that was written before: as many batches run first, which make the room. As in the group `warm`, the vector itself, whose length
/// each push reads and writes, is elsewhere in each round.
fn warm<V: Vector>(round: usize) -> f64 {
    let gap = vec![0_u8; round * 272 % 4096];
    let mut vector = Box::new(V::new());
    black_box(&gap);
    let mut batches = || {
        for _ in 0..BATCHES {
            vector.clear();
            loops::pushes(&mut *vector, BATCH.into(), V::push);
        }
    };
    batches();
    clock::nanoseconds(batches).0 / f64::from(BATCHES * BATCH)
}

/// Pushes that many into a new vector: milliseconds of processor time, and the peak of resident memory as a part of
/// what the elements take.
fn cold<V: Vector>(count: u32) -> Result<Vec<f64>> {
    let fill = || {
        clock::nanoseconds(|| {
            let mut vector = V::new();
            loops::pushes(&mut vector, count.into(), V::push);
            vector
        })
    };
    let (peak, (nanoseconds, _vector)) = memory::peak(fill)?;
    Ok(vec![nanoseconds / 1e6, peak / (f64::from(count) * 8.0)])
}

/// Microseconds of the few pushes that take longest in every vector.
fn worst<V: Vector>() -> Vec<f64> {
    let mut shortest = vec![f64::INFINITY; MORE as usize / TOGETHER];
    for _ in 0..VECTORS {
        let mut vector = V::new();
        // The clock might write to what this gives: so no write to the vector can wait until after its reading.
        let vector = black_box(&mut vector);
        for (shortest, first) in shortest.iter_mut().zip((0..).step_by(TOGETHER)) {
            let pushes = || (first..).take(TOGETHER).for_each(|number| vector.push(number));
            *shortest = clock::wall_nanoseconds(pushes).0.min(*shortest);
        }
    }
    vec![shortest.into_iter().fold(0.0, f64::max) / 1e3]
}
