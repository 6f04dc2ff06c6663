//! The words of a folder's files, counted by all processors.
//!
//! ```text
//! cargo run --release --example parallel -- [FOLDER]
//! ```
//!
//! Each file's text and its words lie in an arena of a pool while it is read. Words that are new lie in a shared arena, put
//! there by the `LocalArena` of whoever meets them first. Files that cannot be read, or are no text, go to a `SyncVec`.

use hashbrown::HashMap;
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;
use v_alloc::{ArenaPool, LocalArena, SyncArena, SyncVec};

/// As many slots as there may be threads.
static POOL: ArenaPool<256> = ArenaPool::with_slots();

type Counts<'a> = HashMap<&'a str, u32>;

fn main() -> Result<(), rayon::ThreadPoolBuildError> {
    let folder = std::env::args_os().nth(1).map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let mut files = Vec::new();
    find(&folder, &mut files);

    let arena = SyncArena::new();
    let unread = SyncVec::new();
    let start = Instant::now();
    let counts = count(&files, &arena, &unread);
    let time = start.elapsed();

    let mut frequent: Vec<_> = counts.iter().map(|(word, count)| (*count, *word)).collect();
    frequent.par_sort_unstable_by(|a, b| b.cmp(a));
    println!("{} files below {}, {} of them no text", files.len(), folder.display(), unread.len());
    println!("{} different words in {time:.1?}, by {} threads", counts.len(), rayon::current_num_threads());
    for (count, word) in frequent.iter().take(8) {
        println!("{count:>8}  {word}");
    }
    let (used, retained) = (arena.used_bytes() >> 10, POOL.retained_bytes() >> 10);
    println!("the words lie in {used} KiB of one arena; the pool keeps {retained} KiB for next time");

    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let again = alone.install(|| count(&files, &SyncArena::new(), &SyncVec::new()).len());
    assert_eq!(again, counts.len(), "one thread finds the same words");
    Ok(())
}

/// The words of all files. Those who count a part each put new words into the shared arena by a part of their own.
fn count<'a>(files: &[PathBuf], arena: &'a SyncArena, unread: &SyncVec<PathBuf>) -> Counts<'a> {
    files
        .par_iter()
        .fold(
            || (arena.local(), Counts::new()),
            |(local, mut counts), file| {
                if count_file(file, &local, &mut counts).is_none() {
                    unread.push(file.clone());
                }
                (local, counts)
            },
        )
        .map(|(_local, counts)| counts)
        .reduce(Counts::new, |mut all, more| {
            more.into_iter().for_each(|(word, count)| *all.entry(word).or_default() += count);
            all
        })
}

fn count_file<'a>(file: &Path, words: &LocalArena<'a>, counts: &mut Counts<'a>) -> Option<()> {
    let temporary = POOL.get();
    let mut file = File::open(file).ok()?;
    let size = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let text = temporary.try_alloc_slice_zeroed(size).ok()?;
    file.read_exact(text).ok()?;
    for word in std::str::from_utf8(text).ok()?.split(|letter: char| !letter.is_alphanumeric()) {
        let lower = temporary.alloc_slice_fill_iter(word.bytes().map(|byte| byte.to_ascii_lowercase()));
        let lower = std::str::from_utf8(lower).ok()?;
        if lower.is_empty() {
            continue;
        }
        match counts.get_mut(lower) {
            Some(count) => *count += 1,
            None => _ = counts.insert(words.alloc_str(lower), 1),
        }
    }
    Some(())
}

/// All files below a folder, but for what is hidden or built.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") || name == "target" {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => find(&path, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}
