//! Time per allocation in memory that was used before and fits the first-level cache: A/B rounds in one
//! process. A batch is filled and then freed as a whole, which is part of the time; for an arena it is next to
//! nothing, for `malloc` about half.

use super::{Group, no_such_case};
use crate::contenders::{Contender, Freed, Reusable};
use crate::interleave::{self, Case};
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
}

impl Kind {
    fn allocations(&self) -> usize {
        match self {
            Self::Words1 => BATCH / 8,
            Self::Words4 => BATCH / 32,
            Self::Mixed(layouts) => layouts.len(),
        }
    }

    fn fill(&self, contender: &impl Contender) -> Option<()> {
        match self {
            Self::Words1 => loops::values::<1>(contender, self.allocations() as u64),
            Self::Words4 => loops::values::<4>(contender, self.allocations() as u64),
            Self::Mixed(layouts) => loops::blocks(contender, layouts),
        }
    }
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 101,
        Effort::Full => 1001,
    };
    // A mixed block has 64 bytes and some padding on average.
    let mixed = Kind::Mixed(loops::mixed_layouts(BATCH / 70));
    let mut rows = Vec::new();
    for (title, kind) in [("typed 8 B", Kind::Words1), ("typed 32 B", Kind::Words4), ("mixed Layout", mixed)]
    {
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
            let time = measured.of(name)?;
            let row = Row::new(format!("{title}, {name}"), format!("{:.2}", time.median));
            rows.push(match (name, &kind) {
                ("Arena", _) => row,
                ("bumpalo", Kind::Words1) => {
                    let ratio = measured.ratio("Arena", name)?;
                    row.ratio(ratio).at_most(ratio.median, &[("", 1.05)])
                }
                _ => row.ratio(measured.ratio("Arena", name)?),
            });
        }
    }
    Ok(rows)
}

fn case<'a, C: Reusable>(name: &'static str, kind: &'a Kind) -> Case<'a> {
    let round = Cell::new(0);
    let measure = move || {
        round.set(round.get() + 1);
        time::<C>(kind, round.get())
    };
    Case { name, measure: Box::new(measure) }
}

/// Nanoseconds per allocation. As many batches run before, so that memory and predictors have forgotten how the
/// contender was made.
///
/// How fast the processor forwards a cursor from one allocation to the next depends on the address of the cursor
/// too. So it is elsewhere in each round.
fn time<C: Reusable>(kind: &Kind, round: usize) -> Result<f64> {
    let gap = vec![0_u8; round * 272 % 4096];
    // Twice as much room: alignment may need it.
    let mut contender = Box::new(C::with_room(2 * BATCH)?);
    black_box(&gap);
    let mut batches = || (0..BATCHES).try_for_each(|_| batch(&mut *contender, kind));
    batches()?;
    let (nanoseconds, outcome) = clock::nanoseconds(batches);
    outcome?;
    let allocations = f64::from(BATCHES) * f64::from(u32::try_from(kind.allocations())?);
    Ok(nanoseconds / allocations)
}

/// Fills the contender and frees all.
fn batch(contender: &mut impl Reusable, kind: &Kind) -> Result<()> {
    kind.fill(contender).ok_or("out of memory")?;
    contender.empty()
}
