//! The Markdown files: what they link to and name is there, and the migration that they show compiles on both sides.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what is wrong")]
#![cfg(all(not(miri), any(unix, windows), feature = "map"))]

use std::fs;
use std::path::{Path, PathBuf};

/// The folders whose files are named in the texts as `folder/...`.
const FOLDERS: [&str; 9] = ["bench", "capi", "ci", ".ci", "docs", "examples", "fuzz", "src", "tests"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files of the repository's root and of `docs`.
fn texts() -> Vec<(PathBuf, String)> {
    let files = [".", "docs"].iter().flat_map(|folder| fs::read_dir(repository().join(folder)).unwrap());
    let texts =
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "md"));
    texts.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// What stands between two markers, on one line each time.
fn between<'t>(text: &'t str, start: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines()
        .flat_map(move |line| line.split(start).skip(1).filter_map(move |rest| rest.split(end).next()))
}

/// A list in braces is as many names: `src/{a,b}.rs`.
fn names(word: &str) -> Vec<String> {
    match word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (list, after))) => {
            list.split(',').map(|name| format!("{before}{}{after}", name.trim())).collect()
        }
        None => vec![word.to_string()],
    }
}

/// Whether there is a file or folder of this name; `*` stands for part of a file's name.
fn is_there(path: &Path) -> bool {
    let name = path.file_name().map_or("", |name| name.to_str().unwrap());
    let Some((before, after)) = name.split_once('*') else { return path.exists() };
    let files = fs::read_dir(path.parent().unwrap()).into_iter().flatten().flatten();
    files.map(|file| file.file_name()).any(|file| {
        let file = file.to_str().unwrap();
        file.starts_with(before) && file.ends_with(after)
    })
}

#[test]
fn every_link_and_every_file_that_is_named_is_there() {
    let mut missing = Vec::new();
    let texts = texts();
    assert!(texts.len() > 8, "these are not the files that were meant");
    for (path, text) in &texts {
        let links = between(text, "](", ")").chain(between(text, "]: ", "\n"));
        let links = links.filter(|link| !link.contains("://") && !link.contains(' '));
        for link in links.filter(|link| link.contains('.')) {
            if !path.parent().unwrap().join(link.split('#').next().unwrap()).exists() {
                missing.push(format!("{}: the link {link}", path.display()));
            }
        }
        // Odd pieces are what stands in backticks; a command's words are looked at one by one.
        let quoted = text
            .lines()
            .filter(|line| !line.starts_with("```"))
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        for word in quoted.flat_map(str::split_whitespace) {
            let in_folder =
                FOLDERS.iter().any(|folder| word.strip_prefix(folder).is_some_and(|it| it.starts_with('/')));
            if in_folder && !names(word).iter().all(|name| is_there(&repository().join(name))) {
                missing.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}

#[test]
fn the_pictures_in_the_documentation_are_those_of_the_readme() {
    for name in ["layout", "charts/cold", "charts/instructions", "charts/workloads"] {
        let read = |ending| fs::read_to_string(format!("docs/{name}.{ending}")).unwrap();
        let encoded = read("uri");
        let mut parts = encoded.trim_end().strip_prefix("data:image/svg+xml,").unwrap().split('%');
        let mut decoded = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            let (code, rest) = part.split_at(2);
            decoded.push(u8::from_str_radix(code, 16).unwrap());
            decoded.extend(rest.as_bytes());
        }
        assert!(decoded == read("svg").as_bytes(), "docs/{name}.uri is not docs/{name}.svg, percent-encoded");
    }
}

/// The diff is the only place where the two programs stand.
#[test]
fn both_sides_of_the_migration_from_bumpalo_compile_and_run() {
    let guide = include_str!("../docs/from-bumpalo.md");
    let diff = guide.split("```diff\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let side = |left_out: char| -> String {
        let lines = diff.lines().filter(|line| !line.starts_with(left_out));
        lines.flat_map(|line| [line.get(1..).unwrap_or_default(), "\n"]).collect()
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = trybuild::TestCases::new();
    for (name, left_out) in [("before_the_migration.rs", '+'), ("after_the_migration.rs", '-')] {
        let path = folder.join(name);
        fs::write(&path, side(left_out)).unwrap();
        programs.pass(path);
    }
}
