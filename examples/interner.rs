//! A million identifiers of real programs, interned: how many are different, which are most frequent, and what that
//! takes in time and memory, against a `HashMap<String, u32>`. And the same with a million different ones, made up.
//!
//! ```text
//! cargo run --release --example interner -- [FOLDER]
//! ```
//!
//! It reads the Rust sources below the folder: by default those of the packages that cargo has downloaded, or this one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use v_alloc::{DefaultHasher, Interner, Symbol, process_committed_bytes};

const WANTED: usize = 1_000_000;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).or_else(packages);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let mut text = String::new();
    let files = read(&folder, &mut text);
    let words: Vec<&str> = identifiers(&text).take(WANTED).collect();

    println!("identifiers of {files} files below {}", folder.display());
    let Run { made: (interner, symbols), .. } = compare(&words);

    // Symbols count up from 0, so a `Vec` is a map from them.
    let mut counts = vec![0_u32; interner.len()];
    for symbol in symbols {
        counts[symbol.index()] += 1;
    }
    let mut frequent: Vec<_> = interner.iter().map(|(symbol, text)| (counts[symbol.index()], text)).collect();
    frequent.sort_unstable_by(|a, b| b.cmp(a));
    print!("\nthe most frequent:");
    for (count, text) in frequent.iter().take(8) {
        print!(" {text} ({count})");
    }

    println!("\n\nidentifiers that are made up");
    let made_up: Vec<String> = (0..WANTED).map(|number| format!("name_{:x}", number * 0x9E37_79B9)).collect();
    compare(&made_up.iter().map(String::as_str).collect::<Vec<_>>());
    println!("\nOnly an interner leads back from a number to its text, a `&str` that stays good.");
}

/// Prints what the identifiers take in an interner and in maps.
fn compare(words: &[&str]) -> Run<(Interner, Vec<Symbol>)> {
    let here = best_of(|| intern(words));
    let mapped = best_of(|| enter::<RandomState>(words));
    let also_mapped = best_of(|| enter::<DefaultHasher>(words));

    let letters: usize = words.iter().map(|word| word.len()).sum();
    let (interner, symbols) = &here.made;
    println!("{} of {} together, {} different ones", words.len(), human(letters), interner.len());
    println!("\n                                  time       memory");
    print_row("Interner", &here);
    print_row("HashMap<String, u32>", &mapped);
    print_row("with the interner's hash", &also_mapped);
    println!("the different ones' letters alone        {:>10}", human(interner.string_bytes()));
    if symbols.iter().zip(&mapped.made).any(|(symbol, &number)| symbol.to_u32() != number) {
        println!("but the numbers are not the same!");
    }
    here
}

/// What was made, how long that took, and how much memory it has.
struct Run<T> {
    made: T,
    time: Duration,
    bytes: usize,
}

/// The interner's memory is its own: pages from the system, of which the library keeps account.
fn intern(words: &[&str]) -> Run<(Interner, Vec<Symbol>)> {
    let mut symbols = Vec::with_capacity(words.len());
    let (start, before) = (Instant::now(), process_committed_bytes());
    let interner = Interner::new();
    symbols.extend(words.iter().map(|word| interner.intern(word)));
    Run { time: start.elapsed(), bytes: process_committed_bytes() - before, made: (interner, symbols) }
}

/// A map's memory is of the program's heap, which is counted below, without what `malloc` adds for itself. The numbers
/// are returned; the map is gone then.
fn enter<S: BuildHasher + Default>(words: &[&str]) -> Run<Vec<u32>> {
    let mut numbers = Vec::with_capacity(words.len());
    let (start, before) = (Instant::now(), HEAP.0.load(Relaxed));
    let mut map: HashMap<String, u32, S> = HashMap::default();
    let mut next = 0;
    for &word in words {
        let number = map.get(word).copied().unwrap_or(next);
        if number == next {
            map.insert(word.to_owned(), number);
            next += 1;
        }
        numbers.push(number);
    }
    Run { time: start.elapsed(), bytes: HEAP.0.load(Relaxed) - before, made: numbers }
}

/// The last of three runs, with the time of the quickest. (The first one also makes what all containers share.)
fn best_of<T>(run: impl Fn() -> Run<T>) -> Run<T> {
    let quickest = (0..2).map(|_| run().time).min();
    let last = run();
    Run { time: quickest.map_or(last.time, |time| time.min(last.time)), ..last }
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_'))
}

/// Where cargo keeps the sources of packages.
fn packages() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("registry/src")).filter(|folder| folder.is_dir())
}

/// Adds the Rust sources of a folder to the text, until it is long enough; tells how many.
fn read(folder: &Path, text: &mut String) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut files = 0;
    for path in paths {
        if text.len() > 32 * WANTED {
            break;
        } else if path.is_dir() {
            files += read(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            if let Ok(source) = std::fs::read_to_string(&path) {
                text.push_str(&source);
                files += 1;
            }
        }
    }
    files
}

fn print_row<T>(name: &str, run: &Run<T>) {
    println!("{name:<26}  {:>7.1} ms   {:>10}", run.time.as_secs_f64() * 1e3, human(run.bytes));
}

#[allow(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn human(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

/// Counts the bytes that the program has from the heap.
struct Counting(AtomicUsize);

#[global_allocator]
static HEAP: Counting = Counting(AtomicUsize::new(0));

// SAFETY: all is forwarded to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size(), Relaxed);
        // SAFETY: forwarded from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size(), Relaxed);
        // SAFETY: forwarded from the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}
