//! What threads and signal handlers share: allocation without a lock, on one reservation.
//!
//! Everything here rests on the steps in `lock_free`: commit, then claim. Nobody waits for anybody, so a handler may
//! interrupt any of it, on any thread, and do the same.

mod arena;
mod blocks;
mod local;

pub use arena::{Claim, SyncArena};
pub use local::LocalArena;

#[cfg(test)]
mod tests;
