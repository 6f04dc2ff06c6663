//! Maps, with good hashes and bad ones, against the model of `tests/stable_map_model.rs`.
#![no_main]

#[path = "../../tests/stable_map_model.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use model::Hashing;
use proptest::prelude::*;

fuzz_target!(|bytes: &[u8]| {
    let hashing = prop::sample::select(&[Hashing::Well, Hashing::Identity, Hashing::LowBits, Hashing::HighBits]);
    let cases = prop_oneof![
        3 => (hashing, prop::collection::vec(model::op(300), 1..24)),
        1 => (Just(Hashing::Constant), prop::collection::vec(model::op(40), 1..24)),
    ];
    v_alloc_fuzz::run(bytes, &cases, |(hashing, ops)| model::run_all(hashing, &ops));
});
