//! Growing one block, against glibc's `realloc`: one process per case, in interleaved rounds. After each call every
//! byte that is new is written. glibc copies a small block and moves the page tables of a large one; a block that
//! never moves is only told its size. But the first of a process makes the range of addresses that all share.

use super::{Group, no_such_case};
use crate::interleave::{self, Case};
use crate::reallocs::{self, Realloc};
use crate::table::Row;
use crate::{Effort, Result, child, clock, memory};
use std::iter::successors;
use std::sync::atomic::{Ordering::SeqCst, fence};

pub const GROUP: Group = Group { name: "growth", title: "growth: us", measure, run_case };

const SMALLEST: usize = 64;
const LARGEST: usize = 1 << 30;
const STEP: usize = 4 << 10;
/// By steps it grows up to here.
const STEPPED: usize = 256 << 20;
/// A block has its header within its reservation, so 1 GiB of data needs more than the default.
const RESERVATION: usize = LARGEST + STEP;

const GLIBC: &str = "glibc";
const LATENCY: &str = "v_alloc, latency";
const HUGE_PAGES: &str = "v_alloc, huge pages";

const CONTENDERS: &[(&str, Realloc)] = &[
    (LATENCY, reallocs::stable_small_pages::<RESERVATION>),
    (HUGE_PAGES, reallocs::stable::<RESERVATION>),
    (GLIBC, reallocs::glibc),
];

/// How a block grows.
struct Way {
    name: &'static str,
    largest: usize,
    /// What `run` returns.
    figures: &'static [&'static str],
    /// Microseconds; `None` if there is no memory.
    run: fn(Realloc) -> Option<Vec<f64>>,
}

const WAYS: &[Way] = &[
    Way {
        name: "64 B to 1 GiB by doubling",
        largest: LARGEST,
        figures: &[WORST, WORST_GROWING, TOTAL],
        run: double,
    },
    Way { name: "to 256 MiB by 4 KiB", largest: STEPPED, figures: &[CALLS, CALLS_NET], run: step },
];

const WORST: &str = "worst call";
const WORST_GROWING: &str = "worst call but the first";
const TOTAL: &str = "calls and fills";
const CALLS: &str = "calls";
const CALLS_NET: &str = "calls, net of the clock";

/// Targets: the figure, the contender, and the most as a part of glibc's.
const TARGETS: &[(&str, &str, f64)] = &[
    (WORST, LATENCY, 1.0 / 200.0),
    (WORST_GROWING, LATENCY, 1.0 / 200.0),
    (WORST, HUGE_PAGES, 0.5),
    (TOTAL, HUGE_PAGES, 0.5),
    (CALLS, LATENCY, 0.1),
    (CALLS, HUGE_PAGES, 0.1),
];

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 3,
        Effort::Full => 15,
    };
    let mut rows = Vec::new();
    for way in WAYS {
        let cases: Vec<_> = CONTENDERS.iter().map(|&(name, _)| case(way, name)).collect();
        let progress = |round| eprintln!("growth: {}, round {} of {rounds}", way.name, round + 1);
        let measured = interleave::run(&cases, rounds, progress)?;
        for (index, figure) in way.figures.iter().enumerate() {
            let measured = measured.figure(|figures| figures.get(index).copied().unwrap_or(f64::NAN));
            for name in measured.names() {
                let case = format!("{}, {figure}, {name}", way.name);
                let row = Row::new(case, format!("{:.1}", measured.of(name)?.median));
                let ratio = measured.ratio(name, GLIBC)?;
                let note = format!("{:.4} ({:.4} - {:.4}) of glibc", ratio.median, ratio.min, ratio.max);
                let target = TARGETS.iter().find(|target| (target.0, target.1) == (figure, name));
                rows.push(match target {
                    _ if name == GLIBC => row,
                    Some(&(_, _, part)) => row.note(note).at_most(ratio.median, &[("", part)]),
                    None => row.note(note),
                });
            }
        }
    }
    Ok(rows)
}

fn case(way: &'static Way, name: &'static str) -> Case<'static, Vec<f64>> {
    let measure = move || {
        memory::touch(way.largest + way.largest / 2)?;
        child::run(GROUP.name, &[way.name, name])
    };
    Case { name, measure: Box::new(measure) }
}

fn run_case(case: &[&str]) -> Result<()> {
    let &[way, name] = case else { return no_such_case(case) };
    let way = WAYS.iter().find(|known| known.name == way);
    let contender = CONTENDERS.iter().find(|known| known.0 == name);
    let (Some(way), Some(&(_, realloc))) = (way, contender) else { return no_such_case(case) };
    for figure in (way.run)(realloc).ok_or("out of memory")? {
        println!("{figure}");
    }
    Ok(())
}

/// The longest call, with the first, which makes the block, and without: by the wall clock, without the program's
/// writes and their page faults. And everything: calls, writes, and page faults, by processor time.
fn double(realloc: Realloc) -> Option<Vec<f64>> {
    let sizes = successors(Some(SMALLEST), |size| (*size < LARGEST).then_some(2 * size));
    let (total, calls) = clock::nanoseconds(|| grow(realloc, sizes));
    let calls = calls?;
    let worst = |calls: &[f64]| calls.iter().copied().fold(0.0, f64::max) / 1e3;
    Some(vec![worst(&calls), worst(calls.get(1..)?), total / 1e3])
}

/// All calls by the wall clock: with one reading of it in each, which is much for a call without a system call, and
/// less as many readings. The program's writes and their page faults are not in it.
fn step(realloc: Realloc) -> Option<Vec<f64>> {
    let calls = grow(realloc, (STEP..=STEPPED).step_by(STEP))?;
    let readings = calls.iter().map(|_| clock::wall_nanoseconds(|| ()).0);
    let (calls, readings) = (calls.iter().sum::<f64>() / 1e3, readings.sum::<f64>() / 1e3);
    Some(vec![calls, calls - readings])
}

/// Grows a block to each of the sizes, and writes what is new: nanoseconds of each call. The block is not freed:
/// giving memory back is another matter.
fn grow(realloc: Realloc, sizes: impl Iterator<Item = usize>) -> Option<Vec<f64>> {
    let mut times = Vec::with_capacity(STEPPED / STEP);
    let (mut block, mut written) = (None, 0);
    for size in sizes {
        // SAFETY: the block is the one that this function returned last, and it only grows.
        let (nanoseconds, grown) = clock::wall_nanoseconds(|| unsafe { realloc(block, size) });
        times.push(nanoseconds);
        // SAFETY: the block has `size` bytes, of which `written` were there before.
        unsafe { grown?.add(written).write_bytes(1, size - written) };
        // Else the next call would wait for the last of these writes.
        fence(SeqCst);
        (block, written) = (grown, size);
    }
    Some(times)
}
