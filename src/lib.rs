// Here the README's links and its pictures are at other places than in the repository; the first definition holds.
#![doc = concat!("[layout]: ", include_str!("../docs/layout.uri"))]
#![doc = concat!("[cold]: ", include_str!("../docs/charts/cold.uri"))]
#![doc = concat!("[instructions]: ", include_str!("../docs/charts/instructions.uri"))]
#![doc = concat!("[workloads]: ", include_str!("../docs/charts/workloads.uri"))]
//! [bumpalo]: guides::from_bumpalo
//! [libdd]: guides::from_libdd_alloc
//! [c]: guides::from_c_v_alloc
//! [limits]: guides::containers_and_limits
//! [handlers]: guides::signal_handlers
//! [parallel]: guides::parallel
//! [platforms]: guides::platforms
//! [top]: guides::top
//! [traps]: guides::traps
//! [losses]: guides::where_it_does_not_win
//!
#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(feature = "nightly", feature(allocator_api))]
#![cfg_attr(all(feature = "nightly", feature = "traps"), feature(cfg_sanitize))]
// What is published says which features an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(doc, miri, unix, windows, v_alloc_heap_os, target_has_atomic = "64"))))]
#![cfg_attr(
    not(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64")),
    allow(
        dead_code,
        unused_imports,
        reason = "what only reservations and blocks need, in rooms that all share"
    )
)]

#[cfg(any(test, feature = "std"))]
extern crate std;

mod bump;
mod error;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod lock_free;

// What needs an operating system. The Rust allocator stands in for one under Miri.
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64", feature = "map"))]
mod interner;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub mod os;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod pool;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub mod registry;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod reservation;
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), feature = "std"))]
mod scratch;
#[cfg(all(
    any(unix, windows, miri, v_alloc_heap_os),
    target_has_atomic = "64",
    feature = "allocator-api2",
    feature = "alloc",
    feature = "serde"
))]
mod serde;
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64"))]
mod stable;
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64", feature = "map"))]
mod stable_map;
#[cfg(all(
    any(unix, windows, miri, v_alloc_heap_os),
    target_has_atomic = "64",
    feature = "allocator-api2",
    feature = "alloc"
))]
mod stable_vec;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod sync;
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64"))]
mod sync_vec;
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
mod virtual_allocator;

#[cfg(any(feature = "allocator-api2", feature = "allocator-api2-04", feature = "nightly"))]
mod allocator;
mod arena;
#[cfg(all(feature = "capi", any(unix, windows), target_has_atomic = "64"))]
pub mod capi;
mod text;
mod traps;
#[allow(clippy::mut_from_ref, reason = "every call hands out other memory")]
mod typed;
mod zeroable;

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
pub use {
    arena::options::ArenaOptions,
    arena::reserved::Reserved,
    os::Pages,
    pool::{ArenaPool, PooledArena},
    reservation::{
        Reservation, growth::CommitPolicy, totals::process_committed_bytes, totals::process_reserved_bytes,
    },
    sync::{Claim, LocalArena, SyncArena},
    virtual_allocator::VirtualAllocator,
};

#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), feature = "std"))]
pub use scratch::{Scratch, scratch};
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64"))]
pub use sync_vec::{Drained, SwapVec, SyncVec, SyncVecIntoIter};

#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64"))]
pub use stable::{
    StableBlock, StableBlockOptions, default_reservation,
    realloc::{realloc, realloc_size, realloc_with},
    set_default_reservation,
};

#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64", feature = "map"))]
pub use interner::{Interned, Interner, InternerIter, Symbol};
#[cfg(all(any(unix, windows, miri, v_alloc_heap_os), target_has_atomic = "64", feature = "map"))]
pub use stable_map::{
    DefaultHasher, Drain, Entry, InsertError, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys,
    OccupiedEntry, StableMap, StableMapOptions, StableSet, VacantEntry, Values, ValuesMut,
};
#[cfg(all(
    any(unix, windows, miri, v_alloc_heap_os),
    target_has_atomic = "64",
    feature = "allocator-api2",
    feature = "alloc"
))]
pub use stable_vec::{
    Drain as VecDrain, FromUtf8Error, IntoIter as VecIntoIter, StableString, StableVec, StableVecOptions,
};

pub use arena::{
    Arena, Bulk, Checkpoint, Scope, ScopeGuard,
    buffer::BufferArena,
    source::{DefaultSource, Rewind, Source},
};
#[cfg(feature = "allocator-api2")]
pub use arena::{chain::ChainAllocator, linear::LinearAllocator};
pub use error::{AllocError, AllocOrInitError, Operation, PushError, ReserveError};
pub use zeroable::Zeroable;

// As `libdd-alloc` does, for programs written for it.
#[cfg(all(feature = "allocator-api2", feature = "alloc"))]
pub use allocator_api2::alloc::Global;
#[cfg(feature = "allocator-api2")]
pub use allocator_api2::alloc::{Allocator, GlobalAlloc, Layout, LayoutError};

// For readers of the documentation; the snippets are tests.
#[cfg(all(doc, any(unix, windows), target_has_atomic = "64", feature = "map"))]
pub mod guides;
