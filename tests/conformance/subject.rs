//! What the suite sees of an allocator: the methods of `Allocator`, whichever version of the trait they come
//! from, and the figures of an arena.

use std::alloc::Layout;
use std::ptr::NonNull;
use v_alloc::{Arena, Rewind, Scope, Source, VirtualAllocator};

/// The `AllocError` of some version of the trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// A block, or a refusal.
pub type Outcome = Result<NonNull<[u8]>, Refused>;

/// An allocator under test, through one version of the trait.
///
/// # Safety
/// As for `Allocator`.
pub unsafe trait Subject: Figures {
    fn allocate(&self, layout: Layout) -> Outcome;
    fn allocate_zeroed(&self, layout: Layout) -> Outcome;

    /// # Safety
    /// As for `Allocator::deallocate`.
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout);

    /// # Safety
    /// As for `Allocator::grow`.
    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome;

    /// # Safety
    /// As for `Allocator::grow_zeroed`.
    unsafe fn grow_zeroed(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome;

    /// # Safety
    /// As for `Allocator::shrink`.
    unsafe fn shrink(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome;
}

/// An arena's figures at one moment, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub reserved: usize,
    pub committed: usize,
    pub used: usize,
    pub peak: usize,
}

/// What has figures, or not.
pub trait Figures {
    fn figures(&self) -> Option<Snapshot> {
        None
    }

    /// Whether the allocator says that it has room; `None` if it does not say.
    fn promises(&self, _layout: Layout) -> Option<bool> {
        None
    }
}

impl<S: Source, const MIN_ALIGN: usize> Figures for Arena<S, MIN_ALIGN> {
    fn figures(&self) -> Option<Snapshot> {
        Some(Snapshot {
            reserved: self.reserved_bytes(),
            committed: self.committed_bytes(),
            used: self.used_bytes(),
            peak: self.peak_bytes(),
        })
    }

    fn promises(&self, layout: Layout) -> Option<bool> {
        Some(self.has_capacity_for(layout))
    }
}

impl<S: Rewind, const MIN_ALIGN: usize> Figures for Scope<'_, S, MIN_ALIGN> {}
impl Figures for VirtualAllocator {}

impl<F: Figures + ?Sized> Figures for &F {
    fn figures(&self) -> Option<Snapshot> {
        F::figures(self)
    }

    fn promises(&self, layout: Layout) -> Option<bool> {
        F::promises(self, layout)
    }
}

/// Defines `Through`, which makes a [`Subject`] of whatever implements one version of the trait.
#[macro_export]
macro_rules! through {
    ($version:path) => {
        use std::alloc::Layout;
        use std::ptr::NonNull;
        use $crate::subject::{Figures, Outcome, Refused, Snapshot, Subject};
        use $version as version;

        /// The allocator through this version of the trait.
        pub struct Through<A>(pub A);

        impl<A: Figures> Figures for Through<A> {
            fn figures(&self) -> Option<Snapshot> {
                self.0.figures()
            }

            fn promises(&self, layout: Layout) -> Option<bool> {
                self.0.promises(layout)
            }
        }

        // SAFETY: the allocator's own promise, forwarded.
        unsafe impl<A: version::Allocator + Figures> Subject for Through<A> {
            fn allocate(&self, layout: Layout) -> Outcome {
                version::Allocator::allocate(&self.0, layout).map_err(refused)
            }
            fn allocate_zeroed(&self, layout: Layout) -> Outcome {
                version::Allocator::allocate_zeroed(&self.0, layout).map_err(refused)
            }
            unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
                // SAFETY: forwarded from the caller.
                unsafe { version::Allocator::deallocate(&self.0, block, layout) }
            }
            unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome {
                // SAFETY: forwarded from the caller.
                unsafe { version::Allocator::grow(&self.0, block, old, new) }.map_err(refused)
            }
            unsafe fn grow_zeroed(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome {
                // SAFETY: forwarded from the caller.
                unsafe { version::Allocator::grow_zeroed(&self.0, block, old, new) }.map_err(refused)
            }
            unsafe fn shrink(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Outcome {
                // SAFETY: forwarded from the caller.
                unsafe { version::Allocator::shrink(&self.0, block, old, new) }.map_err(refused)
            }
        }

        fn refused(_: version::AllocError) -> Refused {
            Refused
        }
    };
}
