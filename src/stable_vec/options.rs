//! What a vector is to be: reservation, huge pages, name.

use super::{Memory, StableVec};
use crate::CommitPolicy;
use crate::stable::StableBlockOptions;
use allocator_api2::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::fmt;
use core::marker::PhantomData;

/// The options of a [`StableVec`], set one by one.
///
/// ```
/// let samples: v_alloc::StableVec<u64> = v_alloc::StableVec::<u64>::options().reservation(1000).build();
/// samples.push(1);
/// assert_eq!(samples.reserved(), 1024, "whole pages, at least what was asked for");
/// ```
#[must_use = "options do nothing until `build`"]
pub struct StableVecOptions<T> {
    block: StableBlockOptions,
    elements: PhantomData<fn() -> T>,
}

// Not derived, which would ask the same of the elements.
impl<T> Clone for StableVecOptions<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StableVecOptions<T> {}

impl<T> fmt::Debug for StableVecOptions<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("StableVecOptions").field(&self.block).finish()
    }
}

impl<T> StableVecOptions<T> {
    pub(super) const fn new(block: StableBlockOptions) -> Self {
        Self { block, elements: PhantomData }
    }

    /// Room for at least so many elements, in address space; see [`StableVec::reserved`].
    ///
    /// ```
    /// let vec = v_alloc::StableVec::<u64>::options().reservation(1 << 20).build();
    /// assert_eq!(vec.reserved(), 1 << 20);
    /// ```
    pub const fn reservation(mut self, elements: usize) -> Self {
        self.block = self.block.reservation(elements.saturating_mul(size_of::<T>()));
        self
    }

    /// Whether huge pages, of 2 MiB, may back what lies beyond the first 20 MiB: the last one may be hardly used, which
    /// before would be a large part of what is resident. Default: yes.
    ///
    /// ```
    /// let vec = v_alloc::StableVec::options().huge_pages(false).build();
    /// assert_eq!(*vec.push(1), 1);
    /// ```
    pub const fn huge_pages(mut self, allowed: bool) -> Self {
        self.block = self.block.huge_pages(allowed);
        self
    }

    /// Which matters more, throughput (the default) or latency: then no push takes longer than it takes to clear a
    /// small page.
    ///
    /// ```
    /// use v_alloc::{CommitPolicy, StableVec};
    /// let events = StableVec::<u64>::options().commit_policy(CommitPolicy::Latency).build();
    /// assert_eq!(events.push(7), &7);
    /// ```
    pub const fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.block = self.block.commit_policy(policy);
        self
    }

    /// Whether what is resident must stay close to what is in use.
    pub(crate) const fn tight(mut self, tight: bool) -> Self {
        self.block = self.block.tight(tight);
        self
    }

    /// A name in the process's memory map; see [`StableBlockOptions::name`].
    ///
    /// ```
    /// let vec = v_alloc::StableVec::options().name(c"samples").build();
    /// assert_eq!(*vec.push(1), 1); // where the kernel can: [anon:samples] in /proc/self/maps
    /// ```
    pub const fn name(mut self, name: &'static CStr) -> Self {
        self.block = self.block.name(name);
        self
    }

    /// The vector, empty; it has no addresses yet.
    ///
    /// ```
    /// let vec: v_alloc::StableVec<u64> = v_alloc::StableVec::options().build();
    /// assert_eq!(vec.capacity(), 0);
    /// ```
    #[must_use]
    pub const fn build(self) -> StableVec<T> {
        let memory = Memory::new(self.block);
        StableVec { vec: UnsafeCell::new(Vec::new_in(memory)) }
    }
}
