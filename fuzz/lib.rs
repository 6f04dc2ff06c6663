//! What the targets have in common: bytes of the fuzzer's become a case of a model of ../tests, made by the strategies
//! that make random ones there. So every target checks what a test checks, and what it finds is printed as that test's
//! input.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

/// Bytes that stand for one operation: few, so that the fuzzer, which copies, moves and leaves out bytes, does so with
/// operations.
const BYTES: usize = 3;

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

/// How to make a case: what it begins with, and one operation after another.
pub struct Cases<Start, Op> {
    start: BoxedStrategy<Start>,
    op: BoxedStrategy<Op>,
}

impl<Start: Clone + Debug, Op: Clone + Debug> Cases<Start, Op> {
    /// Of these. Also sees to it that a panic is not the end: libFuzzer's own hook ends the process at any, but some
    /// models expect one, and catch it.
    pub fn of(
        start: impl Strategy<Value = Start> + 'static,
        op: impl Strategy<Value = Op> + 'static,
    ) -> Self {
        set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
        Self { start: start.boxed(), op: op.boxed() }
    }

    /// Runs the case that the bytes stand for. If it fails, leaves out operations as long as it does, prints what is
    /// left, and ends the process, which the fuzzer takes for a crash.
    pub fn run(&self, bytes: &[u8], check: impl Fn(Start, Vec<Op>)) {
        let (start, ops) = bytes.split_at(bytes.len().min(BYTES));
        let Some(start) = made(&self.start, start) else { return };
        let mut ops: Vec<Op> = ops.chunks(BYTES).filter_map(|seed| made(&self.op, seed)).collect();
        if std::env::var_os("V_ALLOC_FUZZ_PRINT").is_some() {
            eprintln!("{start:#?}\n{ops:#?}"); // it may end in a fault, which nobody catches
        }
        let fails = |ops: Vec<Op>| catch_unwind(AssertUnwindSafe(|| check(start.clone(), ops))).is_err();
        if !fails(ops.clone()) {
            return;
        }
        for index in (0..ops.len()).rev() {
            let mut fewer = ops.clone();
            fewer.remove(index);
            if fails(fewer.clone()) {
                ops = fewer;
            }
        }
        fails(ops.clone());
        eprintln!("{start:#?}\n{ops:#?}\n{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}

/// What a strategy makes of a seed; some reject what they make until it pleases them, and may give up.
fn made<T: Debug>(strategy: &BoxedStrategy<T>, seed: &[u8]) -> Option<T> {
    let mut whole = [0; 32];
    whole[..seed.len()].copy_from_slice(seed);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &whole);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    strategy.new_tree(&mut runner).ok().map(|tree| tree.current())
}
