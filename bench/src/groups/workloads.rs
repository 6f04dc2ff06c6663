//! Whole workloads on real input, each in a process of its own: something large is built, walked and dropped. What is
//! read or generated before, and what is given back by the process's end, is not counted; making and dropping the
//! allocator is, and for general allocators giving back each block by itself.

use super::Group;
use crate::contenders::{Contender, JEMALLOC, MALLOC, MIMALLOC, TypedArenas, VirtualVecs, chain_of_pages};
use crate::figure::{Figure, Rivals, Summary};
use crate::ways::{self, Way};
use crate::workloads::names::{ByMap, Names};
use crate::workloads::{binary_tree, documents, names, sources, syntax};
use crate::{Result, clock};
use blink_alloc::BlinkAlloc;
use bumpalo::Bump;
use linalloc::BumpArena;
use std::hint::black_box;
use std::ptr::NonNull;
use v_alloc::{Arena, Interner};

pub const GROUP: Group = Group {
    name: "workloads",
    title: "workloads: ms to build, walk and drop",
    measure: |effort| ways::measure(GROUP.name, WAYS, effort),
    run_case: |case| ways::run_case(WAYS, case),
};

const ARENA: &str = "Arena";
const INTERNER: &str = "Interner";

/// Some ten megabytes of JSON.
const RECORDS: usize = 25_000;

/// Bytes; more than any contender needs for any of them.
const MEMORY: usize = 192 << 20;
/// Addresses for `linalloc`, which must be told.
const RANGE: usize = 16 << 30;

/// The contenders that every workload has, with what makes each, and others.
macro_rules! contenders {
    ($run:path $(, $name:expr => $other:expr)*) => {
        &[
            (ARENA, || $run(Arena::new)),
            ("bumpalo", || $run(Bump::new)),
            ("bump-scope", || $run(<bump_scope::Bump>::new)),
            ("blink-alloc", || $run(BlinkAlloc::new)),
            ("linalloc", || $run(|| BumpArena::new(RANGE))),
            ("libdd Chain of pages", || $run(chain_of_pages)),
            ("malloc", || $run(|| MALLOC)),
            ("mimalloc", || $run(|| MIMALLOC)),
            ("jemalloc", || $run(|| JEMALLOC)),
            $(($name, || $other),)*
        ]
    };
}

/// The rivals of all workloads: how much of `bumpalo`'s time is the target, and none may be faster than ours.
macro_rules! rivals {
    ($part:literal $(, $name:literal)*) => {
        &[
            ("bumpalo", Some($part)),
            ("bump-scope", Some(1.0)),
            ("blink-alloc", Some(1.0)),
            ("linalloc", Some(1.0)),
            ("libdd Chain of pages", Some(1.0)),
            ("malloc", Some(1.0)),
            ("mimalloc", Some(1.0)),
            ("jemalloc", Some(1.0)),
            ("typed-arena", Some(1.0)),
            ("virtual-buffer", Some(1.0)),
            $(($name, None),)*
        ]
    };
}

const WAYS: &[Way] = &[
    Way {
        name: "syntax tree",
        memory: MEMORY,
        contenders: contenders!(
            syntax_tree,
            "typed-arena" => syntax_tree(TypedArenas::<syntax::Node, NonNull<syntax::Node>>::new),
            "virtual-buffer" => syntax_tree(VirtualVecs::<syntax::Node, NonNull<syntax::Node>>::new)
        ),
        figures: &[figure("syntax tree of our sources", ARENA, rivals!(0.7))],
    },
    Way {
        name: "documents",
        memory: MEMORY,
        contenders: contenders!(
            document,
            "typed-arena" => document(TypedArenas::<documents::Value, documents::Member>::new),
            "virtual-buffer" => document(VirtualVecs::<documents::Value, documents::Member>::new)
        ),
        figures: &[figure("JSON document", ARENA, rivals!(0.7))],
    },
    Way {
        name: "binary tree",
        memory: MEMORY,
        contenders: contenders!(
            tree,
            "typed-arena" => tree(TypedArenas::<binary_tree::Node, ()>::new),
            "virtual-buffer" => tree(VirtualVecs::<binary_tree::Node, u16>::new)
        ),
        figures: &[figure("binary tree of depth 20", ARENA, rivals!(0.7))],
    },
    Way {
        name: "names",
        memory: MEMORY,
        contenders: contenders!(
            million_names,
            "typed-arena" => million_names(TypedArenas::<(), u16>::new),
            "virtual-buffer" => million_names(VirtualVecs::<u32, u16>::new),
            INTERNER => intern(Interner::new, false)
        ),
        figures: &[figure("10^6 names", INTERNER, rivals!(0.85, "Arena"))],
    },
    Way {
        name: "distinct names",
        memory: MEMORY,
        contenders: contenders!(
            distinct_names,
            "typed-arena" => distinct_names(TypedArenas::<(), u16>::new),
            "virtual-buffer" => distinct_names(VirtualVecs::<u32, u16>::new),
            INTERNER => intern(Interner::new, true)
        ),
        figures: &[figure("10^6 distinct names", INTERNER, rivals!(0.85, "Arena"))],
    },
];

const fn figure(name: &'static str, ours: &'static str, rivals: Rivals) -> Figure {
    Figure { name, place: 0, summary: Summary::Median, ours, limit: None, rivals }
}

/// Milliseconds of processor time.
fn time(work: impl FnOnce() -> Result<()>) -> Result<Vec<f64>> {
    let (nanoseconds, outcome) = clock::nanoseconds(work);
    outcome.map(|()| vec![nanoseconds / 1e6])
}

fn syntax_tree<C: Contender>(make: impl FnOnce() -> C) -> Result<Vec<f64>> {
    let sources = sources::read()?;
    time(|| {
        let contender = make();
        let trees = sources.iter().map(|source| syntax::parse(&contender, source));
        let trees = trees.collect::<Option<Vec<_>>>().ok_or("out of memory")?;
        let mut sum = syntax::Sum::default();
        for tree in trees.iter().copied() {
            // SAFETY: the tree is live.
            unsafe { syntax::walk(tree, &mut sum) };
        }
        black_box(sum);
        if C::ONE_BY_ONE {
            for tree in trees {
                // SAFETY: it was built on this contender, and is not used again.
                unsafe { syntax::free_all(&contender, tree) };
            }
        }
        Ok(())
    })
}

fn document<C: Contender>(make: impl FnOnce() -> C) -> Result<Vec<f64>> {
    let json = documents::generate(RECORDS);
    time(|| {
        let contender = make();
        let document = documents::parse(&contender, &json).ok_or("out of memory")?;
        let mut sum = documents::Sum::default();
        // SAFETY: the document is live.
        unsafe { documents::walk(document, &mut sum) };
        black_box(sum);
        if C::ONE_BY_ONE {
            // SAFETY: it was built on this contender, and is not used again.
            unsafe { documents::free_all(&contender, document) };
        }
        Ok(())
    })
}

fn tree<C: Contender>(make: impl FnOnce() -> C) -> Result<Vec<f64>> {
    time(|| {
        let contender = make();
        let tree = binary_tree::build(&contender, binary_tree::DEPTH).ok_or("out of memory")?;
        // SAFETY: the tree is live.
        black_box(unsafe { binary_tree::walk(tree) });
        if C::ONE_BY_ONE {
            // SAFETY: it was built on this contender, and is not used again.
            unsafe { binary_tree::free_all(&contender, tree) };
        }
        Ok(())
    })
}

fn million_names<C: Contender>(make: impl FnOnce() -> C) -> Result<Vec<f64>> {
    intern(|| ByMap::new(make()), false)
}

fn distinct_names<C: Contender>(make: impl FnOnce() -> C) -> Result<Vec<f64>> {
    intern(|| ByMap::new(make()), true)
}

fn intern<N: Names>(make: impl FnOnce() -> N, distinct: bool) -> Result<Vec<f64>> {
    let input = names::read(distinct)?;
    time(|| {
        let mut names = make();
        let mut sum = 0_u64;
        for name in &input {
            sum += u64::from(names.intern(name).ok_or("out of memory")?);
        }
        black_box((sum, names.total_length()));
        Ok(())
    })
}
