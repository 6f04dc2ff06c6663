//! How an index gets memory: it grows where it is, and its chunks are split one by one.
//!
//! While chunks are split, every way ends in the part of the table where it began, the first `half + 1` chunks or as many behind
//! them: so what has moved can be told from what is to move by where it is. For a part has 12 places for each old chunk, and when
//! the splitting begins there are 8 entries for each and 4 more, to which at most one for each comes until it ends, as every
//! insertion splits one: [`ready`](Index::ready) says so.

use super::chunk::{ALL_PLACES, Chunk, PLACES, Places};
use super::{AND_MORE, Index, LARGEST_BITS, MOST_ENTRIES, MOST_TAKEN, Number, Tag, room_of};
use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::stable::StableBlockOptions;

/// The smallest table, of four chunks, and the next, which is a page: to make one takes longer than to clear a few chunks more.
const SMALLEST_BITS: u32 = 2;
const NEXT_BITS: u32 = 6;

/// New tables up to this size, 16 KiB, are cleared whatever they are. A larger one gets zeroes from the system, and only where it is
/// used.
const CLEARED_HERE: u32 = 8;

/// Two to this power are the chunks of a table that has room for so many entries.
const fn bits_for(entries: usize) -> u32 {
    match entries.saturating_sub(AND_MORE).div_ceil(MOST_TAKEN).next_power_of_two().trailing_zeros() {
        bits if bits <= SMALLEST_BITS => SMALLEST_BITS,
        bits if bits <= NEXT_BITS => NEXT_BITS,
        bits => bits,
    }
}

/// The bytes of a table of two to this power chunks.
const fn bytes_of(bits: u32) -> Result<usize, ReserveError> {
    let bytes = size_of::<Chunk>().saturating_mul(1 << bits);
    if bits > LARGEST_BITS {
        return Err(ReserveError::new(Operation::Commit, bytes, Cause::BeyondReservation));
    }
    Ok(bytes)
}

/// The addresses that a table needs to grow to so many entries where it is, or to as many as there can be.
pub(crate) const fn with_room_for(memory: StableBlockOptions, entries: usize) -> StableBlockOptions {
    let bits = bits_for(if entries < MOST_ENTRIES { entries } else { MOST_ENTRIES });
    memory.reservation(size_of::<Chunk>() << bits)
}

/// Which of these tags leave a home that is split: theirs it was, and is no more; or it is still, but was full, and they may have a
/// place in it now.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are fewer chunks than tags, and fewer places than bits"
)]
fn leave_home(tags: [Tag; PLACES], home: usize, mask: usize, half: usize, is_place_free: bool) -> Places {
    // In words of equal size, which become vectors.
    let [home, mask, half] = [home as Tag, mask as Tag, half as Tag];
    let all_bits_if = |is: bool| if is { Tag::MAX } else { 0 };
    let comes_home = all_bits_if(is_place_free);
    let mut leave = 0;
    for (place, tag) in tags.into_iter().enumerate() {
        let from_home = (tag ^ home) & mask;
        let was_home = all_bits_if(from_home & half == 0);
        let is_home = all_bits_if(from_home == 0);
        leave |= was_home & (comes_home | !is_home) & 1 << place;
    }
    leave as Places
}

impl Index {
    /// How many entries it has addresses for, or may move to.
    pub(crate) fn reserved(&self) -> usize {
        let options = self.memory.same_options();
        let own = if self.most_taken == 0 { 0 } else { self.memory.reserved_bytes() };
        let bytes = options.reserved().max(own);
        let bits = (bytes / size_of::<Chunk>()).checked_ilog2().unwrap_or_default();
        room_of(bits.min(LARGEST_BITS))
    }

    /// Makes room for one entry more. `tag` knows the tag of each that is there.
    ///
    /// # Errors
    /// [`ReserveError`] if there are no addresses or no memory; all entries are where they were then, but for chunks that were split.
    pub(crate) fn reserve(&mut self, tag: impl Fn(Number) -> Tag) -> Result<(), ReserveError> {
        if self.taken >= self.most_taken {
            self.reserve_for(self.most_taken + 1, &tag)?;
        }
        if self.is_splitting() {
            self.split_next(&tag);
        }
        Ok(())
    }

    /// Makes room for so many entries in all. If the table grows for the second time at short notice, this splits all
    /// chunks that are left.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub(crate) fn reserve_for(
        &mut self,
        entries: usize,
        tag: impl Fn(Number) -> Tag,
    ) -> Result<(), ReserveError> {
        if entries <= self.most_taken {
            return Ok(());
        }
        let bits = bits_for(entries);
        if self.most_taken == 0 {
            *self = self.of_empty_chunks(bits)?;
            return Ok(());
        }
        // Growth by one entry at a time finds nothing left: it was all split long before.
        self.split_all(&tag);
        let (before, bytes) = (self.memory.len(), bytes_of(bits)?);
        if bytes > self.memory.reserved_bytes() && bytes <= self.memory.same_options().reserved() {
            // Addresses were short when its block was made, so it got fewer than a default reservation has.
            *self = self.moved(bits, &tag)?;
            return Ok(());
        }
        self.memory.resize(bytes)?;
        let unclean = self.unclean.min(bytes).saturating_sub(before);
        // SAFETY: the memory has so many bytes, and no chunks there yet.
        unsafe { self.memory.base().add(before).write_bytes(0, unclean) };
        self.mask = (1 << bits) - 1;
        self.most_taken = room_of(bits);
        if self.taken == 0 {
            self.end_splitting();
        }
        Ok(())
    }

    /// Splits the next chunk that was not split yet.
    fn split_next(&mut self, tag: impl Fn(Number) -> Tag) {
        let &mut Self { mask, half, split: home, .. } = self;
        let mut is_place_free = false; // on the way, before the chunk
        for step in 0..=half {
            let at = home ^ step;
            let chunk = self.chunks().at(at);
            let (taken, numbers) = (chunk.taken(), chunk.numbers);
            if taken != 0 {
                // All tags first, so that the processor waits for all of them at once. Where a place is free that of another entry,
                // and all that follows without a branch: nobody can foresee which are free, and which half of the others leave.
                let some = numbers[taken.trailing_zeros() as usize % PLACES];
                let number = |place: usize| if taken >> place & 1 == 0 { some } else { numbers[place] };
                let tags: [Tag; PLACES] = core::array::from_fn(|place| tag(number(place)));
                let leave = leave_home(tags, home, mask, half, is_place_free);
                self.move_from(at, leave & taken, tags);
            }
            let chunk = self.chunks().at(at);
            is_place_free |= chunk.taken() != ALL_PLACES;
            if chunk.passed == 0 {
                break;
            }
        }
        self.split += 1;
        if self.split > self.half {
            self.end_splitting();
        }
    }

    /// Takes these places of a chunk out, whose entries have these tags and the home that is being split, and enters them anew.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "they are few")]
    fn move_from(&mut self, at: usize, leave: Places, tags: [Tag; PLACES]) {
        let &mut Self { mask, split: home, .. } = self;
        let mut moving = [(0, 0); PLACES];
        let count = self.chunk_mut(at).take_out(leave, &tags, &mut moving);
        self.taken -= count;
        for before in 0..home ^ at {
            self.chunk_mut(home ^ before).passed -= count as u32;
        }
        let home_of = |&(tag, _): &(Tag, Number)| tag as usize & mask;
        for alike in moving[..count].chunk_by(|one, other| home_of(one) == home_of(other)) {
            self.insert_from(alike.first().map_or(home, home_of), alike);
        }
    }

    fn split_all(&mut self, tag: impl Fn(Number) -> Tag) {
        if self.taken == 0 {
            self.end_splitting();
        }
        while self.is_splitting() {
            self.split_next(&tag);
        }
    }

    /// The same entries in a table of its own; without entries, none. `tag` knows the tag of each.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory.
    pub(crate) fn copy(&self, tag: impl Fn(Number) -> Tag) -> Result<Self, ReserveError> {
        if self.taken == 0 {
            return Ok(self.emptied());
        }
        // Of a table that was made for many more, most is not even there.
        let bits = bits_for(self.taken);
        if 8 << bits <= self.count() {
            return self.moved(bits, tag);
        }
        let copy = self.of_chunks(self.count().trailing_zeros(), false)?;
        // SAFETY: each table has so many chunks; the new one's are its own.
        unsafe { copy.base.copy_from_nonoverlapping(self.base, self.count()) };
        let &Self { half, split, taken, .. } = self;
        Ok(Self { half, split, taken, ..copy })
    }

    /// Gives back what so many entries do not need; there are no more. If there is no memory to do so, all stays.
    pub(crate) fn shrink_to(&mut self, entries: usize, tag: impl Fn(Number) -> Tag) {
        if entries == 0 {
            *self = self.emptied();
            return;
        }
        self.split_all(&tag);
        let bits = bits_for(entries);
        if 1 << bits < self.count() {
            if let Ok(smaller) = self.moved(bits, tag) {
                *self = smaller;
            }
        }
    }

    /// The same entries in a table of two to this power chunks.
    fn moved(&self, bits: u32, tag: impl Fn(Number) -> Tag) -> Result<Self, ReserveError> {
        let mut other = self.of_chunks(bits, true)?; // with zeroes it has no more memory from a block before than it needs
        for at in 0..self.count() {
            let Chunk { controls, numbers, .. } = self.chunks().at(at);
            for (_, &number) in controls.iter().zip(numbers).filter(|(control, _)| **control != 0) {
                let tag = tag(number);
                other.insert(tag, other.home(tag), number);
            }
        }
        Ok(other)
    }

    /// A table of two to this power chunks, without entries: so they are all zero.
    fn of_empty_chunks(&self, bits: u32) -> Result<Self, ReserveError> {
        let is_small = bits <= CLEARED_HERE;
        let table = self.of_chunks(bits, !is_small)?;
        if is_small {
            // SAFETY: the table has so many chunks, which are its own.
            unsafe { table.base.write_bytes(0, table.count()) };
        }
        Ok(table)
    }

    /// A table of two to this power chunks. If not `zeroed` they may be anything.
    fn of_chunks(&self, bits: u32, zeroed: bool) -> Result<Self, ReserveError> {
        let bytes = bytes_of(bits)?;
        let options = self.memory.same_options().zeroed(zeroed);
        let mut memory =
            if options.reserved() < bytes { options.reservation(bytes) } else { options }.build();
        memory.resize(bytes)?;
        let unclean = if zeroed { 0 } else { memory.committed_bytes() };
        let (base, mask) = (memory.base().cast::<Chunk>(), (1 << bits) - 1);
        Ok(Self { memory, base, mask, half: mask, split: 0, taken: 0, most_taken: room_of(bits), unclean })
    }
}
