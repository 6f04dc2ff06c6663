//! Numbers by hash: a table of chunks.
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

use super::chunk::{Chunk, PLACES};
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

/// How many places of a chunk are taken on average at most.
const MOST_TAKEN: usize = 9;

/// The smallest table, of four chunks, and the next, which is a page: to make one takes longer than to clear a few chunks more.
const SMALLEST_BITS: u32 = 2;
const NEXT_BITS: u32 = 6;
/// The most that numbers allow for, or addresses where those are few: more entries do not fit there.
const LARGEST_BITS: u32 = if usize::BITS < 64 { 22 } else { 27 };

/// The most entries of any table.
pub(crate) const MOST_ENTRIES: usize = MOST_TAKEN << LARGEST_BITS;

/// Tables up to this size, 16 KiB, are cleared whatever they are. A larger one gets zeroes from the system, and only where it is
/// used.
const CLEARED_HERE: u32 = 8;

/// What a table without memory consists of.
static NO_CHUNK: Chunk = Chunk::EMPTY;
const NO_CHUNKS: NonNull<Chunk> = {
    // SAFETY: it is not null.
    unsafe { NonNull::new_unchecked(core::ptr::from_ref(&NO_CHUNK).cast_mut()) }
};

/// Two to this power are the chunks of a table that has room for so many entries.
fn bits_for(entries: usize) -> u32 {
    let chunks = entries.div_ceil(MOST_TAKEN).checked_next_power_of_two();
    match chunks.map_or(u32::MAX, usize::trailing_zeros) {
        ..=SMALLEST_BITS => SMALLEST_BITS,
        bits => bits.max(NEXT_BITS),
    }
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
        self.of_empty_chunks(bits_for(entries))
    }

    /// A table with the same entries at the same places, and as much room.
    pub(super) fn copy(&self) -> Result<Self, ReserveError> {
        if self.most_taken == 0 {
            return Ok(self.emptied());
        }
        let copy = self.of_chunks((self.mask + 1).trailing_zeros(), false)?;
        // SAFETY: each table has so many chunks; the new one's are its own.
        unsafe { copy.base.copy_from_nonoverlapping(self.base, self.mask + 1) };
        Ok(Self { taken: self.taken, ..copy })
    }

    /// As [`with_room`](Self::with_room), if that is smaller than this table.
    pub(super) fn smaller(&self, entries: usize) -> Option<Result<Self, ReserveError>> {
        let bits = bits_for(entries);
        (MOST_TAKEN << bits.min(LARGEST_BITS) < self.most_taken).then(|| self.of_empty_chunks(bits))
    }

    /// A table of two to this power chunks, without entries: so they are all zero.
    fn of_empty_chunks(&self, bits: u32) -> Result<Self, ReserveError> {
        let is_small = bits <= CLEARED_HERE;
        let table = self.of_chunks(bits, !is_small)?;
        if is_small {
            // SAFETY: the table has so many chunks, which are its own.
            unsafe { table.base.write_bytes(0, table.mask + 1) };
        }
        Ok(table)
    }

    /// A table of two to this power chunks. If not `zeroed` they may be anything.
    fn of_chunks(&self, bits: u32, zeroed: bool) -> Result<Self, ReserveError> {
        if bits > LARGEST_BITS {
            return Err(ReserveError::new(Operation::Reserve, usize::MAX, Cause::TooLarge));
        }
        let bytes = size_of::<Chunk>() << bits;
        let mut memory = self.memory.same_options().zeroed(zeroed).reservation(bytes).build();
        memory.resize(bytes)?;
        let (base, mask, shift) = (memory.base().cast::<Chunk>(), (1 << bits) - 1, TAG_BITS - bits);
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
            if chunk.insert(tag, number) {
                self.taken += 1;
                return;
            }
            chunk.passed += 1;
            at = self.chunks().next(at);
        }
    }

    /// Takes out the first number with this tag that is `wanted`. `own` says with which tag it was entered: the caller's `Eq` may
    /// take an entry for another, and who passed which chunk depends on that.
    #[inline]
    pub(super) fn remove(
        &mut self,
        tag: Tag,
        wanted: impl Fn(Number) -> bool,
        own: impl FnOnce(Number) -> Tag,
    ) -> Option<Number> {
        let first = self.chunks().first(tag);
        let mut at = first;
        loop {
            let chunk = self.chunks().at(at);
            let look = |place, number| wanted(number).then_some((place, number));
            if let Some((place, number)) = chunk.find(tag, look) {
                self.take(own(number), at, place);
                return Some(number);
            }
            let passed = chunk.passed;
            at = self.chunks().next(at);
            if passed == 0 || at == first {
                return None;
            }
        }
    }

    /// Takes out what was entered with this tag, and has this place.
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

    /// How many tags have the same first chunk.
    pub(super) fn tags_each(self) -> Tag {
        1 << self.shift
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
        let found = chunk.find(tag, |_, number| look(number));
        if found.is_some() || chunk.passed == 0 {
            return found;
        }
        let mut at = self.next(first);
        while at != first {
            let chunk = self.at(at);
            let found = chunk.find(tag, |_, number| look(number));
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

    fn remove(table: &mut Table, tag: Tag, number: Number) {
        assert_eq!(table.remove(tag, |found| found == number, |_| tag), Some(number));
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
                remove(&mut table, tag(number), number);
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
            remove(&mut table, tag(number), number);
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
