//! A/B rounds: every round measures each case once, so that what disturbs the machine for a while disturbs
//! them all, and only measurements of the same round are divided by one another.

use crate::Result;

/// One thing to measure: its name, and a function that gives one measurement, smaller is better.
pub struct Case<'a, M = f64> {
    pub name: &'static str,
    pub measure: Box<dyn Fn() -> Result<M> + 'a>,
}

/// The measurements of all rounds.
pub struct Rounds<M = f64> {
    /// For each case its name, and what was measured in each round.
    cases: Vec<(&'static str, Vec<M>)>,
}

/// The median of some numbers, and how far they lie apart.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// Measures the cases `rounds` times in turn. `progress` hears of each round before it begins.
pub fn run<M>(cases: &[Case<'_, M>], rounds: usize, progress: impl Fn(usize)) -> Result<Rounds<M>> {
    let mut measured: Vec<_> = cases.iter().map(|case| (case.name, Vec::with_capacity(rounds))).collect();
    for round in 0..rounds {
        progress(round);
        // Another case begins each round, and every other round goes backwards: none always follows the same one.
        for turn in 0..cases.len() {
            let turn = if round % 2 == 0 { turn } else { cases.len() - 1 - turn };
            let index = (round + turn) % cases.len();
            measured[index].1.push((cases[index].measure)()?);
        }
    }
    Ok(Rounds { cases: measured })
}

impl<M> Rounds<M> {
    /// One figure of measurements that have several.
    pub fn figure(&self, figure: impl Fn(&M) -> f64) -> Rounds {
        let figures = |(name, measured): &(_, Vec<M>)| (*name, measured.iter().map(&figure).collect());
        Rounds { cases: self.cases.iter().map(figures).collect() }
    }
}

impl Rounds {
    /// The names of the cases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.cases.iter().map(|&(name, _)| name)
    }

    /// What was measured for a case.
    pub fn of(&self, name: &str) -> Result<Spread> {
        Ok(Spread::new(self.measurements(name)?.to_vec()))
    }

    /// A case divided by another, round by round.
    pub fn ratio(&self, name: &str, other: &str) -> Result<Spread> {
        let pairs = self.measurements(name)?.iter().zip(self.measurements(other)?);
        Ok(Spread::new(pairs.map(|(this, other)| this / other).collect()))
    }

    fn measurements(&self, name: &str) -> Result<&[f64]> {
        let case = self.cases.iter().find(|case| case.0 == name);
        Ok(&case.ok_or_else(|| format!("no case {name}"))?.1)
    }
}

impl Spread {
    pub fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |index: usize| numbers.get(index).copied().unwrap_or(f64::NAN);
        let last = numbers.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last - last / 2)), min: at(0), max: at(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_one_round_and_medians_of_all() {
        let numbers = std::cell::Cell::new(0.0);
        let next = || {
            numbers.set(numbers.get() + 1.0);
            Ok(numbers.get())
        };
        let cases =
            [Case { name: "a", measure: Box::new(next) }, Case { name: "b", measure: Box::new(|| Ok(2.0)) }];
        let rounds = run(&cases, 4, |_| ()).unwrap();
        let Spread { median, min, max } = rounds.ratio("a", "b").unwrap();
        assert_eq!(format!("{median} {min} {max}"), "1.25 0.5 2");
        assert!(rounds.of("c").is_err());
    }
}
