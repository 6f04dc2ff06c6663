//! Names for addresses of code, from the debug information of the files that a memory map names.

use addr2line::{Loader, Location, demangle_auto};
use std::borrow::Cow;
use std::collections::HashMap;

/// The files of a memory map.
pub struct Symbols<'a> {
    /// Where each mapped range of a file starts and ends, the file, and where its first range starts.
    ranges: Vec<(u64, u64, &'a str, u64)>,
    /// None for a file without debug information.
    files: HashMap<&'a str, Option<Loader>>,
}

impl<'a> Symbols<'a> {
    /// From the text of `/proc/PID/maps`.
    pub fn new(maps: &'a str) -> Self {
        let mut first = HashMap::new();
        let mut ranges = Vec::new();
        for line in maps.lines() {
            let Some((addresses, rest)) = line.split_once(' ') else { continue };
            let Some((start, end)) = addresses.split_once('-') else { continue };
            let (Ok(start), Ok(end)) = (u64::from_str_radix(start, 16), u64::from_str_radix(end, 16)) else {
                continue;
            };
            let Some(at) = rest.find('/') else { continue };
            let file = &rest[at..];
            ranges.push((start, end, file, *first.entry(file).or_insert(start)));
        }
        Self { ranges, files: HashMap::new() }
    }

    /// The function at an address, and the line. Without debug information: the file, and the exported name before the
    /// address, which may be another function's. Else the number.
    pub fn describe(&mut self, address: u64) -> (String, String) {
        let range = self.ranges.iter().find(|range| (range.0..range.1).contains(&address));
        let Some(&(_, _, file, base)) = range else { return (format!("{address:#x}"), String::new()) };
        let short = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        // Libraries and position-independent programs are linked for address 0.
        let offset = address - base;
        let loader = self.files.entry(file).or_insert_with(|| Loader::new(file).ok());
        let symbol = loader.as_ref().and_then(|loader| Some((loader, loader.find_symbol_info(offset)?)));
        let Some((loader, symbol)) = symbol else { return (short(file), format!("+{offset:#x}")) };
        let name = demangle_auto(Cow::Borrowed(symbol.name()), None);
        // The last of them is the function itself, those before were inlined into it.
        let mut place = None;
        if let Ok(mut frames) = loader.find_frames(offset) {
            while let Ok(Some(frame)) = frames.next() {
                place = frame.location;
            }
        }
        match place {
            Some(Location { file: Some(source), line: Some(line), .. }) => {
                (without_hash(&name).to_owned(), format!("{}:{line}", short(source)))
            }
            _ => (short(file), format!("{name}+{:#x}", offset - symbol.address())),
        }
    }
}

/// A Rust name without the `::h0123456789abcdef` that tells versions of a crate apart.
fn without_hash(name: &str) -> &str {
    name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(name, |(path, _)| path)
}
