//! What the targets have in common: bytes of the fuzzer's become a case of a model of ../tests, by the same strategies
//! that make random ones there. So every target checks what a test checks, and what it finds is printed as that test's
//! input.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, Once, PoisonError};

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs the case that the bytes stand for. If it fails, prints it and ends the process, which the fuzzer takes for a
/// crash.
pub fn run<S: Strategy>(bytes: &[u8], cases: &S, check: impl FnOnce(S::Value)) {
    static HOOK: Once = Once::new();
    // libFuzzer's own ends the process at any panic; some models expect one, and catch it.
    HOOK.call_once(|| {
        set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
    });
    let rng = TestRng::from_seed(RngAlgorithm::PassThrough, bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    // Some strategies reject what they make until it pleases them.
    let Ok(case) = cases.new_tree(&mut runner) else { return };
    if catch_unwind(AssertUnwindSafe(|| check(case.current()))).is_err() {
        eprintln!("{:#?}\n{}", case.current(), LAST.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}
