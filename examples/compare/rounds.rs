//! Two contenders in turn, each time in a process of its own, and what comes of it.

use std::error::Error;
use std::process::{Command, Stdio};

/// Tells this program to measure one contender, and to print that.
pub const MEASURE: &str = "--measure";

/// The same work, done by v_alloc and by another.
pub struct Workload {
    pub name: &'static str,
    /// What the figures are, in the order in which they are measured.
    pub figures: &'static [&'static str],
    pub ours: Contender,
    pub other: Contender,
}

pub struct Contender {
    pub name: &'static str,
    pub measure: fn() -> Measured,
}

/// Times in nanoseconds, and something about the work that must be the same for both.
pub struct Measured {
    pub times: Vec<f64>,
    pub check: u64,
}

impl Measured {
    pub fn print(&self) {
        println!("{}", self.check);
        self.times.iter().for_each(|time| println!("{time}"));
    }

    fn of(workload: &Workload, contender: &Contender) -> Result<Self, Box<dyn Error>> {
        let mut program = Command::new(std::env::current_exe()?);
        program.args([MEASURE, workload.name, contender.name]).stderr(Stdio::inherit());
        let output = program.output()?;
        let printed = String::from_utf8(output.stdout)?;
        let mut lines = printed.lines();
        let check = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
        let times: Vec<f64> = lines.map(str::parse).collect::<Result<_, _>>()?;
        if output.status.success() && times.len() == workload.figures.len() {
            Ok(Self { times, check })
        } else {
            Err(format!("{} with {}: {}", workload.name, contender.name, output.status).into())
        }
    }
}

/// A workload and what was measured.
pub struct Comparison {
    pub workload: &'static Workload,
    rounds: Vec<[Measured; 2]>,
}

impl Comparison {
    pub fn new(workload: &'static Workload) -> Self {
        Self { workload, rounds: Vec::new() }
    }

    pub fn round(&mut self, ours_first: bool) -> Result<(), Box<dyn Error>> {
        let Workload { name, ours, other, .. } = self.workload;
        let measure = |contender| Measured::of(self.workload, contender);
        let (this, that) = if ours_first {
            let this = measure(ours)?;
            (this, measure(other)?)
        } else {
            let that = measure(other)?;
            (measure(ours)?, that)
        };
        if this.check != that.check {
            return Err(format!("{name}: {} and {} did not do the same", ours.name, other.name).into());
        }
        self.rounds.push([this, that]);
        Ok(())
    }

    /// One number of each round, in ascending order.
    fn sorted(&self, number: impl Fn(&[Measured; 2]) -> f64) -> Vec<f64> {
        let mut numbers: Vec<_> = self.rounds.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    }

    fn ratio_of(&self, figure: usize) -> Vec<f64> {
        self.sorted(|[ours, other]| ours.times[figure] / other.times[figure])
    }

    /// For each figure its name and the median of the ratios.
    pub fn ratios(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let name = |(figure, &name)| (name, quantile(&self.ratio_of(figure), 2, 4));
        self.workload.figures.iter().enumerate().map(name)
    }

    pub fn print(&self) {
        let Workload { figures, ours, other, .. } = self.workload;
        for (figure, name) in figures.iter().enumerate() {
            let time = |contender: &Contender, which: usize| {
                let times = self.sorted(|round| round[which].times[figure]);
                format!("{:<9} {:>8}", contender.name, human(quantile(&times, 2, 4)))
            };
            let (ours, other, ratio) = (time(ours, 0), time(other, 1), self.ratio_of(figure));
            let [low, median, high] = [1, 2, 3].map(|quarter| quantile(&ratio, quarter, 4));
            println!("{name:<44} {ours}   {other}   {median:>6.2}   {low:.2} to {high:.2}");
        }
    }
}

/// Of sorted numbers, that at `part` of `parts`.
fn quantile(sorted: &[f64], part: usize, parts: usize) -> f64 {
    sorted[(sorted.len() - 1) * part / parts]
}

fn human(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.1} ns"),
        ..1e6 => format!("{:.1} us", nanoseconds / 1e3),
        _ => format!("{:.1} ms", nanoseconds / 1e6),
    }
}
