//! The tail of growing to 1 GiB: by doubling from 64 bytes to a page, and then by a page at a time. A step is the call
//! and writing what it added, with the page faults of both, by the wall clock. Each contender does it in several
//! processes, one after another, and of each step the shortest time counts: what the contender does itself it does in
//! all of them, interrupts and other programs hit another step in each. The first step has a row of its own: it makes
//! the range of addresses, and happens once.

use super::{Group, no_such_case};
use crate::reallocs::{self, Realloc};
use crate::table::Row;
use crate::{Effort, Result, child, clock, memory};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::{Ordering::SeqCst, fence};
use v_alloc::{Arena, CommitPolicy};

pub const GROUP: Group =
    Group { name: "tail", title: "tail: us of a step of growth to 1 GiB", measure, run_case };

const SMALLEST: usize = 64;
const STEP: usize = 4 << 10;
const LARGEST: usize = 1 << 30;
/// A block has its header within its reservation, so 1 GiB of data needs more than the default.
const RESERVATION: usize = LARGEST + STEP;

/// Times of all steps in nanoseconds; `None` if there is no memory.
type Grow = fn() -> Option<Vec<f64>>;

/// With the target for the longest step but the first, in microseconds.
const CONTENDERS: &[(&str, Grow, Option<f64>)] = &[
    ("StableBlock, latency", || block(reallocs::stable_small_pages::<RESERVATION>), Some(LATENCY)),
    ("Arena, latency", || arena(CommitPolicy::Latency), Some(LATENCY)),
    ("StableBlock, throughput", || block(reallocs::stable::<RESERVATION>), Some(THROUGHPUT)),
    ("Arena, throughput", || arena(CommitPolicy::Throughput), Some(THROUGHPUT)),
    ("glibc realloc", || block(reallocs::glibc), None),
    (BARE, bare, None),
];

/// The page faults alone, which nobody who takes them one by one can be below: all of it is accessible from the start.
const BARE: &str = "bare mapping, small pages";

const LATENCY: f64 = 5.0;
const THROUGHPUT: f64 = 300.0;

/// What has a row each: the part of all steps that take no longer.
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 2,
        Effort::Full => 7,
    };
    let mut shortest = vec![Vec::new(); CONTENDERS.len()];
    for round in 0..rounds {
        eprintln!("tail: round {} of {rounds}", round + 1);
        for (&(name, ..), shortest) in CONTENDERS.iter().zip(&mut shortest) {
            memory::touch(LARGEST + LARGEST / 2)?;
            let times = child::run::<f64>(GROUP.name, &[name])?;
            shortest.resize(times.len(), f64::INFINITY);
            for (shortest, time) in shortest.iter_mut().zip(times) {
                *shortest = time.min(*shortest);
            }
        }
    }
    let mut rows = Vec::new();
    for (&(name, _, limit), steps) in CONTENDERS.iter().zip(&shortest) {
        let (first, others) = steps.split_first().ok_or("the case printed nothing")?;
        let row = |figure: &str, nanoseconds: f64| {
            Row::new(format!("{name}, {figure}"), format!("{:.2}", nanoseconds / 1e3))
        };
        for (figure, part) in PERCENTILES {
            let time = percentile(others, part);
            let limit = limit.filter(|_| figure == "max");
            rows.push(
                limit
                    .into_iter()
                    .fold(row(figure, time), |row, limit| row.at_most(time / 1e3, &[("us", limit)])),
            );
        }
        rows.push(row("first step", *first));
    }
    Ok(rows)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "few steps"
)]
fn percentile(times: &[f64], part: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * part).ceil() as usize).copied().unwrap_or(f64::NAN)
}

fn run_case(case: &[&str]) -> Result<()> {
    let &[name] = case else { return no_such_case(case) };
    let Some((_, grow, _)) = CONTENDERS.iter().find(|known| known.0 == name) else {
        return no_such_case(case);
    };
    let times = grow().ok_or("out of memory")?;
    let lines: Vec<_> = times.iter().map(|time| format!("{time:.0}\n")).collect();
    print!("{}", lines.concat());
    Ok(())
}

/// Sizes after each step.
fn sizes() -> impl Iterator<Item = usize> {
    let small = std::iter::successors(Some(SMALLEST), |size| Some(2 * size)).take_while(|size| *size < STEP);
    small.chain((STEP..=LARGEST).step_by(STEP))
}

fn block(realloc: Realloc) -> Option<Vec<f64>> {
    let mut block = None;
    grow(|written, size| {
        // SAFETY: the block is the one that the last call returned, and it only grows.
        block = unsafe { realloc(block, size) };
        // SAFETY: the block has `size` bytes, of which `written` were there before.
        Some(unsafe { block?.add(written) })
    })
}

fn arena(policy: CommitPolicy) -> Option<Vec<f64>> {
    let arena = Arena::options().commit_policy(policy).build().ok()?;
    let times =
        grow(|written, size| Some(arena.alloc_layout(Layout::from_size_align(size - written, 1).ok()?)));
    // Giving memory back is another matter.
    std::mem::forget(arena);
    times
}

fn bare() -> Option<Vec<f64>> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), LARGEST, access, MapFlags::PRIVATE) }.ok()?;
    // SAFETY: the range is the mapping, which nobody else knows of.
    unsafe { madvise(start, LARGEST, Advice::LinuxNoHugepage) }.ok()?;
    let start = ptr::NonNull::new(start.cast::<u8>())?;
    // SAFETY: the mapping is as long as the largest size.
    grow(|written, _| Some(unsafe { start.add(written) }))
}

/// Takes all steps: `add` makes more memory, between two sizes.
fn grow(mut add: impl FnMut(usize, usize) -> Option<std::ptr::NonNull<u8>>) -> Option<Vec<f64>> {
    // Its pages are there before the first step.
    let mut times = vec![1.0; sizes().count()];
    let mut written = 0;
    for (time, size) in times.iter_mut().zip(sizes()) {
        let step = || {
            let added = add(written, size)?;
            // SAFETY: so many bytes were added.
            unsafe { added.write_bytes(1, size - written) };
            // Else the clock would be read before the last of these writes is done.
            fence(SeqCst);
            Some(())
        };
        let (nanoseconds, outcome) = clock::wall_nanoseconds(step);
        outcome?;
        (*time, written) = (nanoseconds, size);
    }
    Some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_double_to_a_page_and_end_at_the_largest_size() {
        let sizes: Vec<_> = sizes().collect();
        assert_eq!(sizes[..8], [64, 128, 256, 512, 1024, 2048, 4096, 8192]);
        assert_eq!(sizes.last(), Some(&LARGEST));
    }

    #[test]
    fn a_percentile_is_a_time_that_so_many_do_not_exceed() {
        let times: Vec<_> = (0..=1000).rev().map(f64::from).collect();
        let found = [0.5, 0.999, 1.0].map(|part| format!("{}", percentile(&times, part)));
        assert_eq!(found, ["500", "999", "1000"]);
    }
}
