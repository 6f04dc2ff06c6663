//! Blocks that never move, by the functions of `realloc`, against the model of `tests/stable_blocks.rs`.
#![no_main]

#[path = "../../tests/stable_blocks.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use model::Op;
use proptest::prelude::*;
use v_alloc_fuzz::Cases;

thread_local! {
    static CASES: Cases<(), Op> = Cases::of(Just(()), model::any_op());
}

fuzz_target!(|bytes: &[u8]| CASES.with(|cases| cases.run(bytes, |(), ops| model::run_ops(ops))));
