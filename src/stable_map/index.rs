//! Finds entries by hash: a table of 32-bit words, and another one while it grows.
//!
//! ```text
//!  a word:   |  low bits of the tag  | number of the entry + 1 |     0 is an empty place
//!  its place: the high bits of the tag, or the next place that was not taken (linear probing)
//! ```
//!
//! The entries live elsewhere, by number, and know their *tag*, 32 mixed bits of their hash. When the table is full a
//! larger one is made, and every insertion brings over a few entries, in the order of their numbers: no insertion has
//! to wait for all of them, and none of the caller's code runs. Until then what is not found in the new table is looked
//! for in the old one, which is never changed: a word there may be out of date, so whoever asks must check the entry.

use crate::ReserveError;
use crate::error::{Cause, Operation};
use crate::stable::StableBlock;
use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;

/// The number of an entry.
pub(crate) type Number = u32;

/// Entries that one insertion brings over.
const MIGRATED_AT_ONCE: u32 = 8;
/// A page of words.
const SMALLEST_BITS: u32 = 10;
/// The most that numbers allow for, or addresses where those are few: more entries do not fit there.
const LARGEST_BITS: u32 = if usize::BITS < 64 { 28 } else { 31 };

/// The mixed bits of a hash. Both ends of a tag are used, and hashers exist that leave one end alone.
pub(crate) fn tag_of(hash: u64) -> u32 {
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

pub(crate) struct Index {
    current: Table,
    /// The table before, and which entries are still only there.
    old: Option<(Table, Range<Number>)>,
}

impl Index {
    pub(crate) const fn new() -> Self {
        Self { current: Table::EMPTY, old: None }
    }

    /// The entry with this tag for which `is_it` is true. It may be asked about entries with another tag, and about
    /// entries that were removed.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut is_it: impl FnMut(Number) -> bool) -> Option<Number> {
        let found = self.current.find(tag, &mut is_it);
        if found.is_some() || self.old.is_none() {
            return found;
        }
        self.find_in_old(tag, is_it)
    }

    #[cold]
    #[inline(never)]
    fn find_in_old(&self, tag: u32, mut is_it: impl FnMut(Number) -> bool) -> Option<Number> {
        self.old.as_ref()?.0.find(tag, &mut is_it)
    }

    /// Makes room for one entry more. `live` entries are there, with numbers below `numbers`; `tag` knows the tag of
    /// each, or `None` for one that was removed.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory; nothing has changed then.
    #[inline]
    pub(crate) fn reserve(
        &mut self,
        live: usize,
        numbers: Number,
        tag: impl Fn(Number) -> Option<u32>,
    ) -> Result<(), ReserveError> {
        if self.old.is_none() && self.current.has_room() {
            Ok(())
        } else {
            self.make_room(live, numbers, tag)
        }
    }

    #[cold]
    #[inline(never)]
    fn make_room(
        &mut self,
        live: usize,
        numbers: Number,
        tag: impl Fn(Number) -> Option<u32>,
    ) -> Result<(), ReserveError> {
        if !self.current.has_room() {
            // Nothing is left: a new table has room for more insertions than bring all over. But none may be lost.
            self.migrate(Number::MAX, &tag);
            let new = Table::for_entries(live, numbers)?;
            let old = core::mem::replace(&mut self.current, new);
            self.old = Some((old, 0..numbers));
        }
        self.migrate(MIGRATED_AT_ONCE, &tag);
        Ok(())
    }

    /// Brings over so many entries from the old table.
    fn migrate(&mut self, count: Number, tag: impl Fn(Number) -> Option<u32>) {
        let Some((_, left)) = &mut self.old else { return };
        for number in left.by_ref().take(count as usize) {
            if let Some(tag) = tag(number) {
                self.current.insert(tag, number);
            }
        }
        if left.start == left.end {
            self.old = None;
        }
    }

    /// Enters an entry, for which room was made.
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, number: Number) {
        self.current.insert(tag, number);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, tag: u32, number: Number) {
        self.current.remove(tag, number);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

/// Words in pages of their own, fresh from the system, so that a large table need not be cleared.
struct Table {
    /// Keeps the words.
    _memory: StableBlock,
    words: NonNull<u32>,
    /// The table has `1 << bits` words; none if this is 0.
    bits: u32,
    /// Words that are not 0, and how many may be.
    taken: usize,
    most_taken: usize,
}

// SAFETY: the words belong to the table alone.
unsafe impl Send for Table {}
// SAFETY: through a shared borrow they are only read.
unsafe impl Sync for Table {}

impl Table {
    const EMPTY: Self = Self {
        _memory: StableBlock::options().huge_pages(false).build(),
        words: NonNull::dangling(),
        bits: 0,
        taken: 0,
        most_taken: 0,
    };

    /// A table with room for as many entries again.
    fn for_entries(live: usize, numbers: Number) -> Result<Self, ReserveError> {
        let words = (live.saturating_mul(8) / 3)
            .max((numbers as usize).saturating_add(2))
            .checked_next_power_of_two();
        let bits = words.map_or(u32::MAX, usize::trailing_zeros).max(SMALLEST_BITS);
        if bits > LARGEST_BITS {
            return Err(ReserveError::new(Operation::Reserve, usize::MAX, Cause::TooLarge));
        }
        let bytes = size_of::<u32>() << bits;
        let mut memory = StableBlock::options().reservation(bytes).huge_pages(false).build();
        memory.resize(bytes)?;
        let words = memory.base().cast();
        Ok(Self { _memory: memory, words, bits, taken: 0, most_taken: (1 << bits) / 4 * 3 })
    }

    fn has_room(&self) -> bool {
        self.taken < self.most_taken
    }

    /// The word at a place, wherever that is beyond the end.
    #[inline(always)]
    fn word(&self, place: usize) -> &Cell<u32> {
        let place = place & ((1 << self.bits) - 1);
        // SAFETY: a table with places has so many words, which read zero at first; they are only reached through
        // this table. `find`, `insert` and `remove` do not come here if there are none.
        unsafe { self.words.add(place).cast().as_ref() }
    }

    /// Where the way of a tag begins.
    #[inline(always)]
    fn first_place(&self, tag: u32) -> usize {
        tag as usize >> (32 - self.bits)
    }

    /// What a word holds of the tag.
    #[inline(always)]
    fn part(&self, tag: u32) -> u32 {
        tag << self.bits
    }

    /// A removed entry: the number that no entry has.
    fn removed(&self) -> u32 {
        (1 << self.bits) - 1
    }

    #[inline(always)]
    fn find(&self, tag: u32, is_it: &mut impl FnMut(Number) -> bool) -> Option<Number> {
        if self.bits == 0 {
            return None;
        }
        let (part, mask) = (self.part(tag), self.removed());
        let mut place = self.first_place(tag);
        loop {
            let word = self.word(place).get();
            if word == 0 {
                return None;
            }
            if word & !mask == part {
                let number = (word & mask).wrapping_sub(1);
                if word & mask != mask && is_it(number) {
                    return Some(number);
                }
            }
            place += 1;
        }
    }

    /// The place of an entry, or the first that is free for it.
    #[inline(always)]
    fn place_for(&self, tag: u32, number: Number) -> &Cell<u32> {
        let mask = self.removed();
        let mut place = self.first_place(tag);
        loop {
            let word = self.word(place);
            if word.get() == 0 || word.get() & mask == number + 1 {
                return word;
            }
            place += 1;
        }
    }

    #[inline(always)]
    fn insert(&mut self, tag: u32, number: Number) {
        let place = self.place_for(tag, number);
        let added = usize::from(place.get() == 0);
        place.set(tag << self.bits | (number + 1));
        self.taken += added;
    }

    fn remove(&mut self, tag: u32, number: Number) {
        if self.bits > 0 {
            let place = self.place_for(tag, number);
            if place.get() != 0 {
                place.set(self.removed());
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

    /// An index with its entries, as `StableMap` keeps them.
    struct Model {
        index: Index,
        /// By number; `None` is a hole.
        tags: Vec<Option<u32>>,
        holes: Vec<usize>,
        live: usize,
        /// The most entries that one insertion brought over, and how many tables were made.
        most_migrated: usize,
        tables: usize,
    }

    impl Model {
        fn new() -> Self {
            let (tags, holes) = (Vec::new(), Vec::new());
            Self { index: Index::new(), tags, holes, live: 0, most_migrated: 0, tables: 0 }
        }

        fn insert(&mut self, tag: u32) -> Number {
            let (asked, words) = (Cell::new(0), self.index.current.words);
            let numbers = self.tags.len() as Number;
            let tag_of = |number: Number| {
                asked.set(asked.get() + 1);
                self.tags[number as usize]
            };
            self.index.reserve(self.live, numbers, tag_of).unwrap();
            self.most_migrated = self.most_migrated.max(asked.get());
            self.tables += usize::from(self.index.current.words != words);
            let number = self.holes.pop().unwrap_or_else(|| {
                self.tags.push(None);
                self.tags.len() - 1
            });
            self.tags[number] = Some(tag);
            self.live += 1;
            self.index.insert(tag, number as Number);
            number as Number
        }

        fn remove(&mut self, number: Number) {
            let tag = self.tags[number as usize].take().unwrap();
            self.holes.push(number as usize);
            self.live -= 1;
            self.index.remove(tag, number);
        }

        fn find(&self, tag: u32, wanted: Number) -> Option<Number> {
            self.index.find(tag, |number| number == wanted && self.tags[number as usize] == Some(tag))
        }

        fn migrates(&self) -> bool {
            self.index.old.is_some()
        }

        /// Every entry is found and no other is; there is an end to each search.
        fn check(&self) {
            let mut live = 0;
            for (number, tag) in (0..).zip(&self.tags) {
                if let Some(tag) = *tag {
                    assert_eq!(self.find(tag, number), Some(number));
                    assert_eq!(self.find(!tag, number), None);
                    live += 1;
                }
            }
            assert_eq!(live, self.live);
            assert!(self.index.current.taken <= self.index.current.most_taken);
        }
    }

    fn random(state: &mut u64) -> u32 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 32) as u32
    }

    #[test]
    fn nothing_is_in_an_empty_index() {
        let mut model = Model::new();
        assert_eq!(model.index.find(7, |_| true), None);
        model.index.remove(7, 0);
        let number = model.insert(7);
        model.remove(number);
        assert_eq!(model.index.find(7, |_| true), None);
        model.index.clear();
        assert_eq!(model.index.find(7, |_| true), None);
        model.index.remove(7, 0);
    }

    #[test]
    fn no_search_misses_while_entries_migrate() {
        let (mut model, mut state) = (Model::new(), 1);
        let mut steps = 0;
        while model.live < 4000 {
            model.insert(random(&mut state));
            if model.migrates() {
                steps += 1;
                // Entries that were brought over, that were not yet, and that are new.
                if random(&mut state) % 4 == 0 {
                    let number = random(&mut state) as usize % model.tags.len();
                    if let Some(tag) = model.tags[number] {
                        model.remove(number as Number);
                        assert_eq!(model.find(tag, number as Number), None);
                    }
                }
                if model.live < 1000 || steps % 16 == 0 {
                    model.check();
                }
            }
        }
        model.check();
        assert!(steps > 100 && model.tables > 2, "{steps} {}", model.tables);
        assert!(model.most_migrated <= MIGRATED_AT_ONCE as usize);
    }

    #[test]
    fn a_number_that_is_given_anew_while_it_migrates_has_its_new_tag_only() {
        for same_tag in [false, true] {
            let (mut model, mut state) = (Model::new(), 2);
            while !model.migrates() {
                model.insert(random(&mut state));
            }
            for number in (0..model.tags.len() as Number - 1).rev().step_by(2) {
                let before = model.tags[number as usize].unwrap();
                let tag = if same_tag { before } else { random(&mut state) };
                model.remove(number);
                assert_eq!(model.insert(tag), number);
                if !same_tag {
                    assert_eq!(model.find(before, number), None);
                }
                model.check();
            }
            assert!(!model.migrates());
        }
    }

    #[test]
    fn an_insertion_brings_over_few_entries_whatever_comes_before() {
        // Growth, a constant size (the table fills with removed words), few left of many, and growth again.
        let (mut model, mut state) = (Model::new(), 3);
        for (target, cycles) in [(20_000, 100_000), (20, 100_000), (5_000, 20_000), (60_000, 30_000)] {
            while model.live > target {
                let number = random(&mut state) as usize % model.tags.len();
                if model.tags[number].is_some() {
                    model.remove(number as Number);
                }
            }
            while model.live < target {
                model.insert(random(&mut state));
            }
            let mut newest = None;
            for _ in 0..cycles {
                // The newest as well as any.
                let number = match newest.take() {
                    Some(number) if random(&mut state) % 2 == 0 => number,
                    _ => (random(&mut state) as usize % model.tags.len()) as Number,
                };
                if model.tags[number as usize].is_some() {
                    model.remove(number);
                    newest = Some(model.insert(random(&mut state)));
                }
            }
            model.check();
        }
        assert!(model.tables > 6, "{}", model.tables);
        assert_eq!(model.most_migrated, MIGRATED_AT_ONCE as usize);
    }

    #[test]
    fn equal_tags_and_tags_at_the_ends_are_told_apart_by_number() {
        for tags in [[0, 0, 0], [u32::MAX; 3], [0, u32::MAX, u32::MAX - 1], [1, 1 << 31, 1 << 22]] {
            let mut model = Model::new();
            // Past the first migration, along one way that wraps around the end of the table.
            for round in 0..900 {
                model.insert(tags[round % 3]);
            }
            for number in (0..900).step_by(3) {
                model.remove(number);
            }
            model.check();
        }
    }

    #[test]
    fn a_large_table() {
        let (mut model, mut state) = (Model::new(), 4);
        let count = 1 << 20;
        for _ in 0..count {
            model.insert(random(&mut state));
        }
        model.check();
        assert!(model.most_migrated <= MIGRATED_AT_ONCE as usize);

        // One table for all, made at once.
        let mut table = Table::for_entries(count, count as Number).unwrap();
        for (number, tag) in (0..).zip(&model.tags) {
            assert!(table.has_room());
            table.insert(tag.unwrap(), number);
        }
        for (number, tag) in (0..).zip(&model.tags).step_by(7) {
            assert_eq!(table.find(tag.unwrap(), &mut |found| found == number), Some(number));
            table.remove(tag.unwrap(), number);
            assert_eq!(table.find(tag.unwrap(), &mut |found| found == number), None);
        }
        assert_eq!(table.taken, count);
    }

    #[test]
    fn more_entries_than_numbers_are_refused() {
        assert!(Table::for_entries(usize::MAX, 0).is_err());
        assert!(Table::for_entries(1 << 30, 0).is_err());
        assert!(Table::for_entries(0, Number::MAX).is_err());
        // What was there stays.
        let (mut index, tag) = (Index::new(), 5);
        index.reserve(0, 0, |_| None).unwrap();
        index.insert(tag, 0);
        index.current.taken = index.current.most_taken;
        assert!(index.reserve(usize::MAX - 1, 1, |_| Some(tag)).is_err());
        assert!(index.reserve(1, Number::MAX, |_| Some(tag)).is_err());
        assert_eq!(index.find(tag, |_| true), Some(0));
    }
}
