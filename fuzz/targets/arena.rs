//! Arenas over reservations, of any minimum alignment and commit policy, against the model of `tests/model.rs`.
#![no_main]

#[path = "../../tests/model.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use proptest::prelude::*;
use v_alloc::CommitPolicy;

fuzz_target!(|bytes: &[u8]| {
    let cases = (0..5_u8, any::<bool>(), model::any_case());
    v_alloc_fuzz::run(bytes, &cases, |(shift, latency, case)| {
        let policy = if latency { CommitPolicy::Latency } else { CommitPolicy::Throughput };
        match shift {
            0 => model::run_case::<1>(policy, &case),
            1 => model::run_case::<2>(policy, &case),
            2 => model::run_case::<4>(policy, &case),
            3 => model::run_case::<8>(policy, &case),
            _ => model::run_case::<16>(policy, &case),
        }
    });
});
