//! The `Allocator` traits of the ecosystem, all of them from one macro over one trait of our own.

use crate::AllocError;
use core::alloc::Layout;
use core::ptr::NonNull;

/// What every allocator of this crate can do: the methods of `Allocator`, with our error.
///
/// # Safety
/// As for `allocator_api2::alloc::Allocator`: a block stays valid until it is deallocated or the allocator is
/// dropped, also when the allocator is moved.
pub(crate) unsafe trait RawAllocator {
    /// A block of at least `layout.size()` bytes; a dangling pointer for no bytes.
    fn raw_allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError>;

    /// As [`raw_allocate`](Self::raw_allocate), reading zero.
    fn raw_allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError>;

    /// # Safety
    /// `block` is a live block of this allocator that fits `layout`.
    unsafe fn raw_deallocate(&self, block: NonNull<u8>, layout: Layout);

    /// # Safety
    /// `block` is a live block of this allocator that fits `old`; `new.size() >= old.size()`.
    unsafe fn raw_grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// As [`raw_grow`](Self::raw_grow); the bytes beyond `old.size()` read zero.
    ///
    /// # Safety
    /// As for [`raw_grow`](Self::raw_grow).
    unsafe fn raw_grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// # Safety
    /// `block` is a live block of this allocator that fits `old`; `new.size() <= old.size()`.
    unsafe fn raw_shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// What cannot be resized where it is, as when a block that shrinks is to have a stricter alignment: a copy in another block.
    ///
    /// # Safety
    /// `block` is a live block of this allocator that fits `old`.
    unsafe fn raw_move(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let moved = self.raw_allocate(new)?;
        // SAFETY: both blocks have so many bytes, and they are apart; then the old one is not used again.
        unsafe {
            moved.cast::<u8>().copy_from_nonoverlapping(block, old.size().min(new.size()));
            self.raw_deallocate(block, old);
        }
        Ok(moved)
    }
}

/// Implements one version of the trait for one type, whose blocks come from the `RawAllocator` that it is or has.
macro_rules! impl_allocator {
    ($version:path, [$($generics:tt)*] $type:ty, $this:ident => $raw:expr) => {
        const _: () = {
            use $version as version;
            use version::{AllocError, Allocator};

            // SAFETY: the contract of `RawAllocator` is that of the trait. A scope lives no longer than what it hands
            // out, and cannot be used while an inner one takes memory back.
            #[allow(clippy::map_err_ignore, reason = "either error says just that there is no memory")]
            unsafe impl<$($generics)*> Allocator for $type {
                #[inline]
                fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    let $this = self;
                    $raw.raw_allocate(layout).map_err(|_| AllocError)
                }

                #[inline]
                fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    let $this = self;
                    $raw.raw_allocate_zeroed(layout).map_err(|_| AllocError)
                }

                #[inline]
                unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
                    let $this = self;
                    // SAFETY: forwarded from the caller.
                    unsafe { $raw.raw_deallocate(block, layout) }
                }

                #[inline]
                unsafe fn grow(
                    &self,
                    block: NonNull<u8>,
                    old: Layout,
                    new: Layout,
                ) -> Result<NonNull<[u8]>, AllocError> {
                    let $this = self;
                    // SAFETY: forwarded from the caller.
                    unsafe { $raw.raw_grow(block, old, new) }.map_err(|_| AllocError)
                }

                #[inline]
                unsafe fn grow_zeroed(
                    &self,
                    block: NonNull<u8>,
                    old: Layout,
                    new: Layout,
                ) -> Result<NonNull<[u8]>, AllocError> {
                    let $this = self;
                    // SAFETY: forwarded from the caller.
                    unsafe { $raw.raw_grow_zeroed(block, old, new) }.map_err(|_| AllocError)
                }

                #[inline]
                unsafe fn shrink(
                    &self,
                    block: NonNull<u8>,
                    old: Layout,
                    new: Layout,
                ) -> Result<NonNull<[u8]>, AllocError> {
                    let $this = self;
                    // SAFETY: forwarded from the caller.
                    unsafe { $raw.raw_shrink(block, old, new) }.map_err(|_| AllocError)
                }
            }
        };
    };
}

/// Implements every version that is on, for every type named.
macro_rules! impl_every_allocator {
    ($([$($generics:tt)*] $type:ty, $this:ident => $raw:expr;)*) => {
        $(
            #[cfg(feature = "allocator-api2")]
            impl_allocator!(allocator_api2::alloc, [$($generics)*] $type, $this => $raw);
            #[cfg(feature = "allocator-api2-04")]
            impl_allocator!(allocator_api2_04::alloc, [$($generics)*] $type, $this => $raw);
            #[cfg(feature = "nightly")]
            impl_allocator!(compiler, [$($generics)*] $type, $this => $raw);
        )*
    };
}

/// The compiler's own trait lives where only `std` or `alloc` name it publicly on all versions.
#[cfg(feature = "nightly")]
mod compiler {
    extern crate alloc;
    pub(super) use alloc::alloc::{AllocError, Allocator};
}

use crate::arena::{
    Arena, Scope,
    source::{Rewind, Source},
};

impl_every_allocator! {
    [S: Source, const MIN_ALIGN: usize] Arena<S, MIN_ALIGN>, arena => arena;
    [S: Rewind, const MIN_ALIGN: usize] Scope<'_, S, MIN_ALIGN>, scope => scope.arena();
}

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
impl_every_allocator! {
    [] crate::VirtualAllocator, pages => pages;
    [] crate::SyncArena, arena => arena;
    ['a] crate::LocalArena<'a>, local => local.arena();
}
