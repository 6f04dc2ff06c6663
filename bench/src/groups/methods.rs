//! The methods that programs call most, each against the same one of its peers: in memory that is warm; that of arenas is taken
//! back after a hundred calls. Time is taken in A/B rounds of one process; the loops of arenas, and of maps that ask for no memory,
//! are counted in instructions as well, and the gate watches those of ours. (Not all of containers: valgrind has no addresses for
//! what they share.)
//!
//! Lengths and closures are known when a loop is compiled, as they are in a program: what a compiler makes of that is a part
//! of the comparison.

mod arenas;
mod maps;
mod vectors;

use super::instructions::Counted;
use super::{Group, no_such_case};
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::{Effort, Result, clock};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub const GROUP: Group =
    Group { name: "methods", title: "methods: ns per call", measure, run_case: no_such_case };

/// Calls a method so often; the nanoseconds that took, without what had to be there before.
type Calls = fn(u64) -> f64;

/// A method, and who has it; the first is ours.
#[derive(Clone, Copy)]
struct Method {
    name: &'static str,
    /// How many calls are timed at once.
    calls: u32,
    contenders: &'static [(&'static str, Calls)],
}

/// Calls of what takes some nanoseconds, and of what may take a thousand.
const SHORT: u32 = 20_000;
const LONG: u32 = 5_000;
const COUNTED: [u32; 2] = [1_000, 2_000];
/// Calls before memory is taken back.
const TOGETHER: u64 = 100;

/// For instruction counts.
pub fn counted() -> impl Iterator<Item = Counted> {
    arenas::METHODS.iter().chain(maps::IN_PLACE).flat_map(|&Method { name, contenders, .. }| {
        let counted = move |&(contender, calls): &(&str, Calls)| {
            let ours = contender.starts_with("Arena") || contender == "StableMap";
            Counted::new(format!("{name}, {contender}"), ours, COUNTED, move |count| {
                calls(count.into());
                Ok(())
            })
        };
        contenders.iter().map(counted)
    })
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 21,
        Effort::Full => 101,
    };
    let mut rows = Vec::new();
    for Method { name, calls: count, contenders } in
        [arenas::METHODS, vectors::METHODS, maps::IN_PLACE, maps::OTHERS].concat()
    {
        eprintln!("methods: {name}, {rounds} rounds");
        let case = |&(contender, calls): &(&'static str, Calls)| {
            let measure = move || Ok(calls(count.into()) / f64::from(count));
            Case { name: contender, measure: Box::new(measure) }
        };
        let measured = interleave::run(&contenders.iter().map(case).collect::<Vec<_>>(), rounds, |_| ())?;
        let ours = contenders[0].0;
        for contender in measured.names() {
            let row =
                Row::new(format!("{name}, {contender}"), format!("{:.2}", measured.of(contender)?.median));
            rows.push(if contender == ours { row } else { row.ratio(measured.ratio(ours, contender)?) });
        }
    }
    Ok(rows)
}

/// Calls a method of an arena so often, and takes memory back in between.
fn repeat<A>(calls: u64, arena: A, call: impl Fn(&A, u64), reset: impl Fn(&mut A)) -> f64 {
    let mut arena = elsewhere(arena);
    let batches = |arena: &mut A, calls| {
        for batch in 0..calls / TOGETHER {
            together(arena, batch, &call);
            reset(arena);
        }
    };
    batches(&mut arena, TOGETHER);
    clock::nanoseconds(|| batches(&mut arena, calls)).0
}

/// The arena is behind a pointer, as in a program.
#[inline(never)]
fn together<A>(arena: &A, batch: u64, call: &impl Fn(&A, u64)) {
    for number in 0..TOGETHER {
        call(arena, batch + number);
    }
}

/// Calls a method so often that leaves as much as there was.
fn repeat_mut<A>(calls: u64, subject: A, call: impl Fn(&mut A, u64)) -> f64 {
    let mut subject = elsewhere(subject);
    one_by_one(&mut *subject, TOGETHER, &call);
    clock::nanoseconds(|| one_by_one(&mut *subject, calls, &call)).0
}

/// At another address each time: how fast a processor forwards what was stored to who reads it next depends on that, too.
#[allow(clippy::unnecessary_box_returns, reason = "its address is what matters")]
fn elsewhere<T>(subject: T) -> Box<T> {
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let gap = vec![0_u8; ROUND.fetch_add(1, Relaxed) * 272 % 4096];
    let subject = Box::new(subject);
    black_box(gap);
    subject
}

#[inline(never)]
fn one_by_one<A>(subject: &mut A, calls: u64, call: &impl Fn(&mut A, u64)) {
    for number in 0..calls {
        call(subject, number);
    }
}

fn numbers<const COUNT: usize>(first: u64) -> impl ExactSizeIterator<Item = u64> + DoubleEndedIterator {
    (0..COUNT).map(move |number| first + number as u64)
}
