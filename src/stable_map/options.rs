//! What a map is to be: reservation, huge pages, name.

use super::index::{self, Index};
use super::slots::{Slots, Word};
use super::{DefaultHasher, StableMap};
use crate::{CommitPolicy, StableBlock, StableBlockOptions, StableVec, StableVecOptions};
use core::ffi::CStr;
use core::fmt;
use core::mem::MaybeUninit;

/// The options of a [`StableMap`], set one by one. They are about its entries; the table that finds them grows by
/// itself.
///
/// ```
/// let ages: v_alloc::StableMap<String, u32> = v_alloc::StableMap::options().reservation(1_000_000).build();
/// assert!(ages.reserved() >= 1_000_000 && ages.capacity() == 0);
/// ```
#[must_use = "options do nothing until `build`"]
pub struct StableMapOptions<K, V> {
    pub(super) words: StableVecOptions<Word>,
    pub(super) entries: StableVecOptions<MaybeUninit<(K, V)>>,
    table: StableBlockOptions,
}

// Not derived, which would ask the same of keys and values.
impl<K, V> Clone for StableMapOptions<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for StableMapOptions<K, V> {}

impl<K, V> fmt::Debug for StableMapOptions<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("StableMapOptions").field(&self.entries).finish()
    }
}

impl<K, V> StableMapOptions<K, V> {
    /// Room for at least so many entries, in address space; see [`StableMap::reserved`].
    ///
    /// ```
    /// let map = v_alloc::StableMap::<u64, u64>::options().reservation(1000).build();
    /// assert!(map.reserved() >= 1000 && map.reserved() < 2000);
    /// ```
    pub const fn reservation(mut self, entries: usize) -> Self {
        self.words = self.words.reservation(entries);
        self.entries = self.entries.reservation(entries);
        self.table = index::with_room_for(self.table, entries);
        self
    }

    /// Whether huge pages may back the entries beyond the first 2 MiB, and the table that finds them; see [`StableBlockOptions::huge_pages`](crate::StableBlockOptions::huge_pages).
    ///
    /// ```
    /// let mut ages = v_alloc::StableMap::<&str, u32>::options().huge_pages(false).build();
    /// ages.insert("Ada", 36);
    /// assert_eq!(ages["Ada"], 36);
    /// ```
    pub const fn huge_pages(mut self, allowed: bool) -> Self {
        self.entries = self.entries.huge_pages(allowed);
        self.table = self.table.huge_pages(allowed);
        self
    }

    /// Which matters more, throughput (the default) or latency; see [`StableVecOptions::commit_policy`].
    ///
    /// ```
    /// use v_alloc::{CommitPolicy, StableMap};
    /// let mut ages = StableMap::<&str, u32>::options().commit_policy(CommitPolicy::Latency).build();
    /// ages.insert("Ada", 36);
    /// assert_eq!(ages["Ada"], 36);
    /// ```
    pub const fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.entries = self.entries.commit_policy(policy);
        self.table = self.table.commit_policy(policy);
        self
    }

    /// A name for the entries in the process's memory map; see [`StableVecOptions::name`].
    ///
    /// ```
    /// let mut ages = v_alloc::StableMap::<&str, u32>::options().name(c"ages").build();
    /// ages.insert("Ada", 36); // where the kernel can: [anon:ages] in /proc/self/maps
    /// assert_eq!(ages["Ada"], 36);
    /// ```
    pub const fn name(mut self, name: &'static CStr) -> Self {
        self.entries = self.entries.name(name);
        self
    }

    /// The map, empty; it has no addresses yet.
    ///
    /// ```
    /// let mut ages = v_alloc::StableMap::<&str, u32>::options().build();
    /// assert_eq!(ages.capacity(), 0);
    /// ages.insert("Ada", 36);
    /// assert!(ages.capacity() > 0);
    /// ```
    #[must_use]
    pub fn build(self) -> StableMap<K, V> {
        self.build_with_hasher(DefaultHasher::default())
    }

    /// The map, empty, with this hasher.
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let options = v_alloc::StableMap::<&str, u32>::options().reservation(1000);
    /// let mut ages = options.build_with_hasher(RandomState::new());
    /// assert_eq!(ages.insert("Ada", 36), None);
    /// ```
    #[must_use]
    pub const fn build_with_hasher<S>(self, hasher: S) -> StableMap<K, V, S> {
        StableMap { slots: Slots::new(self), index: Index::new(self.table), ready: 0, hasher }
    }
}

impl<K, V> StableMap<K, V> {
    /// The options of a map: reservation, huge pages, name.
    ///
    /// ```
    /// let ages = v_alloc::StableMap::<&str, u32>::options().reservation(1000).name(c"ages").build();
    /// assert!(ages.is_empty());
    /// ```
    pub const fn options() -> StableMapOptions<K, V> {
        StableMapOptions {
            // Words are gone through in order: huge pages would not help.
            words: StableVec::options().huge_pages(false),
            // Entries are looked up in any order: huge pages are worth what the last one wastes.
            entries: StableVec::options().tight(false),
            table: StableBlock::options(),
        }
    }
}

impl<K, V, S> StableMap<K, V, S> {
    /// How many entries the map can grow to: its reservation. Before the first entry, what it will ask for.
    ///
    /// ```
    /// let map = v_alloc::StableMap::<u64, u64>::new();
    /// assert!(map.reserved() > 10_000);
    /// ```
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.slots.reserved().min(self.index.reserved())
    }
}
