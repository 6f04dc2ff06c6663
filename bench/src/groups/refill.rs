//! Filling an arena again after `reset`, value by value and with the window held in registers, against a loop of stores to the
//! same memory: rounds of all in turn, in one process. Its memory is all there, so there is nothing to ask the system for, which
//! is counted: system calls by
//! `strace`, in two processes that refill more or less often, and page faults by the kernel's account.

use super::{Group, no_such_case};
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::{Effort, Result, child, clock, loops, memory, system_calls};
use std::alloc::Layout;
use std::cell::RefCell;
use v_alloc::Arena;

pub const GROUP: Group = Group { name: "refill", title: "refill after reset: ms", measure, run_case };

/// 64 bytes.
const WORDS: usize = 8;
type Object = [u64; WORDS];

/// In MiB.
const SIZES: [usize; 2] = [1, 64];

const REFILL: &str = "reset and refill";
const IN_BULK: &str = "reset and refill in bulk";
const STORES: &str = "stores to the same memory";
const LIMIT: f64 = 1.05;

const FEWER: u32 = 10;
const MORE: u32 = 30;

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 31,
        Effort::Full => 301,
    };
    let mut rows = Vec::new();
    for mib in SIZES {
        eprintln!("refill: {mib} MiB, {rounds} rounds");
        let row = |name: &str, number| Row::new(format!("{mib} MiB, {name}"), format!("{number:.4}"));
        memory::touch((2 * mib) << 20)?;
        let measured = rounds_of(mib, rounds)?;
        rows.push(row(STORES, measured.of(STORES)?.median));
        for way in [REFILL, IN_BULK] {
            let ratio = measured.ratio(way, STORES)?;
            rows.push(
                row(way, measured.of(way)?.median)
                    .note(format!("{:.3} ({:.3} - {:.3}) of stores", ratio.median, ratio.min, ratio.max))
                    .at_most(ratio.median, &[("", LIMIT)]),
            );
        }

        let size = mib.to_string();
        let calls = system_calls::per_iteration(&child::arguments(GROUP.name, &[&size]), FEWER, MORE)?;
        rows.push(row("system calls of a refill", calls).at_most(calls, &[("", 0.0)]));
        let faults = child::run::<f64>(GROUP.name, &[&size, &MORE.to_string()])?;
        let faults = faults.first().ok_or("the case printed nothing")? / f64::from(MORE);
        rows.push(row("page faults of a refill", faults).at_most(faults, &[("", 0.0)]));
    }
    Ok(rows)
}

/// Milliseconds of processor time for each.
fn rounds_of(mib: usize, rounds: usize) -> Result<interleave::Rounds> {
    let count = objects(mib);
    let arena = RefCell::new(Arena::new());
    refill(&mut arena.borrow_mut(), count)?;
    let refilling = || {
        let (nanoseconds, filled) = clock::nanoseconds(|| refill(&mut arena.borrow_mut(), count));
        filled.map(|()| nanoseconds / 1e6)
    };
    let refilling_in_bulk = || {
        let nanoseconds = clock::nanoseconds(|| {
            let mut arena = arena.borrow_mut();
            arena.reset();
            loops::values_in_bulk::<WORDS, 1>(&mut arena, count as u64);
        });
        Ok(nanoseconds.0 / 1e6)
    };
    let storing = || {
        let mut arena = arena.borrow_mut();
        arena.reset();
        // The whole of its memory, as it is: nothing is written before the clock starts, as in the other cases.
        let block = arena.try_alloc_layout(Layout::array::<Object>(count)?).map_err(|_| "out of memory")?;
        // SAFETY: the block has so many objects, which are numbers, and written since the arena was first filled.
        let memory = unsafe { std::slice::from_raw_parts_mut(block.cast().as_ptr(), count) };
        Ok(clock::nanoseconds(|| loops::stores::<WORDS>(memory)).0 / 1e6)
    };
    let cases = [
        Case { name: REFILL, measure: Box::new(refilling) },
        Case { name: IN_BULK, measure: Box::new(refilling_in_bulk) },
        Case { name: STORES, measure: Box::new(storing) },
    ];
    interleave::run(&cases, rounds, |_| ())
}

fn objects(mib: usize) -> usize {
    (mib << 20) / size_of::<Object>()
}

/// Empties the arena and fills it again.
fn refill(arena: &mut Arena, count: usize) -> Result<()> {
    arena.reset();
    loops::values::<WORDS>(&*arena, count as u64).ok_or("out of memory".into())
}

/// Fills an arena, and that often again. Prints the page faults of the latter.
fn run_case(case: &[&str]) -> Result<()> {
    let &[mib, times] = case else { return no_such_case(case) };
    let (count, times) = (objects(mib.parse()?), times.parse::<u32>()?);
    let mut arena = Arena::new();
    refill(&mut arena, count)?;
    // Twice, so that the code which asks is there.
    memory::page_faults()?;
    let before = memory::page_faults()?;
    for _ in 0..times {
        refill(&mut arena, count)?;
    }
    let faults = memory::page_faults()? - before;
    println!("{faults}");
    Ok(())
}
