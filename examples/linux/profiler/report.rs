//! What becomes of the samples, outside of the handler: names, a list of functions, a flame graph.

use super::handler::{LOST, MERGED, SAMPLES};
use super::symbols::Symbols;
use inferno::flamegraph::{self, Options};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Where stacks begin. One that does not lead there was walked through code without frame pointers, and is a guess.
const ROOT: &str = "profiler::linux::workload::run";

/// How often each stack was seen.
#[derive(Default)]
pub struct Counts {
    stacks: HashMap<Box<[usize]>, usize>,
    samples: usize,
    most_at_once: usize,
}

/// Takes the samples away while the program makes more, until it ends.
pub fn drain_until(done: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    loop {
        // Asked first, so that what is drained then is the last.
        let last = done.load(Ordering::Acquire);
        counts.drain();
        if last {
            return counts;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

impl Counts {
    fn drain(&mut self) {
        let drained = SAMPLES.drain();
        for sample in &*drained {
            *self.stacks.entry(sample.frames().into()).or_default() += 1;
        }
        self.samples += drained.len();
        self.most_at_once = self.most_at_once.max(drained.len());
    }

    /// Prints the list and writes `profile.folded` and `profile.svg`.
    pub fn report(self, directory: &Path) -> Result<(), Box<dyn Error>> {
        let lost = LOST.load(Ordering::Relaxed);
        println!("{} samples, {lost} lost, at most {} in one drain", self.samples, self.most_at_once);
        println!(
            "{} signals merged with an earlier one: the thread was not running",
            MERGED.load(Ordering::Relaxed)
        );
        if self.samples == 0 || lost > 0 {
            return Err("every signal leaves a sample".into());
        }
        let folded = self.in_words()?;
        print_top(&folded, self.samples);

        fs::create_dir_all(directory)?;
        let lines: Vec<String> =
            folded.iter().map(|(stack, count)| format!("{} {count}", stack.join(";"))).collect();
        fs::write(directory.join("profile.folded"), lines.join("\n") + "\n")?;
        let mut options = Options::default();
        "examples/profiler".clone_into(&mut options.title);
        let svg = File::create(directory.join("profile.svg"))?;
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), svg)?;
        println!("\n{0}/profile.folded, {0}/profile.svg", directory.display());
        Ok(())
    }

    /// The stacks by names of functions, the outermost first.
    fn in_words(&self) -> Result<BTreeMap<Vec<String>, usize>, Box<dyn Error>> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        let (mut symbols, mut names) = (Symbols::new(&maps), HashMap::new());
        let mut name = |address: usize| -> String {
            names.entry(address).or_insert_with(|| symbols.describe(address as u64).0).clone()
        };
        let (mut folded, mut whole) = (BTreeMap::new(), 0);
        for (stack, count) in &self.stacks {
            let words: Vec<String> = stack.iter().map(|&address| name(address)).collect();
            let root = words.iter().position(|word| word == ROOT);
            whole += if root.is_some() { *count } else { 0 };
            let stack = words.into_iter().take(root.unwrap_or(0) + 1).rev().collect();
            *folded.entry(stack).or_default() += *count;
        }
        println!(
            "{}% have a whole stack; of the others only the innermost function counts",
            100 * whole / self.samples
        );
        if whole < self.samples / 2 {
            println!(
                "for whole stacks, build with: cargo rustc --release --package v_alloc-examples --example profiler -- -C force-frame-pointers"
            );
        }
        Ok(folded)
    }
}

/// The functions by the samples in themselves, and in what they call.
fn print_top(folded: &BTreeMap<Vec<String>, usize>, samples: usize) {
    let mut functions: HashMap<&str, (usize, usize)> = HashMap::new();
    for (stack, count) in folded {
        if let Some(innermost) = stack.last() {
            functions.entry(innermost).or_default().0 += count;
        }
        // Once each, even if they call themselves.
        for function in stack.iter().collect::<BTreeSet<_>>() {
            functions.entry(function).or_default().1 += count;
        }
    }
    let mut functions: Vec<_> = functions.into_iter().collect();
    functions.sort_by_key(|&(name, (own, _))| (usize::MAX - own, name));
    println!("\n   self    all  function");
    for (name, (own, all)) in functions.iter().take(12) {
        let percent = |count: usize| (1000 * count / samples / 10, 1000 * count / samples % 10);
        let ((own, own_tenths), (all, all_tenths)) = (percent(*own), percent(*all));
        println!("{own:>4}.{own_tenths}% {all:>3}.{all_tenths}%  {name}");
    }
}
