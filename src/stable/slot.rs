//! One slot: the address range of one block, and what is known of it. Kept apart from the memory it describes, so
//! that no program error there can reach it, and a wrong pointer is refused without being followed.

use crate::error::Cause;
use core::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// The state in one word: how often the slot was handed out, and what is going on.
///
/// ```text
///   63                              2 1    0
///   |           generation           | phase |      FREE -> LIVE <-> BUSY -> FREE
/// ```
///
/// Whoever wants to change a live block makes it busy first; of two that try at once, one is refused. All other
/// fields belong to whoever made it so. They are atomic because a refused caller may read them.
pub(super) struct Slot {
    state: AtomicU64,
    /// The next free slot of the class.
    pub(super) next_free: AtomicU32,
    /// [`HUGE_PAGES`], [`HUGE_PAGES_ADVISED`], [`NAMED`], [`HAS_HEADER`], [`TIGHT`].
    pub(super) flags: AtomicU32,
    /// Bytes from the base that are committed: whole pages.
    pub(super) committed: AtomicUsize,
    /// Bytes that the block may grow to: whole pages.
    pub(super) limit: AtomicUsize,
    #[cfg(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))))]
    pub(super) label: crate::traps::label::Label,
}

/// Huge pages may back the block.
pub(super) const HUGE_PAGES: u32 = 1;
/// The kernel was told so.
pub(super) const HUGE_PAGES_ADVISED: u32 = 2;
/// The block has a name in the memory map.
pub(super) const NAMED: u32 = 4;
/// The block is one of `realloc`, found by its pointer alone.
pub(super) const HAS_HEADER: u32 = 8;
/// Its huge pages begin where one that is hardly used is a small part of the block.
pub(super) const TIGHT: u32 = 16;

crate::traps::in_force! {
    /// What is not committed is inaccessible, though the range is accessible as a whole. Stays when the block is freed.
    pub(super) const FORBIDDEN: u32 = 32;

    /// No two blocks have the same generation, so that none can be taken for another.
    static LAST: AtomicU64 = AtomicU64::new(0);
}

const FREE: u64 = 0;
const LIVE: u64 = 1;
const BUSY: u64 = 2;
const PHASE: u64 = 3;

impl Slot {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicU64::new(FREE),
            next_free: AtomicU32::new(0),
            flags: AtomicU32::new(0),
            committed: AtomicUsize::new(0),
            limit: AtomicUsize::new(0),
            #[cfg(all(feature = "traps", debug_assertions, not(any(miri, v_alloc_heap_os))))]
            label: crate::traps::label::Label::new(),
        }
    }

    /// The generation, if the block is there; also while it is busy.
    pub(super) fn generation(&self) -> Option<u64> {
        let state = self.state.load(Acquire);
        (state & PHASE != FREE).then_some(state >> 2)
    }

    pub(super) fn is_live(&self, generation: u64) -> bool {
        self.state.load(Acquire) == generation << 2 | LIVE
    }

    /// The next generation is the one after this. Only for a free slot that nobody knows of.
    pub(super) fn number_from(&self, generation: u64) {
        self.state.store(generation << 2 | FREE, Relaxed);
    }

    crate::traps::in_force! {
        /// The generation of the block that is there, or was there last.
        pub(super) fn last_generation(&self) -> u64 {
            self.state.load(Acquire) >> 2
        }
    }

    /// A free slot becomes busy with a new generation. Only for its one finder.
    pub(super) fn claim(&self) -> u64 {
        let generation = (self.state.load(Relaxed) >> 2).wrapping_add(1) & (u64::MAX >> 2);
        crate::traps::in_force! {
            let generation = generation.max(LAST.fetch_add(1, Relaxed) + 1);
        }
        self.state.store(generation << 2 | BUSY, Relaxed);
        generation
    }

    /// A live block becomes busy.
    pub(super) fn begin(&self, generation: u64) -> Result<(), Cause> {
        let live = generation << 2 | LIVE;
        match self.state.compare_exchange(live, generation << 2 | BUSY, Acquire, Relaxed) {
            Ok(_) => Ok(()),
            Err(state) if state == generation << 2 | BUSY => Err(Cause::Busy),
            Err(_) => Err(Cause::NotABlock),
        }
    }

    /// A busy block is live again.
    pub(super) fn end(&self, generation: u64) {
        self.state.store(generation << 2 | LIVE, Release);
    }

    /// A busy block is no more.
    pub(super) fn retire(&self, generation: u64) {
        self.state.store(generation << 2 | FREE, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_refuses_whoever_comes_second_or_too_late() {
        let slot = Slot::new();
        assert_eq!(slot.generation(), None);
        let first = slot.claim();
        slot.end(first);
        assert!(slot.begin(first).is_ok());
        assert!(matches!(slot.begin(first), Err(Cause::Busy)));
        slot.retire(first);
        assert!(matches!(slot.begin(first), Err(Cause::NotABlock)));
        let second = slot.claim();
        slot.end(second);
        assert!(matches!(slot.begin(first), Err(Cause::NotABlock)), "a stale generation");
        assert!(slot.is_live(second) && !slot.is_live(first));
    }
}
