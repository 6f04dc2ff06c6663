//! Any sequence of operations keeps what an arena promises: blocks are aligned, lie apart and keep their
//! contents; zeroed blocks are zero; scopes, checkpoints and resets take back what was made since, and nothing
//! else; a failure changes nothing; and the figures agree with each other.
//!
//! The model is a list of the blocks that are alive, each filled with a byte of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small, or meant to wrap")]
#![cfg(feature = "allocator-api2")]

use proptest::prelude::*;
use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{
    AllocError, Allocator, Arena, ArenaOptions, CommitPolicy, Operation, Reserved, Scope, ScopeGuard,
};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Layout(Layout),
    Allocate(Layout),
    AllocateZeroed(Layout),
    Grow { which: prop::sample::Index, more: usize, align: usize, zeroed: bool },
    Shrink { which: prop::sample::Index, less: prop::sample::Index, align: usize },
    Deallocate(prop::sample::Index),
    Value(u64),
    SliceCopy(usize),
    SliceZeroed(usize),
    Collect { len: usize, hint: usize },
    Text(String),
    Format(String),
    FailToMake,
    Scoped(Vec<Op>),
    Guarded(Vec<Op>),
    Rewound(Vec<Op>),
    Reset,
    Trim(usize),
    Prepare(usize),
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    fill: u8,
}

impl Block {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the block is alive as long as the model has it, and all of it was written when it was made.
        unsafe { NonNull::slice_from_raw_parts(self.start, self.layout.size()).as_ref() }
    }

    fn range(&self) -> std::ops::Range<usize> {
        let start = self.start.addr().get();
        start..start + self.layout.size()
    }
}

/// Compares by `memcmp`, which is quick without optimisation too.
fn all_are(bytes: &[u8], value: u8) -> bool {
    bytes.first().is_none_or(|&first| first == value && bytes[1..] == bytes[..bytes.len() - 1])
}

#[derive(Debug, Default)]
struct Model {
    blocks: Vec<Block>,
    made: u8,
    peak: usize,
}

impl Model {
    /// Takes a new block, checks where it lies and fills it.
    fn add(&mut self, start: NonNull<u8>, layout: Layout, min_align: usize) {
        self.made = self.made.wrapping_add(1);
        let block = Block { start, layout, fill: self.made };
        assert_eq!(start.addr().get() % layout.align(), 0, "alignment of {block:?}");
        if layout.size() > 0 {
            assert_eq!(start.addr().get() % min_align, 0, "minimum alignment of {block:?}");
            for other in &self.blocks {
                let (new, old) = (block.range(), other.range());
                assert!(
                    old.is_empty() || new.end <= old.start || old.end <= new.start,
                    "{block:?} in {other:?}"
                );
            }
        }
        // SAFETY: the block was just handed out with this size.
        unsafe { start.write_bytes(block.fill, layout.size()) };
        self.blocks.push(block);
    }

    fn check_contents(&self) {
        for block in &self.blocks {
            assert!(all_are(block.bytes(), block.fill), "contents of {block:?}");
        }
    }

    /// A block that was made since there were `frame` of them: only those may be resized or freed there.
    fn pick(&self, frame: usize, which: prop::sample::Index) -> Option<usize> {
        let inner = self.blocks.len() - frame;
        (inner > 0).then(|| frame + which.index(inner))
    }
}

/// What arenas and scopes have in common here.
trait Handle: Allocator {
    const MIN_ALIGN: usize;
    fn layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;
    fn value(&self, value: u64) -> Result<NonNull<u64>, AllocError>;
    fn slice_copy(&self, source: &[u16]) -> Result<NonNull<[u16]>, AllocError>;
    fn slice_zeroed(&self, len: usize) -> Result<NonNull<[u32]>, AllocError>;
    fn collect(&self, items: impl Iterator<Item = u32>) -> Result<NonNull<[u32]>, AllocError>;
    fn text(&self, source: &str) -> Result<NonNull<str>, AllocError>;
    fn format(&self, source: &str) -> Result<NonNull<str>, AllocError>;
    fn fail_to_make(&self);
    /// Whether the next block of this layout has room; `None` if the handle does not tell.
    fn has_room(&self, layout: Layout) -> Option<bool>;
    /// Bytes used and committed.
    fn figures(&self) -> Option<(usize, usize)>;
}

macro_rules! handle {
    ([$($generics:tt)*] $type:ty, $arena:expr) => {
        impl<$($generics)*> Handle for $type {
            const MIN_ALIGN: usize = M;
            fn layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
                self.try_alloc_layout(layout)
            }
            fn value(&self, value: u64) -> Result<NonNull<u64>, AllocError> {
                self.try_alloc(value).map(NonNull::from)
            }
            fn slice_copy(&self, source: &[u16]) -> Result<NonNull<[u16]>, AllocError> {
                self.try_alloc_slice_copy(source).map(NonNull::from)
            }
            fn slice_zeroed(&self, len: usize) -> Result<NonNull<[u32]>, AllocError> {
                self.try_alloc_slice_zeroed(len).map(NonNull::from)
            }
            fn collect(&self, items: impl Iterator<Item = u32>) -> Result<NonNull<[u32]>, AllocError> {
                self.try_alloc_slice_fill_iter(items).map(NonNull::from)
            }
            fn text(&self, source: &str) -> Result<NonNull<str>, AllocError> {
                self.try_alloc_str(source).map(NonNull::from)
            }
            fn format(&self, source: &str) -> Result<NonNull<str>, AllocError> {
                self.try_alloc_fmt(format_args!("{source}/{source}")).map(NonNull::from)
            }
            fn fail_to_make(&self) {
                let result = self.try_alloc_try_with(|| Err::<[u8; 100], u8>(7));
                assert!(result.is_err());
            }
            fn has_room(&self, layout: Layout) -> Option<bool> {
                let arena: fn(&Self) -> Option<&Arena<Reserved, M>> = $arena;
                arena(self).filter(|arena| arena.reserved_bytes() > 0).map(|arena| arena.has_capacity_for(layout))
            }
            fn figures(&self) -> Option<(usize, usize)> {
                let arena: fn(&Self) -> Option<&Arena<Reserved, M>> = $arena;
                arena(self).map(|arena| (arena.used_bytes(), arena.committed_bytes()))
            }
        }
    };
}

handle!([const M: usize] Arena<Reserved, M>, |arena| Some(arena));
handle!([const M: usize] Scope<'_, Reserved, M>, |_| None);

/// An iterator whose `size_hint` need not be true.
struct Hinted<I>(I, usize);

impl<I: Iterator> Iterator for Hinted<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, None)
    }
}

/// The operations that arenas and scopes have in common. Blocks before `frame` belong to an outer scope.
#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn run_simple<H: Handle>(op: &Op, handle: &H, model: &mut Model, frame: usize) {
    let before = handle.figures();
    let unchanged = || assert_eq!(handle.figures(), before, "a failure changed the arena: {op:?}");
    let m = H::MIN_ALIGN;
    match op {
        Op::Layout(layout) => {
            let room = handle.has_room(*layout);
            let block = handle.layout(*layout);
            if let (Some(room), true) = (room, layout.size() > 0) {
                assert_eq!(block.is_ok(), room, "has_capacity_for({layout:?})");
            }
            assert!(block.is_ok() || layout.size() > 0, "no bytes always fit");
            block.map_or_else(|_| unchanged(), |block| model.add(block, *layout, m));
        }
        Op::Allocate(layout) | Op::AllocateZeroed(layout) => {
            let zeroed = matches!(op, Op::AllocateZeroed(_));
            let block = if zeroed { handle.allocate_zeroed(*layout) } else { handle.allocate(*layout) };
            let Ok(block) = block else { return unchanged() };
            assert!(block.len() >= layout.size());
            if zeroed {
                // SAFETY: the block is new and initialised.
                assert!(all_are(unsafe { block.as_ref() }, 0), "{op:?}");
            }
            model.add(block.cast(), *layout, m);
        }
        Op::Grow { which, more, align, zeroed } => {
            let Some(index) = model.pick(frame, *which) else { return };
            let Block { start, layout: old, fill } = model.blocks[index];
            let new = Layout::from_size_align(old.size() + more, *align).unwrap();
            // SAFETY: the model's blocks are alive and have these layouts; the new one is not smaller.
            let grown = unsafe {
                if *zeroed { handle.grow_zeroed(start, old, new) } else { handle.grow(start, old, new) }
            };
            let Ok(grown) = grown else { return unchanged() };
            assert!(grown.len() >= new.size());
            model.blocks.swap_remove(index);
            let kept = Block { start: grown.cast(), layout: old, fill };
            assert!(all_are(kept.bytes(), fill), "{op:?} of {old:?}");
            if *zeroed {
                // SAFETY: the block is ours, and its bytes beyond the old size are initialised.
                let added = unsafe {
                    NonNull::slice_from_raw_parts(grown.cast::<u8>().add(old.size()), *more).as_ref().to_vec()
                };
                assert!(all_are(&added, 0), "{op:?} of {old:?}");
            }
            model.add(grown.cast(), new, m);
        }
        Op::Shrink { which, less, align } => {
            let Some(index) = model.pick(frame, *which) else { return };
            let Block { start, layout: old, fill } = model.blocks[index];
            let size = less.index(old.size() + 1);
            let new = Layout::from_size_align(size, *align).unwrap();
            // SAFETY: the model's blocks are alive and have these layouts; the new one is not larger.
            let Ok(shrunk) = (unsafe { handle.shrink(start, old, new) }) else { return unchanged() };
            assert!(shrunk.len() >= size);
            model.blocks.swap_remove(index);
            let kept = Block { start: shrunk.cast(), layout: new, fill };
            assert!(all_are(kept.bytes(), fill), "{op:?} of {old:?}");
            model.add(shrunk.cast(), new, m);
        }
        Op::Deallocate(which) => {
            let Some(index) = model.pick(frame, *which) else { return };
            let block = model.blocks.swap_remove(index);
            // SAFETY: the block is alive and has this layout; the model forgets it.
            unsafe { handle.deallocate(block.start, block.layout) };
        }
        Op::Value(value) => {
            let Ok(place) = handle.value(*value) else { return unchanged() };
            // SAFETY: the value was just made there.
            assert_eq!(unsafe { place.read() }, *value);
            model.add(place.cast(), Layout::new::<u64>(), m);
        }
        Op::SliceCopy(len) => {
            let source: Vec<u16> = (0..*len).map(|index| index as u16).collect();
            let Ok(slice) = handle.slice_copy(&source) else { return unchanged() };
            // SAFETY: the slice was just made there.
            assert!(unsafe { slice.as_ref() } == source, "{op:?}");
            model.add(slice.cast(), Layout::for_value(&source[..]), m);
        }
        Op::SliceZeroed(len) => {
            let Ok(slice) = handle.slice_zeroed(*len) else { return unchanged() };
            let layout = Layout::array::<u32>(*len).unwrap();
            let bytes = NonNull::slice_from_raw_parts(slice.cast::<u8>(), layout.size());
            // SAFETY: the slice was just made there.
            assert!(all_are(unsafe { bytes.as_ref() }, 0), "{op:?}");
            model.add(slice.cast(), layout, m);
        }
        Op::Collect { len, hint } => {
            let items = Hinted(0..*len as u32, *hint);
            let Ok(slice) = handle.collect(items) else {
                // The block was given back; alignment padding before it may stay.
                let (used, _) = handle.figures().unwrap_or_default();
                return assert!(
                    used < before.map_or(0, |(used, _)| used) + align_of::<u32>().max(m),
                    "{op:?}"
                );
            };
            // SAFETY: the slice was just made there.
            let values = unsafe { slice.as_ref() };
            assert!(values.len() == *len && values.iter().copied().eq(0..*len as u32), "{op:?}");
            model.add(slice.cast(), Layout::array::<u32>(*len).unwrap(), m);
        }
        Op::Text(text) => {
            let Ok(copy) = handle.text(text) else { return unchanged() };
            // SAFETY: the text was just made there.
            assert_eq!(unsafe { copy.as_ref() }, text);
            model.add(copy.cast(), Layout::for_value(text.as_str()), m);
        }
        Op::Format(text) => {
            let Ok(made) = handle.format(text) else { return unchanged() };
            // SAFETY: the text was just made there.
            let made_text = unsafe { made.as_ref() };
            assert_eq!(made_text, format!("{text}/{text}"));
            let layout = Layout::for_value(made_text);
            model.add(made.cast(), layout, m);
        }
        Op::FailToMake => {
            handle.fail_to_make();
            if let (Some((used, _)), Some((used_before, _))) = (handle.figures(), before) {
                assert_eq!(used, used_before, "the place of a value that was not made");
            }
        }
        Op::Scoped(_) | Op::Guarded(_) | Op::Rewound(_) | Op::Reset | Op::Trim(_) | Op::Prepare(_) => {}
    }
}

fn run_scope<const M: usize>(ops: &[Op], scope: &mut Scope<'_, Reserved, M>, model: &mut Model) {
    let frame = model.blocks.len();
    for op in ops {
        if let Op::Scoped(inner) | Op::Guarded(inner) | Op::Rewound(inner) = op {
            scope.scoped(|scope| run_scope(inner, scope, model));
        } else {
            run_simple(op, scope, model, frame);
        }
        model.check_contents();
    }
    model.blocks.truncate(frame);
}

fn run_guard<const M: usize>(ops: &[Op], guard: &mut ScopeGuard<'_, Reserved, M>, model: &mut Model) {
    let frame = model.blocks.len();
    for op in ops {
        match op {
            Op::Scoped(inner) => guard.scoped(|scope| run_scope(inner, scope, model)),
            Op::Guarded(inner) => run_guard(inner, &mut guard.scope(), model),
            Op::Rewound(inner) => run_checkpoint(inner, guard, model),
            _ => run_shared(op, guard, model, frame),
        }
        check(guard, model);
    }
    model.blocks.truncate(frame);
}

fn run_checkpoint<const M: usize>(ops: &[Op], arena: &Arena<Reserved, M>, model: &mut Model) {
    let frame = model.blocks.len();
    let checkpoint = arena.checkpoint();
    let used = arena.used_bytes();
    for op in ops {
        match op {
            Op::Scoped(inner) | Op::Guarded(inner) | Op::Rewound(inner) => {
                run_checkpoint(inner, arena, model);
            }
            _ => run_shared(op, arena, model, frame),
        }
        check(arena, model);
    }
    model.blocks.truncate(frame);
    // SAFETY: the arena was not reset, and the model has forgotten all blocks since the checkpoint.
    unsafe { arena.rewind(checkpoint) };
    assert_eq!(arena.used_bytes(), used);
}

/// What needs only a shared borrow of an arena.
fn run_shared<const M: usize>(op: &Op, arena: &Arena<Reserved, M>, model: &mut Model, frame: usize) {
    match op {
        Op::Trim(keep) => {
            let committed = arena.committed_bytes();
            let given_back = arena.trim(*keep).unwrap();
            assert_eq!(arena.committed_bytes(), committed - given_back);
            assert!(arena.committed_bytes() >= committed.min(*keep));
        }
        Op::Prepare(bytes) => match arena.prepare(*bytes) {
            Ok(()) => assert!(arena.committed_bytes() - arena.used_bytes() >= *bytes),
            Err(error) => {
                assert_eq!((error.operation(), error.os_code()), (Operation::Commit, None), "{error}");
                assert!(*bytes > arena.remaining_capacity(), "{error}");
            }
        },
        _ => run_simple(op, arena, model, frame),
    }
}

fn run_arena<const M: usize>(ops: &[Op], arena: &mut Arena<Reserved, M>, model: &mut Model) {
    for op in ops {
        let used = arena.used_bytes();
        match op {
            Op::Scoped(inner) => {
                arena.scoped(|scope| run_scope(inner, scope, model));
                assert_eq!(arena.used_bytes(), used);
            }
            Op::Guarded(inner) => {
                run_guard(inner, &mut arena.scope(), model);
                assert_eq!(arena.used_bytes(), used);
            }
            Op::Rewound(inner) => run_checkpoint(inner, arena, model),
            Op::Reset => {
                model.blocks.clear();
                arena.reset();
                assert_eq!(arena.used_bytes(), 0);
            }
            _ => run_shared(op, arena, model, 0),
        }
        check(arena, model);
    }
}

fn check<const M: usize>(arena: &Arena<Reserved, M>, model: &mut Model) {
    model.check_contents();
    let (used, committed, reserved) = (arena.used_bytes(), arena.committed_bytes(), arena.reserved_bytes());
    assert!(used <= committed && committed <= reserved, "{arena:?}");
    let live: usize = model.blocks.iter().map(|block| block.layout.size()).sum();
    assert!(live <= used, "{live} bytes are alive in {arena:?}");
    assert!(arena.peak_bytes() >= model.peak.max(used), "{arena:?}");
    model.peak = arena.peak_bytes();
    if reserved > 0 {
        assert_eq!(arena.remaining_capacity(), reserved - used, "{arena:?}");
    }
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let align = prop_oneof![6 => 0..5_u32, 2 => 5..13_u32, 1 => 13..22_u32];
    (any_size(), align).prop_map(|(size, align)| Layout::from_size_align(size, 1 << align).unwrap())
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0), 12 => 1..100_usize, 6 => 100..5000_usize, 2 => 5000..300_000_usize, 1 => 1_000_000..4_000_000_usize]
}

/// One operation. (`fuzz/` takes this and the next one from here, too.)
pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    let index = any::<prop::sample::Index>;
    let align = || prop_oneof![8 => 0..5_u32, 1 => 5..22_u32].prop_map(|shift| 1_usize << shift);
    let small = prop_oneof![Just(0), 1..50_usize, 1..2000_usize];
    let simple = prop_oneof![
        4 => any_layout().prop_map(Op::Layout),
        4 => any_layout().prop_map(Op::Allocate),
        4 => any_layout().prop_map(Op::AllocateZeroed),
        6 => (index(), any_size(), align(), any::<bool>())
            .prop_map(|(which, more, align, zeroed)| Op::Grow { which, more, align, zeroed }),
        4 => (index(), index(), align()).prop_map(|(which, less, align)| Op::Shrink { which, less, align }),
        4 => index().prop_map(Op::Deallocate),
        2 => any::<u64>().prop_map(Op::Value),
        2 => small.clone().prop_map(Op::SliceCopy),
        2 => any_size().prop_map(|bytes| Op::SliceZeroed(bytes / 4)),
        2 => (small, prop_oneof![Just(0), 1..3000_usize, Just(usize::MAX)])
            .prop_map(|(len, hint)| Op::Collect { len, hint }),
        1 => ".{0,40}".prop_map(Op::Text),
        1 => ".{0,40}".prop_map(Op::Format),
        1 => Just(Op::FailToMake),
        1 => Just(Op::Reset),
        2 => any_size().prop_map(Op::Trim),
        1 => any_size().prop_map(Op::Prepare),
    ];
    simple.prop_recursive(3, 40, 8, |inner| {
        let ops = || prop::collection::vec(inner.clone(), 0..8);
        prop_oneof![ops().prop_map(Op::Scoped), ops().prop_map(Op::Guarded), ops().prop_map(Op::Rewound),]
    })
}

/// Bytes to reserve, if not the default.
pub(crate) fn any_reservation() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(1)),
        2 => Just(Some(64 << 10)),
        2 => Just(Some(1 << 20)),
        2 => Just(Some(6 << 20)),
    ]
}

pub(crate) fn run_case<const M: usize>(policy: CommitPolicy, reservation: Option<usize>, ops: &[Op]) {
    let options = Arena::options().commit_policy(policy);
    let mut arena: Arena<Reserved, M> = match reservation {
        Some(bytes) => ArenaOptions::reservation(options, bytes).build_with_min_align().unwrap(),
        None => options.build_with_min_align().unwrap(),
    };
    run_arena(ops, &mut arena, &mut Model::default());
}

fn run<const M: usize>(policy: CommitPolicy) {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(reservation in any_reservation(), ops in prop::collection::vec(any_op(), 1..50))| {
        run_case::<M>(policy, reservation, &ops);
    });
}

macro_rules! rooms {
    ($($throughput:ident $latency:ident $min_align:literal;)*) => {
        $(
            #[test]
            fn $throughput() {
                run::<$min_align>(CommitPolicy::Throughput);
            }

            #[test]
            fn $latency() {
                run::<$min_align>(CommitPolicy::Latency);
            }
        )*
    };
}

rooms! {
    min_align_1_for_throughput min_align_1_for_latency 1;
    min_align_2_for_throughput min_align_2_for_latency 2;
    min_align_8_for_throughput min_align_8_for_latency 8;
    min_align_16_for_throughput min_align_16_for_latency 16;
}

/// The same for an arena that has not reserved its range yet: the first operation may be any.
#[test]
fn a_lazy_arena() {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(ops in prop::collection::vec(any_op(), 1..6))| {
        run_arena(&ops, &mut Arena::new(), &mut Model::default());
        run_arena(&ops, &mut Arena::<Reserved, 16>::with_min_align(), &mut Model::default());
    });
}
