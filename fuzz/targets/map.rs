//! Maps, with good hashes and bad ones, against the model of `tests/stable_map_model.rs`.
#![no_main]

#[path = "../../tests/stable_map_model.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use model::{Hashing, Op};
use proptest::prelude::*;
use v_alloc_fuzz::Cases;

thread_local! {
    static CASES: Cases<Hashing, Op> = {
        let hashing =
            [Hashing::Well, Hashing::Identity, Hashing::LowBits, Hashing::HighBits, Hashing::Constant];
        Cases::of(prop::sample::select(hashing.to_vec()), model::op(200))
    };
}

fuzz_target!(
    |bytes: &[u8]| CASES.with(|cases| cases.run(bytes, |hashing, ops| model::run_all(hashing, &ops)))
);
