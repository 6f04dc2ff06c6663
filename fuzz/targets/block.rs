//! Blocks that never move, by the functions of `realloc`, against the model of `tests/stable_blocks.rs`.
#![no_main]

#[path = "../../tests/stable_blocks.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| v_alloc_fuzz::run(bytes, &model::any_ops(), model::run_ops));
