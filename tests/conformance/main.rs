//! Conformance: every allocator of the crate, through every version of the `Allocator` trait, keeps what the
//! trait and the crate promise; and arenas over other allocators keep exact accounts with them.
//!
//! * `suite` checks any allocator; `versions` lists the allocators and the versions of the trait.
//! * `parent` is an allocator that keeps accounts, fails on demand, returns more than asked for, or allocates in
//!   the arena it serves; `accounts` and `failures` use it.
//! * `model` runs random operations; `collections` and `footprint` run real collections.
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]
#![cfg_attr(feature = "nightly", feature(allocator_api, btreemap_alloc))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "patterns are numbers cut to size; and what is counted here is small"
)]

#[macro_use]
mod subject;

mod accounts;
mod collections;
mod failures;
mod footprint;
mod ledger;
mod model;
mod parent;
mod suite;
mod versions;
