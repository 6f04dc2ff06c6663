//! A figure of several contenders as rows of the table: what each measured, and how ours compares with the others.

use crate::Result;
use crate::interleave::{Rounds, Spread};
use crate::table::Row;

/// What stands for all rounds.
#[derive(Clone, Copy)]
pub enum Summary {
    /// The median of the rounds' ratios: for times of much work.
    Median,
    /// The smallest of each contender: for the longest of many short times. What a contender does itself it does in
    /// every round; interrupts and other programs only add to it, and do not hit each round alike.
    Smallest,
}

/// Contenders with which ours is compared, and the most that ours may be as a part of each.
pub type Rivals = &'static [(&'static str, Option<f64>)];

/// One figure, and its targets.
pub struct Figure {
    /// With its unit.
    pub name: &'static str,
    /// Which of the numbers of a measurement.
    pub place: usize,
    pub summary: Summary,
    pub ours: &'static str,
    /// The most that ours may be.
    pub limit: Option<f64>,
    pub rivals: Rivals,
}

impl Figure {
    /// A row for ours, and one for each of the others.
    pub fn rows(&self, measured: &Rounds<Vec<f64>>) -> Result<Vec<Row>> {
        let measured = measured.figure(|numbers| numbers.get(self.place).copied().unwrap_or(f64::NAN));
        let row = |name, number| {
            let digits = if number < 10.0 { 3 } else { 1 };
            Row::new(format!("{}, {name}", self.name), format!("{number:.digits$}"))
        };
        let limited = |row: Row, number, limit: Option<f64>| {
            limit.into_iter().fold(row, |row, limit| row.at_most(number, &[("", limit)]))
        };
        let number = self.number(measured.of(self.ours)?);
        let mut rows = vec![limited(row(self.ours, number), number, self.limit)];
        for &(rival, limit) in self.rivals {
            let (ratio, Spread { min, max, .. }) = self.ratio(&measured, rival)?;
            let row = row(rival, self.number(measured.of(rival)?));
            rows.push(limited(row.note(format!("{ratio:.4} ({min:.4} - {max:.4})")), ratio, limit));
        }
        Ok(rows)
    }

    fn number(&self, spread: Spread) -> f64 {
        match self.summary {
            Summary::Median => spread.median,
            Summary::Smallest => spread.min,
        }
    }

    /// Ours as a part of a rival, and how far the ratios of single rounds lie apart.
    fn ratio(&self, measured: &Rounds, rival: &str) -> Result<(f64, Spread)> {
        let rounds = measured.ratio(self.ours, rival)?;
        let ratio = match self.summary {
            Summary::Median => rounds.median,
            Summary::Smallest => measured.of(self.ours)?.min / measured.of(rival)?.min,
        };
        Ok((ratio, rounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interleave::{self, Case};
    use std::cell::Cell;

    /// Three rounds, each contender disturbed in another one.
    #[test]
    fn the_smallest_of_each_is_free_of_what_disturbed_one_round() {
        let case = |name, times: [f64; 3]| {
            let rounds = Cell::new(0);
            let measure = move || Ok(times[rounds.replace(rounds.get() + 1)]);
            Case { name, measure: Box::new(measure) }
        };
        let cases = [case("ours", [1.0, 50.0, 1.0]), case("theirs", [100.0, 10.0, 10.0])];
        let measured = interleave::run(&cases, 3, |_| ()).unwrap();
        let figure = |summary| Figure {
            name: "",
            place: 0,
            summary,
            ours: "ours",
            limit: None,
            rivals: &[("theirs", None)],
        };
        let ratio = |summary| figure(summary).ratio(&measured, "theirs").unwrap();
        let (smallest, Spread { min, max, .. }) = ratio(Summary::Smallest);
        assert_eq!(format!("{smallest} {min} {max}"), "0.1 0.01 5");
        assert_eq!(format!("{}", ratio(Summary::Median).0), "0.1");
        let longest = measured.of("ours").unwrap();
        assert_eq!(format!("{}", figure(Summary::Smallest).number(longest)), "1");
    }
}
