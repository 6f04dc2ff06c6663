//! Filling memory for the first time with 64-byte objects, one process per case, in interleaved rounds. Page faults are
//! nearly all of the cost. The floor is what the machine can do: one aligned mapping on huge pages with the same stores,
//! and no allocator.

use super::Group;
use crate::contenders::{Contender, JEMALLOC, MALLOC, MIMALLOC, chain_of_pages};
use crate::figure::{Figure, Rivals, Summary};
use crate::ways::{self, Run, Way};
use crate::{Result, clock, loops};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::mem::ManuallyDrop;
use std::{ptr, slice};
use v_alloc::Arena;

pub const GROUP: Group = Group {
    name: "cold",
    title: "cold: ms to fill memory with 64 B objects",
    measure: |effort| ways::measure(GROUP.name, WAYS, effort),
    run_case: |case| ways::run_case(WAYS, case),
};

/// 64 bytes.
const WORDS: usize = 8;
const OBJECT: usize = WORDS * size_of::<u64>();
const HUGE_PAGE: usize = 2 << 20;
const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

const ARENA: &str = "Arena";
const FLOOR: &str = "mmap on huge pages";
const CHAIN: &str = "Chain, 64 KiB of pages";
const LIBDD_CHAIN: &str = "libdd Chain, 64 KiB of pages";

/// All peers, with the targets against the floor and against `bumpalo`.
macro_rules! rivals {
    ($floor:expr, $bumpalo:expr) => {
        &[
            (FLOOR, $floor),
            ("bumpalo", $bumpalo),
            ("bump-scope", None),
            (LIBDD_CHAIN, None),
            ("malloc", None),
            ("mimalloc", None),
            ("jemalloc", None),
        ]
    };
}

const WAYS: &[Way] = &[
    way::<1>("1 MiB", &[figure("1 MiB", rivals!(None, None))]),
    way::<4>("4 MiB", &[figure("4 MiB", rivals!(None, None))]),
    way::<16>("16 MiB", &[figure("16 MiB", rivals!(Some(1.2), None))]),
    way::<64>("64 MiB", &[figure("64 MiB", rivals!(Some(1.06), None))]),
    way::<512>(
        "512 MiB",
        &[
            figure("512 MiB", rivals!(Some(1.06), Some(0.5))),
            Figure { ours: CHAIN, ..figure("512 MiB", &[(LIBDD_CHAIN, Some(0.5))]) },
        ],
    ),
];

const fn figure(name: &'static str, rivals: Rivals) -> Figure {
    Figure { name, place: 0, summary: Summary::Median, ours: ARENA, limit: None, rivals }
}

/// `malloc` takes a quarter more than the objects, and the kernel need not hand out the pages that it got last.
const fn way<const MIB: usize>(name: &'static str, figures: &'static [Figure]) -> Way {
    let contenders: &[(_, Run)] = &[
        (ARENA, || fill::<MIB, _>(Arena::new)),
        (FLOOR, || time(fill_mapping::<MIB>)),
        (CHAIN, || {
            fill::<MIB, _>(|| v_alloc::ChainAllocator::new_in(64 << 10, v_alloc::VirtualAllocator {}))
        }),
        ("bumpalo", || fill::<MIB, _>(bumpalo::Bump::new)),
        ("bump-scope", || fill::<MIB, _>(<bump_scope::Bump>::new)),
        (LIBDD_CHAIN, || fill::<MIB, _>(chain_of_pages)),
        ("malloc", || fill::<MIB, _>(|| MALLOC)),
        ("mimalloc", || fill::<MIB, _>(|| MIMALLOC)),
        ("jemalloc", || fill::<MIB, _>(|| JEMALLOC)),
    ];
    Way { name, memory: 2 * (MIB << 20), contenders, figures }
}

/// Milliseconds of processor time. `None` is no memory.
fn time<T>(work: impl FnOnce() -> Option<T>) -> Result<Vec<f64>> {
    let (nanoseconds, filled) = clock::nanoseconds(work);
    filled.ok_or("out of memory")?;
    Ok(vec![nanoseconds / 1e6])
}

/// Fills a contender. It is not dropped: giving memory back is another matter.
fn fill<const MIB: usize, C: Contender>(make: fn() -> C) -> Result<Vec<f64>> {
    time(|| {
        let contender = ManuallyDrop::new(make());
        loops::values::<WORDS>(&*contender, objects(MIB) as u64)
    })
}

const fn objects(mib: usize) -> usize {
    (mib << 20) / OBJECT
}

/// The floor: the same stores in the same order, without an allocator.
fn fill_mapping<const MIB: usize>() -> Option<()> {
    let bytes = (MIB << 20).next_multiple_of(HUGE_PAGE);
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes + HUGE_PAGE, READ_WRITE, MapFlags::PRIVATE) };
    let start = start.ok()?;
    let start = start.wrapping_byte_add(start.addr().wrapping_neg() % HUGE_PAGE);
    // SAFETY: the range lies in the mapping.
    unsafe { madvise(start, bytes, Advice::LinuxHugepage) }.ok()?;
    // SAFETY: the range lies in the mapping, is aligned, and reads zero; nobody else knows of it.
    let objects = unsafe { slice::from_raw_parts_mut(start.cast::<[u64; WORDS]>(), objects(MIB)) };
    loops::stores(objects);
    Some(())
}
