//! Many small blocks from `realloc`: what they take of the system, what is left when they are freed, and whether
//! their addresses are used again. One process per case, which reads the kernel's account of itself.

use super::{Group, no_such_case};
use crate::interleave::{self, Case};
use crate::memory::status;
use crate::reallocs::{self, Realloc};
use crate::table::Row;
use crate::{Effort, Result, child, clock};
use std::collections::HashSet;
use std::fs;
use std::ptr::NonNull;

pub const GROUP: Group = Group { name: "blocks", title: "blocks of 64 B from realloc", measure, run_case };

/// Bytes of a block.
const SIZE: usize = 64;
/// KiB.
const PAGE: f64 = 4.0;
/// The limit that Linux has by default.
const MOST_MAPPINGS: f64 = 65_530.0;

/// Live blocks that are made alike.
struct Population {
    name: &'static str,
    count: u32,
    realloc: Realloc,
    /// A target: pages of page tables per block.
    tables: Option<f64>,
    /// Whether it takes some 8 GiB, and seconds.
    large: bool,
}

const POPULATIONS: &[Population] = &[
    Population {
        name: "100,000, default",
        count: 100_000,
        realloc: reallocs::stable::<0>,
        tables: None,
        large: false,
    },
    // So few that the process has 1 GiB of addresses for each.
    Population {
        name: "5,000, default",
        count: 5_000,
        realloc: reallocs::stable::<0>,
        tables: Some(2.0),
        large: false,
    },
    Population {
        name: "100,000, chosen 1 MiB",
        count: 100_000,
        realloc: reallocs::stable::<{ 1 << 20 }>,
        tables: Some(0.6),
        large: false,
    },
    Population {
        name: "1,000,000, chosen 16 MiB",
        count: 1_000_000,
        realloc: reallocs::stable::<{ 16 << 20 }>,
        tables: None,
        large: true,
    },
];

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for population in POPULATIONS {
        if !population.large || matches!(effort, Effort::Full) {
            eprintln!("blocks: {}", population.name);
            rows.extend(account(population)?);
        }
    }
    rows.extend(times(effort)?);
    Ok(rows)
}

/// What the kernel says of a population.
fn account(population: &Population) -> Result<Vec<Row>> {
    let &Population { name, count, tables, .. } = population;
    let numbers = child::run::<f64>(GROUP.name, &[name])?;
    let &[spacing, mappings, resident, tables_used, left, tables_left, reused] = numbers.as_slice() else {
        return Err("the case printed other numbers".into());
    };
    let row = |what: &str, measured: String| Row::new(format!("{name}: {what}"), measured);
    let pages = |what: &str, kib: f64, limit: Option<f64>| {
        let pages = kib / f64::from(count) / PAGE;
        let row = row(what, format!("{pages:.4}"));
        limit.into_iter().fold(row, |row, limit| row.at_most(pages, &[("", limit)]))
    };
    Ok(vec![
        row("least MiB from one to the next", format!("{spacing:.3}")),
        row("mappings of the process", mappings.to_string()).at_most(mappings, &[("", MOST_MAPPINGS)]),
        pages("resident pages per block", resident, Some(1.1)),
        pages("page tables per block", tables_used, tables),
        pages("resident pages per freed block", left, Some(0.1)),
        pages("page tables per freed block", tables_left, None),
        row("addresses used again", format!("{reused} of {count}")),
    ])
}

/// Makes the blocks, frees them, makes them again. Prints the least distance in MiB, and the mappings while they are
/// live; resident KiB and KiB of page tables, while they are live and when they are freed, less what there was
/// before; and how many addresses came twice.
fn run_case(case: &[&str]) -> Result<()> {
    let &[name] = case else { return no_such_case(case) };
    let Some(population) = POPULATIONS.iter().find(|known| known.name == name) else {
        return no_such_case(case);
    };
    let realloc = population.realloc;
    // What this function keeps is resident before the first block is.
    let mut blocks = vec![NonNull::dangling(); population.count as usize];
    let mut sorted = vec![1_usize; blocks.len()];
    let before = (status("VmRSS:")?, status("VmPTE:")?);
    let print_account = || -> Result<()> {
        println!("{} {}", status("VmRSS:")? - before.0, status("VmPTE:")? - before.1);
        Ok(())
    };

    make(realloc, &mut blocks).ok_or("out of memory")?;
    sorted.iter_mut().zip(&blocks).for_each(|(address, block)| *address = block.addr().get());
    sorted.sort_unstable();
    let spacing = sorted.windows(2).map(|pair| pair[1] - pair[0]).min().ok_or("too few blocks")?;
    println!("{}", f64::from(u32::try_from(spacing >> 10)?) / 1024.0);
    println!("{}", fs::read_to_string("/proc/self/maps")?.lines().count());
    print_account()?;
    for &block in &blocks {
        // SAFETY: the block is live, and not used again.
        unsafe { realloc(Some(block), 0) };
    }
    print_account()?;
    let former: HashSet<_> = blocks.iter().copied().collect();
    make(realloc, &mut blocks).ok_or("out of memory")?;
    println!("{}", blocks.iter().filter(|block| former.contains(block)).count());
    Ok(())
}

/// Makes a block for each place, and writes it.
fn make(realloc: Realloc, blocks: &mut [NonNull<u8>]) -> Option<()> {
    for place in blocks {
        // SAFETY: there is no block yet.
        let block = unsafe { realloc(None, SIZE) }?;
        // SAFETY: the block has so many bytes.
        unsafe { block.write_bytes(1, SIZE) };
        *place = block;
    }
    Some(())
}

/// Nanoseconds of processor time per operation, by the function that is used.
type Time = fn(Realloc) -> Option<f64>;

/// Times of operations that were done before, in this process. For interest, without targets.
fn times(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 11,
        Effort::Full => 101,
    };
    let mut rows = Vec::new();
    let operations: [(&str, Time); 2] =
        [("make, write and free", make_and_free), ("grow by 64 B, up to 4 KiB", grow_in_place)];
    for (operation, time) in operations {
        eprintln!("blocks: {operation}, {rounds} rounds");
        let case = |name, realloc| Case {
            name,
            measure: Box::new(move || time(realloc).ok_or("out of memory".into())),
        };
        let cases = [case("v_alloc", reallocs::stable::<0>), case("glibc", reallocs::glibc)];
        let measured = interleave::run(&cases, rounds, |_| ())?;
        for name in measured.names() {
            let nanoseconds = measured.of(name)?.median;
            rows.push(Row::new(format!("ns to {operation}, {name}"), format!("{nanoseconds:.1}")));
        }
    }
    Ok(rows)
}

/// One block at a time, always at the same address.
fn make_and_free(realloc: Realloc) -> Option<f64> {
    const TIMES: u32 = 1000;
    let (nanoseconds, outcome) = clock::nanoseconds(|| {
        for _ in 0..TIMES {
            let mut block = [NonNull::dangling()];
            make(realloc, &mut block)?;
            // SAFETY: the block is live, and not used again.
            unsafe { realloc(Some(block[0]), 0) };
        }
        Some(())
    });
    outcome?;
    Some(nanoseconds / f64::from(TIMES))
}

/// One block, which grows to 4 KiB again and again. Going back to 64 B is a call too, one of 64.
fn grow_in_place(realloc: Realloc) -> Option<f64> {
    const TIMES: u32 = 64 * 64;
    let mut block = None;
    let mut grow = || {
        for call in 0..TIMES as usize {
            // SAFETY: the block is the one that this function returned last, and nothing in it is used.
            block = Some(unsafe { realloc(block, SIZE * (1 + call % 64)) }?);
        }
        Some(())
    };
    grow()?;
    let (nanoseconds, outcome) = clock::nanoseconds(&mut grow);
    outcome?;
    // SAFETY: the block is live, and not used again.
    unsafe { realloc(block, 0) };
    Some(nanoseconds / f64::from(TIMES))
}
