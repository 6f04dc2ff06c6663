//! A full-text index of the files you name, all of it in one arena: words, hash map and posting lists.
//!
//! ```text
//! cargo run --release --example word_index -- [--find "WORDS"]... [FILE or FOLDER]...
//! ```
//!
//! Without files it reads this repository. It answers the queries (lines that have all the words), prints the
//! arena's figures, and then the time that the same code takes on the system allocator.

use allocator_api2::alloc::{Allocator, Global};
use allocator_api2::boxed::Box as BoxIn;
use allocator_api2::vec::Vec as VecIn;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use v_alloc::Arena;

/// A file's path and its text.
struct Document {
    path: PathBuf,
    text: String,
}

/// Where a word stands: a document and a line in it, both counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    document: u32,
    line: u32,
}

/// From each word to its places, in ascending order; everything it owns lies in the allocator `A`.
struct Index<A: Allocator + Copy> {
    places: HashMap<BoxIn<[u8], A>, VecIn<Place, A>, DefaultHashBuilder, A>,
    allocator: A,
}

impl<A: Allocator + Copy> Index<A> {
    fn build(documents: &[Document], allocator: A) -> Self {
        let mut index =
            Self { places: HashMap::with_hasher_in(DefaultHashBuilder::default(), allocator), allocator };
        let mut word = Vec::new();
        for (document, Document { text, .. }) in (0..).zip(documents) {
            for (line, text) in (0..).zip(text.lines()) {
                for letters in words(text) {
                    word.clear();
                    word.extend(letters.bytes().map(|byte| byte.to_ascii_lowercase()));
                    index.add(&word, Place { document, line });
                }
            }
        }
        index
    }

    fn add(&mut self, word: &[u8], place: Place) {
        if let Some(places) = self.places.get_mut(word) {
            if places.last() != Some(&place) {
                places.push(place);
            }
            return;
        }
        let mut key = VecIn::with_capacity_in(word.len(), self.allocator);
        key.extend_from_slice(word);
        let mut places = VecIn::new_in(self.allocator);
        places.push(place);
        self.places.insert(key.into_boxed_slice(), places);
    }

    /// The places that have all words of the query.
    fn find(&self, query: &str) -> Vec<Place> {
        let mut lists: Vec<&[Place]> = words(query)
            .map(|word| self.places.get(word.to_ascii_lowercase().as_bytes()).map_or(&[][..], |list| list))
            .collect();
        lists.sort_by_key(|list| list.len());
        let Some((shortest, others)) = lists.split_first() else { return Vec::new() };
        let in_all = |place: &&Place| others.iter().all(|list| list.binary_search(place).is_ok());
        shortest.iter().filter(in_all).copied().collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

fn main() -> ExitCode {
    let mut queries = Vec::new();
    let mut paths = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--find" {
            let Some(query) = arguments.next().and_then(|query| query.into_string().ok()) else {
                eprintln!("--find needs words to look for, in UTF-8");
                return ExitCode::FAILURE;
            };
            queries.push(query);
        } else {
            paths.push(PathBuf::from(argument));
        }
    }
    if paths.is_empty() {
        paths.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    }
    if queries.is_empty() {
        queries = ["arena", "huge pages", "never move a byte", "segfault"].map(String::from).to_vec();
    }

    let mut documents = Vec::new();
    for path in &paths {
        read(path, &mut documents, true);
    }
    if documents.is_empty() {
        eprintln!("nothing to index");
        return ExitCode::FAILURE;
    }

    let arena = Arena::new();
    // The index itself lies in the arena too, so nothing of it is ever freed one by one.
    let index = arena.alloc_with(|| Index::build(&documents, &arena));
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    println!("indexed {} files, {}, {} different words\n", documents.len(), human(bytes), index.places.len());
    for query in &queries {
        print_answer(query, &index.find(query), &documents);
    }
    print_figures(&arena);
    compare(&documents);
    ExitCode::SUCCESS
}

/// Reads a file, or all text files of a folder. What cannot be read is named, and left out. `named` tells
/// whether the user asked for this very path.
fn read(path: &Path, documents: &mut Vec<Document>, named: bool) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = match std::fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => return eprintln!("left out: {}: {error}", path.display()),
        };
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default();
            if !name.to_string_lossy().starts_with('.') && name != "target" {
                read(&entry, documents, false);
            }
        }
        return;
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => documents.push(Document { path: path.to_owned(), text }),
        Ok(Err(error)) if named => {
            let valid = error.utf8_error().valid_up_to();
            eprintln!("left out: {}: not UTF-8 at byte {valid}", path.display());
        }
        Ok(Err(_)) => {} // a folder may hold pictures
        Err(error) => eprintln!("left out: {}: {error}", path.display()),
    }
}

fn print_answer(query: &str, places: &[Place], documents: &[Document]) {
    println!("\"{query}\": {} lines", places.len());
    for place in places.iter().take(3) {
        let Document { path, text } = &documents[place.document as usize];
        let line = text.lines().nth(place.line as usize).unwrap_or_default().trim();
        let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path);
        println!("  {}:{}: {:.90}", path.display(), place.line + 1, line);
    }
    println!();
}

fn print_figures(arena: &Arena) {
    println!("the arena");
    for (name, bytes) in [
        ("reserved", arena.reserved_bytes()),
        ("committed", arena.committed_bytes()),
        ("used", arena.used_bytes()),
        ("peak", arena.peak_bytes()),
        ("remaining", arena.remaining_capacity()),
    ] {
        println!("  {name:<10} {:>10}", human(bytes));
    }
}

/// Builds and frees the index on the arena and on the system allocator in turn, and prints the medians.
fn compare(documents: &[Document]) {
    let mut times = [const { Vec::new() }; 4];
    let mut arena = Arena::new();
    for round in 0..15 {
        eprint!("\rtiming: round {} of 15", round + 1);
        let start = Instant::now();
        arena.alloc_with(|| Index::build(documents, &arena));
        times[0].push(start.elapsed());
        let start = Instant::now();
        arena.reset();
        times[1].push(start.elapsed());

        let start = Instant::now();
        let on_heap = Index::build(documents, Global);
        times[2].push(start.elapsed());
        let start = Instant::now();
        drop(on_heap);
        times[3].push(start.elapsed());
    }
    let [arena_build, arena_free, heap_build, heap_free] = times.map(median);
    let ratio = |arena: Duration, heap: Duration| arena.as_secs_f64() / heap.as_secs_f64();
    eprint!("\r                       \r");
    println!("\nthe same code                build         free");
    println!("  in the arena          {arena_build:>10.2?}   {arena_free:>10.2?}");
    println!("  on the system heap    {heap_build:>10.2?}   {heap_free:>10.2?}");
    println!(
        "  ratio                 {:>10.2}   {:>10.4}",
        ratio(arena_build, heap_build),
        ratio(arena_free, heap_free)
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn human(bytes: usize) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}
