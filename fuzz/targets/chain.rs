//! Arenas over blocks of another allocator, which may fail or give more than it is asked for, against the model of
//! `tests/conformance/model.rs`.
#![no_main]
#![allow(dead_code, unused_imports, unused_macros, private_interfaces, reason = "a test's, which tests use")]

#[macro_use]
#[path = "../../tests/conformance/subject.rs"]
mod subject;
#[path = "../../tests/conformance/ledger.rs"]
mod ledger;
#[path = "../../tests/conformance/model.rs"]
mod model;
#[path = "../../tests/conformance/parent.rs"]
mod parent;
mod versions {
    pub mod plain {
        through!(allocator_api2::alloc);
    }
}

use libfuzzer_sys::fuzz_target;
use parent::Parent;
use proptest::prelude::*;

fuzz_target!(|bytes: &[u8]| {
    let parents = prop_oneof![
        (0..200_usize).prop_map(Parent::with_excess),
        any::<u64>().prop_map(model::fails_at_random),
    ];
    let cases = (model::any_hint(), parents, model::any_ops());
    v_alloc_fuzz::run(bytes, &cases, |(hint, parent, ops)| model::run_chain(hint, &parent, &ops));
});
