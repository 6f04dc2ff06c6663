//! Any sequence of operations on arenas over other memory keeps what they promise: the same model as for arenas
//! over reservations, with a parent that keeps accounts, and fails at random.

use crate::ledger::{Ledger, layout};
use crate::parent::{Accounts, Parent};
use crate::versions::plain::Through;
use proptest::prelude::*;
use proptest::sample::Index;
use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use v_alloc::{
    AllocError, Allocator, Arena, BufferArena, ChainAllocator, Global, LinearAllocator, Rewind, Scope,
    ScopeGuard,
};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Allocate { layout: Layout, zeroed: bool },
    Resize { which: Index, size: usize, align: usize, zeroed: bool },
    GrowALittle { which: Index, more: usize },
    Deallocate(Index),
    DeallocateLast,
    Value(u64),
    SliceCopy(usize),
    SliceZeroed(usize),
    Collect { len: usize, hint: usize },
    Format(String),
    FailToMake(usize),
    Scoped(Vec<Op>),
    Guarded(Vec<Op>),
    Rewound(Vec<Op>),
    Reset,
}

/// What arenas and scopes have in common here: the trait, and typed methods.
trait Handle: Allocator + crate::subject::Figures {
    fn value(&self, value: u64) -> Result<NonNull<u64>, AllocError>;
    fn slice_copy(&self, source: &[u16]) -> Result<NonNull<[u16]>, AllocError>;
    fn slice_zeroed(&self, len: usize) -> Result<NonNull<[u32]>, AllocError>;
    fn collect(&self, items: impl Iterator<Item = u32>) -> Result<NonNull<[u32]>, AllocError>;
    fn format(&self, source: &str) -> Result<NonNull<str>, AllocError>;
    fn fail_to_make(&self, len: usize);
}

macro_rules! handle {
    ($source:ident, $type:ty) => {
        impl<$source: Rewind> Handle for $type {
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
            fn format(&self, source: &str) -> Result<NonNull<str>, AllocError> {
                self.try_alloc_fmt(format_args!("{source}/{source}")).map(NonNull::from)
            }
            fn fail_to_make(&self, len: usize) {
                let result = self.try_alloc_slice_try_fill_with(len, |index| {
                    if index + 1 == len { Err(7) } else { Ok(index as u8) }
                });
                assert!(result.is_err() || len == 0);
            }
        }
    };
}

handle!(S, Arena<S>);
handle!(S, Scope<'_, S>);

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

/// A run of operations: the shadow, and the parent's accounts if the arena has a parent whose blocks are all
/// counted as reserved.
struct Run<'a> {
    ledger: Ledger,
    parent: Option<&'a Accounts>,
}

impl Run<'_> {
    /// A block that was made since there were `frame` of them: only those may be resized or freed there.
    fn pick(&self, frame: usize, which: &Index) -> Option<usize> {
        let inner = self.ledger.blocks.len() - frame;
        (inner > 0).then(|| frame + which.index(inner))
    }

    fn add<T: ?Sized>(&mut self, made: Result<NonNull<T>, AllocError>) {
        let Ok(made) = made else { return };
        // SAFETY: the value was just made and is alive.
        let layout = Layout::for_value(unsafe { made.as_ref() });
        self.ledger.add(NonNull::slice_from_raw_parts(made.cast(), layout.size()), layout);
    }

    fn calls(&self) -> usize {
        self.parent.map_or(0, |parent| parent.calls.get())
    }

    fn simple<H: Handle>(&mut self, op: &Op, handle: &H, frame: usize) {
        let subject = Through(handle);
        match op {
            Op::Allocate { layout, zeroed } => {
                let (promised, calls) = (handle.promises(*layout), self.calls());
                let index = if *zeroed {
                    self.ledger.allocate_zeroed(&subject, *layout)
                } else {
                    self.ledger.allocate(&subject, *layout)
                };
                if promised == Some(true) {
                    assert!(index.is_some() && self.calls() == calls, "{layout:?} had room");
                }
            }
            Op::Resize { which, size, align, zeroed } => {
                if let Some(index) = self.pick(frame, which) {
                    self.ledger.resize(&subject, index, layout(*size, *align), *zeroed);
                }
            }
            Op::GrowALittle { which, more } => {
                if let Some(index) = self.pick(frame, which) {
                    let old = self.ledger.blocks[index].layout;
                    self.ledger.resize(&subject, index, layout(old.size() + more, old.align()), false);
                }
            }
            Op::Deallocate(which) => {
                if let Some(index) = self.pick(frame, which) {
                    self.ledger.deallocate(&subject, index);
                }
            }
            Op::DeallocateLast => {
                if self.ledger.blocks.len() > frame {
                    self.ledger.deallocate(&subject, self.ledger.blocks.len() - 1);
                }
            }
            Op::Value(value) => self.add(handle.value(*value).inspect(|made| {
                // SAFETY: the value was just made.
                assert_eq!(unsafe { made.read() }, *value);
            })),
            Op::SliceCopy(len) => {
                let source: Vec<u16> = (0..*len).map(|index| index as u16).collect();
                self.add(handle.slice_copy(&source).inspect(|made| {
                    // SAFETY: the slice was just made.
                    assert_eq!(unsafe { made.as_ref() }, source);
                }));
            }
            Op::SliceZeroed(len) => self.add(handle.slice_zeroed(*len).inspect(|made| {
                // SAFETY: the slice was just made.
                assert!(unsafe { made.as_ref() }.iter().all(|&item| item == 0));
            })),
            Op::Collect { len, hint } => {
                let items = || 0..*len as u32;
                self.add(handle.collect(Hinted(items(), *hint)).inspect(|made| {
                    // SAFETY: the slice was just made.
                    assert!(unsafe { made.as_ref() }.iter().copied().eq(items()));
                }));
            }
            Op::Format(text) => self.add(handle.format(text).inspect(|made| {
                // SAFETY: the text was just made.
                assert_eq!(unsafe { made.as_ref() }, format!("{text}/{text}"));
            })),
            Op::FailToMake(len) => handle.fail_to_make(*len),
            Op::Scoped(_) | Op::Guarded(_) | Op::Rewound(_) | Op::Reset => (),
        }
    }

    fn scope<S: Rewind>(&mut self, ops: &[Op], scope: &mut Scope<'_, S>) {
        let frame = self.ledger.blocks.len();
        for op in ops {
            match op {
                Op::Scoped(inner) | Op::Guarded(inner) | Op::Rewound(inner) => {
                    scope.scoped(|scope| self.scope(inner, scope));
                }
                _ => self.simple(op, scope, frame),
            }
            self.ledger.verify();
        }
        self.ledger.blocks.truncate(frame);
    }

    fn guard<S: Rewind>(&mut self, ops: &[Op], guard: &mut ScopeGuard<'_, S>) {
        let frame = self.ledger.blocks.len();
        for op in ops {
            match op {
                Op::Scoped(inner) => guard.scoped(|scope| self.scope(inner, scope)),
                Op::Guarded(inner) => self.guard(inner, &mut guard.scope()),
                Op::Rewound(inner) => self.checkpoint(inner, guard),
                _ => self.simple(op, &**guard, frame),
            }
            self.check(guard);
        }
        self.ledger.blocks.truncate(frame);
    }

    fn checkpoint<S: Rewind>(&mut self, ops: &[Op], arena: &Arena<S>) {
        let frame = self.ledger.blocks.len();
        let checkpoint = arena.checkpoint();
        let used = arena.used_bytes();
        for op in ops {
            match op {
                Op::Scoped(inner) | Op::Guarded(inner) | Op::Rewound(inner) => self.checkpoint(inner, arena),
                _ => self.simple(op, arena, frame),
            }
            self.check(arena);
        }
        self.ledger.blocks.truncate(frame);
        // SAFETY: the arena was not reset, and the ledger has forgotten all blocks since the checkpoint.
        unsafe { arena.rewind(checkpoint) };
        assert_eq!(arena.used_bytes(), used);
    }

    fn arena<S: Rewind>(&mut self, ops: &[Op], arena: &mut Arena<S>) {
        for op in ops {
            let used = arena.used_bytes();
            match op {
                Op::Scoped(inner) => {
                    arena.scoped(|scope| self.scope(inner, scope));
                    assert_eq!(arena.used_bytes(), used, "{op:?}");
                }
                Op::Guarded(inner) => {
                    self.guard(inner, &mut arena.scope());
                    assert_eq!(arena.used_bytes(), used, "{op:?}");
                }
                Op::Rewound(inner) => self.checkpoint(inner, arena),
                Op::Reset => {
                    self.ledger.blocks.clear();
                    arena.reset();
                    assert_eq!(arena.used_bytes(), 0);
                    assert!(self.parent.is_none_or(|parent| parent.blocks() <= 1));
                }
                _ => self.simple(op, arena, 0),
            }
            self.check(arena);
        }
        self.ledger.verify();
    }

    fn check<S: Rewind>(&mut self, arena: &Arena<S>) {
        self.ledger.verify();
        self.ledger.check_figures(&Through(arena));
        if let Some(parent) = self.parent {
            assert_eq!(arena.reserved_bytes(), parent.outstanding());
        }
    }
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![
        2 => Just(0),
        12 => 1..100_usize,
        6 => 100..5000_usize,
        3 => 5000..100_000_usize,
        1 => 100_000..1_000_000_usize
    ]
}

fn any_align() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..5_u32, 2 => 5..13_u32, 1 => 13..17_u32].prop_map(|shift| 1 << shift)
}

/// One operation. (`fuzz/` takes this and others from here, too.)
pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    let small = prop_oneof![Just(0), 1..50_usize, 1..2000_usize];
    let simple = prop_oneof![
        8 => (any_size(), any_align(), any::<bool>())
            .prop_map(|(size, align, zeroed)| Op::Allocate { layout: layout(size, align), zeroed }),
        8 => (index(), any_size(), any_align(), any::<bool>())
            .prop_map(|(which, size, align, zeroed)| Op::Resize { which, size, align, zeroed }),
        4 => (index(), 0..3000_usize).prop_map(|(which, more)| Op::GrowALittle { which, more }),
        4 => index().prop_map(Op::Deallocate),
        4 => Just(Op::DeallocateLast),
        2 => any::<u64>().prop_map(Op::Value),
        2 => small.clone().prop_map(Op::SliceCopy),
        2 => any_size().prop_map(|bytes| Op::SliceZeroed(bytes / 4)),
        2 => (small.clone(), prop_oneof![Just(0), 1..3000_usize, Just(usize::MAX)])
            .prop_map(|(len, hint)| Op::Collect { len, hint }),
        1 => ".{0,40}".prop_map(Op::Format),
        1 => small.prop_map(Op::FailToMake),
        1 => Just(Op::Reset),
    ];
    simple.prop_recursive(3, 40, 8, |inner| {
        let ops = || prop::collection::vec(inner.clone(), 0..8);
        prop_oneof![ops().prop_map(Op::Scoped), ops().prop_map(Op::Guarded), ops().prop_map(Op::Rewound)]
    })
}

fn any_ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(any_op(), 1..50)
}

pub(crate) fn any_hint() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), 1..300_usize, Just(4096), 0..=64_usize << 10, Just(64 << 10)]
}

/// A parent that fails when that bit of a number is set, with the number of the call.
pub(crate) fn fails_at_random(failing: u64) -> Parent {
    Parent::default().failing(move |call, _| failing >> (call % 64) & 1 == 1)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn run_chain(hint: usize, parent: &Parent, ops: &[Op]) {
    let mut arena = ChainAllocator::new_in(hint, parent.clone());
    Run { ledger: Ledger::default(), parent: Some(&parent.accounts) }.arena(ops, &mut arena);
    drop(arena);
    assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_chain_over_global(hint in any_hint(), ops in any_ops()) {
        let mut arena = ChainAllocator::new_in(hint, Global);
        Run { ledger: Ledger::default(), parent: None }.arena(&ops, &mut arena);
    }

    #[test]
    fn a_chain_over_a_parent_with_accounts(hint in any_hint(), excess in 0..200_usize, ops in any_ops()) {
        run_chain(hint, &Parent::with_excess(excess), &ops);
    }

    #[test]
    fn a_chain_over_a_parent_that_fails_at_random(
        hint in any_hint(),
        failing in any::<u64>(),
        ops in any_ops(),
    ) {
        run_chain(hint, &fails_at_random(failing), &ops);
    }

    #[test]
    fn a_chain_over_a_parent_that_refuses_large_blocks(
        hint in any_hint(),
        most in 0..50_000_usize,
        ops in any_ops(),
    ) {
        run_chain(hint, &Parent::default().failing(move |_, bytes| bytes > most), &ops);
    }

    #[test]
    fn a_chain_over_a_chain(hints in [any_hint(), any_hint()], ops in any_ops()) {
        let parent = Parent::default();
        let below = ChainAllocator::new_in(hints[0], parent.clone());
        let mut arena = ChainAllocator::new_in(hints[1], &below);
        Run { ledger: Ledger::default(), parent: None }.arena(&ops, &mut arena);
        drop(arena);
        drop(below);
        assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
    }

    #[test]
    fn a_linear_allocator(
        bytes in any_size(),
        align in any_align(),
        excess in prop_oneof![Just(0), 1..100_usize],
        ops in any_ops(),
    ) {
        let parent = Parent::with_excess(excess);
        let mut arena = LinearAllocator::new_in(layout(bytes, align), parent.clone()).unwrap();
        Run { ledger: Ledger::default(), parent: Some(&parent.accounts) }.arena(&ops, &mut arena);
        drop(arena);
        assert_eq!(parent.accounts.blocks(), 0, "{:?}", parent.accounts);
    }

    #[test]
    fn a_buffer(bytes in any_size(), from in 0..20_usize, ops in any_ops()) {
        let mut buffer = vec![MaybeUninit::uninit(); bytes + from];
        let mut arena = BufferArena::from_buffer(&mut buffer[from..]);
        Run { ledger: Ledger::default(), parent: None }.arena(&ops, &mut arena);
    }
}
