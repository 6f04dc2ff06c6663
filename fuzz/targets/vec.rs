//! Vectors of elements of three sizes, against the model of `tests/stable_vec_model.rs`.
#![no_main]

#[path = "../../tests/stable_vec_model.rs"]
#[allow(dead_code, unused_imports, private_interfaces, reason = "a test's, which tests use")]
mod model;

use libfuzzer_sys::fuzz_target;
use model::Op;
use v_alloc_fuzz::Cases;

thread_local! {
    static CASES: Cases<(u8, usize), Op> = Cases::of((0..3_u8, 1..200_usize), model::op());
}

fuzz_target!(|bytes: &[u8]| CASES.with(|cases| {
    cases.run(bytes, |(size, reservation), ops| match size {
        0 => model::behaves_like_vec::<1>(reservation, ops),
        1 => model::behaves_like_vec::<1000>(reservation.min(60), ops),
        _ => model::behaves_like_vec::<5000>(reservation.min(30), ops),
    });
}));
