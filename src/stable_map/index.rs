//! Finds entries by hash: a table of their numbers, and another one while it grows.
//!
//! The entries live elsewhere, by number, and know their tags. When the table is full one twice as large is made, and
//! every insertion brings over the entries of one chunk: no insertion has to wait for all of them, and none of the
//! caller's code runs. Those with the lowest tags come first, so that a tag says by itself in which table its entry is:
//!
//! ```text
//!  tags:   0 ............ left .......... NONE_LEFT
//!          |  in `current`  |  in `old`  |
//! ```
//!
//! The memory of the old table, too, goes back in small parts.

pub(crate) use super::table::{MOST_ENTRIES, TAG_BITS, Tag, tag_of};

use super::table::Table;
use crate::ReserveError;
use crate::bump::seldom;
use crate::stable::StableBlockOptions;

/// The number of an entry.
pub(crate) type Number = u32;

/// Bytes of an old table that one insertion gives back.
const GIVEN_BACK_AT_ONCE: usize = 128 << 10;

pub(crate) struct Index {
    current: Table,
    /// The table before, until all of its memory went back. It has the entries whose tags are not below `left`.
    old: Option<Table>,
    left: Tag,
}

/// Greater than any tag.
const NONE_LEFT: Tag = 1 << TAG_BITS;

impl Index {
    /// Without entries; its tables get memory with these options.
    pub(crate) const fn new(memory: StableBlockOptions) -> Self {
        Self { current: Table::empty(memory), old: None, left: NONE_LEFT }
    }

    /// As [`new`](Self::new), instead of this one.
    const fn emptied(&self) -> Self {
        Self { current: self.current.emptied(), old: None, left: NONE_LEFT }
    }

    /// What `look` makes of the first entry with this tag that it makes something of. It is shown only entries that are
    /// there, though some have another tag.
    #[inline(always)]
    pub(crate) fn find<R>(&self, tag: Tag, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        let current = self.current.chunks();
        if tag < self.left { current.find(tag, look) } else { self.find_in_old(tag, look) }
    }

    /// Cold: a copy of its own, so that a loop of searches in the other table has nothing to reload.
    #[cold]
    #[inline(always)]
    fn find_in_old<R>(&self, tag: Tag, look: impl Fn(Number) -> Option<R>) -> Option<R> {
        self.old.as_ref()?.chunks().find(tag, look)
    }

    /// How many entries it has room for.
    pub(crate) fn room(&self) -> usize {
        self.current.room()
    }

    /// Whether one entry more can be entered without [`reserve`](Self::reserve): there is room, and nothing to be brought over.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.old.is_none() && self.current.has_room()
    }

    /// Makes room for one entry more. `tag` knows the tag of each that is there.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory; nothing has changed then.
    pub(crate) fn reserve(&mut self, tag: impl Fn(Number) -> Tag) -> Result<(), ReserveError> {
        if !self.current.has_room() {
            self.reserve_for(self.current.room() + 1, &tag)?;
        }
        self.migrate(tag);
        Ok(())
    }

    /// Makes room for so many entries in all. If the table grows for the second time at short notice, this brings over
    /// all entries that are left.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub(crate) fn reserve_for(
        &mut self,
        entries: usize,
        tag: impl Fn(Number) -> Tag,
    ) -> Result<(), ReserveError> {
        if entries > self.current.room() {
            let table = self.current.with_room(entries)?;
            // Growth by one entry at a time finds nothing left: it was all brought over long before.
            while self.has_left() {
                self.migrate(&tag);
            }
            let before = core::mem::replace(&mut self.current, table);
            (self.old, self.left) = if before.room() > 0 { (Some(before), 0) } else { (None, NONE_LEFT) };
        }
        Ok(())
    }

    /// Brings over the entries of a chunk of the old table, or gives back a part of it if none are left.
    fn migrate(&mut self, tag: impl Fn(Number) -> Tag) {
        let has_left = self.has_left();
        let Some(old) = &mut self.old else { return };
        if has_left {
            old.migrate(old.chunks().first(self.left), &mut self.current, tag);
            self.left += old.chunks().tags_each();
        } else if old.give_back(GIVEN_BACK_AT_ONCE) {
            self.old = None;
        }
    }

    /// Whether there may be entries in the old table.
    fn has_left(&self) -> bool {
        self.left < NONE_LEFT
    }

    /// Enters an entry, for which room was made.
    #[inline]
    pub(crate) fn insert(&mut self, tag: Tag, number: Number) {
        self.table_of(tag).insert(tag, number);
    }

    /// Takes out the first entry with this tag that is `wanted`; its number. `own` knows its own tag: see [`Table::remove`].
    #[inline]
    pub(crate) fn remove(
        &mut self,
        tag: Tag,
        wanted: impl Fn(Number) -> bool,
        own: impl FnOnce(Number) -> Tag,
    ) -> Option<Number> {
        self.table_of(tag).remove(tag, wanted, own)
    }

    /// The table that entries with this tag belong to. If that is the old one it has room: with each insertion the
    /// entries of a chunk leave it.
    #[inline]
    fn table_of(&mut self, tag: Tag) -> &mut Table {
        if tag < self.left {
            return &mut self.current;
        }
        seldom();
        self.old.as_mut().unwrap_or(&mut self.current)
    }

    /// The same entries in tables of its own; without entries, no table.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory.
    pub(crate) fn copy(&self) -> Result<Self, ReserveError> {
        if self.current.is_empty() && !self.has_left() {
            return Ok(self.emptied());
        }
        let old = self.old.as_ref().filter(|_| self.has_left()).map(Table::copy).transpose()?;
        Ok(Self { current: self.current.copy()?, old, left: self.left })
    }

    /// Takes out all entries. The memory of the table stays. `all` are their tags and numbers, and holes.
    pub(crate) fn clear(&mut self, all: impl ExactSizeIterator<Item = (Option<Tag>, Number)>) {
        // To take out one takes as long as to clear some chunks.
        if self.old.is_none() && all.len() < self.current.chunks().count() / 8 {
            for (tag, number) in all {
                if let Some(tag) = tag {
                    self.current.remove(tag, |other| other == number, |_| tag);
                }
            }
        } else {
            (self.old, self.left) = (None, NONE_LEFT);
            self.current.clear();
        }
    }

    /// Gives back what so many entries do not need; there are no more. If there is no memory to do so, all stays.
    pub(crate) fn shrink_to(&mut self, entries: usize, tag: impl Fn(Number) -> Tag) {
        while self.old.is_some() {
            self.migrate(&tag);
        }
        if entries == 0 {
            *self = self.emptied();
        } else if let Some(Ok(mut table)) = self.current.smaller(entries) {
            for first in 0..self.current.chunks().count() {
                self.current.migrate(first, &mut table, &tag);
            }
            self.current = table;
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
    use crate::StableBlock;
    use core::cell::Cell;
    use std::vec::Vec;

    /// Entries that one insertion looks at: those of a chunk, and of the full ones behind it, of which there are not
    /// many in a row.
    const FEW: usize = 400;

    /// An index with its entries, as `StableMap` keeps them.
    struct Model {
        index: Index,
        /// By number; `None` is a hole.
        tags: Vec<Option<Tag>>,
        holes: Vec<usize>,
        live: usize,
        /// The most entries that one insertion looked at, and how many tables were made.
        most_migrated: usize,
        tables: usize,
    }

    impl Model {
        fn new() -> Self {
            let (tags, holes) = (Vec::new(), Vec::new());
            Self {
                index: Index::new(StableBlock::options()),
                tags,
                holes,
                live: 0,
                most_migrated: 0,
                tables: 0,
            }
        }

        fn insert(&mut self, tag: Tag) -> Number {
            let (asked, room) = (Cell::new(0), self.index.current.room());
            let tag_of = |number: Number| {
                asked.set(asked.get() + 1);
                self.tags[number as usize].unwrap()
            };
            self.index.reserve(tag_of).unwrap();
            self.most_migrated = self.most_migrated.max(asked.get());
            self.tables += usize::from(self.index.current.room() != room);
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
            self.index.remove(tag, |other| other == number, |_| tag).unwrap();
        }

        /// Returns the tags that there were.
        fn clear(&mut self) -> Vec<Option<Tag>> {
            let tags = core::mem::take(&mut self.tags);
            (self.live, self.holes) = (0, Vec::new());
            self.index.clear((0..tags.len() as Number).map(|number| (tags[number as usize], number)));
            tags
        }

        /// As a map asks: about entries that are there.
        fn find(&self, tag: Tag, wanted: Number) -> Option<Number> {
            self.index.find(tag, |number| {
                let tag_of = self.tags[number as usize].expect("only entries that are there are asked about");
                (number == wanted && tag_of == tag).then_some(number)
            })
        }

        fn migrates(&self) -> bool {
            self.index.has_left()
        }

        /// Every entry is found and no other is.
        fn check(&self) {
            let mut live = 0;
            for (number, tag) in (0..).zip(&self.tags) {
                if let Some(tag) = *tag {
                    assert_eq!(self.find(tag, number), Some(number));
                    assert_eq!(self.find(tag ^ 0x5555_5555, number), None);
                    live += 1;
                }
            }
            assert_eq!(live, self.live);
        }
    }

    fn random(state: &mut u64) -> u32 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as u32
    }

    #[test]
    fn nothing_is_in_an_empty_index() {
        let mut model = Model::new();
        assert_eq!(model.index.find(7, Some), None);
        let number = model.insert(7);
        model.remove(number);
        assert_eq!(model.index.find(7, Some), None);
        model.clear();
        assert_eq!(model.index.find(7, Some), None);
    }

    #[test]
    fn no_search_misses_while_entries_migrate() {
        let (mut model, mut state) = (Model::new(), 1);
        let mut steps = 0;
        while model.live < 20_000 {
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
                if steps % 64 == 0 {
                    model.check();
                }
            }
        }
        model.check();
        assert!(steps > 1000 && model.tables > 4, "{steps} {}", model.tables);
        assert!(model.most_migrated < FEW, "{}", model.most_migrated);
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
        // Growth, a constant size, few left of many, and growth again.
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
            let (mut newest, tables) = (None, model.tables);
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
            assert_eq!(model.tables, tables, "a constant size needs no other table");
            model.check();
        }
        assert!(model.tables > 6, "{}", model.tables);
        assert!(model.most_migrated < FEW, "{}", model.most_migrated);
    }

    #[test]
    fn equal_tags_and_tags_at_the_ends_are_told_apart_by_number() {
        const LAST: Tag = (1 << TAG_BITS) - 1;
        for tags in [[0, 0, 0], [LAST; 3], [0, LAST, LAST - 1], [1, 1 << 30, 1 << 22]] {
            let mut model = Model::new();
            // Past the first migration.
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
    fn room_made_ahead_needs_no_table_later() {
        let (mut model, mut state) = (Model::new(), 4);
        for count in [700, 100_000] {
            for _ in 0..50 {
                model.insert(random(&mut state));
            }
            let tags = model.tags.clone();
            model.index.reserve_for(count, |number| tags[number as usize].unwrap()).unwrap();
            let room = model.index.current.room();
            model.check();
            while model.live < count {
                model.insert(random(&mut state));
            }
            assert_eq!(model.index.current.room(), room);
            model.check();
        }
    }

    #[test]
    fn the_memory_of_an_old_table_goes_back_in_parts() {
        let (mut model, mut state) = (Model::new(), 5);
        while model.index.current.room() < 100_000 || model.migrates() {
            model.insert(random(&mut state));
        }
        let mut insertions = 0;
        while model.index.old.is_some() {
            model.insert(random(&mut state));
            insertions += 1;
        }
        assert!((3..20).contains(&insertions), "{insertions}");
        model.check();
    }

    #[test]
    fn an_index_that_was_cleared_finds_nothing_and_has_the_room_that_it_had() {
        let (mut model, mut state) = (Model::new(), 6);
        for _ in 0..3 {
            while model.live < 7000 {
                model.insert(random(&mut state)); // a part of them is in the table before
            }
            let room = model.index.room();
            let tags = model.clear();
            assert!(tags.iter().all(|tag| model.find(tag.unwrap(), 0).is_none()));
            assert_eq!(model.index.room(), room);
        }
        // Few, with a hole between them: taken out one by one, and nothing is left in the table.
        for count in [1, 2, 50, 90, 150] {
            while model.live < count {
                model.insert((random(&mut state) % 3) << 20);
            }
            model.remove(count as Number / 2);
            let tags = model.clear();
            assert!(tags.iter().flatten().all(|&tag| model.index.find(tag, Some).is_none()));
            assert!(model.index.current.is_empty());
        }
        model.check();
    }

    #[test]
    fn a_table_that_is_too_large_is_left_for_a_smaller_one() {
        let (mut model, mut state) = (Model::new(), 7);
        while !(model.migrates() && model.live > 20_000) {
            model.insert(random(&mut state));
        }
        for left in [20_000, 6000, 5000, 100, 0] {
            while model.live > left {
                let number = model.tags.iter().rposition(Option::is_some).unwrap();
                model.remove(number as Number);
            }
            let tags = &model.tags;
            model.index.shrink_to(left, |number| tags[number as usize].unwrap());
            model.check();
            assert!(model.index.old.is_none());
            let room = model.index.room();
            assert!(left <= room && room < (2 * left).max(577) && (room > 0) == (left > 0), "{left}: {room}");
        }
    }

    #[test]
    fn a_copy_has_the_entries_of_both_tables_and_is_one_of_its_own() {
        let (mut model, mut state) = (Model::new(), 8);
        for count in [0, 5, 575, 600, 700, 1300, 20_000] {
            while model.live < count {
                model.insert(random(&mut state));
            }
            // Also when all of them are in the table before, and the one that they are to come to has none yet.
            if count % 100 == 0 {
                let (tags, room) = (&model.tags, 2 * model.index.room());
                model.index.reserve_for(room, |number| tags[number as usize].unwrap()).unwrap();
            }
            let copy = model.index.copy().unwrap();
            let mut original = core::mem::replace(&mut model.index, copy);
            original.clear((0..count as Number).map(|number| (model.tags[number as usize], number)));
            model.check();
            // It goes on growing by itself.
            for _ in 0..50 {
                model.insert(random(&mut state));
            }
            model.check();
        }
    }

    #[test]
    fn what_there_is_no_memory_for_leaves_the_index_as_it_was() {
        let mut index = Index::new(StableBlock::options());
        index.reserve(|_| 0).unwrap();
        index.insert(5, 0);
        assert!(index.reserve_for(usize::MAX, |_| 5).is_err());
        assert_eq!(index.find(5, Some), Some(0));
    }
}
