//! The charts of the README, from the results of a run: which rows each shows, and in which words.

mod picture;

use crate::Result;
use crate::results::Results;
use picture::{Chart, Scale, Series};
use std::path::Path;

/// Each contender has the same colour in all charts: orange is ours.
const COLOURS: &[(&str, u32)] = &[
    ("v_alloc", 0xe8_59_0c),
    ("v_alloc Arena", 0xe8_59_0c),
    ("v_alloc Arena<_, 8>", 0xf2_9a_58),
    ("bumpalo", 0x3b_82_d6),
    ("bump-scope", 0x1f_9d_73),
    ("blink-alloc", 0x95_62_d4),
    ("typed-arena", 0xcc_5a_92),
    ("linalloc", 0x22_9f_b5),
    ("libdd Linear", 0xc4_8a_1a),
    ("libdd Chain", 0x9c_7a_44),
    ("mimalloc", 0x7c_94_2e),
    ("jemalloc", 0xb0_64_5a),
    ("malloc", 0x84_8b_96),
    ("the loop alone", 0x84_8b_96),
    ("Arena, latency", 0xe8_59_0c),
    ("StableBlock, latency", 0xf2_9a_58),
    ("Arena, throughput", 0x95_62_d4),
    ("StableBlock, throughput", 0xcc_5a_92),
    ("glibc realloc", 0x84_8b_96),
];

/// Draws all charts whose rows are among the results, and says which.
pub fn draw(results: &Results, folder: &Path) -> Result<()> {
    let caption =
        ["processor", "system", "date"].map(|case| results.text("machine", case).unwrap_or("unknown"));
    let caption = caption.join(", ");
    let charts = [
        ("cold", cold(results)),
        ("instructions", instructions(results)),
        ("workloads", workloads(results)),
        ("tail", tail(results)),
    ];
    for (name, chart) in charts {
        let path = folder.join(name).with_extension("svg");
        if chart.is_complete() {
            chart.draw(&path, &caption)?;
            eprintln!("charts: {}", path.display());
        } else {
            eprintln!("charts: no {name}: not all of its rows were measured");
        }
    }
    Ok(())
}

fn series(name: &'static str, values: impl Iterator<Item = Option<f64>>) -> Series {
    let colour = COLOURS.iter().find(|known| known.0 == name).map_or(0, |known| known.1);
    Series { name, colour, values: values.collect() }
}

/// Times against the raw mapping.
fn cold(results: &Results) -> Chart {
    const SIZES: [&str; 5] = ["1 MiB", "4 MiB", "16 MiB", "64 MiB", "512 MiB"];
    let ratio = |name: &str, size: &str| {
        let number = |name: &str| results.number("cold", &format!("{size}, {name}"));
        Some(number(name)? / number("mmap on huge pages")?)
    };
    let contenders = [
        ("Arena", "v_alloc Arena"),
        ("bumpalo", "bumpalo"),
        ("bump-scope", "bump-scope"),
        ("libdd Chain, 64 KiB of pages", "libdd Chain"),
        ("mimalloc", "mimalloc"),
        ("jemalloc", "jemalloc"),
        ("malloc", "malloc"),
    ];
    Chart {
        title: "Filling fresh memory with 64-byte objects",
        about: "time, as a multiple of storing to a raw mapping on huge pages",
        categories: SIZES.to_vec(),
        series: contenders.map(|(row, name)| series(name, SIZES.iter().map(|size| ratio(row, size)))).into(),
        scale: Scale::Lines { base: 2.0, unit: "×" },
        mark: Some(1.0),
    }
}

fn instructions(results: &Results) -> Chart {
    const KINDS: [(&str, &str); 3] = [
        ("typed 8 B", "a typed value of 8 bytes"),
        ("mixed Layout", "a Layout known at run time"),
        ("short text", "a text of 1 to 24 bytes"),
    ];
    let count = |kind: &str, row: &str| results.number("instructions", &format!("{kind}, {row}"));
    let contenders = [
        ("Arena", "v_alloc Arena"),
        ("Arena<Reserved, 8>", "v_alloc Arena<_, 8>"),
        ("bump-scope", "bump-scope"),
        ("bumpalo", "bumpalo"),
        ("blink-alloc", "blink-alloc"),
        ("libdd Linear", "libdd Linear"),
        ("libdd Chain", "libdd Chain"),
        ("no allocator", "the loop alone"),
    ];
    Chart {
        title: "Instructions per allocation",
        about: "loop included; malloc and free together take some 300",
        categories: KINDS.iter().map(|kind| kind.1).collect(),
        series: contenders
            .map(|(row, name)| series(name, KINDS.iter().map(|(kind, _)| count(kind, row))))
            .into(),
        scale: Scale::Bars { most: 40.0, digits: 0 },
        mark: None,
    }
}

/// Times as parts of `bumpalo`'s.
fn workloads(results: &Results) -> Chart {
    const WORKLOADS: [(&str, &str); 5] = [
        ("syntax tree of our sources", "syntax tree"),
        ("JSON document", "JSON document"),
        ("binary tree of depth 20", "binary tree"),
        ("10^6 names", "interner, names"),
        ("10^6 distinct names", "interner, distinct"),
    ];
    let ratio = |name: &str, workload: &str| {
        let number = |name: &str| results.number("workloads", &format!("{workload}, {name}"));
        let ours = if name == "Arena" { number("Interner").or_else(|| number(name)) } else { number(name) };
        Some(ours? / number("bumpalo")?)
    };
    let contenders = [
        ("Arena", "v_alloc"),
        ("bump-scope", "bump-scope"),
        ("blink-alloc", "blink-alloc"),
        ("typed-arena", "typed-arena"),
        ("linalloc", "linalloc"),
        ("libdd Chain of pages", "libdd Chain"),
        ("mimalloc", "mimalloc"),
        ("jemalloc", "jemalloc"),
        ("malloc", "malloc"),
    ];
    Chart {
        title: "Whole workloads: built, walked and dropped",
        about: "time, as a part of bumpalo's; a fresh process each",
        categories: WORKLOADS.iter().map(|workload| workload.1).collect(),
        series: contenders
            .map(|(row, name)| series(name, WORKLOADS.iter().map(|(workload, _)| ratio(row, workload))))
            .into(),
        scale: Scale::Bars { most: 2.5, digits: 2 },
        mark: Some(1.0),
    }
}

fn tail(results: &Results) -> Chart {
    const FIGURES: [&str; 4] = ["p50", "p99", "p99.9", "max"];
    let time = |name: &str, figure: &str| results.number("tail", &format!("{name}, {figure}"));
    let contenders = [
        "Arena, latency",
        "StableBlock, latency",
        "Arena, throughput",
        "StableBlock, throughput",
        "glibc realloc",
    ];
    Chart {
        title: "Growing to 1 GiB, by 4 KiB at a time",
        about: "microseconds that a step takes, with writing what it added",
        categories: FIGURES.to_vec(),
        series: contenders.map(|name| series(name, FIGURES.iter().map(|figure| time(name, figure)))).into(),
        scale: Scale::Lines { base: 10.0, unit: "" },
        mark: None,
    }
}
