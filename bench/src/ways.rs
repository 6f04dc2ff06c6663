//! Ways to use a container or an allocator, each by several contenders: one process per case, in interleaved rounds.

use crate::figure::Figure;
use crate::groups::no_such_case;
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::{Effort, Result, child, memory};

/// One way, and what is measured of it.
pub struct Way {
    pub name: &'static str,
    /// Bytes; more than any contender needs.
    pub memory: usize,
    pub contenders: &'static [(&'static str, Run)],
    pub figures: &'static [Figure],
}

const SHORT: usize = 64 << 20;

/// Uses a container in this process, and returns the numbers of the figures.
pub type Run = fn() -> Result<Vec<f64>>;

/// Measures all ways of a group.
pub fn measure(group: &'static str, ways: &'static [Way], effort: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for way in ways {
        let rounds = match effort {
            Effort::Quick => 2,
            // Short ones are disturbed by little, and take little.
            Effort::Full if way.memory <= SHORT => 45,
            Effort::Full => 15,
        };
        let case = |&(name, _): &(&'static str, Run)| {
            let measure = move || {
                memory::touch(way.memory)?;
                child::run(group, &[way.name, name])
            };
            Case { name, measure: Box::new(measure) }
        };
        let cases: Vec<Case<'_, Vec<f64>>> = way.contenders.iter().map(case).collect();
        let progress = |round| eprintln!("{group}: {}, round {} of {rounds}", way.name, round + 1);
        let measured = interleave::run(&cases, rounds, progress)?;
        for figure in way.figures {
            rows.extend(figure.rows(&measured)?);
        }
    }
    Ok(rows)
}

/// Runs one case of a group, and prints its numbers.
pub fn run_case(ways: &[Way], case: &[&str]) -> Result<()> {
    let &[way, name] = case else { return no_such_case(case) };
    let way = ways.iter().find(|known| known.name == way);
    let contender = way.and_then(|way| way.contenders.iter().find(|known| known.0 == name));
    let Some((_, run)) = contender else { return no_such_case(case) };
    for number in run()? {
        println!("{number}");
    }
    Ok(())
}
