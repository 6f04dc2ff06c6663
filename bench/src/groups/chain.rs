//! What a chain and a growing vector take from their parents, against `libdd-alloc`: figures, not times.

use super::Group;
use crate::table::Row;
use crate::{Effort, Result};
use allocator_api2::alloc::{AllocError, Allocator, Global};
use allocator_api2::vec::Vec as VecIn;
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;
use v_alloc::{ChainAllocator, LinearAllocator};

pub const GROUP: Group = Group { name: "chain", title: "chain: blocks and bytes", measure, run_case };

const HINT: usize = 64 << 10;
const FILLED: usize = 512 << 20;
/// A vector of so many `u32` has 4 MiB, which is its capacity too when it doubles.
const PUSHED: u32 = 1 << 20;
/// KiB: 4.1 MiB.
const MOST: f64 = 4198.0;

/// A parent that counts the blocks that it hands out.
#[derive(Clone, Copy)]
struct Counting<'a>(&'a Cell<u32>);

// SAFETY: all blocks are `Global`'s.
unsafe impl Allocator for Counting<'_> {
    fn allocate(&self, layout: Layout) -> std::result::Result<NonNull<[u8]>, AllocError> {
        self.0.set(self.0.get() + 1);
        Global.allocate(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) };
    }
}

fn measure(_: Effort) -> Result<Vec<Row>> {
    eprintln!("chain: blocks and bytes");
    let (ours, theirs) = (Cell::new(0), Cell::new(0));
    fill(&ChainAllocator::new_in(HINT, Counting(&ours)))?;
    fill(&libdd_alloc::ChainAllocator::new_in(HINT, Counting(&theirs)))?;
    let ratio = f64::from(ours.get()) / f64::from(theirs.get());
    let mut rows = vec![
        Row::new("blocks for 512 MiB at a hint of 64 KiB, Chain", ours.get().to_string())
            .note(format!("{ratio:.4} of libdd Chain"))
            .at_most(ratio, &[("", 0.05)]),
        Row::new("blocks for 512 MiB at a hint of 64 KiB, libdd Chain", theirs.get().to_string()),
    ];

    let layout = Layout::from_size_align(16 << 20, 16)?;
    let linear = LinearAllocator::new_in(layout, Global).map_err(|_| "no memory")?;
    push(&linear);
    rows.push(pushed("Linear", linear.used_bytes()).limited(linear.used_bytes())?);
    let chain = ChainAllocator::new_in(HINT, Global);
    push(&chain);
    rows.push(pushed("Chain", chain.used_bytes()).limited(chain.used_bytes())?);
    let linear = libdd_alloc::LinearAllocator::new_in(layout, Global).map_err(|_| "no memory")?;
    push(&linear);
    rows.push(pushed("libdd Linear", linear.used_bytes()));
    let chain = libdd_alloc::ChainAllocator::new_in(HINT, Global);
    push(&chain);
    rows.push(pushed("libdd Chain", chain.used_bytes()));
    Ok(rows)
}

fn fill(chain: &impl Allocator) -> Result<()> {
    let layout = Layout::new::<[u64; 8]>();
    for _ in 0..FILLED / layout.size() {
        chain.allocate(layout).map_err(|_| "no memory")?;
    }
    Ok(())
}

fn push(allocator: &impl Allocator) {
    let mut numbers = VecIn::new_in(allocator);
    for number in 0..PUSHED {
        numbers.push(number); // `extend` would reserve at once
    }
    std::mem::forget(numbers);
}

fn pushed(name: &str, bytes: usize) -> Row {
    Row::new(format!("KiB used by a pushed Vec of 4 MiB, {name}"), bytes.div_ceil(1024).to_string())
}

impl Row {
    fn limited(self, bytes: usize) -> Result<Self> {
        Ok(self.at_most(f64::from(u32::try_from(bytes.div_ceil(1024))?), &[("KiB", MOST)]))
    }
}

/// This group starts no processes.
fn run_case(case: &[&str]) -> Result<()> {
    super::no_such_case(case)
}
