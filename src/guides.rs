//! The guides, as they are in the repository's folder `docs`. No part of the library.

#[doc = include_str!("../docs/from-bumpalo.md")]
pub mod from_bumpalo {}

#[doc = include_str!("../docs/from-libdd-alloc.md")]
pub mod from_libdd_alloc {}

#[doc = include_str!("../docs/from-c-v_alloc.md")]
pub mod from_c_v_alloc {}

#[doc = include_str!("../docs/containers-and-limits.md")]
pub mod containers_and_limits {}

#[doc = include_str!("../docs/signal-handlers.md")]
pub mod signal_handlers {}

#[doc = include_str!("../docs/parallel.md")]
pub mod parallel {}

#[doc = include_str!("../docs/platforms.md")]
pub mod platforms {}

#[doc = include_str!("../docs/where-it-does-not-win.md")]
pub mod where_it_does_not_win {}

#[doc = include_str!("../docs/top.md")]
pub mod top {}

#[doc = include_str!("../docs/traps.md")]
pub mod traps {}
