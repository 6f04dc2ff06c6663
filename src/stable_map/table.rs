//! Numbers by hash: a table of chunks, each as long as a cache line, whose places are compared all at once.
//!
//! ```text
//!  a chunk:  | controls: u8 x 12 | passed: u32 | numbers: u32 x 12 |       64 bytes
//!
//!  control   0: the place is free; else 0x80 and seven bits of the tag
//!  passed    how many entries found the chunk full and lie further on their way
//! ```
//!
//! An entry lies in the first chunk of its way that had a place. A search that does not find it there goes on only if
//! the chunk was passed, so a removed entry leaves nothing behind. Fresh pages are a table without entries: a large one
//! need not be cleared.

use super::index::Number;
use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::stable::StableBlock;
use core::ptr::NonNull;

/// Bits of a hash that an entry is found by. It has 31.
pub(crate) type Tag = u32;

/// How many bits a tag has.
pub(crate) const TAG_BITS: u32 = 31;

/// The mixed bits of a hash: hashers exist that leave one end of it alone.
#[inline]
pub(crate) fn tag_of(hash: u64) -> Tag {
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - TAG_BITS)) as Tag
}

/// Places in a chunk, and how many of them are taken on average at most.
const PLACES: usize = 12;
const MOST_TAKEN: usize = 10;

/// A page of chunks.
const SMALLEST_BITS: u32 = 6;
/// The most that numbers allow for, or addresses where those are few: more entries do not fit there.
const LARGEST_BITS: u32 = if usize::BITS < 64 { 22 } else { 27 };

#[repr(C, align(64))]
struct Chunk {
    controls: [u8; PLACES],
    passed: u32,
    numbers: [Number; PLACES],
}

/// What a table without memory consists of.
static NO_CHUNK: Chunk = Chunk { controls: [0; PLACES], passed: 0, numbers: [0; PLACES] };

/// A control of an entry with this tag.
#[inline(always)]
fn control_of(tag: Tag) -> u8 {
    (tag & 0x7f) as u8 | 0x80
}

impl Chunk {
    /// A bit for each place with this control.
    #[inline(always)]
    fn places_with(&self, control: u8) -> u32 {
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
        let equal = {
            use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_load_si128, _mm_movemask_epi8, _mm_set1_epi8};
            // SAFETY: a chunk has more than 16 bytes, all of them integers, and is aligned to as many; the target has
            // SSE2.
            unsafe {
                let controls = _mm_load_si128(core::ptr::from_ref(self).cast());
                let equal = _mm_cmpeq_epi8(controls, _mm_set1_epi8(i8::from_ne_bytes([control])));
                u32::from_ne_bytes(_mm_movemask_epi8(equal).to_ne_bytes())
            }
        };
        #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(miri))))]
        let equal = {
            let &[a, b, c, d, e, f, g, h, ref rest @ ..] = &self.controls;
            let &[i, j, k, l] = rest;
            equal_bytes([a, b, c, d, e, f, g, h], control)
                | equal_bytes([i, j, k, l, 0, 0, 0, 0], control) << 8
        };
        equal & ((1 << PLACES) - 1)
    }

    /// A free place.
    #[inline(always)]
    fn free_place(&self) -> Option<usize> {
        let free = self.places_with(0);
        (free != 0).then(|| free.trailing_zeros() as usize)
    }
}

/// A bit for each byte that is `wanted`, the first byte lowest.
#[cfg_attr(all(target_arch = "x86_64", target_feature = "sse2", not(miri)), cfg(test))]
#[inline(always)]
fn equal_bytes(bytes: [u8; 8], wanted: u8) -> u32 {
    const LOW_SEVEN: u64 = u64::from_ne_bytes([0x7f; 8]);
    let differing = u64::from_le_bytes(bytes) ^ u64::from_ne_bytes([wanted; 8]);
    // The high bit of each byte that is 0: the sum carries into it from any of the lower seven.
    let zero = !(((differing & LOW_SEVEN) + LOW_SEVEN) | differing | LOW_SEVEN);
    // The eight bits moved next to each other, into the highest byte.
    ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// A table for a number of entries that is fixed.
pub(super) struct Table {
    /// Keeps the chunks.
    memory: StableBlock,
    chunks: NonNull<Chunk>,
    /// The table has `1 << bits` chunks.
    bits: u32,
    taken: usize,
    most_taken: usize,
}

// SAFETY: the chunks belong to the table alone, or are the one that nobody writes to.
unsafe impl Send for Table {}
// SAFETY: through a shared borrow they are only read.
unsafe impl Sync for Table {}

impl Table {
    /// A table that has no room.
    pub(super) const EMPTY: Self = Self {
        memory: StableBlock::options().huge_pages(false).build(),
        chunks: NonNull::from_ref(&NO_CHUNK),
        bits: 0,
        taken: 0,
        most_taken: 0,
    };

    /// A table with room for so many entries, and at least one.
    pub(super) fn with_room(entries: usize) -> Result<Self, ReserveError> {
        let chunks = entries.div_ceil(MOST_TAKEN).checked_next_power_of_two();
        let bits = chunks.map_or(u32::MAX, usize::trailing_zeros).max(SMALLEST_BITS);
        if bits > LARGEST_BITS {
            return Err(ReserveError::new(Operation::Reserve, usize::MAX, Cause::TooLarge));
        }
        let bytes = size_of::<Chunk>() << bits;
        let mut memory = StableBlock::options().reservation(bytes).huge_pages(false).build();
        memory.resize(bytes)?;
        let chunks = memory.base().cast();
        Ok(Self { memory, chunks, bits, taken: 0, most_taken: MOST_TAKEN << bits })
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.taken < self.most_taken
    }

    /// How many entries it has room for.
    pub(super) fn room(&self) -> usize {
        self.most_taken
    }

    /// Gives back so many bytes of a table that nobody looks into any more; tells whether there are none left.
    pub(super) fn give_back(&mut self, bytes: usize) -> bool {
        let rest = self.memory.len().saturating_sub(bytes);
        // What the system does not take now it takes when the table is dropped.
        rest == 0 || self.memory.resize(rest).is_err()
    }

    /// The chunks on the way of a tag: each of them once. The first is chosen by bits that controls do not have; those
    /// choose how far apart the others lie, so that ways that meet part again.
    #[inline(always)]
    fn way(&self, tag: Tag) -> impl Iterator<Item = usize> + use<> {
        let (first, step) = ((tag >> (TAG_BITS - self.bits)) as usize, tag as usize | 1);
        let count = 1_usize << self.bits;
        (0..count).map(move |turn| first.wrapping_add(turn.wrapping_mul(step)) & (count - 1))
    }

    #[inline(always)]
    fn chunk(&self, at: usize) -> &Chunk {
        // SAFETY: only what `way` says is asked for; the table has so many chunks. They are fresh pages, in which all
        // bytes are 0, or what this table wrote.
        unsafe { self.chunks.add(at).as_ref() }
    }

    #[inline(always)]
    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        debug_assert!(self.most_taken > 0);
        // SAFETY: as above, and borrowed exclusively. The chunk that all empty tables share is not asked for here:
        // nothing is entered where there is no room, nothing removed that was not entered.
        unsafe { self.chunks.add(at).as_mut() }
    }

    /// The number with this tag for which `is_it` is true.
    #[inline(always)]
    pub(super) fn find(&self, tag: Tag, mut is_it: impl FnMut(Number) -> bool) -> Option<Number> {
        for at in self.way(tag) {
            let chunk = self.chunk(at);
            let mut places = chunk.places_with(control_of(tag));
            while let Some(&number) = chunk.numbers.get(places.trailing_zeros() as usize) {
                if is_it(number) {
                    return Some(number);
                }
                places &= places - 1;
            }
            if chunk.passed == 0 {
                break;
            }
        }
        None
    }

    /// Enters a number. The table must have room.
    #[inline(always)]
    pub(super) fn insert(&mut self, tag: Tag, number: Number) {
        debug_assert!(self.has_room());
        for at in self.way(tag) {
            let chunk = self.chunk_mut(at);
            if let Some(place) = chunk.free_place() {
                chunk.controls[place] = control_of(tag);
                chunk.numbers[place] = number;
                self.taken += 1;
                return;
            }
            chunk.passed += 1;
        }
    }

    /// Takes a number out that was entered with this tag.
    pub(super) fn remove(&mut self, tag: Tag, number: Number) {
        for (turn, at) in self.way(tag).enumerate() {
            let mut places = self.chunk(at).places_with(control_of(tag));
            while let Some(&its_number) = self.chunk(at).numbers.get(places.trailing_zeros() as usize) {
                if its_number == number {
                    self.chunk_mut(at).controls[places.trailing_zeros() as usize] = 0;
                    self.taken -= 1;
                    for at in self.way(tag).take(turn) {
                        self.chunk_mut(at).passed -= 1;
                    }
                    return;
                }
                places &= places - 1;
            }
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panicking what is wrong; the numbers are small"
)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_place_with_a_control_is_seen_and_no_other() {
        for place in 0..PLACES {
            for control in [0x80, 0x81, 0xfe, 0xff] {
                let mut chunk = Chunk { controls: [0; PLACES], passed: u32::MAX, numbers: [0; PLACES] };
                chunk.controls[place] = control;
                assert_eq!(chunk.places_with(control), 1 << place);
                assert_eq!(chunk.places_with(0), 0xfff & !(1 << place));
                assert_eq!(chunk.places_with(control ^ 1), 0);
            }
        }
        for byte in 0..=u8::MAX {
            let bytes = [byte, 0, 1, 0x7f, 0x80, 0xff, byte, byte ^ 1];
            let expected = (0..8).filter(|&at| bytes[at] == byte).map(|at| 1 << at).sum();
            assert_eq!(equal_bytes(bytes, byte), expected, "{byte:x}");
        }
    }

    #[test]
    fn a_way_comes_to_every_chunk_once() {
        let table = Table::with_room(5000).unwrap();
        for tag in [0, 1, 0x7f, (1 << TAG_BITS) - 1, 0x1234_5678] {
            let mut chunks: Vec<_> = table.way(tag).collect();
            chunks.sort_unstable();
            assert_eq!(chunks, (0..1 << table.bits).collect::<Vec<_>>());
        }
    }

    #[test]
    fn removed_entries_leave_nothing_behind() {
        let mut table = Table::with_room(600).unwrap();
        // Half of them on one way, over many chunks.
        let tag = |number: Number| if number % 2 == 0 { 77 } else { tag_of(u64::from(number)) };
        for round in 0..3 {
            for number in 0..600 {
                table.insert(tag(number), number);
            }
            for number in (0..600).map(|number| (number * 7 + round) % 600) {
                assert_eq!(table.find(tag(number), |found| found == number), Some(number));
                table.remove(tag(number), number);
                assert_eq!(table.find(tag(number), |found| found == number), None);
            }
            assert_eq!(table.taken, 0);
            for at in 0..1 << table.bits {
                assert_eq!((table.chunk(at).passed, table.chunk(at).controls), (0, [0; PLACES]));
            }
        }
    }

    #[test]
    fn a_search_ends_where_every_chunk_was_passed() {
        let mut table = Table::with_room(1).unwrap();
        for at in 0..1 << table.bits {
            table.chunk_mut(at).passed = 1;
        }
        assert_eq!(table.find(5, |_| true), None);
    }

    #[test]
    fn a_table_of_all_that_it_has_room_for() {
        let count = 1 << 20;
        let tag = |number: Number| tag_of(u64::from(number).wrapping_mul(0x5851_F42D_4C95_7F2D));
        let mut table = Table::with_room(count).unwrap();
        let count = table.room() as Number;
        for number in 0..count {
            assert!(table.has_room());
            table.insert(tag(number), number);
        }
        assert!(!table.has_room());
        for number in (0..count).step_by(7) {
            assert_eq!(table.find(tag(number), |found| found == number), Some(number));
            table.remove(tag(number), number);
            assert_eq!(table.find(tag(number), |found| found == number), None);
        }
    }

    #[test]
    fn more_entries_than_numbers_are_refused() {
        assert!(Table::with_room(usize::MAX).is_err());
        assert!(Table::with_room(1 << 31).is_err());
    }
}
