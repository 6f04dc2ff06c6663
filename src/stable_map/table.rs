//! Numbers by hash: a table of chunks, each as long as a cache line, whose places are compared all at once.
//!
//! ```text
//!  a chunk:  | controls: u8 x 12 | passed: u32 | numbers: u32 x 12 |       64 bytes
//!
//!  control   0: the place is free; else eight bits of the tag
//!  passed    how many entries found the chunk full and lie further on their way
//! ```
//!
//! The highest bits of a tag say which chunk is its first, the lowest are its control:
//!
//! ```text
//!  a tag of 31 bits:  | first chunk: as many bits as there are |  ...  | control: 8 |
//! ```
//!
//! So the entries of one chunk lie in two next to each other in a table of twice the size. An entry lies in its first
//! chunk, or in the next behind it that had a place. A search that does not find it goes on only if the chunk was passed,
//! so a removed entry leaves nothing behind. Fresh pages are a table without entries: a large one need not be cleared.

use super::index::Number;
use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::stable::{StableBlock, StableBlockOptions};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// The bits of a hash that an entry is found by: 31, mixed.
pub(crate) type Tag = u32;

/// How many bits a tag has.
pub(crate) const TAG_BITS: u32 = 31;

/// The tag of a hash. Hashers exist that leave one end of it alone, or the middle; the highest bits of the product, which say
/// where an entry lies, depend on all of it.
#[inline(always)]
pub(crate) fn tag_of(hash: u64) -> Tag {
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - TAG_BITS)) as Tag
}

/// Places in a chunk, and how many of them are taken on average at most.
const PLACES: usize = 12;
const MOST_TAKEN: usize = 9;

/// The smallest table, of four chunks, and the next, which is a page: to make one takes longer than to clear a few chunks more.
const SMALLEST_BITS: u32 = 2;
const NEXT_BITS: u32 = 6;
/// The most that numbers allow for, or addresses where those are few: more entries do not fit there.
const LARGEST_BITS: u32 = if usize::BITS < 64 { 22 } else { 27 };

/// The most entries of any table.
pub(crate) const MOST_ENTRIES: usize = MOST_TAKEN << LARGEST_BITS;

/// Bytes of a table that are cleared whatever they are. A larger one gets zeroes from the system, and only where it is used.
const CLEARED_HERE: usize = 16 << 10;

/// A bit for each place of a chunk, that of the first lowest.
type Places = u16;

#[repr(C, align(64))]
struct Chunk {
    controls: [u8; PLACES],
    passed: u32,
    numbers: [Number; PLACES],
}

/// What a table without memory consists of.
static NO_CHUNK: Chunk = Chunk { controls: [0; PLACES], passed: 0, numbers: [0; PLACES] };
const NO_CHUNKS: NonNull<Chunk> = {
    // SAFETY: it is not null.
    unsafe { NonNull::new_unchecked(core::ptr::from_ref(&NO_CHUNK).cast_mut()) }
};

/// The control of an entry with this tag: its lowest bits. (All that have 0 there share 1 with others.)
#[inline(always)]
fn control_of(tag: Tag) -> u8 {
    let [lowest, ..] = tag.to_le_bytes();
    lowest.max(1)
}

impl Chunk {
    /// A bit for each place with this control.
    #[inline(always)]
    fn places_with(&self, control: u8) -> Places {
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
        let equal = {
            use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_load_si128, _mm_movemask_epi8, _mm_set1_epi32};
            // SAFETY: a chunk has more than 16 bytes, all of them integers, and is aligned to as many; the target has
            // SSE2.
            unsafe {
                let controls = _mm_load_si128(core::ptr::from_ref(self).cast());
                let equal =
                    _mm_cmpeq_epi8(controls, _mm_set1_epi32(i32::from(control).wrapping_mul(0x0101_0101)));
                let [low, high, ..] = _mm_movemask_epi8(equal).to_le_bytes();
                Places::from_le_bytes([low, high])
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

    /// The first of some places, and the number there.
    #[inline(always)]
    fn first_of(&self, places: Places) -> Option<(usize, Number)> {
        let place = places.trailing_zeros() as usize;
        // SAFETY: only the lowest bits of `places` are set, as many as there are places.
        (places != 0).then(|| (place, unsafe { *self.numbers.get_unchecked(place) }))
    }

    /// See [`Chunks::find`].
    #[inline(always)]
    fn find<R>(&self, tag: Tag, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        let mut places = self.places_with(control_of(tag));
        while let Some((_, number)) = self.first_of(places) {
            let found = look(number);
            if found.is_some() {
                return found;
            }
            places &= places - 1;
        }
        None
    }

    /// A free place.
    #[inline(always)]
    fn free_place(&self) -> Option<usize> {
        let free = self.places_with(0);
        (free != 0).then(|| free.trailing_zeros() as usize)
    }
}

/// Two to this power are the chunks of a table that has room for so many entries.
fn bits_for(entries: usize) -> u32 {
    let chunks = entries.div_ceil(MOST_TAKEN).checked_next_power_of_two();
    match chunks.map_or(u32::MAX, usize::trailing_zeros) {
        ..=SMALLEST_BITS => SMALLEST_BITS,
        bits => bits.max(NEXT_BITS),
    }
}

/// A bit for each byte that is `wanted`, the first byte lowest.
#[cfg_attr(all(target_arch = "x86_64", target_feature = "sse2", not(miri)), cfg(test))]
#[inline(always)]
fn equal_bytes(bytes: [u8; 8], wanted: u8) -> Places {
    const LOW_SEVEN: u64 = u64::from_ne_bytes([0x7f; 8]);
    let differing = u64::from_le_bytes(bytes) ^ u64::from_ne_bytes([wanted; 8]);
    // The high bit of each byte that is 0: the sum carries into it from any of the lower seven.
    let zero = !(((differing & LOW_SEVEN) + LOW_SEVEN) | differing | LOW_SEVEN);
    // The eight bits moved next to each other, into the highest byte.
    ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as Places
}

/// A table for a number of entries that is fixed.
pub(super) struct Table {
    /// Keeps the chunks.
    memory: StableBlock,
    base: NonNull<Chunk>,
    /// One less than the number of chunks, which is a power of two.
    mask: usize,
    /// The first chunk of a tag is what is left of it when it is shifted by so much.
    shift: u32,
    taken: usize,
    most_taken: usize,
}

// SAFETY: the chunks belong to the table alone, or are the one that nobody writes to.
unsafe impl Send for Table {}
// SAFETY: through a shared borrow they are only read.
unsafe impl Sync for Table {}

impl Table {
    /// A table that has no room, and gets memory with these options when it grows.
    pub(super) const fn empty(memory: StableBlockOptions) -> Self {
        let memory = memory.build();
        Self { memory, base: NO_CHUNKS, mask: 0, shift: TAG_BITS, taken: 0, most_taken: 0 }
    }

    /// As [`empty`](Self::empty), instead of this one.
    pub(super) const fn emptied(&self) -> Self {
        Self::empty(self.memory.same_options())
    }

    /// A table like this with room for so many entries, and at least one.
    pub(super) fn with_room(&self, entries: usize) -> Result<Self, ReserveError> {
        self.of_chunks(bits_for(entries))
    }

    /// A table with the same entries at the same places, and as much room.
    pub(super) fn copy(&self) -> Result<Self, ReserveError> {
        if self.most_taken == 0 {
            return Ok(self.emptied());
        }
        let copy = self.of_chunks((self.mask + 1).trailing_zeros())?;
        // SAFETY: each table has so many chunks; the new one's are its own.
        unsafe { copy.base.copy_from_nonoverlapping(self.base, self.mask + 1) };
        Ok(Self { taken: self.taken, ..copy })
    }

    /// As [`with_room`](Self::with_room), if that is smaller than this table.
    pub(super) fn smaller(&self, entries: usize) -> Option<Result<Self, ReserveError>> {
        let bits = bits_for(entries);
        (MOST_TAKEN << bits.min(LARGEST_BITS) < self.most_taken).then(|| self.of_chunks(bits))
    }

    /// A table of two to this power chunks.
    fn of_chunks(&self, bits: u32) -> Result<Self, ReserveError> {
        if bits > LARGEST_BITS {
            return Err(ReserveError::new(Operation::Reserve, usize::MAX, Cause::TooLarge));
        }
        let bytes = size_of::<Chunk>() << bits;
        let is_small = bytes <= CLEARED_HERE;
        let mut memory = self.memory.same_options().zeroed(!is_small).reservation(bytes).build();
        memory.resize(bytes)?;
        let (base, mask, shift) = (memory.base().cast::<Chunk>(), (1 << bits) - 1, TAG_BITS - bits);
        if is_small {
            // SAFETY: the block has so many chunks, and no other owner; without entries they are all zero.
            unsafe { base.write_bytes(0, 1 << bits) };
        }
        Ok(Self { memory, base, mask, shift, taken: 0, most_taken: MOST_TAKEN << bits })
    }

    /// Takes out all entries.
    pub(super) fn clear(&mut self) {
        if self.taken > 0 {
            // SAFETY: the table has so many chunks, which are borrowed exclusively; without entries they are all zero.
            unsafe { self.base.write_bytes(0, self.mask + 1) };
            self.taken = 0;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == 0
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

    /// Its chunks, to be searched.
    #[inline(always)]
    pub(super) fn chunks(&self) -> Chunks<'_> {
        Chunks { base: self.base, mask: self.mask, shift: self.shift, table: PhantomData }
    }

    #[inline(always)]
    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        debug_assert!(self.most_taken > 0);
        // SAFETY: as in `Chunks::at`, and borrowed exclusively. The chunk that all empty tables share is not asked for here:
        // nothing is entered where there is no room, nothing removed that was not entered.
        unsafe { self.base.add(at).as_mut() }
    }

    /// Enters a number. There must be room, or a free place at least.
    #[inline(always)]
    pub(super) fn insert(&mut self, tag: Tag, number: Number) {
        debug_assert!(self.taken < PLACES * self.chunks().count());
        let mut at = self.chunks().first(tag);
        loop {
            let chunk = self.chunk_mut(at);
            if let Some(place) = chunk.free_place() {
                chunk.controls[place] = control_of(tag);
                chunk.numbers[place] = number;
                self.taken += 1;
                return;
            }
            chunk.passed += 1;
            at = self.chunks().next(at);
        }
    }

    /// Takes a number out that was entered with this tag.
    #[inline]
    pub(super) fn remove(&mut self, tag: Tag, number: Number) {
        let mut at = self.chunks().first(tag);
        loop {
            let chunk = self.chunks().at(at);
            let mut places = chunk.places_with(control_of(tag));
            while let Some((place, its_number)) = chunk.first_of(places) {
                if its_number == number {
                    return self.take(tag, at, place);
                }
                places &= places - 1;
            }
            at = self.chunks().next(at);
            if at == self.chunks().first(tag) {
                return;
            }
        }
    }

    /// Takes out what has this tag and this place.
    #[inline]
    fn take(&mut self, tag: Tag, at: usize, place: usize) {
        self.chunk_mut(at).controls[place] = 0;
        self.taken -= 1;
        let mut passed = self.chunks().first(tag);
        while passed != at {
            self.chunk_mut(passed).passed -= 1;
            passed = self.chunks().next(passed);
        }
    }

    /// Takes out all entries whose first chunk is this one, and enters them in another table, which has room for them.
    /// `tag` knows the tag of each.
    pub(super) fn migrate(&mut self, first: usize, other: &mut Self, tag: impl Fn(Number) -> Tag) {
        let mut at = first;
        loop {
            let &Chunk { controls, numbers, .. } = self.chunks().at(at);
            let taken = |place: &usize| controls[*place] != 0;
            // All tags first: so the processor waits for all of them at once.
            let mut tags = [0; PLACES];
            for place in (0..PLACES).filter(taken) {
                tags[place] = tag(numbers[place]);
            }
            for place in (0..PLACES).filter(taken) {
                if self.chunks().first(tags[place]) == first {
                    other.insert(tags[place], numbers[place]);
                    self.take(tags[place], at, place);
                }
            }
            let passed = self.chunks().at(at).passed;
            at = self.chunks().next(at);
            if passed == 0 || at == first {
                return;
            }
        }
    }
}

/// The chunks of a table: what a search needs to know, by value, so that a loop of searches keeps it in registers.
#[derive(Clone, Copy)]
pub(super) struct Chunks<'a> {
    base: NonNull<Chunk>,
    mask: usize,
    shift: u32,
    table: PhantomData<&'a Table>,
}

impl<'a> Chunks<'a> {
    /// How many there are.
    pub(super) fn count(self) -> usize {
        self.mask + 1
    }

    /// The first chunk of a tag.
    #[inline(always)]
    pub(super) fn first(self, tag: Tag) -> usize {
        (tag >> self.shift) as usize
    }

    /// The chunk behind another; behind the last is the first.
    #[inline(always)]
    fn next(self, at: usize) -> usize {
        (at + 1) & self.mask
    }

    #[inline(always)]
    fn at(self, at: usize) -> &'a Chunk {
        // SAFETY: only what `first`, `next` and `count` say is asked for; the table, which is borrowed, has so many chunks. They
        // are fresh pages, in which all bytes are 0, or what the table wrote.
        unsafe { self.base.add(at).as_ref() }
    }

    /// What `look` makes of the first number with this tag that it makes something of.
    #[inline(always)]
    pub(super) fn find<R>(self, tag: Tag, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        // The first chunk by itself, because nearly every search ends there.
        let first = self.first(tag);
        let chunk = self.at(first);
        let found = chunk.find(tag, &look);
        if found.is_some() || chunk.passed == 0 {
            return found;
        }
        let mut at = self.next(first);
        while at != first {
            let chunk = self.at(at);
            let found = chunk.find(tag, &look);
            if found.is_some() || chunk.passed == 0 {
                return found;
            }
            at = self.next(at);
        }
        None
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

    const EMPTY: Table = Table::empty(StableBlock::options());

    fn with_room(entries: usize) -> Table {
        EMPTY.with_room(entries).unwrap()
    }

    fn find(table: &Table, tag: Tag, number: Number) -> Option<Number> {
        table.chunks().find(tag, |found| (found == number).then_some(found))
    }

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
    fn removed_entries_leave_nothing_behind() {
        let mut table = with_room(570);
        // Half of them on one way, over many chunks.
        let tag = |number: Number| if number % 2 == 0 { 77 } else { tag_of(u64::from(number)) };
        for round in 0..3 {
            for number in 0..570 {
                table.insert(tag(number), number);
            }
            for number in (0..570).map(|number| (number * 7 + round) % 570) {
                assert_eq!(find(&table, tag(number), number), Some(number));
                table.remove(tag(number), number);
                assert_eq!(find(&table, tag(number), number), None);
            }
            assert_eq!(table.taken, 0);
            for at in 0..=table.mask {
                assert_eq!(
                    (table.chunks().at(at).passed, table.chunks().at(at).controls),
                    (0, [0; PLACES]),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn all_entries_migrate_chunk_by_chunk() {
        let tag = |number: Number| match number % 4 {
            0 => 62 << (TAG_BITS - NEXT_BITS), // with those of the last chunks around the end
            _ => tag_of(u64::from(number).wrapping_mul(0x5851_F42D_4C95_7F2D)),
        };
        let (mut table, mut other) = (with_room(576), with_room(577));
        for number in 0..576 {
            table.insert(tag(number), number);
        }
        for first in 0..table.chunks().count() {
            table.migrate(first, &mut other, tag);
            for number in 0..576 {
                let (there, elsewhere) = if table.chunks().first(tag(number)) <= first {
                    (&other, &table)
                } else {
                    (&table, &other)
                };
                assert_eq!(find(there, tag(number), number), Some(number));
                assert_eq!(find(elsewhere, tag(number), number), None);
            }
        }
        assert_eq!((table.taken, other.taken), (0, 576));
        assert!((0..table.chunks().count()).all(|at| table.chunks().at(at).passed == 0));
    }

    #[test]
    fn a_search_ends_where_every_chunk_was_passed() {
        let mut table = with_room(1);
        for at in 0..=table.mask {
            table.chunk_mut(at).passed = 1;
        }
        assert_eq!(table.chunks().find(5, Some), None);
    }

    #[test]
    fn a_table_of_all_that_it_has_room_for() {
        let count = 1 << 20;
        let tag = |number: Number| tag_of(u64::from(number).wrapping_mul(0x5851_F42D_4C95_7F2D));
        let mut table = with_room(count);
        let count = table.room() as Number;
        for number in 0..count {
            assert!(table.has_room());
            table.insert(tag(number), number);
        }
        assert!(!table.has_room());
        for number in (0..count).step_by(7) {
            assert_eq!(find(&table, tag(number), number), Some(number));
            table.remove(tag(number), number);
            assert_eq!(find(&table, tag(number), number), None);
        }
    }

    #[test]
    fn a_table_that_was_cleared_has_nothing_and_takes_as_many_again() {
        let mut table = with_room(570);
        for _ in 0..3 {
            for number in 0..570 {
                table.insert(7, number); // one way over nearly all chunks
            }
            table.clear();
            assert!((0..570).all(|number| find(&table, 7, number).is_none()));
            let empty =
                |at| table.chunks().at(at).passed == 0 && table.chunks().at(at).controls == [0; PLACES];
            assert!((0..=table.mask).all(empty) && table.taken == 0);
        }
        assert!(table.smaller(570).is_none() && table.smaller(577).is_none());
        assert_eq!(with_room(577).smaller(576).unwrap().unwrap().room(), 576);
    }

    #[test]
    fn more_entries_than_numbers_are_refused() {
        assert!(EMPTY.with_room(usize::MAX).is_err());
        assert!(EMPTY.with_room(1 << 31).is_err());
    }
}
