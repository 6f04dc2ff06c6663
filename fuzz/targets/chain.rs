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
use model::Op;
use parent::Parent;
use proptest::prelude::*;
use v_alloc_fuzz::Cases;

/// How the parent is: bytes in excess, or a bit for each call that is to fail.
#[derive(Clone, Copy, Debug)]
enum Nature {
    Generous(usize),
    Failing(u64),
}

thread_local! {
    static CASES: Cases<(usize, Nature), Op> = {
        let nature = prop_oneof![
            (0..200_usize).prop_map(Nature::Generous),
            any::<u64>().prop_map(Nature::Failing),
        ];
        Cases::of((model::any_hint(), nature), model::any_op())
    };
}

fuzz_target!(|bytes: &[u8]| CASES.with(|cases| {
    cases.run(bytes, |(hint, nature), ops| {
        let parent = match nature {
            Nature::Generous(excess) => Parent::with_excess(excess),
            Nature::Failing(calls) => model::fails_at_random(calls),
        };
        model::run_chain(hint, &parent, &ops);
    });
}));
