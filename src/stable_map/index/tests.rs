//! The index against a model: every entry is found, in any state of its growth, and no other.

use super::chunk::PLACES;
use super::*;
use crate::os::faults::alone;
use core::cell::Cell;
use std::string::ToString;
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
    /// The most entries that one insertion looked at, and how often the table grew.
    most_asked: usize,
    growths: usize,
}

impl Model {
    fn new() -> Self {
        Self::with(StableBlock::options())
    }

    fn with(memory: StableBlockOptions) -> Self {
        let (tags, holes) = (Vec::new(), Vec::new());
        Self { index: Index::new(memory), tags, holes, live: 0, most_asked: 0, growths: 0 }
    }

    fn insert(&mut self, tag: Tag) -> Number {
        let (asked, room) = (Cell::new(0), self.index.room());
        let tag_of = |number: Number| {
            asked.set(asked.get() + 1);
            self.tags[number as usize].unwrap()
        };
        self.index.reserve(tag_of).unwrap();
        self.most_asked = self.most_asked.max(asked.get());
        self.growths += usize::from(self.index.room() != room);
        let number = self.holes.pop().unwrap_or_else(|| {
            self.tags.push(None);
            self.tags.len() - 1
        });
        self.tags[number] = Some(tag);
        self.live += 1;
        self.index.insert(tag, self.index.home(tag), number as Number);
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
        find(&self.index, tag, |number| {
            let tag_of = self.tags[number as usize].expect("only entries that are there are asked about");
            (number == wanted && tag_of == tag).then_some(number)
        })
    }

    fn splits(&self) -> bool {
        self.index.is_splitting()
    }

    fn copy(&self) -> Index {
        self.index.copy(|number| self.tags[number as usize].unwrap()).unwrap()
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

fn find<R>(index: &Index, tag: Tag, look: impl Fn(Number) -> Option<R>) -> Option<R> {
    index.find(tag, index.home(tag), look)
}

fn random(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as u32
}

#[test]
fn nothing_is_in_an_empty_index() {
    let mut model = Model::new();
    assert_eq!(find(&model.index, 7, Some), None);
    let number = model.insert(7);
    model.remove(number);
    assert_eq!(find(&model.index, 7, Some), None);
    model.clear();
    assert_eq!(find(&model.index, 7, Some), None);
}

#[test]
fn no_search_misses_while_entries_move() {
    let (mut model, mut state) = (Model::new(), 1);
    let mut steps = 0;
    while model.live < 20_000 {
        model.insert(random(&mut state));
        if model.splits() {
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
    assert!(steps > 1000 && model.growths > 4, "{steps} {}", model.growths);
    assert!(model.most_asked < FEW, "{}", model.most_asked);
}

#[test]
fn a_number_that_is_given_anew_while_it_moves_has_its_new_tag_only() {
    for same_tag in [false, true] {
        let (mut model, mut state) = (Model::new(), 2);
        while !model.splits() {
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
        assert!(!model.splits());
    }
}

#[test]
fn an_insertion_looks_at_few_entries_whatever_comes_before() {
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
        let (mut newest, growths) = (None, model.growths);
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
        assert_eq!(model.growths, growths, "a constant size needs no larger table");
        model.check();
    }
    assert!(model.growths > 6, "{}", model.growths);
    assert!(model.most_asked < FEW, "{}", model.most_asked);
}

#[test]
fn equal_tags_and_tags_at_the_ends_are_told_apart_by_number() {
    const LAST: Tag = (1 << TAG_BITS) - 1;
    for tags in [[0, 0, 0], [LAST; 3], [0, LAST, LAST - 1], [1, 1 << 30, 1 << 22]] {
        let mut model = Model::new();
        // Past some growths.
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
        let room = model.index.room();
        model.check();
        while model.live < count {
            model.insert(random(&mut state));
        }
        assert_eq!(model.index.room(), room);
        model.check();
    }
}

#[test]
fn the_table_grows_where_it_is() {
    let (mut model, mut state) = (Model::new(), 5);
    model.insert(random(&mut state));
    let base = model.index.base;
    while model.live < 50_000 {
        model.insert(random(&mut state));
    }
    assert!(model.index.base == base && model.growths > 6, "{}", model.growths);
    model.check();
}

#[test]
fn a_table_whose_block_has_no_more_addresses_is_full_and_stays_as_it_is() {
    let mut state = 9;
    for bytes in [256 << 10, 320 << 10] {
        let mut model = Model::with(StableBlock::options().reservation(bytes));
        let room = MOST_TAKEN * (256 << 10) / size_of::<Chunk>() + AND_MORE;
        for live in 0..room {
            assert_eq!(model.index.reserved(), room, "{live}");
            model.insert(random(&mut state));
        }
        for more in [1, 10, room] {
            let tags = model.tags.clone();
            let tag = |number: Number| tags[number as usize].unwrap();
            let error = model.index.reserve_for(room + more, tag).unwrap_err();
            assert!(error.to_string().contains("more than is left of the reservation"), "{error}");
            assert!(model.index.reserve(tag).is_err());
            assert_eq!((model.index.room(), model.index.reserved()), (room, room));
            model.check();
        }
        // What leaves makes room.
        model.remove(77);
        model.insert(random(&mut state));
        model.check();
    }
}

/// The default reservation is the process's.
#[test]
fn a_table_that_got_few_addresses_moves_to_where_there_are_more() {
    alone("stable_map::index::tests::a_table_that_got_few_addresses_moves_to_where_there_are_more", || {
        crate::set_default_reservation(64 << 10);
        let (mut model, mut state) = (Model::new(), 16);
        model.insert(random(&mut state));
        let (base, few) = (model.index.base, model.index.memory.reserved_bytes());
        crate::set_default_reservation(0); // as if others had given theirs back
        while model.index.base == base {
            model.insert(random(&mut state));
        }
        assert_eq!(model.live, MOST_TAKEN * few / size_of::<Chunk>() + AND_MORE + 1);
        model.check();
        while model.live < few {
            model.insert(random(&mut state));
        }
        model.check();
    });
}

#[test]
fn memory_that_another_had_before_is_clean_where_chunks_come_to_lie() {
    // One block after the other has the same memory, up to 64 KiB of it.
    let (mut model, mut state) = (Model::new(), 10);
    for _ in 0..20 {
        leave_something_behind();
        model = Model::new();
        while model.live < 10_000 {
            model.insert(random(&mut state));
        }
        model.check();
    }
    // So few are wrong to begin with that what is checked above would be seen.
    assert!(model.index.unclean >= 4096, "{}", model.index.unclean);
}

#[test]
fn removed_entries_leave_nothing_behind_in_any_state_of_a_growth() {
    for alike in [1, 2, u32::MAX] {
        let mut state = 11;
        for count in [30, 37, 500, 517, 700, 1000, 1029, 1100, 3000] {
            let mut model = Model::new();
            while model.live < count {
                let tag = random(&mut state);
                model.insert(if model.live as u32 % alike == 0 { 77 << 16 | 63 } else { tag });
            }
            for number in (0..count).map(|number| (number * 7 + 3) % count) {
                if let Some(tag) = model.tags[number] {
                    model.remove(number as Number);
                    assert_eq!(model.find(tag, number as Number), None);
                }
            }
            for number in (0..count).filter(|&number| model.tags[number].is_some()).collect::<Vec<_>>() {
                model.remove(number as Number);
            }
            assert_eq!(model.index.taken, 0);
            for at in 0..model.index.count() {
                let chunk = model.index.chunks().at(at);
                assert_eq!((chunk.passed, chunk.controls), (0, [0; PLACES]), "{count} {at}");
            }
        }
    }
}

#[test]
fn entries_that_all_have_one_home_stay_within_the_part_of_the_table_where_they_belong() {
    for tag in [0, 5, 63, 64 + 5, (1 << TAG_BITS) - 1] {
        let mut model = Model::new();
        while model.live < 1200 {
            model.insert(tag);
            if !model.splits() {
                continue;
            }
            let (index, home) = (&model.index, model.index.chunks().home(tag));
            for at in (0..index.count()).filter(|at| at & !index.half != home & !index.half) {
                assert_eq!(index.chunks().at(at).controls, [0; PLACES], "{tag} {at}");
            }
        }
        model.check();
    }
}

#[test]
fn there_is_no_room_while_chunks_are_to_be_split() {
    let (mut model, mut state) = (Model::new(), 12);
    while model.live < 517 {
        model.insert(random(&mut state));
    }
    // From 64 chunks to 128: one for each insertion.
    for _ in 0..63 {
        assert!(model.splits() && model.index.ready() == 1);
        model.insert(random(&mut state));
    }
    assert!(!model.splits() && model.index.ready() > 1);
}

#[test]
fn what_found_no_place_at_home_comes_home_when_others_leave() {
    let mut model = Model::new();
    for _ in 0..12 {
        model.insert(4); // in a table of four chunks, where 0 is home
    }
    for _ in 12..36 {
        model.insert(0);
    }
    model.insert(3);
    let home = model.index.chunks().at(0);
    assert!(home.controls.iter().all(|&control| control != 0) && home.passed == 12);
    model.check();
}

#[test]
fn an_entry_leaves_by_its_own_tag() {
    // The same control, and homes next to each other; and an `Eq` that takes all for equal.
    let [tag, other]: [Tag; 2] = [9 << 23 | 5, 9 << 23 | 4];
    let mut model = Model::new();
    model.index.reserve_for(400, |_| 0).unwrap();
    (0..14).for_each(|number| model.index.insert(tag, model.index.home(tag), number));
    assert!(model.index.remove(other, |_| true, |_| tag).is_some());
    assert_eq!(model.index.chunks().at(5).passed, 1, "of two in the next chunk one is left");
}

#[test]
fn a_large_table_that_is_new_is_clean() {
    for entries in [500, 2048, 2049, 5000, 20_000] {
        leave_something_behind();
        let mut index = Index::new(StableBlock::options());
        index.reserve_for(entries, |_| 0).unwrap();
        for at in 0..index.count() {
            let chunk = index.chunks().at(at);
            assert_eq!((chunk.passed, chunk.controls), (0, [0; PLACES]), "{entries} {at}");
        }
    }
}

#[test]
fn a_copy_grows_where_it_is_clean() {
    let (mut model, mut state) = (Model::new(), 13);
    while model.live < 1000 {
        model.insert(random(&mut state));
    }
    leave_something_behind();
    model.index = model.copy();
    assert!(model.index.unclean > model.index.memory.len(), "{}", model.index.unclean);
    while model.live < 6000 {
        model.insert(random(&mut state));
    }
    model.check();
}

#[test]
fn without_entries_a_table_grows_at_once() {
    let mut index = Index::new(with_room_for(StableBlock::options(), 1_000_000));
    for entries in [1, 1000, 100_000, 1_000_000] {
        index.reserve_for(entries, |_| unreachable!("there are none")).unwrap();
        assert!(index.ready() > 1 && index.room() >= entries);
    }
}

#[test]
fn a_copy_of_few_entries_takes_no_more_memory_than_they_need() {
    let (mut model, mut state) = (Model::with(with_room_for(StableBlock::options(), 1_000_000)), 14);
    while model.live < 100 {
        model.insert(random(&mut state));
    }
    let tags = model.tags.clone();
    model.index.reserve_for(1_000_000, |number| tags[number as usize].unwrap()).unwrap();
    model.index = model.copy();
    assert_eq!(model.index.room(), 516);
    model.check();
}

#[test]
fn within_its_reservation_a_table_does_not_move() {
    for entries in [1000, 3000, 20_000, 100_000] {
        let (mut model, mut state) = (Model::with(with_room_for(StableBlock::options(), entries)), 15);
        model.insert(random(&mut state));
        let (base, reserved) = (model.index.base, model.index.memory.reserved_bytes());
        assert!(reserved <= (32 * entries).max(crate::os::page_bytes()), "{reserved}");
        while model.live < entries {
            model.insert(random(&mut state));
        }
        assert!(model.index.base == base, "{entries}");
    }
}

/// Freed memory that is not zero, which the next block finds.
fn leave_something_behind() {
    let mut block = StableBlock::options().zeroed(false).build();
    block.resize(64 << 10).unwrap();
    block.as_mut_slice().fill(0xFF);
}

#[test]
fn a_search_ends_where_every_chunk_was_passed() {
    let mut model = Model::new();
    model.insert(5);
    for at in 0..model.index.count() {
        model.index.chunk_mut(at).passed = 1;
    }
    assert_eq!(model.find(5, 7), None);
    assert_eq!(model.index.remove(5, |number| number == 7, |_| 5), None);
}

#[test]
fn homes_are_as_even_as_by_chance_whichever_bits_of_the_hashes_differ() {
    const HOMES: usize = 1024;
    // As of hashers that do little: numbers in a row, or their multiples.
    for shift in 0..=u64::BITS - 13 {
        let mut homes = [0; HOMES];
        for number in 0..8 * HOMES as u64 {
            homes[tag_of(number << shift) as usize % HOMES] += 1;
        }
        let most = homes.iter().max().unwrap();
        assert!(*most < 24, "{shift}: {most}"); // at random, one time in five hundred some home has more
    }
}

#[test]
fn an_index_that_was_cleared_finds_nothing_and_has_the_room_that_it_had() {
    let (mut model, mut state) = (Model::new(), 6);
    for _ in 0..3 {
        while model.live < 5000 || !model.splits() {
            model.insert(random(&mut state)); // while it grows
        }
        let (room, splits) = (model.index.room(), model.splits());
        let tags = model.clear();
        assert!(tags.iter().all(|tag| model.find(tag.unwrap(), 0).is_none()));
        assert_eq!((model.index.room(), splits, model.splits()), (room, true, false));
    }
    // Few, with a hole between them: taken out one by one, and nothing is left in the table.
    for count in [1, 2, 50, 90, 150] {
        while model.live < count {
            model.insert((random(&mut state) % 3) << 20);
        }
        model.remove(count as Number / 2);
        let tags = model.clear();
        assert!(tags.iter().flatten().all(|&tag| find(&model.index, tag, Some).is_none()));
        assert_eq!(model.index.taken, 0);
    }
    model.check();
}

#[test]
fn a_table_that_is_too_large_is_left_for_a_smaller_one() {
    let (mut model, mut state) = (Model::new(), 7);
    while !(model.splits() && model.live > 20_000) {
        model.insert(random(&mut state));
    }
    for left in [20_000, 6000, 5000, 100, 0] {
        for number in
            (left..model.tags.len()).filter(|&number| model.tags[number].is_some()).collect::<Vec<_>>()
        {
            model.remove(number as Number);
        }
        let tags = &model.tags;
        model.index.shrink_to(left, |number| tags[number as usize].unwrap());
        model.check();
        assert!(!model.splits());
        let room = model.index.room();
        assert!(left <= room && room < (2 * left).max(517) && (room > 0) == (left > 0), "{left}: {room}");
    }
}

#[test]
fn a_copy_has_all_entries_in_any_state_of_a_growth_and_is_one_of_its_own() {
    let (mut model, mut state) = (Model::new(), 8);
    for count in [0, 5, 516, 530, 600, 1030, 1300, 20_000] {
        while model.live < count {
            model.insert(random(&mut state));
        }
        // Also when no chunk was split yet.
        if count % 100 == 0 {
            let (tags, room) = (&model.tags, 2 * model.index.room());
            model.index.reserve_for(room, |number| tags[number as usize].unwrap()).unwrap();
        }
        let copy = model.copy();
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
    index.insert(5, index.home(5), 0);
    assert!(index.reserve_for(usize::MAX, |_| 5).is_err());
    assert_eq!(find(&index, 5, Some), Some(0));
}
