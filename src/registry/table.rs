//! The table: entries that are claimed, changed and read without a lock, as they lie in memory.

use super::{Kind, NAME_BYTES, Snapshot};
use core::ffi::CStr;
use core::num::NonZeroUsize;
use core::sync::atomic::{
    AtomicU8, AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// Entries of a table. With the header they are 128 KiB.
pub const CAPACITY: usize = ROOM as usize;
const ROOM: u32 = 1023;

pub(super) const MAGIC: [u8; 8] = *b"v_alloc\0";
pub(super) const VERSION: u32 = 1;

/// A number that fills eight bytes on every machine, so that one format is enough.
#[repr(C, align(8))]
pub(super) struct Word {
    #[cfg(all(target_pointer_width = "32", target_endian = "big"))]
    _high: u32,
    value: AtomicUsize,
    #[cfg(all(target_pointer_width = "32", target_endian = "little"))]
    _high: u32,
}

/// See "The bytes" in the module. All zero is a table that was not begun.
#[repr(C)]
pub(super) struct Table {
    magic: [AtomicU8; 8],
    version: AtomicU32,
    header_size: AtomicU32,
    entry_size: AtomicU32,
    capacity: AtomicU32,
    process: AtomicU32,
    _reserved: u32,
    /// Entries from here on were never claimed.
    used: Word,
    _rest: [u8; 88],
    entries: [Entry; CAPACITY],
}

/// ```text
///  state:      0   -->   1   -->   2   -->   3   --> ...    odd: the fields stand for one that is there
///  address:    0   -->   A   -->   0   -->   B              not 0: somebody's
/// ```
///
/// Whoever writes an address into an entry without one has it for himself.
#[repr(C)]
pub(super) struct Entry {
    state: Word,
    address: Word,
    reserved: Word,
    committed: Word,
    peak: Word,
    kind: AtomicU32,
    _reserved: u32,
    name: [AtomicU8; NAME_BYTES],
}

const _: () = assert!(size_of::<Entry>() == 128 && size_of::<Table>() == 128 << 10);

impl Table {
    /// Writes the header of a table that nobody else knows of.
    pub(super) fn begin(&self, process: u32) {
        self.version.store(VERSION, Relaxed);
        self.header_size.store(128, Relaxed);
        self.entry_size.store(128, Relaxed);
        self.capacity.store(ROOM, Relaxed);
        self.process.store(process, Relaxed);
        fence(Release); // whoever reads the file looks for the magic first
        for (place, byte) in self.magic.iter().zip(MAGIC) {
            place.store(byte, Relaxed);
        }
    }

    fn used(&self) -> &[Entry] {
        self.entries.get(..self.used.value.load(Acquire)).unwrap_or(&self.entries)
    }

    /// Claims an entry, unless all are taken.
    pub(super) fn enter(&self, kind: Kind, base: NonZeroUsize, name: &CStr, reserved: usize) {
        let claimed = |entry: &&Entry| {
            let address = &entry.address.value;
            address.load(Relaxed) == 0 && address.compare_exchange(0, base.get(), Acquire, Relaxed).is_ok()
        };
        // Counted before it is of use, so that its owner finds it whatever others do.
        let mut number = 0;
        let mut counted = self.entries.iter().inspect(|_| number += 1);
        if let Some(entry) = counted.find(claimed) {
            self.used.value.fetch_max(number, Release);
            entry.fill(kind, name, reserved);
        }
    }

    /// The entry of what starts there; only for its owner.
    pub(super) fn find(&self, base: NonZeroUsize) -> Option<&Entry> {
        self.used().iter().find(|entry| entry.address.value.load(Relaxed) == base.get())
    }
}

impl Entry {
    /// Only for whoever has claimed it.
    fn fill(&self, kind: Kind, name: &CStr, reserved: usize) {
        // Readers that see any of it see that the state was even, or has changed.
        fence(Release);
        self.reserved.value.store(reserved, Relaxed);
        self.committed.value.store(0, Relaxed);
        self.peak.value.store(0, Relaxed);
        self.kind.store(kind as u32, Relaxed);
        let name = name.to_bytes().iter().copied().chain(core::iter::repeat(0));
        for (place, byte) in self.name.iter().zip(name) {
            place.store(byte, Relaxed);
        }
        self.state.value.fetch_add(1, Release);
    }

    /// Threads that commit the same memory may come by in any order. Who sees what is committed sees a peak that is not below.
    pub(super) fn raise(&self, committed: usize) {
        self.peak.value.fetch_max(committed, Relaxed);
        self.committed.value.fetch_max(committed, Release);
    }

    /// Whoever gives memory back is alone.
    pub(super) fn lower(&self, committed: usize) {
        self.committed.value.store(committed, Relaxed);
    }

    pub(super) fn free(&self) {
        self.state.value.fetch_add(1, Relaxed);
        self.address.value.store(0, Release);
    }

    /// What it stands for, unless that changes meanwhile.
    fn read(&self) -> Option<Snapshot> {
        let state = self.state.value.load(Acquire);
        let mut name = [0; NAME_BYTES];
        for (byte, place) in name.iter_mut().zip(&self.name) {
            *byte = place.load(Relaxed);
        }
        let snapshot = Snapshot {
            kind: Kind::of_number(self.kind.load(Relaxed))?,
            address: self.address.value.load(Relaxed),
            reserved: self.reserved.value.load(Relaxed),
            committed: self.committed.value.load(Acquire),
            peak: self.peak.value.load(Relaxed),
            name,
        };
        fence(Acquire);
        let same = state % 2 == 1 && self.state.value.load(Relaxed) == state;
        (same && snapshot.address != 0).then_some(snapshot)
    }
}

impl Kind {
    pub(super) fn of_number(number: u32) -> Option<Self> {
        [Self::Arena, Self::Shared, Self::Block].into_iter().find(|&kind| kind as u32 == number)
    }
}

/// What is listed in this process: see [`entries`](super::entries).
///
/// ```
/// use v_alloc::{Arena, registry};
/// registry::publish()?;
/// let arenas = [c"one", c"two"].map(|name| Arena::options().name(name).build());
/// let listed: registry::Entries = registry::entries();
/// assert_eq!(listed.count(), arenas.len());
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone)]
pub struct Entries(core::slice::Iter<'static, Entry>);

impl Entries {
    pub(super) fn of(table: Option<&'static Table>) -> Self {
        Self(table.map_or(&[][..], Table::used).iter())
    }
}

impl Iterator for Entries {
    type Item = Snapshot;

    fn next(&mut self) -> Option<Snapshot> {
        self.0.find_map(Entry::read)
    }
}

impl core::fmt::Debug for Entries {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_list().entries(self.clone()).finish()
    }
}
