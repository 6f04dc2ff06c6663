//! Arenas over reservations, of any minimum alignment and commit policy, against the model of `tests/model.rs`.
#![no_main]

#[path = "../../tests/model.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use model::Op;
use proptest::prelude::*;
use v_alloc::CommitPolicy;
use v_alloc_fuzz::Cases;

thread_local! {
    static CASES: Cases<(u8, bool, Option<usize>), Op> =
        Cases::of((0..5_u8, any::<bool>(), model::any_reservation()), model::any_op());
}

fuzz_target!(|bytes: &[u8]| CASES.with(|cases| {
    cases.run(bytes, |(shift, latency, reservation), ops| {
        let policy = if latency { CommitPolicy::Latency } else { CommitPolicy::Throughput };
        match shift {
            0 => model::run_case::<1>(policy, reservation, &ops),
            1 => model::run_case::<2>(policy, reservation, &ops),
            2 => model::run_case::<4>(policy, reservation, &ops),
            3 => model::run_case::<8>(policy, reservation, &ops),
            _ => model::run_case::<16>(policy, reservation, &ops),
        }
    });
}));
