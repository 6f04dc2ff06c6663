//! Finds entries by hash: a table of their numbers, which grows where it is.
//!
//! The entries live elsewhere, by number, and know their tags. The lowest bits of a tag say which chunk of the table is its home,
//! the highest are its control:
//!
//! ```text
//!  a tag of 31 bits:  | control: 8 |  ...  | home: as many bits as there are |
//! ```
//!
//! An entry lies in its home, or if that was full in the next chunk on its way, `home ^ 1`, `home ^ 2`, `home ^ 3`, ..., that had
//! a place. A search that does not find it goes on only if the chunk was passed, so a removed entry leaves nothing behind.
//! Fresh pages are a table without entries: a large one need not be cleared.
//!
//! When the table is full its block grows, and every insertion splits one chunk: those entries whose homes are now behind
//! the old chunks move there. No insertion has to wait for all of them, and none of the caller's code runs.
//!
//! ```text
//!  chunks:    0 ...... split ........ half ............................... count
//!             |  split   |  not yet     |  what moved    |  nothing yet         |
//! ```

mod chunk;
mod growing;

pub(crate) use growing::with_room_for;

use crate::StableBlock;
use crate::bump::seldom;
use crate::stable::StableBlockOptions;
use chunk::Chunk;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// Where the way of a tag begins: the number of a chunk, right until the table changes its size or chunks are split. (A stale
/// one may miss an entry, but leads to no place outside the table.)
#[derive(Clone, Copy)]
pub(crate) struct Home(usize);

/// The number of an entry.
pub(crate) type Number = u32;

/// The bits of a hash that an entry is found by: 31, mixed.
pub(crate) type Tag = u32;

/// How many bits a tag has.
pub(crate) const TAG_BITS: u32 = 31;

/// The tag of a hash. Hashers exist that leave one end of it alone, or the middle; the two halves of the product together depend
/// on all of it, in their lowest bits as well, which say where an entry lies.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "one half and the other")]
pub(crate) fn tag_of(hash: u64) -> Tag {
    let product = u128::from(hash) * 0x9E37_79B9_7F4A_7C15;
    ((product as u64 ^ (product >> u64::BITS) as u64) >> (u64::BITS - TAG_BITS)) as Tag
}

/// How many places of a chunk are taken on average at most.
const MOST_TAKEN: usize = 8;

/// So many more are taken in all. Else tables would grow at the very insertion at which entries of a power of two bytes come to the
/// next huge page, and to clear two of them takes twice as long as one.
const AND_MORE: usize = 4;

/// Two to this power chunks are the most that numbers allow for, or addresses where those are few.
const LARGEST_BITS: u32 = if usize::BITS < 64 { 22 } else { 27 };

/// The most entries of any table.
pub(crate) const MOST_ENTRIES: usize = room_of(LARGEST_BITS);

/// How many entries a table of two to this power chunks has room for.
const fn room_of(bits: u32) -> usize {
    (MOST_TAKEN << bits) + AND_MORE
}

/// What a table without memory consists of.
static NO_CHUNK: Chunk = Chunk::EMPTY;
const NO_CHUNKS: NonNull<Chunk> = {
    // SAFETY: it is not null.
    unsafe { NonNull::new_unchecked(core::ptr::from_ref(&NO_CHUNK).cast_mut()) }
};

pub(crate) struct Index {
    /// Keeps the chunks.
    memory: StableBlock,
    base: NonNull<Chunk>,
    /// One less than the number of chunks, which is a power of two.
    mask: usize,
    /// The same of those that are to be split, while there are any; else equal.
    half: usize,
    /// So many of them were split.
    split: usize,
    taken: usize,
    most_taken: usize,
    /// So many bytes of the memory may have been another's before, and need not be zero where no chunks are yet.
    unclean: usize,
}

// SAFETY: the chunks belong to the index alone, or are the one that nobody writes to.
unsafe impl Send for Index {}
// SAFETY: through a shared borrow they are only read.
unsafe impl Sync for Index {}

impl Index {
    /// Without entries and without room; it gets memory with these options when it grows.
    pub(crate) const fn new(memory: StableBlockOptions) -> Self {
        let memory = memory.build();
        Self { memory, base: NO_CHUNKS, mask: 0, half: 0, split: 0, taken: 0, most_taken: 0, unclean: 0 }
    }

    /// As [`new`](Self::new), instead of this one.
    const fn emptied(&self) -> Self {
        Self::new(self.memory.same_options())
    }

    /// How many entries it has room for.
    pub(crate) fn room(&self) -> usize {
        self.most_taken
    }

    /// How many chunks there are.
    fn count(&self) -> usize {
        self.mask + 1
    }

    /// Whether there are chunks to be split.
    #[inline]
    pub(crate) fn is_splitting(&self) -> bool {
        self.half != self.mask
    }

    /// How many entries more can be entered without [`reserve`](Self::reserve): as many as there is room for, but while chunks are to be
    /// split only the one that room was made for.
    pub(crate) fn ready(&self) -> usize {
        (self.most_taken - self.taken).min(if self.is_splitting() { 1 } else { usize::MAX })
    }

    /// Its chunks, to be searched.
    #[inline(always)]
    fn chunks(&self) -> Chunks<'_> {
        let &Self { base, mask, half, split, .. } = self;
        Chunks { base, mask, half, split, index: PhantomData }
    }

    #[inline(always)]
    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        debug_assert!(self.most_taken > 0);
        // SAFETY: as in `Chunks::at`, and borrowed exclusively. The chunk that all without memory share is not asked for here:
        // nothing is entered where there is no room, nothing removed that was not entered.
        unsafe { self.base.add(at).as_mut() }
    }

    /// Where the way of a tag begins.
    #[inline(always)]
    pub(crate) fn home(&self, tag: Tag) -> Home {
        Home(self.chunks().home(tag))
    }

    /// What `look` makes of the first entry with this tag that it makes something of. It is shown only entries that are
    /// there, though some have another tag.
    #[inline(always)]
    pub(crate) fn find<R>(&self, tag: Tag, home: Home, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        self.chunks().find(tag, home, look)
    }

    /// Enters an entry, for which room was made.
    #[inline(always)]
    pub(crate) fn insert(&mut self, tag: Tag, home: Home, number: Number) {
        self.insert_from(home.0 & self.mask, &[(tag, number)]);
    }

    /// Enters entries that have one home, at most as many as a chunk has places.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "they are few")]
    fn insert_from(&mut self, home: usize, mut entries: &[(Tag, Number)]) {
        debug_assert!(self.taken + entries.len() <= self.most_taken_now());
        self.taken += entries.len();
        let mut step = 0;
        loop {
            debug_assert!(step <= self.half, "every way ends in its part of the table");
            let chunk = self.chunk_mut(home ^ step);
            let entered = chunk.insert(entries);
            entries = entries.get(entered..).unwrap_or_default();
            if entries.is_empty() {
                return;
            }
            chunk.passed += entries.len() as u32;
            step += 1;
        }
    }

    /// How many may be taken: while chunks are split, as many more as were split than when that began.
    fn most_taken_now(&self) -> usize {
        let before = MOST_TAKEN * (self.half + 1) + AND_MORE + self.split;
        if self.is_splitting() { before } else { self.most_taken }
    }

    /// Takes out the first entry with this tag that is `wanted`; its number. `own` says with which tag it was entered: the caller's
    /// `Eq` may take an entry for another, and who passed which chunk depends on that.
    #[inline]
    pub(crate) fn remove(
        &mut self,
        tag: Tag,
        wanted: impl Fn(Number) -> bool,
        own: impl FnOnce(Number) -> Tag,
    ) -> Option<Number> {
        let (home, mut step) = (self.chunks().home(tag), 0);
        loop {
            let chunk = self.chunks().at(home ^ step);
            let look = |place, number| wanted(number).then_some((place, number));
            if let Some((place, number)) = chunk.find(tag, look) {
                self.take(own(number), home ^ step, place);
                return Some(number);
            }
            step += 1;
            if chunk.passed == 0 || step > self.mask {
                return None;
            }
        }
    }

    /// Takes out what was entered with this tag, and has this place.
    #[inline]
    fn take(&mut self, tag: Tag, at: usize, place: usize) {
        self.chunk_mut(at).controls[place] = 0;
        self.taken -= 1;
        let home = self.chunks().home(tag);
        for step in 0..home ^ at {
            self.chunk_mut(home ^ step).passed -= 1;
        }
    }

    /// Takes out all entries. The memory stays. `all` are their tags and numbers, and holes.
    pub(crate) fn clear(&mut self, all: impl ExactSizeIterator<Item = (Option<Tag>, Number)>) {
        // To take out one takes as long as to clear some chunks.
        if all.len() < self.count() / 8 {
            for (tag, number) in all {
                if let Some(tag) = tag {
                    self.remove(tag, |other| other == number, |_| tag);
                }
            }
        } else if self.taken > 0 {
            // SAFETY: there are so many chunks, which are borrowed exclusively; without entries they are all zero.
            unsafe { self.base.write_bytes(0, self.count()) };
            self.taken = 0;
        }
        self.end_splitting();
    }

    /// Nothing is left to be split.
    fn end_splitting(&mut self) {
        (self.half, self.split) = (self.mask, 0);
    }
}

/// The chunks of an index: what a search needs to know, by value, so that a loop of searches keeps it in registers.
#[derive(Clone, Copy)]
struct Chunks<'a> {
    base: NonNull<Chunk>,
    mask: usize,
    half: usize,
    split: usize,
    index: PhantomData<&'a Index>,
}

impl<'a> Chunks<'a> {
    /// The first chunk on the way of a tag.
    #[inline(always)]
    fn home(self, tag: Tag) -> usize {
        let now = tag as usize & self.mask;
        if self.half == self.mask {
            return now;
        }
        seldom();
        // Both are worked out and one is chosen, because no processor can foresee which.
        let before = tag as usize & self.half;
        if before < self.split { now } else { before }
    }

    #[inline(always)]
    fn at(self, at: usize) -> &'a Chunk {
        // SAFETY: `at` is at most `mask`: a home, what differs from one only in bits of `mask`, or one of all. The index, which is
        // borrowed, has so many chunks. They are fresh pages, in which all bytes are 0, or what the index wrote.
        unsafe { self.base.add(at).as_ref() }
    }

    /// What `look` makes of the first number with this tag that it makes something of.
    #[inline(always)]
    fn find<R>(self, tag: Tag, Home(home): Home, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        // The home by itself, because nearly every search ends there.
        let home = home & self.mask;
        let chunk = self.at(home);
        let found = chunk.find(tag, |_, number| look(number));
        if found.is_some() || chunk.passed == 0 {
            return found;
        }
        let mut step = 1;
        loop {
            let chunk = self.at(home ^ step);
            let found = chunk.find(tag, |_, number| look(number));
            step += 1;
            if found.is_some() || chunk.passed == 0 || step > self.mask {
                return found;
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
mod tests;
