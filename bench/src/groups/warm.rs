//! Time per allocation in memory that was used before and fits the first-level cache: A/B rounds in one
//! process. A batch is filled and then freed as a whole, which is part of the time; for an arena it is next to
//! nothing, for `malloc` about half.

use super::{Group, no_such_case};
use crate::contenders::{Contender, Freed, Reusable};
use crate::interleave::{self, Case, Spread};
use crate::table::Row;
use crate::{Effort, Result, clock, loops};
use allocator_api2::alloc::Global;
use blink_alloc::BlinkAlloc;
use libdd_alloc::{ChainAllocator, LinearAllocator};
use mimalloc::MiMalloc;
use std::alloc::{Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use tikv_jemallocator::Jemalloc;
use v_alloc::{Arena, Reserved};

pub const GROUP: Group =
    Group { name: "warm", title: "warm: ns per allocation", measure, run_case: no_such_case };

/// Bytes that one batch allocates, about.
const BATCH: usize = 32 << 10;
/// Enough for about a tenth of a millisecond: much for the clock, little for what disturbs the machine.
const BATCHES: u32 = 32;

/// What is allocated in a batch.
enum Kind {
    Words1,
    Words4,
    Mixed(Vec<Layout>),
    Texts(Vec<String>),
}

impl Kind {
    fn allocations(&self) -> usize {
        match self {
            Self::Words1 => BATCH / 8,
            Self::Words4 => BATCH / 32,
            Self::Mixed(layouts) => layouts.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    fn fill(&self, contender: &impl Contender) -> Option<()> {
        match self {
            Self::Words1 => loops::values::<1>(contender, self.allocations() as u64),
            Self::Words4 => loops::values::<4>(contender, self.allocations() as u64),
            Self::Mixed(layouts) => loops::blocks(contender, layouts),
            Self::Texts(texts) => loops::texts(contender, texts),
        }
    }
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 101,
        Effort::Full => 1001,
    };
    // A mixed block has 64 bytes and some padding on average; a text has 7, and its source is in the cache too.
    let mixed = Kind::Mixed(loops::mixed_layouts(BATCH / 70));
    let texts = Kind::Texts(loops::short_texts(BATCH / 64));
    let kinds = [
        ("typed 8 B", Kind::Words1, Some(1.05)),
        ("typed 32 B", Kind::Words4, None),
        ("mixed Layout", mixed, None),
        ("short text", texts, Some(0.8)),
    ];
    let mut rows = Vec::new();
    for (title, kind, limit) in kinds {
        eprintln!("warm: {title}, {rounds} rounds");
        let cases = [
            case::<Arena>("Arena", &kind),
            case::<Arena<Reserved, 8>>("Arena<Reserved, 8>", &kind),
            case::<bumpalo::Bump>("bumpalo", &kind),
            case::<bump_scope::Bump>("bump-scope", &kind),
            case::<BlinkAlloc>("blink-alloc", &kind),
            case::<LinearAllocator<Global>>("libdd Linear", &kind),
            case::<ChainAllocator<Global>>("libdd Chain", &kind),
            case::<Freed<System>>("malloc + free", &kind),
            case::<Freed<MiMalloc>>("mimalloc + free", &kind),
            case::<Freed<Jemalloc>>("jemalloc + free", &kind),
        ];
        let measured = interleave::run(&cases, rounds, |_| ())?;
        for name in measured.names() {
            let row = Row::new(format!("{title}, {name}"), format!("{:.2}", measured.of(name)?.median));
            if name == "Arena" {
                rows.push(row);
                continue;
            }
            let ratio = measured.ratio("Arena", name)?;
            let limit = limit.filter(|_| name == "bumpalo");
            rows.push(
                limit.iter().fold(row.ratio(ratio), |row, &limit| row.at_most(ratio.median, &[("", limit)])),
            );
        }
    }
    rows.extend(bulk(rounds)?);
    Ok(rows)
}

/// Values of 8 bytes with the window in registers, against `bumpalo`'s, whose window is in memory.
fn bulk(rounds: usize) -> Result<Vec<Row>> {
    const BUMPALO: &str = "bumpalo";
    const LIMIT: f64 = 0.65;
    eprintln!("warm: in bulk, {rounds} rounds");
    let cases = [
        bulk_case::<1>("Arena::bulk"),
        bulk_case::<8>("Arena<Reserved, 8>::bulk"),
        case::<bumpalo::Bump>(BUMPALO, &Kind::Words1),
    ];
    let measured = interleave::run(&cases, rounds, |_| ())?;
    let row = |name| {
        let row = Row::new(format!("typed 8 B in bulk, {name}"), format!("{:.2}", measured.of(name)?.median));
        if name == BUMPALO {
            return Ok(row);
        }
        let Spread { median, min, max } = measured.ratio(name, BUMPALO)?;
        Ok(row
            .note(format!("{median:.3} ({min:.3} - {max:.3}) of {BUMPALO}"))
            .at_most(median, &[("", LIMIT)]))
    };
    measured.names().map(row).collect()
}

fn case<'a, C: Reusable>(name: &'static str, kind: &'a Kind) -> Case<'a> {
    rounds(name, kind.allocations(), |contender: &mut C| kind.fill(contender))
}

fn bulk_case<const MIN_ALIGN: usize>(name: &'static str) -> Case<'static> {
    let allocations = Kind::Words1.allocations();
    rounds(name, allocations, move |arena: &mut Arena<Reserved, MIN_ALIGN>| {
        loops::values_in_bulk::<1, MIN_ALIGN>(arena, allocations as u64);
        Some(())
    })
}

fn rounds<'a, C: Reusable>(
    name: &'static str,
    allocations: usize,
    fill: impl Fn(&mut C) -> Option<()> + Copy + 'a,
) -> Case<'a> {
    let round = Cell::new(0);
    let measure = move || {
        round.set(round.get() + 1);
        Ok(time(fill, round.get())? / f64::from(u32::try_from(allocations)?))
    };
    Case { name, measure: Box::new(measure) }
}

/// Nanoseconds of a batch. As many batches run before, so that memory and predictors have forgotten how the
/// contender was made.
///
/// How fast the processor forwards a cursor from one allocation to the next depends on the address of the cursor
/// too. So it is elsewhere in each round.
fn time<C: Reusable>(fill: impl Fn(&mut C) -> Option<()>, round: usize) -> Result<f64> {
    let gap = vec![0_u8; round * 272 % 4096];
    // Twice as much room: alignment may need it.
    let mut contender = Box::new(C::with_room(2 * BATCH)?);
    black_box(&gap);
    let mut batches = || (0..BATCHES).try_for_each(|_| batch(&mut *contender, &fill));
    batches()?;
    let (nanoseconds, outcome) = clock::nanoseconds(batches);
    outcome?;
    Ok(nanoseconds / f64::from(BATCHES))
}

/// Fills the contender and frees all.
fn batch<C: Reusable>(contender: &mut C, fill: impl Fn(&mut C) -> Option<()>) -> Result<()> {
    fill(contender).ok_or("out of memory")?;
    contender.empty()
}
