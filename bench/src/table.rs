//! The table: rows with what was measured, what it should be, and whether it is.

use crate::interleave::Spread;

/// One line of the table.
pub struct Row {
    case: String,
    /// The measurement, with its unit.
    measured: String,
    /// How `v_alloc` compares: its measurement divided by this one, round by round.
    ratio: Option<String>,
    target: Option<Target>,
}

/// What a number may be at most, and whether it is.
struct Target {
    text: String,
    met: bool,
}

impl Row {
    /// A row for information.
    pub fn new(case: impl Into<String>, measured: String) -> Self {
        Self { case: case.into(), measured, ratio: None, target: None }
    }

    /// Adds how `v_alloc` compares with what the row measured.
    pub fn ratio(self, Spread { median, min, max }: Spread) -> Self {
        self.note(format!("{median:.3} ({min:.3} - {max:.3})"))
    }

    /// Adds how the row compares with another.
    pub fn note(self, note: String) -> Self {
        Self { ratio: Some(note), ..self }
    }

    /// Adds a target: `number` may be at most each of the limits, which are named where they are not a number
    /// of our own.
    pub fn at_most(self, number: f64, limits: &[(&str, f64)]) -> Self {
        let texts: Vec<String> =
            limits.iter().map(|(name, limit)| format!("<= {limit} {name}").trim_end().to_owned()).collect();
        let met = limits.iter().all(|&(_, limit)| number <= limit);
        Self { target: Some(Target { text: texts.join(", "), met }), ..self }
    }

    /// The case, what was measured, how it compares, the target, and whether it was met.
    pub fn cells(&self) -> [String; 5] {
        let (target, verdict) = match &self.target {
            None => ("", ""),
            Some(Target { text, met: true }) => (text.as_str(), "met"),
            Some(Target { text, met: false }) => (text.as_str(), "MISSED"),
        };
        [
            self.case.clone(),
            self.measured.clone(),
            self.ratio.clone().unwrap_or_default(),
            target.to_owned(),
            verdict.to_owned(),
        ]
    }
}

/// Prints the rows of one group.
pub fn print(title: &str, rows: &[Row]) {
    let head = [title, "measured", "v_alloc / this (min - max)", "target", ""].map(String::from);
    let indented = rows.iter().map(Row::cells).map(|[case, rest @ ..]| {
        let [measured, ratio, target, verdict] = rest;
        [format!("  {case}"), measured, ratio, target, verdict]
    });
    let lines: Vec<_> = std::iter::once(head).chain(indented).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
    });
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!();
}
